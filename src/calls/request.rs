//! A request beside a call, as the one who is to decide on it reads it behind his link.

use chrono::{DateTime, FixedOffset, Utc};
use diesel_async::AsyncPgConnection;
use serde::Serialize;
use uuid::Uuid;

use super::decide::{decides, outcome};
use super::desk::Desk;
use super::error::CallCode;
use super::model::{Call, CallId, Matter, MatterId, MatterKind, MatterState};
use super::pause::PauseReason;
use super::read;
use super::standing::{Person, Standing};
use super::state::{Beside, Verb, may};
use super::store;
use super::view::{CallView, view};
use crate::deadlines::history::extended;
use crate::deadlines::limits::CallRules;
use crate::deadlines::{self, Clock, CountyCalendars, Deadline};
use crate::platform::db::Scope;
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// What is asked, by whom, why, until when, and what became of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    pub kind: MatterKind,
    pub asked_by: String,
    pub asked_at: DateTime<FixedOffset>,
    /// The listed reason, in Chinese.
    pub listed: Option<&'static str>,
    pub reason: String,
    pub evidence: String,
    pub working_days: Option<i16>,
    /// To where a return should go, or who was asked to help.
    pub department: Option<String>,
    /// By when it is to be decided or given.
    pub due_at: Option<DateTime<FixedOffset>>,
    /// When the call must be resolved as it stands.
    pub resolve_due_at: Option<DateTime<FixedOffset>>,
    /// When the call would have to be resolved if it were granted: after an extension, or after a pause that is used up.
    pub would_be_due_at: Option<DateTime<FixedOffset>>,
    pub decided: Option<Decided>,
    /// Whether the reader may decide it now.
    pub yours: bool,
    /// How many characters he may say to it.
    pub longest_words: usize,
}

/// Who decided, when and how.
#[derive(Clone, Debug, Serialize)]
pub struct Decided {
    pub by: String,
    pub at: Option<DateTime<FixedOffset>>,
    /// What he did; none when the request lapsed.
    pub outcome: Option<&'static str>,
    pub words: String,
}

/// A request with its call.
///
/// # Errors
/// 404 when either does not exist for the caller.
pub async fn show(
    desk: &Desk,
    person: &Person,
    call: CallId,
    matter: MatterId,
    now: DateTime<Utc>,
) -> Result<(CallView, Request), Problem> {
    let mut tx = desk.db.begin(Scope::County(person.county.0)).await?;
    let outcome = show_in(&mut tx, desk, person, call, matter, now).await;
    tx.finish(outcome).await
}

async fn show_in(
    conn: &mut AsyncPgConnection,
    desk: &Desk,
    person: &Person,
    call: CallId,
    matter: MatterId,
    now: DateTime<Utc>,
) -> Result<(CallView, Request), Problem> {
    let not_found = || CallCode::CallNotFound.problem();
    let (call, matters, standing) = read::find(conn, person, &call.to_string()).await?;
    let matter = matters.iter().find(|known| known.id == matter).ok_or_else(not_found)?;
    let faces = store::faces(conn, &[call.id]).await?.into_iter().next().ok_or_else(not_found)?;
    let clocks = deadlines::store::of_subjects(conn, &[call.id.0, matter.id.0]).await?;
    let (own, clocks): (Vec<_>, Vec<_>) = clocks.into_iter().partition(|row| row.subject_id == matter.id.0);
    let people: Vec<Uuid> = std::iter::once(matter.asked_by).chain(matter.decided_by).collect();
    let names = store::names_of(conn, &people).await?;
    let name = |id: Uuid| names.iter().find(|known| known.0 == id).map(|known| known.1.clone());
    let department = match (matter.kind, matter.department_id) {
        (MatterKind::Return | MatterKind::Assistance, Some(id)) => {
            Some(store::department(conn, id).await?.name)
        }
        _ => None,
    };
    let (settings, revision) = store::settings(conn, call.county_id).await?;
    let rules = desk.rules(&settings)?;
    let calendars = desk.calendars.at(conn, call.county_id, revision).await?;
    let request = Request {
        kind: matter.kind,
        asked_by: name(matter.asked_by).unwrap_or_default(),
        asked_at: china(matter.asked_at),
        listed: matter.reason_code.as_deref().and_then(PauseReason::parse).map(PauseReason::zh),
        reason: matter.reason.clone(),
        evidence: matter.evidence.clone(),
        working_days: matter.working_days,
        department,
        due_at: own
            .iter()
            .find(|row| row.is_live() && row.clock != Clock::Pause)
            .map(|row| china(row.due_at)),
        resolve_due_at: resolve(&clocks).map(|row| china(row.due_at)),
        would_be_due_at: would_be_due(&calendars, &call, matter, &clocks).map(china),
        decided: (matter.state != MatterState::Asked).then(|| Decided {
            by: matter.decided_by.and_then(name).unwrap_or_default(),
            at: matter.decided_at.map(china),
            outcome: outcome(matter).map(|(zh, _)| zh),
            words: matter.decision.clone().unwrap_or_default(),
        }),
        yours: is_yours(person, &call, matter, &matters, &standing, &rules.calls),
        longest_words: rules.calls.text_length,
    };
    Ok((view(desk, &call, faces, &matters, &clocks, &standing, now), request))
}

/// Whether the caller may decide the request now.
fn is_yours(
    person: &Person,
    call: &Call,
    matter: &Matter,
    matters: &[Matter],
    standing: &Standing,
    rules: &CallRules,
) -> bool {
    let verb = match matter.kind {
        MatterKind::Pause => Verb::Pause,
        MatterKind::Extension => Verb::Extension,
        MatterKind::Return => Verb::Ruling,
        MatterKind::Assistance => Verb::Assist,
        _ => return false,
    };
    let his = match matter.kind {
        MatterKind::Assistance => standing.holder || matter.department_id == person.department,
        _ => decides(matter, standing, rules) && matter.asked_by != person.account,
    };
    his && matter.state == MatterState::Asked && may(verb, call, standing, Beside(matters)).is_ok()
}

/// T5 as it would be if the request were granted.
fn would_be_due(
    calendars: &CountyCalendars,
    call: &Call,
    matter: &Matter,
    clocks: &[Deadline],
) -> Option<DateTime<Utc>> {
    if !matches!(matter.kind, MatterKind::Extension | MatterKind::Pause) || matter.state != MatterState::Asked
    {
        return None;
    }
    let clock = resolve(clocks)?;
    let calendar = calendars.for_clock(clock.edition(), Some(call.department_id));
    Some(extended(&calendar, clock.due_at, i32::from(matter.working_days?)).at)
}

fn resolve(clocks: &[Deadline]) -> Option<&Deadline> {
    clocks.iter().find(|row| row.clock == Clock::Resolve && row.is_live())
}
