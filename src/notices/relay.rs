//! The relay, which is also the sweeper: from rows that are due to entries in the queue. Whatever lost its entry (Redis was emptied,
//! a process died, a lease ended) is due again after a while and so is found here.

use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::model::Lane;
use super::queue::Queue;
use super::store::register::Backlog;
use super::store::{self, Claim, Claimed};
use super::wake::Wake;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError, Scope, Tuning, Tx};
use crate::platform::redis::RedisError;

/// Entries of a lane in Redis at which the relay waits for the senders: what is not in Redis cannot be lost there, and what is
/// urgent is not behind it.
const LANE_FULL: usize = 1024;
/// Rows moved at once.
const BATCH: usize = 256;
/// Between two looks when nobody rang.
const IDLE: Duration = Duration::from_millis(250);
/// Between two looks while a lane is full.
const FULL: Duration = Duration::from_millis(20);
/// Between two measurements of the backlog.
const MEASURE: Duration = Duration::from_secs(10);

/// Moves what is due.
#[derive(Clone, Debug)]
pub struct Relay {
    pub db: Db,
    pub queue: Queue,
    pub clock: Clock,
    pub wake: Wake,
    /// After this long without a sender a row is put into the queue again.
    pub requeue: TimeDelta,
    pub lease: TimeDelta,
}

/// What one pass did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Entries put into the queue.
    pub moved: usize,
    /// Whether rows may still be due.
    pub more: bool,
}

/// Why a pass did nothing.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("Redis: {0}")]
    Redis(#[from] RedisError),
}

impl From<diesel::result::Error> for RelayError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Relay {
    /// Puts what is due at `now` into the queue, alarms first, and marks it to be looked at again after the requeue time.
    ///
    /// # Errors
    /// Redis or Postgres is away; then no row has moved.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<Pass, RelayError> {
        let (lengths, tx) = tokio::join!(self.queue.lengths(), self.begin());
        let mut tx = tx?;
        let room = match lengths {
            Ok(lengths) => lengths.map(|length| LANE_FULL.saturating_sub(length).min(BATCH)),
            Err(error) => return tx.finish(Err(error.into())).await,
        };
        let moved = self.move_due(&mut tx, room, now).await;
        let due = tx.finish(moved).await?;
        let [first, rest] =
            Lane::ALL.map(|lane| due.iter().filter(|row| Lane::of(row.priority) == lane).count());
        Ok(Pass { moved: due.len(), more: [first, rest].iter().zip(room).any(|(took, room)| *took >= room) })
    }

    /// The rows now in the queue.
    async fn move_due(
        &self,
        tx: &mut Tx,
        [first, rest]: [usize; 2],
        now: DateTime<Utc>,
    ) -> Result<Vec<Claimed>, RelayError> {
        let claim = Claim {
            now,
            again_at: now + self.requeue,
            lease_ms: i32::try_from(self.lease.num_milliseconds()).unwrap_or(i32::MAX),
            first: i64::try_from(first).unwrap_or(0),
            rest: i64::try_from(rest).unwrap_or(0),
        };
        let mut due = store::claim(tx, claim).await?;
        due.sort_unstable_by_key(|row| (row.priority, row.notice));
        let entries: Vec<_> = due.iter().map(|row| (Lane::of(row.priority), row.entry())).collect();
        // Before the commit: should Redis refuse, nothing has moved. A sender that is quicker than the commit waits for it.
        self.queue.push(&entries).await?;
        Ok(due)
    }

    async fn begin(&self) -> Result<Tx, DbError> {
        self.db.begin_tuned(Scope::AllCounties, &[Tuning::Loose, Tuning::InOrder]).await
    }

    /// Works until `stop`; a pass under way is finished. Measuring goes on beside it: nobody who taps waits for that.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let measuring = async {
            loop {
                self.measure().await;
                tokio::time::sleep(MEASURE).await;
            }
        };
        tokio::select! {
            () = self.move_until(stop) => {}
            () = measuring => {}
        }
    }

    async fn move_until(&self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut failing = false;
        loop {
            let pass = self.run_once(self.clock.now()).await;
            let pause = match &pass {
                Ok(Pass { more: true, moved: 1.. }) => Duration::ZERO,
                Ok(Pass { more: true, moved: 0 }) => FULL,
                Ok(Pass { more: false, .. }) | Err(_) => IDLE,
            };
            match &pass {
                Err(error) if !failing => tracing::error!(%error, "notices wait"),
                Ok(_) if failing => tracing::info!("notices flow again"),
                _ => {}
            }
            failing = pass.is_err();
            tokio::select! {
                biased;
                () = &mut stop => return,
                // While something is away, every tap would knock in vain.
                () = self.wake.heard(), if !failing => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Tells the metrics what waits, in all and by channel.
    pub async fn measure(&self) {
        let backlog = async {
            let mut tx = self.db.begin(Scope::AllCounties).await?;
            let backlog = async {
                Ok::<_, DbError>((store::backlog(&mut tx).await?, store::register::backlogs(&mut tx).await?))
            };
            let backlog = backlog.await;
            tx.finish(backlog).await
        };
        let age = |oldest: Option<DateTime<Utc>>| {
            oldest.map_or(TimeDelta::zero(), |oldest| self.clock.now() - oldest).as_seconds_f64()
        };
        let number = |count: i64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        match backlog.await {
            Ok(((count, oldest), channels)) => {
                metrics::gauge!("notices_queued").set(number(count));
                metrics::gauge!("notices_oldest_seconds").set(age(oldest));
                for Backlog { id, county, code, kind, active, waiting, held, oldest } in channels {
                    let labels = [
                        ("channel", id.to_string()),
                        ("county", county),
                        ("code", code),
                        ("kind", kind.as_str().to_owned()),
                    ];
                    metrics::gauge!("channel_active", &labels).set(f64::from(u8::from(active)));
                    metrics::gauge!("channel_notices_waiting", &labels).set(number(waiting));
                    metrics::gauge!("channel_notices_held", &labels).set(number(held));
                    metrics::gauge!("channel_oldest_seconds", &labels).set(age(oldest));
                }
            }
            Err(error) => tracing::debug!(%error, "the backlog could not be measured"),
        }
    }
}
