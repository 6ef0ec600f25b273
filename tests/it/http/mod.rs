//! The HTTP conventions on a real server: what every route answers, whatever it does. No Postgres is needed for most of it: the
//! stores' addresses are closed ports unless a test says otherwise.

mod bodies;
mod conventions;
mod operation;
mod rate_limit;
mod routes;
mod stopping;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use chrono::DateTime;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use yijiao::app::App;
use yijiao::platform::clock::Clock;
use yijiao::platform::config::Config;
use yijiao::platform::http::admission::Gate;
use yijiao::platform::http::caller::CallerAccount;
use yijiao::platform::stop::Stop;
use yijiao::server::{Face, build};

/// A running server; dropped, it is told to stop.
pub struct Server {
    pub at: SocketAddr,
    pub clock: Clock,
    pub stop: Stop,
    pub running: JoinHandle<std::io::Result<()>>,
    client: reqwest::Client,
}

/// Settings with both stores on closed ports, and no limits.
pub fn settings() -> Config {
    let mut config = Config::defaults().unwrap();
    config.database.url = "postgres://nobody@127.0.0.1:1/none".into();
    config.redis.url = "redis://127.0.0.1:1/0".into();
    config.secrets.master_key = "thirty-two characters of a secret".into();
    config.http.workers = 1;
    config.http.rate_per_second = 0;
    config
}

impl Server {
    pub fn start(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = settings();
        change(&mut config);
        let clock = Clock::manual(DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let app = App::new(config, clock.clone()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let (gate, stop) = (Gate::default(), Stop::default());
        gate.open();
        let who = Arc::new(|request: &actix_web::dev::ServiceRequest| {
            let account = request.headers().get("x-test-account")?.to_str().ok()?.parse().ok()?;
            Some(CallerAccount(account))
        });
        let face = Face { routes: routes::configure, who: Some(who) };
        let server = build(&app, listener, face, &gate, &stop).unwrap();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { at, clock, stop, running: tokio::spawn(server), client: client.build().unwrap() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.at))
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// Sends bytes as they are and leaves the connection open.
    pub async fn raw(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.request();
    }
}

/// Everything the server says until it closes the connection.
pub async fn until_closed(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    // A reset after the answer counts as closed.
    let _ = stream.read_to_end(&mut said).await;
    String::from_utf8_lossy(&said).into_owned()
}

/// Status, problem code and body; fails when the answer is no problem.
pub async fn problem(request: RequestBuilder) -> (StatusCode, String, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    assert_eq!(header(&response, "content-type"), "application/problem+json", "{status}");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status.as_u16(), "{body}");
    (status, body["code"].as_str().unwrap_or_default().to_owned(), body)
}

pub fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}
