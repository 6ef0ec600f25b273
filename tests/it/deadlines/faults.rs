//! Replicas die, Redis forgets or is away, a row is broken: everything that is due fires once, at once, in order.

use std::time::Duration;

use diesel_async::SimpleAsyncConnection as _;
use yijiao::deadlines::model::DeadlineId;
use yijiao::deadlines::queue::{Chunk, DueQueue};

use super::stage::{
    Replica, all_that_is_wrong, county, due, each_once_and_in_order, item, multiply, number, raised, someone,
    until,
};
use crate::kit::{County, Spans as _};

/// A firing that waits for a lock in the middle of its transaction.
/// Rows that a replica has in hand at most: three transactions of 128.
const IN_HAND: i64 = 384;
const STUCK: &str =
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
    and query ilike 'insert into \"firings\"%'";

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_one_is_killed_and_each_rung_fires_once_and_in_order() {
    let county = county();
    let mill = someone(&county, "MILL").await;
    raised(&county, &mill, &item("OUTAGE"), 500).await;
    // Of each call two clocks are due, four steps: T1 at 10:07, 10:15, 10:30; T2 at 10:30.
    county.until("03-09 10:30");
    let now = county.now();
    let mut auditor = county.auditor().await;
    assert_eq!(number(&mut auditor, &due(now)).await, 1000);

    // Somebody takes the first entries, and is never heard of again.
    let queue = DueQueue::new(county.app.redis.clone());
    let first = county
        .texts("select id::text from deadlines where clock = 'accept' order by fires_at, id limit 100")
        .await;
    let chunk = Chunk {
        county: mill.county,
        deadlines: first.iter().map(|id| DeadlineId(id.parse().unwrap())).collect(),
    };
    assert_eq!(queue.push(&[chunk]).await.unwrap(), 100);
    let mut reader = queue.stream().reader().await.unwrap();
    assert_eq!(queue.read(&mut reader, "dead", 9, Duration::ZERO).await.unwrap().len(), 1);

    // Both replicas come to a halt in the middle of their transactions.
    auditor.batch_execute("begin; lock table firings in share mode").await.unwrap();
    let (one, two) = (Replica::start(&county.app, "one"), Replica::start(&county.app, "two"));
    until(&county, "both are at it", STUCK, |stuck| stuck >= 4).await;
    // Postgres ends one of the transactions, the machine one of the replicas.
    let ended = "select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity where datname = current_database()
        and query ilike 'insert into \"firings\"%' and wait_event_type = 'Lock' limit 1) as one";
    assert_eq!(county.count(ended).await, 1);
    one.dies();
    auditor.batch_execute("rollback").await.unwrap();
    until(&county, "everything fires", &due(now), |left| left == 0).await;
    two.stops().await;

    assert_eq!(county.count("select count(*) from firings").await, 500 * 4);
    assert_eq!(county.count(&format!("select count(*) from firings where fired_at <> '{now}'")).await, 0);
    each_once_and_in_order(&county).await;
    assert_eq!(all_that_is_wrong(&county).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_with_ten_thousand_open_deadlines_loses_none_and_delays_none() {
    let county = county();
    let mill = someone(&county, "MILL").await;
    for _ in 0..20 {
        raised(&county, &mill, &item("OUTAGE"), 1).await;
        county.pass(1.minutes());
    }
    // Five clocks each.
    multiply(&county, 100).await;
    let mut auditor = county.auditor().await;
    assert_eq!(
        number(&mut auditor, "select count(*) from deadlines where fires_at is not null").await,
        10_000
    );
    // 10:20: the first half of T1 is over for thirteen of twenty, all of it for six.
    let now = county.now();
    assert_eq!(number(&mut auditor, &due(now)).await, 1300);

    let keys = format!("{}:*", county.app.config.redis.prefix);
    let flush = async || {
        let keys: Vec<String> = county.app.redis.query(redis::cmd("KEYS").arg(&keys)).await.unwrap();
        if !keys.is_empty() {
            county.app.redis.query::<i64>(redis::cmd("DEL").arg(&keys)).await.unwrap();
        }
        keys.len()
    };
    let replica = Replica::start(&county.app, "one");
    let fired = "select count(*) from firings";
    let (mut flushed, mut longest, mut last) = (0, Duration::ZERO, Duration::ZERO);
    for least in [1, 300, 600, 900] {
        until(&county, "firing goes on", fired, |fired| fired >= least).await;
        let before = number(&mut auditor, fired).await;
        flushed += flush().await;
        // What was in hand may still fire; what fires after that was found again.
        let found = |fired| fired > before + IN_HAND || fired == 1300 + 600;
        last = until(&county, "firing goes on after a flush", fired, found).await;
        longest = longest.max(last);
    }
    assert!(flushed >= 4, "there was something to lose");
    assert!(longest < Duration::from_secs(5), "a flush delays by {longest:?}");
    let waited = last + until(&county, "everything fires", &due(now), |left| left == 0).await;
    assert!(waited < Duration::from_secs(5), "late by {waited:?}");
    replica.stops().await;
    assert_eq!(county.count("select count(*) from firings").await, 1300 + 600);
    assert_eq!(county.count("select count(*) from deadlines where fires_at is not null").await, 10_000);
    each_once_and_in_order(&county).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_the_engine_fires_what_it_finds_itself() {
    let county = County::open();
    let mill = someone(&county, "MILL").await;
    raised(&county, &mill, &item("OUTAGE"), 40).await;
    county.until("03-09 10:30");
    let now = county.now();
    let replicas = ["one", "two"].map(|name| Replica::start(&county.app, name));
    until(&county, "everything fires", &due(now), |left| left == 0).await;
    // Also what becomes due while it runs.
    county.until("03-09 10:45");
    until(&county, "the next rung fires", &due(county.now()), |left| left == 0).await;
    for replica in replicas {
        replica.stops().await;
    }
    assert_eq!(county.count("select count(*) from firings").await, 40 * 5);
    each_once_and_in_order(&county).await;
    assert_eq!(all_that_is_wrong(&county).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_fire_stands_in_nobodys_way_and_is_named_and_tried_again() {
    let county = county();
    let handle = yijiao::platform::telemetry::metrics().unwrap();
    let mill = someone(&county, "MILL").await;
    let broken = raised(&county, &mill, &item("OUTAGE"), 1).await.remove(0);
    county.pass(1.minutes());
    let sound = raised(&county, &mill, &item("OUTAGE"), 60).await;
    // One call lost its history, and one deadline is about nothing.
    let stray = "0192aaaa-0000-7000-8000-000000000001";
    county
        .alter(&format!(
            "alter table ledger_events disable trigger user; update ledger_events set subject_id = '{stray}' where subject_id = '{broken}';
            insert into deadlines select x.* from deadlines t cross join lateral jsonb_populate_record(t,
                jsonb_build_object('id', gen_random_uuid(), 'subject_id', gen_random_uuid(), 'fires_at', t.started_at)) x
            where t.subject_id = '{broken}' and t.clock = 'accept'"
        ))
        .await;
    county.until("03-09 10:15");
    let now = county.now();
    let replica = Replica::start(&county.app, "one");
    let free = format!("{} and held_until is null", due(now));
    until(&county, "all others fire", &free, |left| left == 0).await;
    assert_eq!(county.count("select count(*) from firings").await, 60);
    assert_eq!(
        county
            .count(&format!(
                "select count(*) from deadlines where held_until = '{now}'::timestamptz + interval '1 min'"
            ))
            .await,
        2
    );
    assert!(handle.render().contains("deadlines_failed_total 2"), "{}", handle.render());

    // Mended, it fires when its minute is over.
    county
        .alter(&format!("update ledger_events set subject_id = '{broken}' where subject_id = '{stray}'; alter table ledger_events enable trigger user"))
        .await;
    county.pass(61.seconds());
    let named = all_that_is_wrong(&county).await;
    assert!(named.iter().any(|line| line.contains("which is not there: step 0 of accept")), "{named:?}");
    until(&county, "what was mended fires", &format!("select count(*) from firings f join deadlines d on d.id = f.deadline_id where d.subject_id = '{broken}'"), |fired| fired == 2).await;
    replica.stops().await;
    let first = sound[0];
    assert_eq!(county.count(&format!("select count(*) from firings f join deadlines d on d.id = f.deadline_id where d.subject_id = '{first}'")).await, 2);
    each_once_and_in_order(&county).await;
}
