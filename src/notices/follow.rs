//! Following up alarms: what comes after one that nobody acted on, or that nobody could be told.
//!
//! A first alarm that was sent and not acted on goes to the next application of its officer after a while, each once; an alarm whose
//! last channel is dead lets the ladder climb now, and an administrator is told.
//!
//! The moment stands in `notices.follow_at`, set by the very statement that settles or ends the row and taken away by the one that
//! answers it, so it survives every restart and costs a tap nothing. It is no row of `deadlines`: those are promises to people, which
//! are shown, explained, moved by calendars and counted as met or missed; this is a property of a row that is written at that moment
//! anyway, as its retry and its lease are. Its lateness is counted with theirs.

use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;

use super::model::NoticeState;
use super::store::follow::{self as store, Unheard};
use super::unreachable::{Climbers, FollowError};
use super::wake::Wake;
use super::{administrators, fallback};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError, Scope};

/// Rows looked at together.
const BATCH: i64 = 256;
/// Between two looks, at most.
const AHEAD: Duration = Duration::from_secs(1);
/// After something was away.
const PAUSE: Duration = Duration::from_secs(1);
/// What could not be followed up is tried again after this long.
const HOLD: TimeDelta = TimeDelta::minutes(1);

/// Follows up. Clones share everything.
#[derive(Clone, Debug)]
pub struct FollowUp {
    pub db: Db,
    pub clock: Clock,
    pub wake: Wake,
    pub climbers: Climbers,
}

/// What came of one alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Followed {
    /// It went to another application.
    SentOn,
    /// The ladder climbs, and an administrator knows.
    Climbed,
    /// Nothing was left to do.
    Done,
    /// Somebody else has it in his hand.
    Busy,
}

impl FollowUp {
    /// Looks at everything that is due at `now`; of how many alarms something came.
    ///
    /// # Errors
    /// Postgres is away.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<usize, DbError> {
        let mut count = 0;
        loop {
            let due = self.due(now).await?;
            let mut looked = 0;
            for unheard in &due {
                let followed = self.follow(unheard, now).await?;
                looked += usize::from(followed != Followed::Busy);
                count += usize::from(matches!(followed, Followed::SentOn | Followed::Climbed));
            }
            if looked == 0 {
                return Ok(count);
            }
        }
    }

    /// Works until `stop`; what is in hand is finished.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut failing = false;
        loop {
            let pass = self.run_once(self.clock.now()).await;
            match &pass {
                Err(error) if !failing => tracing::error!(%error, "unanswered alarms wait"),
                Ok(_) if failing => tracing::info!("unanswered alarms are followed up again"),
                _ => {}
            }
            failing = pass.is_err();
            let pause = if failing { PAUSE } else { self.pause().await };
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn due(&self, now: DateTime<Utc>) -> Result<Vec<Unheard>, DbError> {
        let mut tx = self.db.begin(Scope::AllCounties).await?;
        let due = store::due(&mut tx, now, BATCH).await.map_err(DbError::from);
        tx.finish(due).await
    }

    /// Until the next moment, not longer than [`AHEAD`], because others set earlier ones.
    async fn pause(&self) -> Duration {
        let next = async {
            let mut tx = self.db.begin(Scope::AllCounties).await?;
            let next = store::next(&mut tx).await.map_err(DbError::from);
            tx.finish(next).await
        };
        let next = next.await.ok().flatten().map(|next| next - self.clock.now());
        // What is due and in somebody's hand is looked at again soon, not at once.
        let soon = Duration::from_millis(50);
        next.map_or(AHEAD, |next| next.to_std().unwrap_or_default().clamp(soon, AHEAD))
    }

    async fn follow(&self, unheard: &Unheard, now: DateTime<Utc>) -> Result<Followed, DbError> {
        let mut tx = self.db.begin(Scope::County(unheard.county.0)).await?;
        let followed = self.follow_in(&mut tx, unheard, now).await;
        match tx.finish(followed).await {
            Ok(followed) => {
                let late = (now - unheard.follow_at).as_seconds_f64().max(0.0);
                metrics::histogram!("deadlines_late_seconds").record(late);
                match followed {
                    Followed::SentOn => self.wake.notices(),
                    Followed::Climbed => {
                        self.wake.deadlines();
                        self.wake.notices();
                    }
                    Followed::Done | Followed::Busy => {}
                }
                Ok(followed)
            }
            Err(FollowError::Overtaken) => Ok(Followed::Done),
            Err(FollowError::Db(error @ DbError::Unavailable(_))) => Err(error),
            Err(error) => {
                tracing::error!(%error, notice = %unheard.notice, "an alarm could not be followed up; it is tried again");
                self.hold(unheard, now + HOLD).await?;
                Ok(Followed::Done)
            }
        }
    }

    async fn follow_in(
        &self,
        conn: &mut AsyncPgConnection,
        unheard: &Unheard,
        now: DateTime<Utc>,
    ) -> Result<Followed, FollowError> {
        if unheard.state != NoticeState::Dead {
            if !store::lock_posting(conn, unheard.posting).await? {
                return Ok(Followed::Busy);
            }
            if !store::looked(conn, unheard, None).await? {
                return Ok(Followed::Done);
            }
            let sent_on = fallback::go_on(conn, unheard.county, unheard.notice, now).await?;
            return Ok(if sent_on { Followed::SentOn } else { Followed::Done });
        }
        // A verb locks its subject first and the notices then; so does this.
        if let Some(climber) = self.climbers.get(&unheard.subject_kind) {
            climber.climb(conn, unheard, now).await?;
        }
        if !store::looked(conn, unheard, None).await? {
            return Err(FollowError::Overtaken);
        }
        administrators::tell(conn, unheard, now).await?;
        Ok(Followed::Climbed)
    }

    async fn hold(&self, unheard: &Unheard, until: DateTime<Utc>) -> Result<(), DbError> {
        let mut tx = self.db.begin(Scope::County(unheard.county.0)).await?;
        let held = store::looked(&mut tx, unheard, Some(until)).await.map(drop).map_err(DbError::from);
        tx.finish(held).await
    }
}
