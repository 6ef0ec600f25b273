//! Law 6 on the wire: a running server asks for a token before it looks at anything else.

use std::net::{SocketAddr, TcpListener};

use actix_web::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use futures_util::future::join_all;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use yijiao::app::App;
use yijiao::platform::clock::Clock;
use yijiao::platform::config::Config;
use yijiao::platform::http::admission::Gate;
use yijiao::platform::stop::Stop;
use yijiao::router;
use yijiao::server::{Face, build};

use crate::kit_db::TestDb;
use crate::openapi::{Described, described};

/// The whole application on an empty database.
struct Server {
    at: SocketAddr,
    client: Client,
    stop: Stop,
    // Dropped last: the server is connected to it.
    _store: TestDb,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.request();
    }
}

fn start() -> Server {
    let store = TestDb::create();
    let mut config = Config::defaults().unwrap();
    config.database.url = store.url();
    config.redis.url = "redis://127.0.0.1:1/0".into();
    config.secrets.master_key = "thirty-two characters of a secret".into();
    config.http.workers = 1;
    config.http.rate_per_second = 0;
    let clock = Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
    let app = App::new(config, clock).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let (gate, stop) = (Gate::default(), Stop::default());
    gate.open();
    let server = build(&app, listener, Face { routes: router::configure, who: None }, &gate, &stop).unwrap();
    tokio::spawn(server);
    let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    Server { at, client, stop, _store: store }
}

impl Server {
    /// The operation with something plausible in its path, and a body that no verb understands.
    fn call(&self, operation: &Described) -> RequestBuilder {
        let mut path = operation.path.clone();
        while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
            let junk = match &path[from + 1..to] {
                "id" => "01920000-0000-7000-8000-000000000000",
                "name" => "accept",
                _ => "junk",
            };
            path.replace_range(from..=to, junk);
        }
        let method: Method = operation.method.parse().unwrap();
        let request = self.client.request(method, format!("http://{}{path}", self.at));
        if operation.method == "GET" {
            request
        } else {
            request.header("content-type", "application/json").body("{\"nonsense\": ")
        }
    }
}

/// Status and, when it is a problem, its code.
async fn answer(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let is_problem =
        response.headers().get("content-type").is_some_and(|kind| kind == "application/problem+json");
    let body: Value = if is_problem { response.json().await.unwrap() } else { Value::Null };
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

/// Whole, well made, and signed by nobody we know.
fn a_strangers_token() -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let header = part(r#"{"alg":"EdDSA","typ":"JWT","kid":"01920000-0000-7000-8000-000000000000"}"#);
    let claims = part(r#"{"iss":"yijiao","sub":"01920000-0000-7000-8000-000000000000","exp":4000000000}"#);
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([7; 64]))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_passes_without_a_token() {
    let server = start();
    let closed: Vec<Described> = described().into_iter().filter(|it| !it.is_public()).collect();
    let stranger = a_strangers_token();
    let mut wrong = Vec::new();
    for (token, expected) in [
        (None, "token_missing"),
        (Some("Bearer garbage"), "token_invalid"),
        (Some("Basic dTpw"), "token_invalid"),
        (Some(&*format!("Bearer {stranger}")), "token_invalid"),
    ] {
        let calls = closed.iter().map(async |operation| {
            let request = server.call(operation);
            let request = match token {
                Some(token) => request.header(AUTHORIZATION.as_str(), token),
                None => request,
            };
            (operation.name(), answer(request).await)
        });
        for (name, (status, code)) in join_all(calls).await {
            // For a key it does not know the server looks into Postgres; a body that nobody can read may be told of meanwhile,
            // because actix reads a handler's arguments side by side.
            let meanwhile = token.is_some_and(|token| token.ends_with(&stranger)) && code == "bad_json";
            if (status, code.as_str()) != (401, expected) && !meanwhile {
                wrong.push(format!("{name} with {token:?}: {status} {code:?}, not 401 {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_public_asks_nobody_for_a_token() {
    let server = start();
    let open: Vec<Described> = described().into_iter().filter(Described::is_public).collect();
    let answers = join_all(open.iter().map(|operation| answer(server.call(operation)))).await;
    for (operation, (status, code)) in open.iter().zip(answers) {
        assert!(status != 401 && status != 405 && status != 500, "{}: {status} {code}", operation.name());
    }
}
