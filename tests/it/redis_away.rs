//! Redis breaks, falls silent, comes back: nobody waits long, and nobody has to do anything.

use std::time::{Duration, Instant};

use redis::RedisResult;
use tokio::net::{TcpListener, TcpStream};
use url::Url;
use yijiao::platform::config;
use yijiao::platform::redis::Redis;

fn real() -> Url {
    let url = std::env::var("REDIS_URL").expect(
        "REDIS_URL is not set. It names a Redis the tests may use, e.g. redis://127.0.0.1:6379/0; `make test` sets it",
    );
    Url::parse(&url).unwrap()
}

fn handle(url: &Url) -> Redis {
    Redis::lazy(&config::Redis { url: url.as_str().into(), prefix: "test".into() }).unwrap()
}

fn through(port: u16) -> Url {
    let mut url = real();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(port)).unwrap();
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_is_replaced_by_the_next_call() {
    let redis = handle(&real());
    let id: i64 = redis.query(redis::cmd("CLIENT").arg("ID")).await.unwrap();
    let cutter = handle(&real());
    let _: i64 = cutter.query(redis::cmd("CLIENT").arg("KILL").arg("ID").arg(id)).await.unwrap();
    let again = || async { redis.query::<i64>(redis::cmd("CLIENT").arg("ID")).await };
    // The cut may be noticed by the first call, never by the second.
    let first: RedisResult<i64> = again().await;
    let new = match first {
        Ok(new) => new,
        Err(_) => again().await.unwrap(),
    };
    assert_ne!(new, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_waited_for_once_and_then_nobody_waits() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let redis = handle(&through(silent.local_addr().unwrap().port()));
    let began = Instant::now();
    assert!(!redis.answers().await);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let began = Instant::now();
    for worker in [redis.for_worker(), redis.clone(), redis.for_worker()] {
        assert!(!worker.answers().await);
    }
    assert!(began.elapsed() < Duration::from_millis(200), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_found_again_when_it_is_back() {
    let place = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let redis = handle(&through(place.port()));
    assert!(!redis.answers().await);
    let door = TcpListener::bind(place).await.unwrap();
    let behind = format!("{}:{}", real().host_str().unwrap(), real().port().unwrap_or(6379));
    tokio::spawn(async move {
        while let Ok((mut near, _)) = door.accept().await {
            let behind = behind.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    let back = async {
        while !redis.answers().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), back).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocking_read_may_take_longer_than_any_answer() {
    let mut connection = handle(&real()).blocking().await.unwrap();
    let nothing: RedisResult<Option<(String, String)>> =
        redis::cmd("BLPOP").arg("test:nobody-pushes-here").arg(0.7).query_async(&mut connection).await;
    assert_eq!(nothing.unwrap(), None);
}
