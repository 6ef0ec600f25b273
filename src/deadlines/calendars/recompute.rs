//! After a change of a calendar the open deadlines move: each with an event in the ledger of its call or order, those that are over never. In
//! batches of one short transaction each; how far it has come is a row, so a crash costs at most one batch.

use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::Calendars;
use super::adopt::adopt;
use super::renew::renew;
use super::store::{self, RecomputeRow};
use crate::notices::wake::Wake;
use crate::organisation::CountyId;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError, Scope};

/// Subjects of one transaction.
pub const BATCH: i64 = 200;
/// How long a transaction that read the version before may still be writing: the longest statement and a good deal more.
pub(super) const SETTLED: TimeDelta = TimeDelta::seconds(90);
/// When what failed is tried again.
const HOLD: TimeDelta = TimeDelta::seconds(60);
/// How often it is looked whether there is anything to do.
const LOOK: Duration = Duration::from_secs(2);

/// The job.
#[derive(Clone, Debug)]
pub struct Recompute {
    pub db: Db,
    pub calendars: Calendars,
    pub clock: Clock,
    /// Rings the engine: what moved may be due at once.
    pub wake: Wake,
    /// Subjects of one transaction, [`BATCH`].
    pub batch: i64,
}

impl Recompute {
    /// Until `stop`; Postgres being away is waited for.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let now = self.clock.now();
            let done = async {
                // Each time: a county may have been founded since.
                let adopted = adopt(&self.db, self.calendars.latest(), now).await;
                let moved = self.run_once(now).await?;
                adopted.map(|()| moved)
            };
            match done.await {
                Ok(0) => {}
                Ok(moved) => tracing::info!(moved, "open deadlines were moved by a change of the calendar"),
                Err(error) => tracing::warn!(%error, "deadlines could not be computed anew; trying again"),
            }
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Does all that waits, and says how many deadlines moved.
    ///
    /// # Errors
    /// When Postgres is away; what was done so far is kept.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<i32, DbError> {
        let mut moved = 0;
        while let Some(batch) = self.step(now).await? {
            moved += batch;
        }
        Ok(moved)
    }

    /// Does one batch, and says how many deadlines moved; none when nothing waits, or another worker is at it. A county whose batch
    /// fails waits a minute, and keeps no other from its own.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn step(&self, now: DateTime<Utc>) -> Result<Option<i32>, DbError> {
        let Some(county) = self.waiting(now).await? else { return Ok(None) };
        let mut tx = self.db.begin(Scope::County(county.0)).await?;
        let done = self.step_in(&mut tx, county, now).await;
        match tx.finish(done).await {
            Ok(done) => {
                self.wake.deadlines();
                Ok(done)
            }
            Err(error) => {
                tracing::error!(%error, county = %county.0, "a county's deadlines could not be computed anew");
                self.hold(county, now, &error.to_string()).await?;
                Ok(Some(0))
            }
        }
    }

    async fn hold(&self, county: CountyId, now: DateTime<Utc>, why: &str) -> Result<(), DbError> {
        let mut tx = self.db.begin(Scope::County(county.0)).await?;
        let held = store::hold(&mut tx, county, now + HOLD, why).await.map_err(DbError::from);
        tx.finish(held).await
    }

    async fn waiting(&self, now: DateTime<Utc>) -> Result<Option<CountyId>, DbError> {
        let mut tx = self.db.begin(Scope::AllCounties).await?;
        let found = store::waiting(&mut tx, now).await.map_err(DbError::from);
        tx.finish(found).await
    }

    async fn step_in(
        &self,
        conn: &mut AsyncPgConnection,
        county: CountyId,
        now: DateTime<Utc>,
    ) -> Result<Option<i32>, DbError> {
        let Some(mut row) = store::take(conn, county, now).await? else { return Ok(None) };
        let subjects = store::subjects(conn, county, row.after_subject, self.batch).await?;
        let moved = match subjects.last() {
            Some(last) => {
                row.after_subject = *last;
                renew(conn, &self.calendars, county, &subjects, now).await?
            }
            None => 0,
        };
        row.moved += moved;
        row.failure = None;
        if i64::try_from(subjects.len()).unwrap_or(i64::MAX) < self.batch {
            end_pass(&mut row, now);
        }
        store::put_progress(conn, &row).await?;
        Ok(Some(moved))
    }
}

fn end_pass(row: &mut RecomputeRow, now: DateTime<Utc>) {
    if row.pass == 1 {
        row.pass = 2;
        row.due_at = now.max(row.requested_at + SETTLED);
        row.after_subject = Uuid::nil();
    } else {
        row.done_at = Some(now);
    }
}
