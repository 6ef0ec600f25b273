//! Redis and Postgres fail in the middle of two thousand notices: not one is lost, and what is told twice is told under the same id.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use yijiao::notices::model::{NoticeId, NoticeState, Priority};
use yijiao::platform::config::Config;
use yijiao::platform::stop::Stop;

use super::stage::{Jobs, Stage, alarm_params};
use crate::stores::wire::{Wire, place, via};

const MANY: usize = 2_000;
/// So many are in hand at once, and may be told again when their lease ends.
const IN_HAND: usize = 64;
const REQUEUE: TimeDelta = TimeDelta::seconds(4);
/// For what must happen by itself.
const PATIENCE: Duration = Duration::from_secs(20);

/// Notices on their way to the county's system.
struct Storm {
    stage: Stage,
    ids: Vec<NoticeId>,
    stop: Stop,
    running: tokio::task::JoinHandle<()>,
}

impl Storm {
    async fn rises(stage: Stage, jobs: Jobs) -> Self {
        let channel = stage.channel("county").await;
        let rows = (0..MANY).map(|n| {
            let priority = if n % 4 == 0 { Priority::FirstAlarm } else { Priority::Normal };
            stage.notice(NoticeId::fresh(), channel, priority, alarm_params())
        });
        let rows: Vec<_> = rows.collect();
        for rows in rows.chunks(500) {
            stage.post_all(rows.to_vec()).await;
        }
        let stop = Stop::default();
        let asked = stop.clone();
        let running = tokio::spawn(async move { jobs.run(asked).await });
        Self { ids: rows.iter().map(|row| row.id).collect(), stage, stop, running }
    }

    /// Waits until this part of them was heard.
    async fn reaches(&self, percent: usize) {
        let count = u64::try_from(MANY * percent / 100).unwrap();
        assert!(self.stage.sandbox.has_heard(count, PATIENCE).await, "not even {percent} %");
    }

    /// What is under way stands; those that lost their entries, or their senders, wait for their time.
    async fn settles(self, blows: usize) {
        let began = std::time::Instant::now();
        let (mut heard, silence) = (0, Duration::from_millis(250));
        loop {
            while self.stage.sandbox.has_heard(heard + 64, silence).await {
                heard += 64;
            }
            if self.stage.states().await.iter().all(|state| *state == NoticeState::Sent) {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "some never leave");
            self.stage.pass(REQUEUE);
        }
        self.stop.request();
        tokio::time::timeout(PATIENCE, self.running).await.expect("it stops").unwrap();
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        for message in self.stage.sandbox.messages("county") {
            *told.entry(message.delivery_id.unwrap()).or_default() += 1;
        }
        assert_eq!(told.len(), MANY);
        assert!(self.ids.iter().all(|id| told.contains_key(&id.to_string())), "each under its own id");
        let again: usize = told.values().map(|times| times - 1).sum();
        assert!(again <= IN_HAND * blows, "{again} told again");
        assert!(told.values().all(|times| *times <= 1 + blows), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_emptied_restarted_and_away_for_a_minute_loses_none_of_two_thousand() {
    let stage = Stage::set().await;
    let wire = Wire::to(place(&stage.settings().redis.url)).await;
    let jobs = stage.jobs_with(|config: &mut Config| {
        config.redis.url = via(&config.redis.url, "127.0.0.1", wire.at, "");
    });
    let storm = Box::pin(Storm::rises(stage, jobs)).await;
    storm.reaches(15).await;
    storm.stage.empty_redis().await;

    storm.stage.pass(REQUEUE);
    storm.reaches(40).await;
    wire.hang_up();
    storm.stage.empty_redis().await;
    wire.speak();

    storm.stage.pass(REQUEUE);
    storm.reaches(65).await;
    wire.hang_up();
    for _ in 0..6 {
        storm.stage.pass(TimeDelta::seconds(10));
        assert!(storm.stage.states().await.iter().any(|state| *state != NoticeState::Sent), "in the middle");
    }
    wire.speak();
    storm.settles(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_cut_off_twice_loses_none_of_two_thousand() {
    let stage = Stage::set().await;
    let wire = Wire::to(place(&stage.settings().database.url)).await;
    let jobs = stage.jobs_with(|config: &mut Config| {
        config.database.url = via(&config.database.url, "127.0.0.1", wire.at, "");
    });
    let storm = Box::pin(Storm::rises(stage, jobs)).await;
    for percent in [25, 60] {
        storm.reaches(percent).await;
        wire.hang_up();
        // What was sent and could not be settled is sent again when its lease is over.
        storm.stage.pass(TimeDelta::seconds(31));
        wire.speak();
    }
    storm.settles(2).await;
}
