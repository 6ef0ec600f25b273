//! Removes what has had its day: keys of requests that nobody repeats any more, sessions long over, refresh tokens that have
//! expired, ladders that no clock climbs by any more.
//!
//! Owns no table; it knows how long rows of others are of use (`[purge]` of the settings). Never touches calls, notices or the
//! ledger. Works across counties, in small transactions, on any number of replicas at once. Calls `platform`, and `deadlines` about
//! their ladders.

mod store;

use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::deadlines::ladders::keep;
use crate::platform::clock::Clock;
use crate::platform::config;
use crate::platform::db::{Db, DbError, Scope, Tuning};

/// What is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// Idempotency keys older than their life.
    Keys,
    /// Refresh tokens that have expired: unknown or expired, the answer to whoever shows one is the same.
    Tokens,
    /// Sessions over for long, with whatever tokens are left.
    Sessions,
}

impl Leaving {
    const ALL: [Self; 3] = [Self::Keys, Self::Tokens, Self::Sessions];

    const fn table(self) -> &'static str {
        match self {
            Self::Keys => "idempotency_keys",
            Self::Tokens => "refresh_tokens",
            Self::Sessions => "sessions",
        }
    }
}

/// Rows removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    pub keys: usize,
    pub tokens: usize,
    /// Tokens that went with their session are not counted.
    pub sessions: usize,
    /// Counties that kept ladders by which nothing climbed any more.
    pub ladders: usize,
}

/// The loop.
#[derive(Clone, Debug)]
pub struct Purge {
    db: Db,
    clock: Clock,
    every: Duration,
    batch: u32,
    keys_live: TimeDelta,
    sessions_live: TimeDelta,
}

impl Purge {
    /// As the settings say.
    #[must_use]
    pub fn new(db: Db, clock: Clock, settings: &config::Purge) -> Self {
        Self {
            db,
            clock,
            every: Duration::from_secs(settings.every_seconds.into()),
            batch: settings.batch,
            keys_live: TimeDelta::days(settings.idempotency_days.into()),
            sessions_live: TimeDelta::days(settings.session_days.into()),
        }
    }

    /// Removes everything that at `now` has had its day.
    ///
    /// # Errors
    /// Postgres is away; what was removed before stays removed.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<Purged, DbError> {
        let mut purged = Purged::default();
        for what in Leaving::ALL {
            let (before, sum) = match what {
                Leaving::Keys => (now - self.keys_live, &mut purged.keys),
                Leaving::Tokens => (now, &mut purged.tokens),
                Leaving::Sessions => (now - self.sessions_live, &mut purged.sessions),
            };
            loop {
                let removed = self.remove(what, before).await?;
                *sum += removed;
                let count = u64::try_from(removed).unwrap_or(u64::MAX);
                metrics::counter!("rows_purged_total", "table" => what.table()).increment(count);
                if count < u64::from(self.batch) {
                    break;
                }
            }
        }
        purged.ladders = keep::tidy(&self.db).await?;
        Ok(purged)
    }

    /// One batch, which a crash of Postgres may undo: it is then removed again.
    async fn remove(&self, what: Leaving, before: DateTime<Utc>) -> Result<usize, DbError> {
        let mut tx = self.db.begin_tuned(Scope::AllCounties, &[Tuning::Loose]).await?;
        let batch = i64::from(self.batch);
        let removed = match what {
            Leaving::Keys => store::keys(&mut tx, before, batch).await,
            Leaving::Tokens => store::tokens(&mut tx, before, batch).await,
            Leaving::Sessions => store::sessions(&mut tx, before, batch).await,
        };
        tx.finish(removed.map_err(DbError::from)).await
    }

    /// A round now and then until `stop`; a round under way is broken off, and taken up again by the next start.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        loop {
            let round = async {
                match self.run_once(self.clock.now()).await {
                    Ok(Purged { keys: 0, tokens: 0, sessions: 0, ladders: 0 }) => {}
                    Ok(Purged { keys, tokens, sessions, ladders }) => {
                        tracing::info!(keys, tokens, sessions, ladders, "removed what had its day");
                    }
                    Err(error) => tracing::warn!(%error, "what has had its day stays for now"),
                }
                tokio::time::sleep(self.every).await;
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = round => {}
            }
        }
    }
}
