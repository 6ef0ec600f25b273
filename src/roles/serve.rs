//! `yijiao serve`: the API and the background loops, together or split over processes.

use std::error::Error;
use std::net::TcpListener;
use std::sync::Arc;

use actix_web::http::header::AUTHORIZATION;

use crate::app::App;
use crate::platform::clock::Clock;
use crate::platform::config::Config;
use crate::platform::db::{DbError, Line, Patience};
use crate::platform::http::caller::{CallerAccount, WhoCalls};
use crate::platform::stop::Stop;
use crate::platform::telemetry;
use crate::router;
use crate::server::{self, Face};
use crate::worker::Loops;

#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Only one half: `api` answers requests, `work` runs the loops (and still answers /healthz, /readyz and /metrics).
    #[arg(long)]
    only: Option<Half>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Half {
    Api,
    Work,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Box<dyn Error>> {
        let config = Config::load()?;
        config.require_secrets()?;
        config.require_sense()?;
        telemetry::log(&config.log)?;
        let place = (config.http.host.clone(), config.http.port);
        let app = App::new(config, Clock::System)?;
        warn_of_exposure(&app)?;
        let stop = Stop::on_signals()?;
        let listener = TcpListener::bind(&place)
            .map_err(|error| format!("cannot listen on {}:{}: {error}", place.0, place.1))?;
        println!("listening on http://{}", listener.local_addr()?);
        let loops = Loops::new(&app);
        let (half, wish) = (self.only, stop.clone());
        let background = tokio::spawn(async move {
            match half {
                Some(Half::Api) => loops.hand_on(wish).await,
                Some(Half::Work) | None => Box::pin(loops.run(wish)).await,
            }
        });
        let routes = if half == Some(Half::Work) { router::operations } else { router::configure };
        let who = recognise(&app);
        let served = server::serve(app, listener, Face { routes, who: Some(who) }, stop.clone()).await;
        stop.request();
        background.await?;
        served?;
        Ok(())
    }
}

/// Says once what can be read, or forged, on the way to the stores.
fn warn_of_exposure(app: &App) -> Result<(), DbError> {
    let database = &app.config.database;
    if let Some(how) = Line::read(&database.url, Patience::of(database)).map_err(DbError::from)?.warning() {
        tracing::warn!("the connection to Postgres {how}; database.url takes ?sslmode=verify-full");
    }
    if app.redis.is_exposed() {
        tracing::warn!("the connection to Redis is not encrypted; redis.url takes rediss://");
    }
    Ok(())
}

/// The account behind a token that was verified here a moment ago, for the rate limit; an unknown one counts by its address.
fn recognise(app: &App) -> WhoCalls {
    let (keys, clock) = (app.keys.clone(), app.clock.clone());
    Arc::new(move |request| {
        let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
        let (_, token) = header.split_once(' ')?;
        keys.recognised(token.trim(), clock.now()).map(|caller| CallerAccount(caller.account.0))
    })
}
