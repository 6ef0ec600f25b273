//! Taps that wait together are written together. No timer: a writer takes whatever waits whenever it is free, so one tap alone is
//! written at once and many share a transaction and its disk flush.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::body::Tap;
use super::compose::{Composed, compose, span_row};
use super::context;
use super::record::{self, Rows, bare_key};
use crate::calls::case::AGAIN;
use crate::calls::desk::Desk;
use crate::calls::model::{Call, CallId};
use crate::calls::standing::Standing;
use crate::calls::view::{CallView, view};
use crate::notices::{enterprise, outbox};
use crate::organisation::{CountyId, EnterpriseId};
use crate::platform::db::{Scope, Tuning};
use crate::platform::http::idempotency;
use crate::platform::http::problem::{CommonCode, Problem};

/// Most taps in one transaction.
const SLICE: usize = 64;
/// Taps that may wait; beyond it callers are told to come back.
const QUEUE: usize = 4096;
/// Transactions at the same time: while one waits for the disk, the next is prepared.
const WRITERS: usize = 2;

/// How long Postgres may take over a slice; then its taps are told to come back, and find what was written by their keys.
const PATIENCE: Duration = Duration::from_secs(20);

/// What became of a tap.
#[derive(Clone, Debug)]
pub enum Raised {
    /// A new call.
    New(Box<CallView>),
    /// The key was used before, by the same request, for this call.
    Known(CallId),
    /// The button was pressed a moment ago for this call, which nobody has accepted yet.
    Standing(CallId),
}

struct Waiting {
    tap: Tap,
    answer: oneshot::Sender<Result<Raised, Problem>>,
}

/// The door to the writers. Clones share them.
#[derive(Clone, Debug)]
pub struct Writer {
    door: mpsc::Sender<Waiting>,
}

impl Writer {
    /// Starts the writers; they end when the last door is dropped.
    #[must_use]
    pub fn start(desk: &Desk) -> Self {
        let (door, queue) = mpsc::channel(QUEUE);
        let queue = Arc::new(tokio::sync::Mutex::new(queue));
        for _ in 0..WRITERS {
            tokio::spawn(work(desk.clone(), queue.clone()));
        }
        Self { door }
    }

    /// Writes a tap and waits for its outcome.
    ///
    /// # Errors
    /// What the tap's context refuses; 503 when too many wait or Postgres is away.
    pub async fn raise(&self, tap: Tap) -> Result<Raised, Problem> {
        let (answer, outcome) = oneshot::channel();
        self.door.try_send(Waiting { tap, answer }).map_err(|_| CommonCode::Unavailable.problem())?;
        outcome.await.unwrap_or_else(|_| Err(CommonCode::Unavailable.into()))
    }
}

async fn work(desk: Desk, queue: Arc<tokio::sync::Mutex<mpsc::Receiver<Waiting>>>) {
    let mut slice = Vec::with_capacity(SLICE);
    loop {
        // The lock is held while waiting on purpose: the writers take turns, each with all that has gathered.
        let taken = queue.lock().await.recv_many(&mut slice, SLICE).await;
        if taken == 0 {
            return;
        }
        let mut counties: Vec<CountyId> = slice.iter().map(|waiting| waiting.tap.person.county).collect();
        counties.sort();
        counties.dedup();
        let mut rest = std::mem::take(&mut slice);
        for county in counties {
            let (own, others) = rest.into_iter().partition(|waiting| waiting.tap.person.county == county);
            rest = others;
            write_for(&desk, county, own).await;
        }
    }
}

async fn write_for(desk: &Desk, county: CountyId, waiting: Vec<Waiting>) {
    let (taps, answers): (Vec<Tap>, Vec<_>) = waiting.into_iter().map(|w| (w.tap, w.answer)).unzip();
    let written = tokio::time::timeout(PATIENCE, write(desk, county, &taps)).await;
    let outcomes = match written.unwrap_or_else(|_| Err(CommonCode::Unavailable.into())) {
        Ok(outcomes) => outcomes,
        Err(problem) if taps.len() == 1 || problem.code() == CommonCode::Unavailable.def().code => {
            taps.iter().map(|_| Err(problem.clone())).collect()
        }
        Err(_) => one_by_one(desk, county, &taps).await,
    };
    desk.wake.notices();
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // A caller that went away has still raised its call; its key finds it again.
        drop(answer.send(outcome));
    }
}

/// One row that Postgres refuses must not take its neighbours along.
async fn one_by_one(desk: &Desk, county: CountyId, taps: &[Tap]) -> Vec<Result<Raised, Problem>> {
    let mut outcomes = Vec::with_capacity(taps.len());
    for tap in taps {
        let outcome = write(desk, county, std::slice::from_ref(tap)).await;
        outcomes.push(match outcome {
            Ok(mut outcomes) => outcomes.pop().unwrap_or_else(|| Err(CommonCode::Internal.into())),
            Err(problem) => Err(problem),
        });
    }
    outcomes
}

/// Writes a slice of one county in one transaction.
pub async fn write(
    desk: &Desk,
    county: CountyId,
    taps: &[Tap],
) -> Result<Vec<Result<Raised, Problem>>, Problem> {
    let mut tx = desk.db.begin_tuned(Scope::County(county.0), &[Tuning::ByKeys]).await?;
    let outcome = write_in(&mut tx, desk, county, taps).await;
    tx.finish(outcome).await
}

async fn write_in(
    conn: &mut diesel_async::AsyncPgConnection,
    desk: &Desk,
    county: CountyId,
    taps: &[Tap],
) -> Result<Vec<Result<Raised, Problem>>, Problem> {
    let contexts = context::read(conn, county, taps).await?;
    // All contexts were read by one statement, so they agree on it.
    let revision = contexts.iter().flatten().map(|context| context.calendar_revision).next().unwrap_or(0);
    let calendars = desk.calendars.at(conn, county, revision).await?;
    let both = taps.iter().zip(&contexts);
    let composed: Vec<Result<Composed, Problem>> =
        both.map(|(tap, context)| compose(desk, &calendars, tap, context.as_ref())).collect();
    let departments: Vec<_> = composed.iter().flatten().map(|composed| composed.call.department_id).collect();
    let officers: Vec<_> = composed.iter().flatten().map(|composed| composed.call.holder_id).collect();
    let routes = outbox::routes(conn, county, &departments, &officers).await?;
    let notices: Vec<_> = composed
        .iter()
        .flatten()
        .flat_map(|composed| outbox::address(&composed.alarm, county, &routes, composed.call.raised_at))
        .collect();
    let mut rows = Rows {
        calls: Vec::new(),
        unkeyed: Vec::new(),
        keys: Vec::new(),
        bare: Vec::new(),
        bare_since: taps.iter().map(|tap| tap.now).max().unwrap_or_default() - AGAIN,
        spans: Vec::new(),
        deadlines: Vec::new(),
        events: Vec::new(),
        notices: notices.iter().collect(),
    };
    // In one order everywhere, so that nobody waits for somebody who waits for him.
    let mut bare = BTreeMap::new();
    for (tap, composed) in taps.iter().zip(&composed) {
        let Ok(composed) = composed else { continue };
        let call = &composed.call;
        match &tap.key {
            Some((key, fingerprint)) => rows.keys.push(record::key_row(tap, call, key, fingerprint)),
            None if tap.bare => {
                // Of two at the same moment the second finds the first.
                if bare.contains_key(&bare_of(tap, call)) {
                    continue;
                }
                bare.insert(bare_of(tap, call), (tap, call));
            }
            None => rows.unkeyed.push(call.id),
        }
        rows.calls.push(&composed.call);
        rows.spans.push(span_row(&composed.call));
        rows.deadlines.extend(&composed.clocks);
        rows.events.extend(composed.events.iter().map(record::event_row));
    }
    let nothing = [0; 32];
    rows.bare =
        bare.values().map(|(tap, call)| record::key_row(tap, call, &bare_key(call), &nothing)).collect();
    let written = if rows.calls.is_empty() { Vec::new() } else { record::write(conn, &rows).await? };
    let mut outcomes = Vec::with_capacity(taps.len());
    for (tap, composed) in taps.iter().zip(composed) {
        outcomes.push(match composed {
            Ok(composed) if written.contains(&composed.call.id) => {
                if let Some(news) = &composed.recorded {
                    let call = &composed.call;
                    enterprise::tell(conn, county, call.enterprise_id, news, call.raised_at).await?;
                }
                Ok(Raised::New(Box::new(show(desk, tap, composed))))
            }
            Ok(composed) if tap.bare => standing(conn, tap, &composed.call).await?,
            Ok(_) => known(conn, tap).await?,
            // The same key gives the same call, also when the request could not be made anew (its hour is over, its item gone).
            Err(problem) if tap.key.is_some() => match known(conn, tap).await? {
                Ok(raised) => Ok(raised),
                Err(reused) if reused.code() == CommonCode::KeyReused.def().code => Err(reused),
                Err(_) => Err(problem),
            },
            Err(problem) => Err(problem),
        });
    }
    Ok(outcomes)
}

fn show(desk: &Desk, tap: &Tap, composed: Composed) -> CallView {
    let enterprises = if tap.on_behalf.is_some() { Vec::new() } else { vec![composed.call.enterprise_id] };
    let standing = Standing::of(&tap.person, &enterprises, &composed.call, &[]);
    view(desk, &composed.call, composed.faces, &[], &composed.clocks, &standing, tap.now)
}

/// The call that the tap's key stands for.
async fn known(
    conn: &mut diesel_async::AsyncPgConnection,
    tap: &Tap,
) -> Result<Result<Raised, Problem>, Problem> {
    let Some((key, fingerprint)) = &tap.key else { return Ok(Err(CommonCode::Internal.into())) };
    let known = idempotency::known(conn, tap.person.account, key).await?;
    let known = known.ok_or_else(|| CommonCode::Internal.problem());
    Ok(known.and_then(|known| known.same(fingerprint)).map(|call| Raised::Known(CallId(call))))
}

/// Whose empty tap, and for whom.
fn bare_of(tap: &Tap, call: &Call) -> (Uuid, EnterpriseId) {
    (tap.person.account, call.enterprise_id)
}

/// The call that stands because of an empty tap like this, instead of which `call` would have been written.
async fn standing(
    conn: &mut diesel_async::AsyncPgConnection,
    tap: &Tap,
    call: &Call,
) -> Result<Result<Raised, Problem>, Problem> {
    let known = idempotency::known(conn, tap.person.account, &bare_key(call)).await?;
    let known = known.ok_or_else(|| CommonCode::Internal.problem());
    Ok(known.map(|known| Raised::Standing(CallId(known.subject))))
}
