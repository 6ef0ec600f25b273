//! The index of what happens by itself: every loop of the background, one line each. The router is its counterpart for what comes in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::app::App;
use crate::calls::on_due::CallsDue;
use crate::calls::unreachable::CallsUnreachable;
use crate::deadlines::SubjectKind;
use crate::deadlines::calendars::recompute::{BATCH, Recompute};
use crate::deadlines::engine::Engine;
use crate::deadlines::ladders::keep;
use crate::deadlines::on_due::OnDue;
use crate::deadlines::queue::DueQueue;
use crate::drills::monthly::Monthly;
use crate::notices::follow::FollowUp;
use crate::notices::model::SubjectKind as NoticeSubject;
use crate::notices::queue::Queue;
use crate::notices::relay::Relay;
use crate::notices::unreachable::OnUnreachable;
use crate::notices::worker::{Worker, machine_name};
use crate::platform::db::DbError;
use crate::platform::stop::Stop;
use crate::purge::Purge;
use crate::supervision::on_due::OrdersDue;

/// What runs beside the API in one process, until `stop`; then what is in hand is finished.
#[derive(Clone, Debug)]
pub struct Loops {
    app: App,
    relay: Relay,
    senders: Worker,
    follow_up: FollowUp,
    purge: Purge,
    engine: Engine,
    recompute: Recompute,
    drills: Monthly,
}

impl Loops {
    /// Builds the loops.
    #[must_use]
    pub fn new(app: &App) -> Self {
        let settings = &app.config.notices;
        let queue = Queue::new(app.redis.clone());
        let lease = TimeDelta::milliseconds(settings.lease_ms.into());
        let relay = Relay {
            db: app.db.clone(),
            queue: queue.clone(),
            clock: app.clock.clone(),
            wake: app.wake.clone(),
            requeue: TimeDelta::milliseconds(settings.requeue_ms.into()),
            lease,
        };
        let consumer = match settings.consumer.as_str() {
            "" => machine_name(),
            name => name.to_owned(),
        };
        let engine = engine(app, consumer.clone());
        let senders = Worker {
            sender: app.sender.clone(),
            queue,
            clock: app.clock.clone(),
            concurrency: settings.concurrency,
            consumer,
        };
        let purge = Purge::new(app.db.clone(), app.clock.clone(), &app.config.purge);
        let recompute = Recompute {
            db: app.db.clone(),
            calendars: app.calls.calendars.clone(),
            clock: app.clock.clone(),
            wake: app.wake.clone(),
            batch: BATCH,
        };
        let follow_up = follow_up(app);
        let drills = Monthly { drills: app.drills(), clock: app.clock.clone(), wake: app.wake.clone() };
        Self { app: app.clone(), relay, senders, follow_up, purge, engine, recompute, drills }
    }

    /// Beside the API: what was committed here is handed on at once.
    pub async fn hand_on(&self, stop: Stop) {
        // Committed notices → entries in Redis; also finds again what Redis lost.
        self.relay.run(stop.requested()).await;
    }

    /// Before anything fires: what runs stays on the ladders of the release under which it started.
    async fn keep_ladders(&self) {
        while let Err(error) = keep::adopt(&self.app.db, self.app.clock.now()).await {
            tracing::warn!(%error, "the loops wait, or do without the ladders of the release before");
            if !matches!(error, DbError::Unavailable(_)) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Everything that happens by itself.
    pub async fn run(&self, stop: Stop) {
        tokio::select! {
            biased;
            () = stop.requested() => return,
            () = self.keep_ladders() => {}
        }
        tokio::join!(
            self.relay.run(stop.requested()),     // committed notices → entries in Redis
            self.senders.run(stop.requested()),   // entries → chat platforms
            self.follow_up.run(stop.requested()), // unanswered alarms → the next application, or the ladder
            self.engine.run(stop.requested()), // due deadlines → the ladder climbs, silence confirms, pauses end
            Box::pin(self.purge.run(stop.requested())), // keys, tokens, sessions and old ladders that have had their day → gone
            Box::pin(self.recompute.run(stop.requested())), // a calendar changed → open deadlines move
            Box::pin(self.drills.run(stop.requested())), // once a month everybody on a contact card is tried
            self.app.catalogue.warm(&self.app.db), // learns every county's words before the first call needs them
        );
    }
}

/// What follows up alarms: whose ladder climbs when nobody could be told.
#[must_use]
pub fn follow_up(app: &App) -> FollowUp {
    let calls: Arc<dyn OnUnreachable> = Arc::new(CallsUnreachable::new(app.calls.clone()));
    let climbers = BTreeMap::from([(NoticeSubject::Call, calls.clone()), (NoticeSubject::SideMatter, calls)]);
    FollowUp {
        db: app.db.clone(),
        clock: app.clock.clone(),
        wake: app.wake.clone(),
        climbers: Arc::new(climbers),
    }
}

/// What fires deadlines: who acts for which kind of subject.
#[must_use]
pub fn engine(app: &App, consumer: String) -> Engine {
    let calls: Arc<dyn OnDue> = Arc::new(CallsDue::new(app.calls.clone()));
    let orders: Arc<dyn OnDue> = Arc::new(OrdersDue::new(app.supervision.clone()));
    let kinds = BTreeMap::from([
        (SubjectKind::Call, calls.clone()),
        (SubjectKind::SideMatter, calls),
        (SubjectKind::SupervisionOrder, orders),
    ]);
    let queue = DueQueue::new(app.redis.clone());
    Engine::new(app.db.clone(), app.clock.clone(), app.wake.clone(), queue, kinds, consumer)
}
