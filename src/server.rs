//! The HTTP server: what surrounds the routes, how it starts and how it stops.

use std::net::TcpListener;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::dev::Server;
use actix_web::http::header::{ETAG, LOCATION, RETRY_AFTER};
use actix_web::middleware::{Condition, from_fn};
use actix_web::{HttpServer, web};
use utoipa_actix_web::AppExt as _;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::App;
use crate::platform::config::{ConfigError, Http};
use crate::platform::db::DbError;
use crate::platform::http::admission::{Admission, Gate, admit};
use crate::platform::http::body::BodyLimits;
use crate::platform::http::caller::{TrustedProxies, WhoCalls};
use crate::platform::http::docs::Document;
use crate::platform::http::headers::REQUEST_ID;
use crate::platform::http::observe::{Surroundings, observe};
use crate::platform::http::operation::{Operation, Pools};
use crate::platform::http::rate_limit::Limiter;
use crate::platform::http::routes::Routes;
use crate::platform::http::{openapi, routes};
use crate::platform::stop::Stop;
use crate::platform::telemetry;

/// How long requests in hand may take to end after the wish to stop.
const FAREWELL: Duration = Duration::from_secs(15);
/// How long an idle connection is kept; longer than the usual proxy keeps its own, so that the proxy closes first.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client that is still sending may read the answer before the connection is closed.
const LINGER: Duration = Duration::from_secs(2);
/// How often more than anybody else an address may call that speaks for a chat platform, and so for everybody who uses it.
const PLATFORMS: u32 = 10;
/// How often Postgres is looked for while it is away at the start.
const RETRY: Duration = Duration::from_secs(1);
/// Longest wait for Postgres at the start before serving without being ready.
const START: Duration = Duration::from_secs(3);

/// What this server answers, and how it recognises its callers.
#[derive(Clone)]
pub struct Face {
    /// [`crate::router::configure`], or a part of it.
    pub routes: fn(&mut ServiceConfig),
    /// Tells the account from a token for the rate limit; by address alone when `None`.
    pub who: Option<WhoCalls>,
}

/// Why the server does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error("refusing to serve: {0}")]
    Database(#[from] DbError),
    #[error("the server failed: {0}")]
    Io(#[from] std::io::Error),
    #[error("metrics: {0}")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
    #[error("the API description cannot be printed: {0}")]
    Description(#[from] serde_json::Error),
}

/// Serves until told to stop, then lets requests in hand end. Refuses to start without secrets, or as a role that would see all
/// counties; starts without being ready while Postgres is away, and lets nobody in before it has shown its role.
pub async fn serve(app: App, listener: TcpListener, face: Face, stop: Stop) -> Result<(), ServeError> {
    app.config.require_secrets()?;
    let gate = Gate::default();
    if let Ok(proof) = tokio::time::timeout(START, prove_isolation(&app, &gate)).await {
        proof?;
    }
    let server = build(&app, listener, face, &gate, &stop)?;
    let upkeep = tokio::spawn(telemetry::upkeep(telemetry::metrics()?, stop.clone()));
    let proof = tokio::spawn(keep_proving(app, gate, stop.clone()));
    let served = server.await;
    stop.request();
    // Both end on the wish to stop; neither panics.
    let (_, proof) = tokio::join!(upkeep, proof);
    served?;
    proof.unwrap_or(Ok(())).map_err(ServeError::from)
}

/// Opens the gate once Postgres has shown that counties are kept apart. Postgres being away is no error here.
async fn prove_isolation(app: &App, gate: &Gate) -> Result<(), DbError> {
    match app.db.require_isolation().await {
        Ok(()) => gate.open(),
        Err(DbError::Unavailable(cause)) => tracing::warn!(%cause, "Postgres away; not ready"),
        Err(refusal) => return Err(refusal),
    }
    Ok(())
}

async fn keep_proving(app: App, gate: Gate, stop: Stop) -> Result<(), DbError> {
    while !gate.is_open() {
        tokio::select! {
            () = stop.requested() => return Ok(()),
            () = tokio::time::sleep(RETRY) => {}
        }
        if let Err(refusal) = prove_isolation(&app, &gate).await {
            stop.request();
            return Err(refusal);
        }
    }
    Ok(())
}

/// The server alone, with whatever surrounds a route; `gate` lets callers in.
pub fn build(
    app: &App,
    listener: TcpListener,
    face: Face,
    gate: &Gate,
    stop: &Stop,
) -> Result<Server, ServeError> {
    let settings = &app.config.http;
    let description = openapi::document(face.routes);
    let routes = web::Data::new(Routes::of(&description));
    let document = web::Data::new(Document(openapi::print(&description)?.into()));
    let surroundings =
        Surroundings { routes: routes.clone(), https: settings.public_url.starts_with("https:") };
    let patience = Duration::from_secs(settings.request_timeout_seconds);
    let limits = BodyLimits { bytes: settings.body_limit, patience };
    let limiter = |times: u32| {
        let (rate, burst) = (settings.rate_per_second, settings.rate_burst);
        let (rate, burst) = (rate.saturating_mul(times), burst.saturating_mul(times));
        Limiter::new(app.redis.clone(), app.clock.clone(), rate, burst)
    };
    let admission = Admission {
        gate: gate.clone(),
        limiter: limiter(1),
        platforms: limiter(PLATFORMS),
        who: face.who,
        proxies: TrustedProxies::read(&settings.trusted_proxies)?,
    };
    let origins = origins(settings)?;
    let (pools, metrics) = (Pools::default(), telemetry::metrics()?);
    let (app, gate, wish) = (app.clone(), gate.clone(), stop.clone());
    let workers = match settings.workers {
        0 => std::thread::available_parallelism()?.get(),
        count => count,
    };
    let server = HttpServer::new(move || {
        let app = app.for_worker().unwrap_or_else(|error| {
            tracing::error!(%error, "a worker shares connections");
            app.clone()
        });
        pools.add(app.db.clone());
        let operation = Operation {
            db: app.db.clone(),
            redis: app.redis.clone(),
            gate: gate.clone(),
            pools: pools.clone(),
            metrics,
        };
        let own =
            |limiter: &Option<Limiter>| limiter.as_ref().map(|limiter| limiter.with_redis(app.redis.clone()));
        let (limiter, platforms) = (own(&admission.limiter), own(&admission.platforms));
        // The last layer named is the first that a request meets.
        actix_web::App::new()
            .app_data(limits)
            .app_data(surroundings.clone())
            .app_data(Admission { limiter, platforms, ..admission.clone() })
            .app_data(routes.clone())
            .app_data(document.clone())
            .app_data(web::Data::new(operation))
            .app_data(web::Data::new(app))
            .into_utoipa_app()
            .configure(|config| (face.routes)(config))
            .into_app()
            .default_service(web::to(routes::unmatched))
            .wrap(from_fn(admit))
            .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
            .wrap(from_fn(observe))
    });
    let server = server
        .workers(workers)
        .keep_alive(KEEP_ALIVE)
        .tcp_nodelay(true)
        .client_request_timeout(patience)
        .client_disconnect_timeout(LINGER)
        .shutdown_timeout(FAREWELL.as_secs())
        .shutdown_signal(async move { wish.requested().await })
        .listen(listener)?;
    Ok(server.run())
}

fn origins(settings: &Http) -> Result<Vec<String>, ConfigError> {
    let exact = |origin: &&String| {
        url::Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == origin.as_str())
    };
    if settings.cors_origins.iter().all(|origin| exact(&origin)) {
        return Ok(settings.cors_origins.clone());
    }
    Err(ConfigError::Value {
        key: "http.cors_origins",
        why: "takes origins such as https://yijiao.example.gov.cn, without a path",
    })
}

fn cors(origins: &[String]) -> Cors {
    origins
        .iter()
        .fold(Cors::default(), |cors, origin| cors.allowed_origin(origin))
        .allow_any_method()
        .allow_any_header()
        .expose_headers([ETAG, LOCATION, RETRY_AFTER, REQUEST_ID])
        .max_age(3600)
}
