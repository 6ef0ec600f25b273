//! The senders of one process: one reader per lane, as many notices at a time as there are slots, one task for each. What was read
//! together is leased together, and what was answered while the settlers were busy is settled together; nobody waits for company.
//!
//! A task that panics delays its own notice until the lease ends, nothing else. Whatever became of a notice, its entry is
//! acknowledged: what is left to do stands in its row.
//!
//! While Redis is away first alarms are read from Postgres itself: no call waits for the queue to come back before anybody hears of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use redis::aio::MultiplexedConnection;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Instant;

use super::bundle::{Parcel, parcels};
use super::deliver::{Attempted, Leased, Sender};
use super::gate::Carried;
use super::model::{Entry, Lane, NoticeId, NoticeState};
use super::queue::{Queue, Taken};
use super::store::{self, Claim};
use crate::organisation::CountyId;
use crate::platform::clock::Clock;
use crate::platform::db::{DbError, Scope, Tuning};
use crate::platform::redis::RedisError;

/// How long a reader waits for an entry before it looks around.
const WAIT: Duration = Duration::from_secs(5);
/// After Redis failed.
const PAUSE: Duration = Duration::from_millis(250);
/// What was read past the queue and is not leased by then, because its reader stopped in between, is read again.
const AGAIN: TimeDelta = TimeDelta::seconds(5);
/// Between two looks for entries that somebody took and never acknowledged.
const RECLAIM: Duration = Duration::from_secs(15);
/// A reader unseen for so long, with nothing in hand, is gone for good.
const FORGET: Duration = Duration::from_secs(24 * 3600);
/// Entries acknowledged at once.
const ACKS: usize = 256;
/// Notices settled at once.
const SETTLES: usize = 64;
/// Settlements of a lane at the same time: while one waits for the disk, the next is under way.
const SETTLERS: usize = 2;

/// The senders of one process.
#[derive(Clone, Debug)]
pub struct Worker {
    pub sender: Sender,
    pub queue: Queue,
    pub clock: Clock,
    /// Notices sent at the same time, half of them alarms.
    pub concurrency: usize,
    /// The same after a restart, so that names do not pile up in Redis. Two processes may share one: the lease keeps them apart.
    pub consumer: String,
}

impl Worker {
    /// Works until `stop`; then reads nothing new and finishes what is in hand.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let stopping = watch::Sender::new(false);
        let (first, rest) = (stopping.subscribe(), stopping.subscribe());
        tokio::join!(self.serve(Lane::First, first), self.serve(Lane::Rest, rest), async {
            stop.await;
            stopping.send_replace(true);
        });
    }

    /// Delivers what is in the queue now, one after the other; answers how many entries there were.
    pub async fn run_once(&self, now: DateTime<Utc>) -> Result<usize, RedisError> {
        let mut reader = self.queue.lane(Lane::First).reader().await?;
        let mut count = 0;
        for lane in Lane::ALL {
            loop {
                let taken = self.queue.read(&mut reader, lane, &self.consumer, ACKS, Duration::ZERO).await?;
                if taken.is_empty() {
                    break;
                }
                count += taken.len();
                let mut counties: BTreeMap<CountyId, Vec<Entry>> = BTreeMap::new();
                for entry in taken.iter().filter_map(|taken| taken.entry) {
                    counties.entry(entry.county).or_default().push(entry);
                }
                for (county, entries) in counties {
                    deliver(&self.sender, county, &entries, now).await;
                }
                let ids: Vec<String> = taken.into_iter().map(|taken| taken.id).collect();
                self.queue.lane(lane).done(&ids).await?;
            }
        }
        Ok(count)
    }

    /// First alarms that are due, past the queue. What the relay put into a queue that is gone is due again after its requeue time. Where
    /// another replica reaches its Redis, each row is claimed by one of both.
    async fn due_alarms(&self, count: usize) -> Vec<Taken> {
        let Sender { db, lease, .. } = &self.sender;
        let now = self.clock.now();
        let claim = Claim {
            now,
            again_at: now + AGAIN,
            lease_ms: i32::try_from(lease.num_milliseconds()).unwrap_or(i32::MAX),
            first: i64::try_from(count).unwrap_or(0),
            rest: 0,
        };
        let claimed = async {
            let mut tx = db.begin_tuned(Scope::AllCounties, &[Tuning::Loose, Tuning::InOrder]).await?;
            let claimed = store::claim(&mut tx, claim).await.map_err(DbError::from);
            tx.finish(claimed).await
        };
        match claimed.await {
            Ok(due) => due.iter().map(|row| Taken { id: String::new(), entry: Some(row.entry()) }).collect(),
            // The relay, which meets the same Postgres, says it once and aloud.
            Err(error) => {
                tracing::debug!(%error, "neither the queue nor the rows can be read");
                Vec::new()
            }
        }
    }

    async fn serve(&self, lane: Lane, mut stopping: watch::Receiver<bool>) {
        let slots = (self.concurrency / 2).max(1);
        let free = Arc::new(Semaphore::new(slots));
        let (done, finished) = mpsc::unbounded_channel();
        let acknowledging = tokio::spawn(acknowledge(self.queue.clone(), lane, finished));
        let (settling, sent) = mpsc::unbounded_channel();
        let sent = Arc::new(Mutex::new(sent));
        let settlers: Vec<_> =
            (0..SETTLERS).map(|_| tokio::spawn(settle(self.sender.clone(), Arc::clone(&sent)))).collect();
        let mut reader = Reader { worker: self, lane, connection: None, reclaimed: None };
        loop {
            let taken = tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => break,
                taken = reader.take(&free) => taken,
            };
            let mut counties: BTreeMap<CountyId, Vec<(Entry, InHand)>> = BTreeMap::new();
            for taken in taken {
                let Ok(slot) = Arc::clone(&free).acquire_owned().await else { break };
                let in_hand = InHand { id: taken.id, done: done.clone(), _slot: slot };
                // One that is not ours is done with by being dropped.
                if let Some(entry) = taken.entry {
                    counties.entry(entry.county).or_default().push((entry, in_hand));
                }
            }
            for (county, entries) in counties {
                tokio::spawn(send(self.sender.clone(), county, entries, self.clock.now(), settling.clone()));
            }
        }
        // Every slot free again: everything in hand has been settled.
        let all = u32::try_from(slots).unwrap_or(u32::MAX);
        drop(free.acquire_many(all).await);
        drop((settling, done));
        for settler in settlers {
            drop(settler.await);
        }
        drop(acknowledging.await);
    }
}

/// One lane's connection, and when it last looked for what others left.
struct Reader<'a> {
    worker: &'a Worker,
    lane: Lane,
    connection: Option<MultiplexedConnection>,
    reclaimed: Option<Instant>,
}

impl Reader<'_> {
    /// As many entries as there are free slots; none when time is up or Redis is away.
    async fn take(&mut self, free: &Semaphore) -> Vec<Taken> {
        // Waits for a slot, and gives it back: only this loop takes slots.
        drop(free.acquire().await);
        match self.try_take(free.available_permits().max(1)).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::debug!(%error, lane = self.lane.as_str(), "the queue cannot be read");
                self.connection = None;
                let past_it = match self.lane {
                    // Rare, and large: not a part of every reader.
                    Lane::First => Box::pin(self.worker.due_alarms(free.available_permits())).await,
                    Lane::Rest => Vec::new(),
                };
                if past_it.is_empty() {
                    tokio::time::sleep(PAUSE).await;
                }
                past_it
            }
        }
    }

    async fn try_take(&mut self, count: usize) -> Result<Vec<Taken>, RedisError> {
        let Worker { queue, consumer, sender, .. } = self.worker;
        if self.reclaimed.is_none_or(|at| at.elapsed() >= RECLAIM) {
            self.reclaimed = Some(Instant::now());
            queue.lane(self.lane).forget_consumers(FORGET).await?;
            let lease = sender.lease.to_std().unwrap_or(RECLAIM);
            let left = queue.reclaim(self.lane, consumer, lease).await?;
            if !left.is_empty() {
                return Ok(left);
            }
        }
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(queue.lane(self.lane).reader().await?),
        };
        queue.read(connection, self.lane, consumer, count, WAIT).await
    }
}

/// An entry in hand. When it is dropped, also by a panic, the entry is done with and its slot is free.
struct InHand {
    id: String,
    done: mpsc::UnboundedSender<String>,
    _slot: OwnedSemaphorePermit,
}

impl Drop for InHand {
    fn drop(&mut self) {
        // The other end outlives all tasks.
        let _ = self.done.send(std::mem::take(&mut self.id));
    }
}

/// What left as one message, and the entries that brought it.
type Left = (Vec<Attempted>, Vec<InHand>);
type Settling = mpsc::UnboundedSender<Left>;

/// Leases what was read together and sends each message by itself.
async fn send(
    sender: Sender,
    county: CountyId,
    entries: Vec<(Entry, InHand)>,
    now: DateTime<Utc>,
    settling: Settling,
) {
    let (entries, mut in_hand): (Vec<Entry>, Vec<InHand>) = entries.into_iter().unzip();
    let parcels = match lease(&sender, county, &entries, now).await {
        Ok(parcels) => parcels,
        // The relay, which meets the same Postgres, says it once and aloud.
        Err(error) => return tracing::debug!(%error, count = entries.len(), "notices stay where they are"),
    };
    // No more can be sent than were asked for; whatever is left over needs nothing.
    in_hand.truncate(parcels.iter().map(Parcel::count).sum());
    for parcel in parcels {
        let in_hand = in_hand.split_off(in_hand.len().saturating_sub(parcel.count()));
        let (sender, settling) = (sender.clone(), settling.clone());
        tokio::spawn(async move {
            match sender.carry(parcel, now).await {
                // The settlers outlive all tasks.
                Ok(Carried::Attempted(attempted)) => drop(settling.send((attempted, in_hand))),
                Ok(Carried::Kept(_)) => {}
                Err(error) => tracing::debug!(%error, "notices are not put back; their leases will end"),
            }
        });
    }
}

/// What is to be sent now, in the order in which it was read, news to one reader together.
async fn lease(
    sender: &Sender,
    county: CountyId,
    entries: &[Entry],
    now: DateTime<Utc>,
) -> Result<Vec<Parcel>, DbError> {
    let mut leased = sender.lease(county, entries, now).await?;
    let place: HashMap<NoticeId, usize> =
        entries.iter().enumerate().map(|(place, entry)| (entry.notice, place)).collect();
    leased.retain(|leased| leased.state == NoticeState::Sending);
    leased.sort_by_key(|leased: &Leased| place.get(&leased.notice).copied());
    Ok(parcels(leased))
}

/// Settles what has gathered, again and again, until nobody sends any more.
async fn settle(sender: Sender, sent: Arc<Mutex<mpsc::UnboundedReceiver<Left>>>) {
    let mut gathered = Vec::with_capacity(SETTLES);
    loop {
        // The lock is held while waiting on purpose: the settlers take turns, each with all that has gathered.
        if sent.lock().await.recv_many(&mut gathered, SETTLES).await == 0 {
            return;
        }
        let mut counties: BTreeMap<CountyId, (Vec<Attempted>, Vec<InHand>)> = BTreeMap::new();
        for (attempted, in_hand) in gathered.drain(..) {
            let Some(county) = attempted.first().map(|one| one.leased.county) else { continue };
            let (all, hands) = counties.entry(county).or_default();
            all.extend(attempted);
            hands.extend(in_hand);
        }
        for (county, (attempted, in_hand)) in counties {
            settle_slice(&sender, county, &attempted).await;
            drop(in_hand);
        }
    }
}

/// One row that Postgres refuses must not take its neighbours along.
async fn settle_slice(sender: &Sender, county: CountyId, attempted: &[Attempted]) {
    let Err(error) = sender.settle(county, attempted).await else { return };
    if matches!(error, DbError::Query(_)) && attempted.len() > 1 {
        for one in attempted.chunks(1) {
            if let Err(error) = sender.settle(county, one).await {
                tracing::debug!(%error, "a notice is not settled; its lease will end");
            }
        }
    } else {
        tracing::debug!(%error, count = attempted.len(), "notices are not settled; their leases will end");
    }
}

/// Acknowledges together what became ready together.
async fn acknowledge(queue: Queue, lane: Lane, mut finished: mpsc::UnboundedReceiver<String>) {
    let mut ids = Vec::with_capacity(ACKS);
    while finished.recv_many(&mut ids, ACKS).await > 0 {
        ids.retain(|id| !id.is_empty());
        if ids.is_empty() {
            continue;
        }
        if let Err(error) = queue.lane(lane).done(&ids).await {
            // They are reclaimed later, found settled, and acknowledged then.
            tracing::debug!(%error, "entries could not be acknowledged");
        }
        ids.clear();
    }
}

/// Delivers what was read together, one message after the other.
async fn deliver(sender: &Sender, county: CountyId, entries: &[Entry], now: DateTime<Utc>) {
    let delivered = async {
        for parcel in lease(sender, county, entries, now).await? {
            if let Carried::Attempted(attempted) = sender.carry(parcel, now).await? {
                settle_slice(sender, county, &attempted).await;
            }
        }
        Ok::<_, DbError>(())
    };
    if let Err(error) = delivered.await {
        // The relay, which meets the same Postgres, says it once and aloud.
        tracing::debug!(%error, "notices stay where they are");
    }
}

/// The name of this machine, for [`Worker::consumer`] when the settings give none.
#[must_use]
pub fn machine_name() -> String {
    let told =
        std::env::var("HOSTNAME").ok().or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok());
    told.map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "machine".to_owned())
}
