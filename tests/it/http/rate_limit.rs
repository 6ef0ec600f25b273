//! Rate limits, shared by replicas through Redis.

use chrono::TimeDelta;
use reqwest::StatusCode;
use uuid::Uuid;
use yijiao::platform::config::Config;

use super::{Server, header, problem};

/// `REDIS_URL`, under a prefix of this test's own.
fn limited(per_second: u32, burst: u32) -> impl Fn(&mut Config) {
    let url = std::env::var("REDIS_URL").expect(
        "REDIS_URL is not set. It names a Redis the tests may use, e.g. redis://127.0.0.1:6379/0; `make test` sets it",
    );
    let prefix = format!("test:{}", Uuid::now_v7());
    move |config| {
        config.redis.url = url.as_str().into();
        config.redis.prefix.clone_from(&prefix);
        config.http.rate_per_second = per_second;
        config.http.rate_burst = burst;
    }
}

async fn passed(server: &Server, times: usize) -> usize {
    let mut passed = 0;
    for _ in 0..times {
        let status = server.get("/api/test/list").send().await.unwrap().status();
        assert!(status == StatusCode::OK || status == StatusCode::TOO_MANY_REQUESTS, "{status}");
        passed += usize::from(status == StatusCode::OK);
    }
    passed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_may_burst_and_is_then_slowed_down() {
    let server = Server::start(limited(2, 5));
    assert_eq!(passed(&server, 5).await, 5);
    let refused = server.get("/api/test/list").header("accept-language", "en").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&refused, "retry-after"), "1");
    assert_eq!(header(&refused, "x-frame-options"), "DENY");
    assert_eq!(problem(server.get("/api/test/list")).await.1, "rate_limited");
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
    server.clock.advance(TimeDelta::milliseconds(500));
    assert_eq!(passed(&server, 3).await, 1);
    server.clock.advance(TimeDelta::seconds(60));
    assert_eq!(passed(&server, 8).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_count_together_and_lend_no_token_twice() {
    let limits = limited(1, 64);
    let (one, two) = (Server::start(&limits), Server::start(&limits));
    // By turns: how the machine divides its time between two servers is not what is tested.
    let (mut first, mut second) = (0, 0);
    for _ in 0..80 {
        first += passed(&one, 1).await;
        second += passed(&two, 1).await;
    }
    assert_eq!(first + second, 64);
    assert!(first > 10 && second > 10, "{first} {second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_a_bucket_of_its_own() {
    let server = Server::start(limited(1, 2));
    for _ in 0..2 {
        let account = Uuid::now_v7().to_string();
        let call = || server.get("/api/test/list").header("x-test-account", &account).send();
        assert_eq!(call().await.unwrap().status(), StatusCode::OK);
        assert_eq!(call().await.unwrap().status(), StatusCode::OK);
        assert_eq!(call().await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(passed(&server, 3).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_names_the_address() {
    let limits = limited(1, 1);
    let server = Server::start(|config| {
        limits(config);
        config.http.trusted_proxies = vec!["127.0.0.0/8".into()];
    });
    let from = |address: &str| server.get("/api/test/list").header("x-forwarded-for", address).send();
    assert_eq!(from("192.0.2.1").await.unwrap().status(), StatusCode::OK);
    assert_eq!(from("192.0.2.2").await.unwrap().status(), StatusCode::OK);
    assert_eq!(from("192.0.2.1").await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_nobody_is_limited() {
    let server = Server::start(|config| {
        config.http.rate_per_second = 1;
        config.http.rate_burst = 1;
    });
    assert_eq!(passed(&server, 20).await, 20);
}
