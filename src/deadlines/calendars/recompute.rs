//! After a change of a calendar the open deadlines move: each with an event in its call's ledger, those that are over never. In
//! batches of one short transaction each; how far it has come is a row, so a crash costs at most one batch.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::store::{self, RecomputeRow};
use super::{Calendars, CountyCalendars};
use crate::deadlines::calendar::Edition;
use crate::deadlines::history::{self, Move, renewed};
use crate::deadlines::model::{Clock as Name, Deadline, DeadlineState, SubjectKind};
use crate::ledger::chain::Subject;
use crate::ledger::{self, Actor, ActorKind, Fact};
use crate::organisation::{CountyId, DepartmentId};
use crate::platform::clock::Clock;
use crate::platform::db::{Db, DbError, Scope};
use crate::platform::time::china;

/// Subjects of one transaction.
pub const BATCH: i64 = 200;
/// How long a transaction that read the version before may still be writing: the longest statement and a good deal more.
pub(super) const SETTLED: TimeDelta = TimeDelta::seconds(90);
/// How often it is looked whether there is anything to do.
const LOOK: Duration = Duration::from_secs(2);

/// The job.
#[derive(Clone, Debug)]
pub struct Recompute {
    pub db: Db,
    pub calendars: Calendars,
    pub clock: Clock,
    /// Subjects of one transaction, [`BATCH`].
    pub batch: i64,
}

impl Recompute {
    /// Until `stop`; Postgres being away is waited for.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut adopted = false;
        loop {
            let now = self.clock.now();
            let done = async {
                if !adopted {
                    super::adopt::adopt(&self.db, now).await?;
                    adopted = true;
                }
                self.run_once(now).await
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

    /// Does one batch, and says how many deadlines moved; none when nothing waits, or another worker is at it.
    ///
    /// # Errors
    /// When Postgres is away.
    pub async fn step(&self, now: DateTime<Utc>) -> Result<Option<i32>, DbError> {
        let Some(county) = self.waiting(now).await? else { return Ok(None) };
        let mut tx = self.db.begin(Scope::County(county.0)).await?;
        let done = self.step_in(&mut tx, county, now).await;
        tx.finish(done).await
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

/// Brings the open clocks of one call and of what was asked beside it up to date, for a verb that is about to reckon with them.
///
/// # Errors
/// When Postgres is away, or a version of the calendar cannot be read.
pub async fn renew_call(
    conn: &mut AsyncPgConnection,
    calendars: &Calendars,
    county: CountyId,
    call: Uuid,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut subjects: Vec<Uuid> =
        store::matters(conn, &[call]).await?.into_iter().map(|(matter, _)| matter).collect();
    subjects.push(call);
    renew(conn, calendars, county, &subjects, now).await.map(drop)
}

/// Computes the open clocks of some subjects anew; how many moved.
async fn renew(
    conn: &mut AsyncPgConnection,
    calendars: &Calendars,
    county: CountyId,
    subjects: &[Uuid],
    now: DateTime<Utc>,
) -> Result<i32, DbError> {
    let calls: HashMap<Uuid, DepartmentId> = store::lock_calls(conn, subjects).await?.into_iter().collect();
    let revision = store::revision(conn, county).await?;
    let current = calendars.at(conn, county, revision).await?;
    let clocks = store::open_clocks(conn, subjects).await?;
    let stale = |clock: &Deadline, call: Option<&Uuid>| {
        let edition = edition(clock);
        let responsible = call.and_then(|call| calls.get(call)).copied();
        let new = current.for_clock(edition, responsible);
        (new.edition().version > edition.version).then_some(new)
    };
    let ids: Vec<Uuid> = calls.keys().copied().collect();
    let of_matter: HashMap<Uuid, Uuid> = store::matters(conn, &ids).await?.into_iter().collect();
    let mut moves: HashMap<Uuid, Vec<Move>> = HashMap::new();
    for (call, one) in history::of_calls(conn, &ids).await? {
        moves.entry(call).or_default().push(one);
    }
    let mut unmoved: HashMap<i32, Vec<_>> = HashMap::new();
    let mut facts: HashMap<Uuid, Vec<Fact>> = HashMap::new();
    let mut moved = 0;
    for mut clock in clocks {
        let call = match clock.subject_kind {
            SubjectKind::Call => Some(clock.subject_id),
            _ => of_matter.get(&clock.subject_id).copied(),
        };
        let Some(new) = stale(&clock, call.as_ref()) else { continue };
        if clock.state == DeadlineState::Running && clock.due_at <= now {
            continue;
        }
        let old = calendars.edition(conn, county, edition(&clock)).await?;
        let moves = call.and_then(|call| moves.get(&call)).map_or(&[][..], Vec::as_slice);
        // A change that would put the promise into the past leaves it as it is, under the version it was made by.
        let Some(due) = renewed(&old, &new, &clock, moves, now) else { continue };
        let before = clock.due_at;
        let edition = new.edition();
        if due.at == before
            && due.provisional == clock.provisional
            && edition.department == clock.calendar_department
        {
            unmoved.entry(edition.version).or_default().push(clock.id);
            continue;
        }
        let shifted = due.at != before;
        if shifted {
            clock.move_to(due)
        } else {
            clock.provisional = due.provisional
        }
        clock.calendar_version = edition.version;
        clock.calendar_department = edition.department;
        crate::deadlines::store::update(conn, &clock).await?;
        if clock.clock == Name::Pause {
            store::move_pause(conn, clock.subject_id, due.at).await?;
        }
        if let (true, Some(call)) = (shifted, call) {
            moved += 1;
            facts.entry(call).or_default().push(Fact::new("call.deadline_moved", told(&clock, before)));
        }
    }
    for (version, clocks) in unmoved {
        store::confirm(conn, &clocks, version).await?;
    }
    record(conn, county, facts, now).await?;
    Ok(moved)
}

fn edition(clock: &Deadline) -> Edition {
    Edition { version: clock.calendar_version, department: clock.calendar_department }
}

fn told(clock: &Deadline, before: DateTime<Utc>) -> Value {
    let matter = (clock.subject_kind != SubjectKind::Call).then_some(clock.subject_id);
    json!({
        "clock": clock.clock,
        "matterId": matter,
        "from": china(before).to_rfc3339(),
        "to": china(clock.due_at).to_rfc3339(),
        "provisional": clock.provisional,
        "calendarVersion": clock.calendar_version,
    })
}

async fn record(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    facts: HashMap<Uuid, Vec<Fact>>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let actor = Actor { kind: ActorKind::Clock, id: None, name: "工作日历".to_owned() };
    for (id, facts) in facts {
        let subject = Subject { county_id: county.0, kind: ledger::SubjectKind::Call, id };
        let at = ledger::store::last_at(conn, id).await?.map_or(now, |last| last.max(now));
        ledger::store::append(conn, subject, &actor, at, facts).await?;
    }
    Ok(())
}

impl CountyCalendars {
    /// Whether a clock that is still to come was computed by an older version than the one that holds.
    #[must_use]
    pub fn moves(&self, clock: &Deadline, responsible: DepartmentId, now: DateTime<Utc>) -> bool {
        let edition = edition(clock);
        let open = match clock.state {
            DeadlineState::Running => clock.due_at > now,
            DeadlineState::Paused => true,
            DeadlineState::Met | DeadlineState::Missed | DeadlineState::Cancelled => false,
        };
        open && clock.limit_unit.is_working()
            && self.for_clock(edition, Some(responsible)).edition().version > edition.version
    }
}
