//! The jobs as they run: nobody moves them by hand.

use std::time::Duration;

use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection as _;
use serde_json::json;
use uuid::Uuid;
use yijiao::notices::model::{ChannelId, ChannelState, Lane, NewNotice, NoticeId, NoticeState, Priority};
use yijiao::notices::queue::Queue;
use yijiao::platform::clock::Clock;
use yijiao::platform::stop::Stop;
use yijiao::sandbox::{Fault, Mode};

use super::crash::until_so_many_wait;
use super::stage::{ROOMS, Stage, alarm_params};

struct Running {
    stop: Stop,
    jobs: tokio::task::JoinHandle<()>,
}

fn run(stage: &Stage) -> Running {
    let (stop, jobs) = (Stop::default(), stage.jobs.clone());
    let asked = stop.clone();
    Running { stop, jobs: tokio::spawn(async move { jobs.run(asked).await }) }
}

impl Running {
    async fn stopped(self) {
        self.stop.request();
        tokio::time::timeout(Duration::from_secs(20), self.jobs).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_is_enough_and_a_flush_in_between_changes_nothing() {
    let stage = Stage::set_with(Clock::System).await;
    let running = run(&stage);
    for (round, (room, _)) in ROOMS.into_iter().enumerate() {
        if round > 0 {
            stage.flush_redis().await;
        }
        let id = stage.alarm(room).await;
        stage.wake.notices();
        stage.hears(room).await;
        while stage.row(id).await.state != NoticeState::Sent {}
    }
    running.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_rings_and_all_arrive_through_two_replicas_once_each() {
    let stage = Stage::set_with(Clock::System).await;
    let channel = stage.channel("county").await;
    let rows = (0..300).map(|n| {
        let priority = if n % 3 == 0 { Priority::FirstAlarm } else { Priority::Normal };
        stage.notice(NoticeId::fresh(), channel, priority, alarm_params())
    });
    stage.post_all(rows.collect()).await;
    let (one, two) = (run(&stage), run(&stage));
    while stage.states().await.iter().any(|state| *state != NoticeState::Sent) {}
    one.stopped().await;
    two.stopped().await;
    let mut ids: Vec<_> =
        stage.sandbox.messages("county").into_iter().filter_map(|message| message.delivery_id).collect();
    assert_eq!(ids.len(), 300);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 300);
    assert_eq!(stage.jobs.relay.queue.lengths().await.unwrap(), [0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_to_stop_finishes_what_is_in_hand() {
    let stage = Stage::set_with(Clock::System).await;
    stage.sandbox.set_fault("wecom", Fault::always(Mode::Timeout).seconds(1));
    let running = run(&stage);
    let id = stage.alarm("wecom").await;
    stage.wake.notices();
    while stage.row(id).await.state != NoticeState::Sending {}
    running.stopped().await;
    let row = stage.row(id).await;
    assert_eq!((row.state, row.attempt), (NoticeState::Retry, 1), "answered with 504, and settled");
    assert_eq!(stage.jobs.relay.queue.lengths().await.unwrap(), [0, 0], "and acknowledged");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_channel_is_measured() {
    let recorder = yijiao::platform::telemetry::metrics().unwrap();
    let stage = Stage::set().await;
    stage.alarm("wecom").await;
    stage.work().await;
    stage.set_channel("feishu", ChannelState::Paused).await;
    let news =
        stage.notice(NoticeId::fresh(), stage.channel("feishu").await, Priority::Normal, alarm_params());
    stage.post_all(vec![NewNotice { officer_id: None, ..news }]).await;
    stage.work().await;
    stage.pass(TimeDelta::seconds(20));
    stage.jobs.relay.measure().await;
    let shown = recorder.render();
    let of = |name: &str, channel: ChannelId, label: &str| {
        let named = |line: &&str| {
            line.starts_with(name) && line.contains(&channel.to_string()) && line.contains(label)
        };
        let line = shown.lines().find(named).unwrap_or_else(|| panic!("{name} of {channel} in {shown}"));
        line.rsplit(' ').next().unwrap().to_owned()
    };
    let (wecom, feishu) = (stage.channel("wecom").await, stage.channel("feishu").await);
    assert_eq!(of("notices_sent_total", wecom, "delivered"), "1");
    assert_eq!(of("notices_delay_seconds_count", wecom, ""), "1");
    assert_eq!(of("notices_kept_total", feishu, "held"), "1");
    for (name, of_wecom, of_feishu) in [
        ("channel_active", "1", "0"),
        ("channel_notices_waiting", "0", "1"),
        ("channel_notices_held", "0", "1"),
        ("channel_oldest_seconds", "0", "20"),
    ] {
        let both = [of(name, wecom, "code=\"wecom\""), of(name, feishu, "county=\"demo\"")];
        assert_eq!(both, [of_wecom, of_feishu], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_taps_while_the_backlog_is_measured_does_not_wait_for_that() {
    let stage = Stage::set().await;
    let channel = stage.channel("wecom").await;
    let row = stage.notice(NoticeId::fresh(), channel, Priority::FirstAlarm, alarm_params());
    let due_at = Some(stage.now() + TimeDelta::minutes(1));
    stage.post_all(vec![NewNotice { state: NoticeState::Retry, due_at, ..row }]).await;
    // What is measured is told with the county's name; handing on needs none.
    let mut holder = stage.onlooker().await;
    holder.batch_execute("begin; lock table counties in access exclusive mode").await.unwrap();
    let (stop, relay) = (Stop::default(), stage.jobs.relay.clone());
    let asked = stop.clone();
    let running = tokio::spawn(async move { relay.run(asked.requested()).await });
    until_so_many_wait(&stage, 1).await;
    stage.pass(TimeDelta::minutes(1));
    stage.wake.notices();
    let handed_on = async { while stage.jobs.relay.queue.lengths().await.unwrap() != [1, 0] {} };
    tokio::time::timeout(Duration::from_secs(2), handed_on).await.expect("it is handed on meanwhile");
    stop.request();
    tokio::time::timeout(Duration::from_secs(2), running).await.expect("and nobody waits to stop").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_waits_wakes_to_all_that_comes_together() {
    let stage = Stage::set().await;
    let queue = Queue::new(stage.redis.clone());
    let mut reader = queue.lane(Lane::Rest).reader().await.unwrap();
    let client: i64 = redis::cmd("CLIENT").arg("ID").query_async(&mut reader).await.unwrap();
    let waiting = queue.clone();
    let read = tokio::spawn(async move {
        waiting.read(&mut reader, Lane::Rest, "one", 16, Duration::from_secs(20)).await.unwrap()
    });
    // Until it waits in Redis.
    let mut look = redis::cmd("CLIENT");
    look.arg("LIST").arg("ID").arg(client);
    while !stage.redis.query::<String>(&look).await.unwrap().contains("flags=b") {}
    let entry = |lane| (lane, stage.entry(NoticeId::fresh()));
    let together = [Lane::Rest, Lane::First, Lane::Rest, Lane::Rest, Lane::Rest].map(entry);
    queue.push(&together).await.unwrap();
    let read = read.await.unwrap();
    let pushed = together.iter().filter(|(lane, _)| *lane == Lane::Rest).map(|(_, entry)| Some(*entry));
    assert_eq!(read.iter().map(|taken| taken.entry).collect::<Vec<_>>(), pushed.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn news_that_waited_for_company_leaves_together_also_when_a_reader_waits_for_it() {
    let stage = Stage::set_limited().await;
    let channel = stage.channel("wecom").await;
    let news = |number: u32| NewNotice {
        event: "call.accepted".to_owned(),
        officer_id: None,
        ..stage.notice(
            NoticeId::fresh(),
            channel,
            Priority::Normal,
            json!({ "number": format!("N{number:05}"), "title": "停电", "callId": Uuid::now_v7() }),
        )
    };
    let running = run(&stage);
    for round in 0..6 {
        let rows: Vec<NewNotice> =
            (0..4).map(|nth| NewNotice { subject_id: Uuid::now_v7(), ..news(round * 4 + nth) }).collect();
        let (first, rest) = rows.split_at(1);
        stage.post_all(first.to_vec()).await;
        stage.wake.notices();
        while stage.row(first[0].id).await.state != NoticeState::Sent {}
        stage.post_all(rest.to_vec()).await;
        stage.wake.notices();
        while stage.states().await.iter().filter(|state| **state == NoticeState::Held).count() < rest.len() {}
        stage.pass(TimeDelta::seconds(61));
        stage.wake.notices();
        // Not a minute later, and not one by one.
        while stage.states().await.iter().any(|state| *state != NoticeState::Sent) {}
        let told = stage.sandbox.messages("wecom").pop().unwrap();
        assert!(
            rest.iter().all(|row| told.text.contains(row.params["number"].as_str().unwrap())),
            "{}",
            told.text
        );
        stage.pass(TimeDelta::seconds(61));
    }
    assert_eq!(stage.sandbox.messages("wecom").len(), 12);
    running.stopped().await;
}
