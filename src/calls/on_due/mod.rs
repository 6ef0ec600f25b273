//! What happens when a clock of a call, or of something asked beside it, is due: the ladder climbs a step, silence confirms, a pause
//! ends. All calls of a county that are due together are read, told and written by the same statements.

mod act;
mod climb;
mod evidence;
mod ground;
mod line;
mod ranks;
mod store;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;

use super::case::timing;
use super::desk::Desk;
use super::model::{Call, CallId, Matter, MatterId};
use crate::deadlines::ladder::What;
use crate::deadlines::on_due::{FireError, Fired, FiringOutcome, Next, OnDue};
use crate::deadlines::{Clock, Deadline, SubjectKind};
use crate::organisation::{CountyId, DepartmentId};
use climb::Climb;
use ground::Ground;
use line::Line;

/// Acts for calls and for what is asked beside them.
#[derive(Clone, Debug)]
pub struct CallsDue {
    desk: Desk,
}

impl CallsDue {
    #[must_use]
    pub const fn new(desk: Desk) -> Self {
        Self { desk }
    }

    async fn fire_all(
        &self,
        conn: &mut AsyncPgConnection,
        county: CountyId,
        due: Vec<Deadline>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Fired>, FireError> {
        let matters = matters_of(conn, &due).await?;
        let call_of = |row: &Deadline| match row.subject_kind {
            SubjectKind::Call => Some(CallId(row.subject_id)),
            SubjectKind::SideMatter => matters.get(&row.subject_id).map(|matter| matter.call_id),
            SubjectKind::SupervisionOrder => None,
        };
        let mut ids: Vec<CallId> = due.iter().filter_map(call_of).collect();
        ids.sort_unstable();
        ids.dedup();
        let calls: BTreeMap<CallId, Call> =
            store::lock_free(conn, &ids).await?.into_iter().map(|call| (call.id, call)).collect();
        require_subjects(conn, &due, &ids, &matters, &calls).await?;
        let ground = Ground::read(conn, &self.desk, county, &calls, &matters, now).await?;
        let mut fired = Vec::with_capacity(due.len());
        let mut climb = Climb::new(&self.desk, &ground, now);
        let (mut climbed, mut left) = (HashSet::new(), HashSet::new());
        let mut acts = Vec::new();
        let mut line = Line::of(due);
        while let Some(row) = line.next() {
            // A call that somebody works on at this moment is left alone: he may be stopping this very clock.
            let Some(call) = call_of(&row).and_then(|id| calls.get(&id)) else { continue };
            // What is left is still due, and comes again with the rest of its call.
            if left.contains(&call.id) || line.is_preceded(&row, ground.clocks(call.id), now) {
                left.insert(call.id);
                continue;
            }
            let item = ground.faces(call.id).and_then(|faces| faces.item.as_ref());
            let matter = matters.get(&row.subject_id);
            let owes = department_that_owes(call, matter, row.clock);
            let calendar = ground.calendars.for_clock(row.edition(), Some(owes));
            let timing = timing(&calendar, &ground.rules, item, call.urgency);
            match timing.what(row.clock, row.step) {
                Some(What::Climb(step, _)) => {
                    let one = climb.step(call, owes, &row, step, &timing);
                    line.go_on(row, &one, now);
                    fired.push(one);
                    climbed.insert(call.id);
                }
                Some(What::Act) => {
                    // A verb changes the call and its clocks as they stand in Postgres: nothing of this call fires beside it.
                    left.insert(call.id);
                    if !climbed.contains(&call.id) {
                        acts.push((call.id, row));
                    }
                }
                None => fired.push(done(&row, Next::Never)),
            }
        }
        climb.save(conn, county).await?;
        for (call, row) in acts {
            act::perform(conn, &self.desk, county, call, &row, now).await?;
            fired.push(done(&row, Next::Kept));
        }
        Ok(fired)
    }
}

impl OnDue for CallsDue {
    fn fire<'a>(
        &'a self,
        conn: &'a mut AsyncPgConnection,
        county: CountyId,
        due: Vec<Deadline>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Vec<Fired>, FireError>> {
        Box::pin(self.fire_all(conn, county, due, now))
    }
}

fn done(row: &Deadline, next: Next) -> Fired {
    Fired {
        deadline: row.id,
        step: row.step,
        rung: 0,
        planned_at: row.fires_at.unwrap_or(row.due_at),
        outcome: FiringOutcome::Fired,
        next,
    }
}

/// Whose promise it is: the department that was asked to help, else the call's.
fn department_that_owes(call: &Call, matter: Option<&Matter>, clock: Clock) -> DepartmentId {
    let asked = matter.filter(|_| clock == Clock::Assistance).and_then(|matter| matter.department_id);
    asked.unwrap_or(call.department_id)
}

async fn matters_of(
    conn: &mut AsyncPgConnection,
    due: &[Deadline],
) -> Result<HashMap<uuid::Uuid, Matter>, FireError> {
    let ids: Vec<MatterId> = due
        .iter()
        .filter(|row| row.subject_kind == SubjectKind::SideMatter)
        .map(|row| MatterId(row.subject_id))
        .collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let matters = store::matters(conn, &ids).await?;
    Ok(matters.into_iter().map(|matter| (matter.id.0, matter)).collect())
}

/// Refuses a row of something that is not there: it would wait for ever for a hand to let go of it.
async fn require_subjects(
    conn: &mut AsyncPgConnection,
    due: &[Deadline],
    named: &[CallId],
    matters: &HashMap<uuid::Uuid, Matter>,
    locked: &BTreeMap<CallId, Call>,
) -> Result<(), FireError> {
    let nowhere = |what: &str| Err(FireError::Refused(format!("{what} is not there")));
    let stray = due
        .iter()
        .find(|row| row.subject_kind == SubjectKind::SideMatter && !matters.contains_key(&row.subject_id));
    if let Some(row) = stray {
        return nowhere(&format!("side matter {}", row.subject_id));
    }
    let busy: Vec<CallId> = named.iter().filter(|id| !locked.contains_key(id)).copied().collect();
    if busy.is_empty() {
        return Ok(());
    }
    let known = store::known(conn, &busy).await?;
    match busy.iter().find(|id| !known.contains(id)) {
        Some(id) => nowhere(&format!("call {id}")),
        None => Ok(()),
    }
}
