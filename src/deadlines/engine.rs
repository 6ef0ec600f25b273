//! The engine: finds what is due in Postgres, hands it out through Redis, and lets the subject of each deadline act, in one short
//! transaction for deadlines that are due together.
//!
//! It fires at the due moment, not by a tick: it sleeps until the next one, at most a second, and whoever sets an earlier one rings.
//! Without Redis it fires what it finds itself. A crash at any point leaves the rows due, and they fire again; a step that has fired
//! is recorded in the same transaction and fires no more.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use redis::aio::MultiplexedConnection;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use uuid::Uuid;

use super::model::{DeadlineId, SubjectKind};
use super::on_due::{FireError, Fired, OnDue};
use super::queue::{Chunk, DueQueue, Taken};
use super::store::{self, Ripe};
use crate::notices::wake::Wake;
use crate::organisation::CountyId;
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError, Scope, Tuning};

/// Rows looked at together. What lies behind them is looked at when they have fired.
const WINDOW: i64 = 2048;
/// Rows that fire in one transaction: the statements are the same for one and for many.
const CHUNK: usize = 128;
/// Transactions at the same time in one process.
const HANDS: usize = 3;
/// How far ahead the engine looks, and how long it sleeps at most.
const AHEAD: Duration = Duration::from_secs(1);
/// Between two looks while something is due and in somebody's hand.
const BUSY: Duration = Duration::from_millis(25);
/// After something was away.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a reader waits for an entry.
const WAIT: Duration = Duration::from_secs(5);
/// Between two looks for entries that somebody took and never acknowledged, and how old those are.
const RECLAIM: Duration = Duration::from_secs(15);
/// A row that cannot fire alone either is tried again after this long.
const HOLD: TimeDelta = TimeDelta::minutes(1);
/// Consumers not seen for so long are forgotten.
const FORGET: Duration = Duration::from_secs(24 * 3600);

/// Fires deadlines. Clones share everything.
#[derive(Clone, Debug)]
pub struct Engine {
    db: Db,
    clock: Clock,
    wake: Wake,
    queue: DueQueue,
    kinds: Arc<BTreeMap<SubjectKind, Arc<dyn OnDue>>>,
    consumer: String,
}

impl Engine {
    /// `kinds` says who acts for which kind of subject; `consumer` is the same after a restart.
    #[must_use]
    pub fn new(
        db: Db,
        clock: Clock,
        wake: Wake,
        queue: DueQueue,
        kinds: BTreeMap<SubjectKind, Arc<dyn OnDue>>,
        consumer: String,
    ) -> Self {
        Self { db, clock, wake, queue, kinds: Arc::new(kinds), consumer }
    }

    /// Fires here, in order, everything that is due at `now`, including what becomes due by it; how many steps that were.
    ///
    /// # Errors
    /// Postgres is away; what has fired stays fired.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<usize, DbError> {
        let mut count = 0;
        loop {
            let ripe = self.ripe(now, now).await?;
            let mut fired = 0;
            for chunk in chunks(&ripe) {
                fired += self.fire(&chunk, now).await?;
            }
            if fired == 0 {
                return Ok(count);
            }
            count += fired;
        }
    }

    /// Hands out and fires until `stop`; what is in hand is finished.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let stopping = tokio::sync::watch::Sender::new(false);
        let (one, other) = (stopping.subscribe(), stopping.subscribe());
        tokio::join!(self.hand_out(one), self.work(other), async {
            stop.await;
            stopping.send_replace(true);
        });
    }

    async fn hand_out(&self, mut stopping: tokio::sync::watch::Receiver<bool>) {
        let mut failing = false;
        loop {
            let pass = self.hand_out_once(self.clock.now()).await;
            match &pass {
                Err(error) if !failing => tracing::error!(%error, "deadlines wait"),
                Ok(_) if failing => tracing::info!("deadlines fire again"),
                _ => {}
            }
            failing = pass.is_err();
            let pause = pass.unwrap_or(PAUSE);
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => return,
                () = self.wake.deadlines_heard(), if !failing => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Queues what is due; how long to sleep.
    async fn hand_out_once(&self, now: DateTime<Utc>) -> Result<Duration, DbError> {
        let ahead = TimeDelta::from_std(AHEAD).unwrap_or_default();
        let ripe = self.ripe(now + ahead, now).await?;
        let due = ripe.partition_point(|row| row.fires_at <= now);
        let (due, coming) = ripe.split_at(due);
        if let Some(oldest) = due.first() {
            metrics::gauge!("deadlines_oldest_seconds").set((now - oldest.fires_at).as_seconds_f64());
            let chunks = chunks(due);
            if let Err(error) = self.queue.push(&chunks).await {
                tracing::debug!(%error, "no queue; firing here");
                for chunk in &chunks {
                    self.fire(chunk, self.clock.now()).await?;
                }
            }
            return Ok(BUSY);
        }
        metrics::gauge!("deadlines_oldest_seconds").set(0.0);
        let next = coming.first().map(|next| (next.fires_at - now).to_std().unwrap_or_default());
        Ok(next.map_or(AHEAD, |next| next.min(AHEAD)))
    }

    /// Looks without locking.
    async fn ripe(&self, until: DateTime<Utc>, now: DateTime<Utc>) -> Result<Vec<Ripe>, DbError> {
        let mut tx = self.db.begin_tuned(Scope::AllCounties, &[Tuning::InOrder]).await?;
        let ripe = store::ripe(&mut tx, until, now, WINDOW).await.map_err(DbError::from);
        tx.finish(ripe).await
    }

    async fn work(&self, mut stopping: tokio::sync::watch::Receiver<bool>) {
        let free = Arc::new(Semaphore::new(HANDS));
        let mut reader = Reader { engine: self, connection: None, reclaimed: None };
        loop {
            let taken = tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => break,
                taken = reader.take(&free) => taken,
            };
            for taken in taken {
                let Ok(hand) = Arc::clone(&free).acquire_owned().await else { break };
                let engine = self.clone();
                tokio::spawn(async move {
                    engine.fire_taken(&taken).await;
                    drop(hand);
                });
            }
        }
        // Every hand free again: everything taken has fired.
        drop(free.acquire_many(u32::try_from(HANDS).unwrap_or(u32::MAX)).await);
    }

    async fn fire_taken(&self, taken: &Taken) {
        if let Some(chunk) = &taken.chunk
            && let Err(error) = self.fire(chunk, self.clock.now()).await
        {
            // Whoever hands out meets the same Postgres and says it aloud.
            tracing::debug!(%error, "deadlines stay due");
        }
        if let Err(error) = self.queue.done(taken).await {
            tracing::debug!(%error, "an entry could not be acknowledged");
        }
    }

    /// Fires a chunk: together, and if that fails one by one, so that what cannot fire stands in nobody's way.
    ///
    /// # Errors
    /// Postgres is away.
    pub async fn fire(&self, chunk: &Chunk, now: DateTime<Utc>) -> Result<usize, DbError> {
        let error = match self.fire_together(chunk.county, &chunk.deadlines, now).await {
            Ok(count) => return Ok(count),
            Err(FireError::Db(error @ DbError::Unavailable(_))) => return Err(error),
            Err(error) => error,
        };
        tracing::warn!(%error, "deadlines could not fire together");
        let mut count = 0;
        for id in &chunk.deadlines {
            match self.fire_together(chunk.county, std::slice::from_ref(id), now).await {
                Ok(one) => count += one,
                Err(FireError::Db(error @ DbError::Unavailable(_))) => return Err(error),
                Err(error) => {
                    tracing::error!(%error, deadline = %id, "a deadline could not fire; it is tried again");
                    metrics::counter!("deadlines_failed_total").increment(1);
                    self.hold(chunk.county, *id, now + HOLD).await?;
                }
            }
        }
        Ok(count)
    }

    async fn hold(&self, county: CountyId, id: DeadlineId, until: DateTime<Utc>) -> Result<(), DbError> {
        let mut tx = self.db.begin(Scope::County(county.0)).await?;
        let held = store::hold(&mut tx, id, until).await.map_err(DbError::from);
        tx.finish(held).await
    }

    /// A crash of Postgres that loses such a transaction loses all of it, and the rows fire again; so it need not wait for the disk.
    async fn fire_together(
        &self,
        county: CountyId,
        ids: &[DeadlineId],
        now: DateTime<Utc>,
    ) -> Result<usize, FireError> {
        let begun = Instant::now();
        let mut tx = self.db.begin_tuned(Scope::County(county.0), &[Tuning::Loose]).await?;
        let fired = async {
            let due = store::lock_due(&mut tx, ids, now).await?;
            if let Some(row) = due.iter().find(|row| !self.kinds.contains_key(&row.subject_kind)) {
                return Err(FireError::Refused(format!("nobody acts for a {}", row.subject_kind)));
            }
            let mut fired: Vec<Fired> = Vec::with_capacity(due.len());
            for (kind, actor) in self.kinds.iter() {
                let own: Vec<_> = due.iter().filter(|row| row.subject_kind == *kind).cloned().collect();
                if !own.is_empty() {
                    fired.extend(actor.fire(&mut tx, county, own, now).await?);
                }
            }
            if !fired.is_empty() {
                store::settle(&mut tx, county, &fired, now).await?;
            }
            Ok::<_, FireError>(fired)
        };
        let fired = fired.await;
        let fired = tx.finish(fired).await?;
        if !fired.is_empty() {
            self.wake.notices();
        }
        for one in &fired {
            let late = (now - one.planned_at).as_seconds_f64().max(0.0) + begun.elapsed().as_secs_f64();
            metrics::histogram!("deadlines_late_seconds").record(late);
        }
        Ok(fired.len())
    }
}

/// The reader's connection, and when it last looked for what others left.
struct Reader<'a> {
    engine: &'a Engine,
    connection: Option<MultiplexedConnection>,
    reclaimed: Option<Instant>,
}

impl Reader<'_> {
    async fn take(&mut self, free: &Semaphore) -> Vec<Taken> {
        // Waits for a hand, and gives it back: only this loop takes hands.
        drop(free.acquire().await);
        match self.try_take(free.available_permits().max(1)).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::debug!(%error, "the queue of deadlines cannot be read");
                self.connection = None;
                tokio::time::sleep(PAUSE).await;
                Vec::new()
            }
        }
    }

    async fn try_take(&mut self, count: usize) -> Result<Vec<Taken>, crate::platform::redis::RedisError> {
        let Engine { queue, consumer, .. } = self.engine;
        if self.reclaimed.is_none_or(|at| at.elapsed() >= RECLAIM) {
            self.reclaimed = Some(Instant::now());
            queue.stream().forget_consumers(FORGET).await?;
            // Their rows have long been queued again; the entries are only tidied away.
            let left = queue.stream().reclaim(consumer, RECLAIM).await?;
            let ids: Vec<String> = left.into_iter().map(|entry| entry.id).collect();
            queue.stream().done(&ids).await?;
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(queue.stream().reader().await?),
        };
        queue.read(connection, consumer, count, WAIT).await
    }
}

/// Rows of a county that follow each other, in order: so many subjects at a time that they are about [`CHUNK`] rows. The rows of a
/// subject stay together, so that no two hands work for it at the same time.
fn chunks(ripe: &[Ripe]) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut of_subject: HashMap<Uuid, usize> = HashMap::new();
    let mut of_county: HashMap<CountyId, usize> = HashMap::new();
    for row in ripe {
        let known = of_subject.get(&row.subject).copied();
        let place = known.or_else(|| {
            let last = *of_county.get(&row.county)?;
            chunks.get(last).is_some_and(|chunk| chunk.deadlines.len() < CHUNK).then_some(last)
        });
        let place = place.unwrap_or_else(|| {
            chunks.push(Chunk { county: row.county, deadlines: Vec::new() });
            of_county.insert(row.county, chunks.len() - 1);
            chunks.len() - 1
        });
        of_subject.insert(row.subject, place);
        if let Some(chunk) = chunks.get_mut(place) {
            chunk.deadlines.push(row.id);
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_subject_stay_together_and_the_most_overdue_come_first() {
        let (one, other) = (CountyId::fresh(), CountyId::fresh());
        let row = |county, subject: u128, second| Ripe {
            id: DeadlineId::fresh(),
            county,
            subject: Uuid::from_u128(subject),
            fires_at: DateTime::from_timestamp(second, 0).unwrap(),
        };
        let rows: Vec<Ripe> = (0_u32..200)
            .flat_map(|n| {
                [row(one, u128::from(n), i64::from(n)), row(other, u128::from(n) + 1_000, i64::from(n))]
            })
            .chain([row(one, 3, 500), row(one, 3_000, 501)])
            .collect();
        let chunks = chunks(&rows);
        let sizes: Vec<_> = chunks.iter().map(|chunk| (chunk.county == one, chunk.deadlines.len())).collect();
        assert_eq!(sizes, [(true, 129), (false, 128), (true, 73), (false, 72)]);
        assert_eq!(chunks[0].deadlines[3], rows[6].id);
        assert_eq!(chunks[0].deadlines[128], rows[400].id);
    }
}
