//! Redis and Postgres fail in the middle of two thousand notices, and Redis amid limits, tokens and breakers: not one is lost, and what is
//! told twice is told under the same id.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use yijiao::notices::deliver::Delivered;
use yijiao::notices::model::{ChannelState, Lane, NewNotice, NoticeId, NoticeState, Priority};
use yijiao::platform::clock::Clock;
use yijiao::platform::config::Config;
use yijiao::platform::stop::Stop;
use yijiao::sandbox::{Fault, Mode};
use yijiao::schema::{notice_attempts, notices};

use super::lease::hesitant;
use super::stage::{Jobs, Stage, USER, alarm_params};
use super::throttle::most_in_a_minute;
use crate::stores::private::{PrivatePostgres, PrivateRedis};
use crate::stores::wire::{Wire, place, via};

const MANY: usize = 2_000;
/// So many are in hand at once, and may be told again when their lease ends.
const IN_HAND: usize = 64;
const REQUEUE: TimeDelta = TimeDelta::seconds(4);
const LEASE: TimeDelta = TimeDelta::seconds(31);
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

    /// Waits until this part of them was heard. What lost its entry meanwhile, and so holds up the rest, waits for its time.
    async fn reaches(&self, percent: usize) {
        let count = u64::try_from(self.ids.len() * percent / 100).unwrap();
        let began = std::time::Instant::now();
        while !self.stage.sandbox.has_heard(count, PATIENCE / 10).await {
            assert!(began.elapsed() < PATIENCE, "not even {percent} %");
            self.stage.pass(REQUEUE);
        }
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
            let soon = self.stage.now() + REQUEUE;
            // What somebody has in hand on a busy machine must not look as if he had died.
            let in_hand = self.stage.states().await.contains(&NoticeState::Sending);
            let due = self.stage.next_due().await.filter(|due| !in_hand && *due > soon);
            self.stage.clock.set(due.unwrap_or(soon));
        }
        self.stop.request();
        tokio::time::timeout(PATIENCE, self.running).await.expect("it stops").unwrap();
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        for message in self.stage.sandbox.messages("county") {
            *told.entry(message.delivery_id.unwrap()).or_default() += 1;
        }
        assert_eq!(told.len(), self.ids.len());
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
        storm.stage.pass(LEASE);
        wire.speak();
    }
    storm.settles(2).await;
}

/// What a crash in the middle of a sending does: Postgres forgets the lease, and the notice is sent again under the same id.
async fn a_lease_is_forgotten(stage: &Stage, postgres: &mut PrivatePostgres) {
    postgres.keep_to_itself(&mut stage.onlooker().await).await;
    let id = stage.alarm("county").await;
    let (go, asked) = hesitant(stage, "county", "200 OK", "").await;
    let (sender, entry, now) = (stage.jobs.worker.sender.clone(), stage.entry(id), stage.now());
    let sending = tokio::spawn(async move { sender.deliver_one(entry, now).await.unwrap() });
    asked.await.unwrap();
    let row = stage.row(id).await;
    assert_eq!((row.state, row.attempt), (NoticeState::Sending, 1));
    postgres.crash();
    let row = stage.row(id).await;
    assert_eq!((row.state, row.attempt), (NoticeState::Queued, 0), "a crash takes leases away");
    go.send(()).unwrap();
    assert_eq!(sending.await.unwrap(), Delivered::TooLate);
    stage.move_room("county", stage.sandbox_url("county").as_str()).await;
    stage.work_all().await;
    let row = stage.row(id).await;
    assert_eq!((row.state, row.attempt), (NoticeState::Sent, 1));
    assert_eq!(stage.hears("county").await.delivery_id, Some(id.to_string()));
    stage.sandbox.clear();
}

#[tokio::test(flavor = "multi_thread")]
async fn private_stores_killed_outright_lose_none_of_two_thousand() {
    let (mut postgres, mut redis) = (PrivatePostgres::start(), PrivateRedis::start());
    let start = Clock::System.now();
    let stage = Stage::set_over(Clock::manual(start), false, postgres.database(), redis.url()).await;
    a_lease_is_forgotten(&stage, &mut postgres).await;
    let jobs = stage.replica();
    let storm = Box::pin(Storm::rises(stage, jobs)).await;
    storm.reaches(15).await;
    redis.dies();
    redis.returns();
    storm.stage.pass(REQUEUE);
    storm.reaches(35).await;
    postgres.crash();
    // What was sent and could not be settled is sent again when its lease is over.
    storm.stage.pass(LEASE);
    storm.reaches(60).await;
    postgres.crash();
    storm.stage.pass(LEASE);
    storm.reaches(85).await;
    redis.dies();
    for _ in 0..6 {
        storm.stage.pass(TimeDelta::seconds(10));
    }
    assert!(storm.stage.states().await.iter().any(|state| *state != NoticeState::Sent), "in the middle");
    redis.returns();
    storm.settles(4).await;
}

/// Notices to limited robots and a limited application, each with a number of its own.
struct Crowd {
    stage: Stage,
    count: usize,
}

impl Crowd {
    /// So many more.
    async fn grows(&mut self, by: usize, to: impl Fn(usize) -> (&'static str, Priority)) {
        let (stage, before) = (&self.stage, self.count);
        self.count += by;
        let mut rows = Vec::new();
        for number in before..self.count {
            let (room, priority) = to(number);
            let mut params = alarm_params();
            params["number"] = format!("N{number:05}").into();
            params["department"] = format!("D{}", number % 7).into();
            let recipient = if room == APP { USER } else { "" }.to_owned();
            let row = stage.notice(NoticeId::fresh(), stage.channel(room).await, priority, params);
            rows.push(NewNotice { recipient, ..row });
        }
        stage.post_all(rows).await;
    }

    /// Those that may still leave, and when they are looked at.
    async fn open(&self) -> Vec<(NoticeState, DateTime<Utc>)> {
        let mut tx = self.stage.tx().await;
        let open = notices::table.filter(notices::due_at.is_not_null());
        open.select((notices::state, notices::due_at.assume_not_null())).load(&mut tx).await.unwrap()
    }

    /// What somebody read from the queue and will never acknowledge, because his line broke meanwhile, is there no more: its own time is
    /// that of Redis, which no test moves.
    async fn forget_what_was_read(&self) {
        let queue = &self.stage.jobs.relay.queue;
        for lane in Lane::ALL {
            let read = queue.reclaim(lane, "test", Duration::ZERO).await.unwrap();
            let ids: Vec<String> = read.into_iter().map(|taken| taken.id).collect();
            queue.lane(lane).done(&ids).await.unwrap();
        }
    }

    /// Works on, in its own time, until so many at most may still leave. Time passes when nothing is left to do at a moment: nobody then
    /// has anything in hand, so that the platforms count by the same clock as we do.
    async fn works_down_to(&self, left: usize) {
        let began = std::time::Instant::now();
        let (mut heard, mut idle) = (0, std::time::Instant::now());
        loop {
            let open = self.open().await;
            if open.len() <= left {
                return;
            }
            assert!(began.elapsed() < PATIENCE * 3, "{open:?}");
            let now = self.stage.now();
            let in_queue = self.stage.jobs.relay.queue.lengths().await.unwrap() != [0, 0];
            let in_hand = open.iter().any(|(state, due)| *state == NoticeState::Sending || *due <= now);
            if in_hand || !in_queue {
                idle = std::time::Instant::now();
            } else if idle.elapsed() > Duration::from_secs(1) {
                self.forget_what_was_read().await;
            }
            // What was read before Redis was emptied is on no list until it is leased.
            let perhaps = open.iter().any(|(state, _)| *state == NoticeState::Queued);
            let look = Duration::from_millis(if in_queue || in_hand { 10 } else { 150 });
            if in_queue || in_hand || perhaps {
                let moved = self.stage.sandbox.has_heard(heard + 1, look).await;
                heard = u64::try_from(self.stage.sandbox.all_messages().len()).unwrap();
                if in_queue || in_hand || moved {
                    continue;
                }
            }
            let due = open.iter().map(|(_, due)| *due).min().unwrap();
            self.stage.clock.set(due.max(now));
            self.stage.wake.notices();
        }
    }

    /// Each was told, and once; no platform had more in a minute than it takes, and what it saw was refused as often as this.
    async fn is_told(&self, refused: impl Fn(i64) -> bool) {
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        let mut arrivals: BTreeMap<String, Vec<DateTime<Utc>>> = BTreeMap::new();
        for message in self.stage.sandbox.all_messages() {
            arrivals.entry(message.room).or_default().push(message.at);
            let numbers = message.text.split(|c: char| !c.is_ascii_alphanumeric());
            let numbers: BTreeSet<&str> =
                numbers.filter(|word| word.len() == 6 && word.starts_with('N')).collect();
            assert_eq!(numbers.len(), 1, "{}", message.text);
            *told.entry(numbers.into_iter().collect()).or_default() += 1;
        }
        let untold: Vec<String> = (0..self.count)
            .map(|number| format!("N{number:05}"))
            .filter(|number| !told.contains_key(number))
            .collect();
        assert!(untold.is_empty(), "{untold:?}");
        assert!(told.values().all(|times| *times == 1), "{told:?}");
        for (room, most) in [("wecom", 20), ("dingtalk", 20), ("feishu", 100), (APP, 30)] {
            let arrivals = arrivals.get(room).map_or(0, |arrivals| most_in_a_minute(arrivals));
            assert!(arrivals <= most, "{room}: {arrivals}");
        }
        let ends = [NoticeState::Sent, NoticeState::Fallback];
        assert!(self.stage.states().await.iter().all(|state| ends.contains(state)));
        let mut tx = self.stage.tx().await;
        let too_fast = notice_attempts::table.filter(notice_attempts::outcome.eq("rate_limited"));
        let too_fast: i64 = too_fast.count().get_result(&mut tx).await.unwrap();
        assert!(refused(too_fast), "{too_fast}");
    }
}

const APP: &str = "wecom-app";

#[tokio::test(flavor = "multi_thread")]
async fn redis_lost_amid_limits_tokens_and_breakers_loses_nothing_and_exceeds_no_limit() {
    let stage = Stage::set_limited().await;
    stage.open_app(APP).await;
    stage.reach(APP, USER, None).await;
    let wire = Wire::to(place(&stage.settings().redis.url)).await;
    let jobs = stage.jobs_with(|config: &mut Config| {
        config.redis.url = via(&config.redis.url, "127.0.0.1", wire.at, "");
    });
    // A room that fails until its breaker opens, and then once more.
    stage.sandbox.set_fault("feishu", Fault::times(Mode::Http500, 7));
    let mut crowd = Crowd { stage, count: 0 };
    let rooms = |number| match number % 6 {
        0 => (APP, Priority::FirstAlarm),
        1 => (APP, Priority::Normal),
        2 => ("wecom", Priority::Normal),
        3 => ("dingtalk", Priority::Normal),
        4 => ("feishu", Priority::FirstAlarm),
        _ => ("feishu", Priority::Normal),
    };
    crowd.grows(240, rooms).await;
    let stop = Stop::default();
    let asked = stop.clone();
    let running = tokio::spawn(async move { jobs.run(asked).await });

    crowd.works_down_to(170).await;
    // Emptied, and the token that it kept would no longer be good either.
    crowd.stage.sandbox.revoke_tokens(APP);
    crowd.stage.empty_redis().await;
    crowd.works_down_to(110).await;
    // Restarted.
    wire.hang_up();
    crowd.stage.empty_redis().await;
    wire.speak();
    crowd.works_down_to(60).await;
    // Away for a minute.
    wire.hang_up();
    for _ in 0..6 {
        while crowd.open().await.iter().any(|(state, _)| *state == NoticeState::Sending) {}
        crowd.stage.pass(TimeDelta::seconds(10));
    }
    assert!(crowd.open().await.len() > 20, "in the middle");
    crowd.forget_what_was_read().await;
    wire.speak();
    crowd.works_down_to(0).await;
    stop.request();
    tokio::time::timeout(PATIENCE, running).await.expect("it stops").unwrap();

    crowd.is_told(|refused| refused == 0).await;
    let asked = crowd.stage.sandbox.tokens_asked(APP);
    // Anew after each loss; and while Redis is away whoever has a message in hand fetches one for himself.
    assert!((2..=u64::try_from(IN_HAND).unwrap()).contains(&asked), "{asked} tokens");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_an_emptied_redis_lets_a_platform_refuse_but_lose_nothing() {
    let stage = Stage::set_limited().await;
    for room in ["dingtalk", "feishu"] {
        stage.set_channel(room, ChannelState::Dead).await;
    }
    let other = stage.replica();
    let mut crowd = Crowd { stage, count: 0 };
    crowd.grows(30, |_| ("wecom", Priority::FirstAlarm)).await;
    crowd.stage.work().await;
    assert_eq!(crowd.stage.sandbox.messages("wecom").len(), 18, "our limit");
    crowd.stage.empty_redis().await;
    crowd.stage.pass(TimeDelta::seconds(5));
    crowd.grows(30, |_| ("wecom", Priority::FirstAlarm)).await;
    let stage = &crowd.stage;
    // It knows nothing of what the first one sent.
    let _ = other.relay.run_once(stage.now()).await.unwrap();
    other.worker.run_once(stage.now()).await.unwrap();
    assert_eq!(stage.sandbox.messages("wecom").len(), 20, "the platform's limit");
    while let Some(due) = stage.next_due().await {
        stage.clock.set(due.max(stage.now()));
        stage.work_all().await;
    }
    crowd.is_told(|refused| (1..=18).contains(&refused)).await;
}
