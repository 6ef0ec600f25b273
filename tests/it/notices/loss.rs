//! Redis emptied, shortened, or away: nothing is lost.

use std::time::Duration;

use chrono::TimeDelta;
use yijiao::notices::model::{Lane, NoticeId, NoticeState, Priority};
use yijiao::platform::clock::Clock;
use yijiao::platform::stop::Stop;

use super::stage::{Stage, alarm_params};

const REQUEUE: TimeDelta = TimeDelta::milliseconds(4000);

#[tokio::test(flavor = "multi_thread")]
async fn what_a_flush_takes_is_found_again() {
    let stage = Stage::set().await;
    let id = stage.alarm("wecom").await;
    assert_eq!(stage.relay().await.moved, 1);
    stage.flush_redis().await;
    assert_eq!(stage.jobs.worker.run_once(stage.now()).await.unwrap(), 0);
    assert_eq!(stage.relay().await.moved, 0, "not before the requeue time");

    stage.pass(REQUEUE);
    assert_eq!(stage.work().await, 1);
    assert_eq!(stage.row(id).await.state, NoticeState::Sent);
    assert_eq!(stage.sandbox.messages("wecom").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_comes_twice_is_sent_once() {
    let stage = Stage::set().await;
    let id = stage.alarm("dingtalk").await;
    let _ = stage.relay().await;
    stage.pass(REQUEUE);
    let _ = stage.relay().await;
    assert_eq!(stage.jobs.relay.queue.lengths().await.unwrap(), [2, 0]);
    assert_eq!(stage.jobs.worker.run_once(stage.now()).await.unwrap(), 2);
    assert_eq!(stage.row(id).await.attempt, 1);
    assert_eq!(stage.sandbox.messages("dingtalk").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_nothing_moves_and_nothing_is_lost() {
    let stage = Stage::set().await;
    let id = stage.alarm("feishu").await;
    let before = stage.row(id).await;
    let away = stage.without_redis();
    for _ in 0..3 {
        assert!(away.relay.run_once(stage.now()).await.is_err());
    }
    assert!(away.worker.run_once(stage.now()).await.is_err());
    assert_eq!(stage.row(id).await, before);

    assert_eq!(stage.work().await, 1, "at once when it is back");
    assert_eq!(stage.row(id).await.state, NoticeState::Sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_first_alarms_leave_all_the_same() {
    let stage = Stage::set_with(Clock::System).await;
    let channel = stage.channel("county").await;
    let row = |n: usize| {
        let priority = if n < 40 { Priority::FirstAlarm } else { Priority::Normal };
        stage.notice(NoticeId::fresh(), channel, priority, alarm_params())
    };
    stage.post_all((0..43).map(row).collect()).await;
    // Two replicas, neither of which reaches it.
    let stop = Stop::default();
    let running: Vec<_> = (0..2)
        .map(|_| {
            let (jobs, asked) = (stage.without_redis(), stop.clone());
            tokio::spawn(async move { jobs.run(asked).await })
        })
        .collect();
    let so_many =
        |states: &[NoticeState], wanted: NoticeState| states.iter().filter(|state| **state == wanted).count();
    while so_many(&stage.states().await, NoticeState::Sent) < 40 {}
    let late = stage.alarm("county").await;
    while stage.row(late).await.state != NoticeState::Sent {}
    stop.request();
    for jobs in running {
        jobs.await.unwrap();
    }
    assert_eq!(so_many(&stage.states().await, NoticeState::Queued), 3, "what can wait does");
    let sent = stage.sandbox.messages("county");
    let mut ids: Vec<_> = sent.into_iter().filter_map(|message| message.delivery_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), stage.sandbox.messages("county").len()), (41, 41), "once each");

    while stage.work().await > 0 {}
    assert_eq!(so_many(&stage.states().await, NoticeState::Sent), 44, "when it is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_vanishes_under_a_waiting_reader_is_made_anew() {
    let stage = Stage::set().await;
    let queue = stage.jobs.relay.queue.clone();
    let mut reader = queue.lane(Lane::First).reader().await.unwrap();
    let wait = Duration::from_secs(30);
    let client: i64 = redis::cmd("CLIENT").arg("ID").query_async(&mut reader).await.unwrap();
    for _ in 0..3 {
        let waiting = queue.clone();
        let reading = tokio::spawn(async move {
            let taken = waiting.read(&mut reader, Lane::First, "one", 9, wait).await.unwrap();
            (taken, reader)
        });
        until_blocked(&stage, client).await;
        stage.flush_redis().await;
        let id = stage.alarm("wecom").await;
        let _ = stage.relay().await;
        let (taken, back) = reading.await.unwrap();
        reader = back;
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].entry, Some(stage.entry(id)));
        queue.lane(Lane::First).done(&[taken[0].id.clone()]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_reader_took_is_claimed_by_another() {
    let stage = Stage::set().await;
    let id = stage.alarm("wecom").await;
    let queue = &stage.jobs.relay.queue;
    assert_eq!(
        queue.reclaim(Lane::First, "two", Duration::ZERO).await.unwrap(),
        [],
        "the group is made here too"
    );
    let _ = stage.relay().await;
    let mut reader = queue.lane(Lane::First).reader().await.unwrap();
    let taken = queue.read(&mut reader, Lane::First, "one", 9, Duration::ZERO).await.unwrap();
    assert_eq!(
        queue.reclaim(Lane::First, "two", Duration::from_secs(60)).await.unwrap(),
        [],
        "not too early"
    );
    assert_eq!(queue.reclaim(Lane::First, "two", Duration::ZERO).await.unwrap(), taken);
    assert_eq!(taken[0].entry, Some(stage.entry(id)));

    queue.lane(Lane::First).forget_consumers(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(consumers(&stage).await, ["one", "two"]);
    queue.lane(Lane::First).done(&[taken[0].id.clone()]).await.unwrap();
    let told = std::time::Instant::now();
    while !consumers(&stage).await.is_empty() && told.elapsed() < Duration::from_secs(10) {
        queue.lane(Lane::First).forget_consumers(Duration::ZERO).await.unwrap();
    }
    assert_eq!(consumers(&stage).await, Vec::<String>::new(), "who holds nothing and is gone is forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_not_ours_is_passed_over() {
    let stage = Stage::set().await;
    let mut add = redis::cmd("XADD");
    add.arg(stage.jobs.relay.queue.key(Lane::Rest)).arg("*").arg("notice").arg("nonsense");
    stage.redis.query::<String>(&add).await.unwrap();
    let id = stage.alarm("county").await;
    assert_eq!(stage.work().await, 2);
    assert_eq!(stage.row(id).await.state, NoticeState::Sent);
    assert_eq!(stage.jobs.relay.queue.lengths().await.unwrap(), [0, 0]);
}

/// Waits until a connection waits for entries.
async fn until_blocked(stage: &Stage, client: i64) {
    let blocked = |line: &str| line.starts_with(&format!("id={client} ")) && line.contains(" flags=b ");
    let asked = std::time::Instant::now();
    while asked.elapsed() < Duration::from_secs(10) {
        let clients: String = stage.redis.query(redis::cmd("CLIENT").arg("LIST")).await.unwrap();
        if clients.lines().any(blocked) {
            return;
        }
    }
    panic!("nobody waits");
}

async fn consumers(stage: &Stage) -> Vec<String> {
    let mut info = redis::cmd("XINFO");
    info.arg("CONSUMERS").arg(stage.jobs.relay.queue.key(Lane::First)).arg("senders");
    let found: Vec<std::collections::HashMap<String, redis::Value>> = stage.redis.query(&info).await.unwrap();
    found.iter().map(|consumer| redis::from_redis_value_ref(&consumer["name"]).unwrap()).collect()
}
