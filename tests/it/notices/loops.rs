//! The jobs as they run: nobody moves them by hand.

use std::time::Duration;

use yijiao::notices::model::{NoticeId, NoticeState, Priority};
use yijiao::platform::clock::Clock;
use yijiao::platform::stop::Stop;
use yijiao::sandbox::{Fault, Mode};

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
