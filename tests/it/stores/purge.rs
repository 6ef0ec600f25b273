//! What has had its day goes, and nothing else.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::BigInt;
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use yijiao::platform::clock::Clock;
use yijiao::platform::config::Config;
use yijiao::platform::db::{Db, DbError, Scope};
use yijiao::purge::{Purge, Purged};

use crate::kit_db::{Holds, TestDb};

const START: &str = "2026-03-01T00:00:00Z";

async fn run(db: &Db, statements: &str) {
    let mut tx = db.begin(Scope::AllCounties).await.unwrap();
    let done = tx.batch_execute(statements).await.map_err(DbError::from);
    tx.finish(done).await.unwrap_or_else(|error| panic!("{statements}: {error}"));
}

async fn counts(db: &Db) -> [i64; 3] {
    let mut tx = db.begin(Scope::AllCounties).await.unwrap();
    let mut counts = [0; 3];
    for (count, table) in counts.iter_mut().zip(["idempotency_keys", "refresh_tokens", "sessions"]) {
        let query = diesel::dsl::sql::<BigInt>(&format!("(select count(*) from {table})"));
        *count = diesel::select(query).get_result(&mut *tx).await.unwrap();
    }
    tx.finish(Ok::<_, DbError>(counts)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_go_when_their_time_has_come_in_small_batches() {
    let store = TestDb::holding(Holds::ClearCounty);
    let db = store.db();
    let start: DateTime<Utc> = START.parse().unwrap();
    let mut settings = Config::defaults().unwrap().purge;
    (settings.batch, settings.idempotency_days, settings.session_days) = (3, 7, 180);
    let purge = Purge::new(store.db(), Clock::manual(start), &settings);
    run(
        &db,
        &format!(
            "insert into idempotency_keys select a.id, 'key-' || n, a.county_id, decode(repeat('00', 32), 'hex'), gen_random_uuid(),
                timestamptz '{START}' + (n || ' hours')::interval
             from (select id, county_id from accounts order by login limit 1) a, generate_series(1, 10) n;
             insert into sessions select gen_random_uuid(), a.county_id, a.id, '{START}', timestamptz '{START}' + interval '30 days',
                 case when n = 1 then timestamptz '{START}' + interval '1 day' end, case when n = 1 then 'logout' end
             from (select id, county_id from accounts order by login limit 1) a, generate_series(1, 2) n;
             insert into refresh_tokens select gen_random_uuid(), county_id, id, sha256(convert_to(id || n::text, 'UTF8')), '{START}',
                 timestamptz '{START}' + (n * 15 || ' days')::interval from sessions, generate_series(1, 4) n;"
        ),
    )
    .await;
    assert_eq!(counts(&db).await, [10, 8, 2]);
    let purged = |keys, tokens, sessions| Purged { keys, tokens, sessions, ladders: 0 };
    let at = |after: TimeDelta| purge.run_once(start + after);

    assert_eq!(at(TimeDelta::days(7)).await.unwrap(), purged(0, 0, 0), "nothing is old yet");
    // Keys live seven days each; four of them are older now.
    assert_eq!(at(TimeDelta::days(7) + TimeDelta::minutes(270)).await.unwrap(), purged(4, 0, 0));
    assert_eq!(counts(&db).await, [6, 8, 2]);
    // Tokens go when they expire, whatever becomes of their session.
    assert_eq!(at(TimeDelta::days(31)).await.unwrap(), purged(6, 4, 0));
    // The session that was ended on the first day goes first; what tokens it has go with it.
    run(&db, &format!("update refresh_tokens set expires_at = timestamptz '{START}' + interval '1 year'"))
        .await;
    assert_eq!(at(TimeDelta::days(182)).await.unwrap(), purged(0, 0, 1));
    assert_eq!(counts(&db).await, [0, 2, 1]);
    // The other one ran out by itself after thirty days.
    assert_eq!(at(TimeDelta::days(209)).await.unwrap(), purged(0, 0, 0));
    assert_eq!(at(TimeDelta::days(211)).await.unwrap(), purged(0, 0, 1));
    assert_eq!(counts(&db).await, [0, 0, 0]);
}
