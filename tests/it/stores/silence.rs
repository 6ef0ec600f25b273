//! Postgres stops to answer, and no connection is closed: whatever waits for it ends in time, and everything works when it is back.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection as _;
use reqwest::{Method, StatusCode};
use serde_json::json;
use yijiao::platform::config::{Config, Database};
use yijiao::platform::db::{Db, DbError, Scope};

use super::wire::{Wire, place, via};
use crate::kit::County;
use crate::kit_db::{Holds, TestDb};

/// Silence is borne for half a second.
fn impatient(database: &mut Database, store: &TestDb, wire: &Wire) {
    database.url = via(&store.url(), "127.0.0.1", wire.at, "");
    database.statement_timeout_ms = 300;
    database.silence_ms = 500;
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let outcome = tokio::time::timeout(Duration::from_secs(10), what).await.expect("nobody waits for ever");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_and_a_commit_that_get_no_answer_end_and_the_pool_recovers() {
    let store = TestDb::create();
    let wire = Wire::to(place(&store.url())).await;
    let mut settings = Config::defaults().unwrap().database;
    impatient(&mut settings, &store, &wire);
    let db = Db::of(&settings, 1).unwrap();

    let mut tx = db.begin(Scope::AllCounties).await.unwrap();
    tx.batch_execute("select 1").await.unwrap();
    wire.fall_silent();
    let lost = soon(tx.batch_execute("select 2")).await.map_err(DbError::from);
    assert!(matches!(lost, Err(DbError::Unavailable(_))), "{lost:?}");
    assert!(matches!(soon(tx.finish(lost)).await, Err(DbError::Unavailable(_))), "and so does the rollback");

    wire.speak();
    let mut tx = soon(db.begin(Scope::AllCounties)).await.unwrap();
    tx.batch_execute("select 3").await.unwrap();
    wire.fall_silent();
    let committed = soon(tx.finish(Ok::<_, DbError>(()))).await;
    assert!(matches!(committed, Err(DbError::Unavailable(_))), "{committed:?}");

    let refused = soon(db.begin(Scope::AllCounties)).await;
    assert!(matches!(refused, Err(DbError::Unavailable(_))), "no new connection either");
    wire.speak();
    let tx = soon(db.begin(Scope::AllCounties)).await.unwrap();
    tx.finish(Ok::<_, DbError>(())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_statement_is_ended_by_postgres_and_the_connection_lives() {
    let store = TestDb::create();
    let wire = Wire::to(place(&store.url())).await;
    let mut settings = Config::defaults().unwrap().database;
    impatient(&mut settings, &store, &wire);
    let db = Db::of(&settings, 1).unwrap();
    let mut tx = db.begin(Scope::AllCounties).await.unwrap();
    let slow = soon(tx.batch_execute("select pg_sleep(30)")).await.unwrap_err();
    assert!(slow.to_string().contains("statement timeout"), "{slow}");
    assert!(matches!(DbError::from(slow), DbError::Unavailable(_)));
    drop(tx);
    // Answers that come, however many, are no silence.
    let mut tx = db.begin(Scope::AllCounties).await.unwrap();
    tx.batch_execute("set local statement_timeout = 0").await.unwrap();
    let drip =
        "do $$ begin for i in 1..12 loop raise notice 'still here'; perform pg_sleep(0.1); end loop; end $$";
    soon(tx.batch_execute(drip)).await.unwrap();
    tx.finish(Ok::<_, DbError>(())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_get_503_with_retry_after_and_are_served_when_postgres_is_back() {
    let store = TestDb::holding(Holds::ClearCounty);
    let wire = Wire::to(place(&store.url())).await;
    let (at, url) = (wire.at, store.url());
    let county = County::over(store, "clear", |config| {
        config.database.url = via(&url, "127.0.0.1", at, "");
        config.database.statement_timeout_ms = 300;
        config.database.silence_ms = 500;
    });
    let mill = county.mill();
    let calls = || async {
        let list = mill.request(Method::GET, "/api/v1/calls").await;
        let tap = mill.request(Method::POST, "/api/v1/calls").await.json(&json!({"text": "停电了"}));
        let (list, tap) = soon(async { tokio::join!(list.send(), tap.send()) }).await;
        [list.unwrap(), tap.unwrap()]
    };
    let served = calls().await.map(|answer| answer.status());
    assert_eq!(served, [StatusCode::OK, StatusCode::CREATED]);
    wire.fall_silent();
    for answer in calls().await {
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key("retry-after"));
    }
    wire.speak();
    let served = calls().await.map(|answer| answer.status());
    assert_eq!(served, [StatusCode::OK, StatusCode::CREATED]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_transaction_held_is_free_when_nobody_ends_it() {
    let store = TestDb::create();
    let (one, other) = (store.db(), store.db());
    // As a request leaves it whose client hung up.
    let mut tx = one.begin(Scope::AllCounties).await.unwrap();
    tx.batch_execute("select pg_advisory_xact_lock(1)").await.unwrap();
    drop(tx);
    let mut tx = other.begin(Scope::AllCounties).await.unwrap();
    soon(tx.batch_execute("select pg_advisory_xact_lock(1)")).await.unwrap();
    tx.finish(Ok::<_, DbError>(())).await.unwrap();
    assert_eq!(one.usage().open, 0, "and its connection is gone");
}
