//! What the people who run the service look at, and how the server starts.

use std::net::TcpListener;

use diesel_async::SimpleAsyncConnection as _;
use reqwest::StatusCode;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::net::TcpStream;
use yijiao::app::App;
use yijiao::platform::clock::Clock;
use yijiao::platform::http::openapi;
use yijiao::platform::stop::Stop;
use yijiao::router;
use yijiao::server::{Face, ServeError, serve};

use super::{Server, header, problem, routes, settings};
use crate::kit_db::TestDb;

#[tokio::test(flavor = "multi_thread")]
async fn without_postgres_the_process_lives_but_is_not_ready() {
    let server = Server::start(|_| {});
    assert_eq!(server.get("/healthz").send().await.unwrap().text().await.unwrap(), "ok\n");
    let (status, code, body) = problem(server.get("/readyz")).await;
    assert_eq!((status, code.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert_eq!(body["readiness"]["postgres"], "away");
    assert_eq!(body["readiness"]["redis"], "away");
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_means_postgres_with_our_schema_and_does_not_mean_redis() {
    let db = TestDb::create();
    let server = Server::start(|config| config.database.url = db.url());
    let ready = server.get("/readyz").send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK);
    let ready: Value = ready.json().await.unwrap();
    assert_eq!((&ready["postgres"], &ready["redis"]), (&"ok".into(), &"away".into()));
    db.owner()
        .await
        .batch_execute("delete from __diesel_schema_migrations where version = (select max(version) from __diesel_schema_migrations)")
        .await
        .unwrap();
    let (_, _, body) = problem(server.get("/readyz")).await;
    assert_eq!(body["readiness"]["postgres"], "other_schema");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_by_pattern_and_never_by_path() {
    let server = Server::start(|_| {});
    for path in [
        "/api/test/things/0192aaaa-0000-7000-8000-000000000001?secret=1",
        "/nobody/asked",
        "/api/test/panics",
    ] {
        server.get(path).send().await.unwrap();
    }
    let response = server.get("/metrics").send().await.unwrap();
    assert!(header(&response, "content-type").starts_with("text/plain"));
    let text = response.text().await.unwrap();
    for line in [
        r#"http_requests_total{method="GET",route="/api/test/things/{id}",status="200"}"#,
        r#"http_requests_total{method="GET",route="/api/test/panics",status="500"}"#,
        r#"http_requests_total{method="GET",route="unmatched",status="404"}"#,
        r#"http_request_duration_seconds_bucket{method="GET",route="/api/test/things/{id}",status="2xx",le="0.001"}"#,
        r#"db_pool_connections{state="limit"}"#,
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("0192aaaa") && !text.contains("nobody") && !text.contains("secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_served_as_it_is_printed_and_can_be_browsed() {
    let server = Server::start(|_| {});
    let served = server.get("/openapi.json").send().await.unwrap();
    assert_eq!(header(&served, "content-type"), "application/json");
    let served = served.text().await.unwrap();
    assert_eq!(served, openapi::print(&openapi::document(routes::configure)).unwrap());
    let document: Value = serde_json::from_str(&served).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    let operation = &document["paths"]["/api/test/things/{id}"]["get"];
    assert_eq!(operation["responses"]["default"]["$ref"], "#/components/responses/Problem");
    let body = &document["paths"]["/api/test/echo"]["post"]["requestBody"];
    assert_eq!(body["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/Words");

    assert_eq!(header(&server.get("/docs").send().await.unwrap(), "location"), "/docs/");
    for file in ["", "swagger-ui-bundle.js", "swagger-ui.css", "swagger-initializer.js"] {
        let answer = server.get(&format!("/docs/{file}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{file}");
        let text = answer.text().await.unwrap();
        assert!(file.contains("bundle") || !text.contains("https://unpkg.com"), "{file}");
    }
    assert_eq!(problem(server.get("/docs/nothing.js")).await.1, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_secrets_does_not_start() {
    let mut config = settings();
    config.secrets.master_key = "short".into();
    let app = App::new(config, Clock::System).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let face = Face { routes: router::configure, who: None };
    let refused = serve(app, listener, face, Stop::default()).await.unwrap_err();
    assert!(matches!(&refused, ServeError::Settings(_)) && refused.to_string().contains("master_key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_without_postgres_lets_nobody_in_and_is_ready_when_postgres_is_back() {
    let db = TestDb::create();
    // The address at which Postgres will be, and is not yet.
    let future = TcpListener::bind("127.0.0.1:0").unwrap();
    let (place, real) = (future.local_addr().unwrap(), url::Url::parse(db.url().expose_secret()).unwrap());
    drop(future);
    let mut url = real.clone();
    url.set_port(Some(place.port())).unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    let mut config = settings();
    config.database.url = url.as_str().into();
    let app = App::new(config, Clock::System).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let stop = Stop::default();
    let face = Face { routes: routes::configure, who: None };
    let running = tokio::spawn(serve(app, listener, face, stop.clone()));

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let get = |path: &str| client.get(format!("http://{at}{path}")).send();
    let shut = get("/api/test/list").await.unwrap();
    assert_eq!(shut.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&shut, "retry-after"), "2");
    assert_eq!(get("/healthz").await.unwrap().status(), StatusCode::OK);

    let door = tokio::net::TcpListener::bind(place).await.unwrap();
    let behind = format!("{}:{}", real.host_str().unwrap(), real.port().unwrap_or(5432));
    tokio::spawn(async move {
        while let Ok((mut near, _)) = door.accept().await {
            let behind = behind.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    let ready = async { while get("/readyz").await.unwrap().status() != StatusCode::OK {} };
    tokio::time::timeout(std::time::Duration::from_secs(30), ready).await.unwrap();
    assert_eq!(get("/api/test/list").await.unwrap().status(), StatusCode::OK);
    stop.request();
    running.await.unwrap().unwrap();
}
