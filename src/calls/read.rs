//! Reading one call: its present state, its whole story, and the sum behind a due moment.

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::desk::Desk;
use super::error::CallCode;
use super::list::{Reference, reference};
use super::model::{Call, CallId, Matter, MatterId, MatterKind};
use super::standing::{Person, Standing};
use super::store;
use super::view::{CallView, ClockView, clock_view, view};
use crate::deadlines::calendar::Edition;
use crate::deadlines::history::{self, Move};
use crate::deadlines::model::DeadlineId;
use crate::deadlines::{self, Clock, Deadline, explain};
use crate::ledger;
use crate::platform::db::Scope;
use crate::platform::http::problem::{CommonCode, Problem};
use crate::platform::mask::mask_words;
use crate::platform::time::china;

/// The id of a call that is named by id or number.
///
/// # Errors
/// 404 for a number that the county has not, 422 for one that cannot be.
pub async fn id_of(desk: &Desk, person: &Person, call: &str) -> Result<CallId, Problem> {
    let number = match reference(call, "id")? {
        Reference::Id(id) => return Ok(id),
        Reference::Number(number) => number,
    };
    let mut tx = desk.db.begin(Scope::County(person.county.0)).await?;
    let found = store::find_by_number(&mut tx, person.county, &number).await;
    let found = tx.finish(found.map_err(Problem::from)).await?;
    found.map(|call| call.id).ok_or_else(|| CallCode::CallNotFound.problem())
}

/// A call by id or number, as the caller sees it.
///
/// # Errors
/// 404 when it does not exist for the caller.
pub async fn show(desk: &Desk, person: &Person, call: &str, now: DateTime<Utc>) -> Result<CallView, Problem> {
    let mut tx = desk.db.begin(Scope::County(person.county.0)).await?;
    let outcome = show_in(&mut tx, desk, person, call, now).await;
    tx.finish(outcome).await
}

async fn show_in(
    conn: &mut diesel_async::AsyncPgConnection,
    desk: &Desk,
    person: &Person,
    call: &str,
    now: DateTime<Utc>,
) -> Result<CallView, Problem> {
    let (call, matters, standing) = find(conn, person, call).await?;
    let faces = store::faces(conn, &[call.id])
        .await?
        .into_iter()
        .next()
        .ok_or_else(|| CallCode::CallNotFound.problem())?;
    let clocks = deadlines::store::of_subject(conn, call.id.0).await?;
    Ok(view(desk, &call, faces, &matters, &clocks, &standing, now))
}

/// A call with what belongs to it, for whom it exists.
pub(super) async fn find(
    conn: &mut diesel_async::AsyncPgConnection,
    person: &Person,
    text: &str,
) -> Result<(Call, Vec<Matter>, Standing), Problem> {
    let call = match reference(text, "id")? {
        Reference::Id(id) => store::find(conn, id).await?,
        Reference::Number(number) => store::find_by_number(conn, person.county, &number).await?,
    };
    let call = call.ok_or_else(|| CallCode::CallNotFound.problem())?;
    let matters = store::matters_of(conn, &[call.id]).await?;
    let enterprises = store::enterprises_of(conn, person.account).await?;
    let standing = Standing::of(person, &enterprises, &call, &matters);
    if standing.sees() { Ok((call, matters, standing)) } else { Err(CallCode::CallNotFound.into()) }
}

/// One event of the ledger.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventView {
    pub seq: i32,
    /// `call.…`
    pub kind: String,
    pub at: DateTime<FixedOffset>,
    /// Who did it.
    pub actor: String,
    #[schema(value_type = Object)]
    pub data: Value,
    /// SHA-256, hex; covers the content and the hash before it.
    pub hash: String,
}

/// The whole story of a call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Story {
    pub items: Vec<EventView>,
    /// Whether the chain of hashes holds.
    pub verified: bool,
}

/// All events of a call, in order, with the chain verified.
///
/// # Errors
/// 404 when it does not exist for the caller.
pub async fn story(desk: &Desk, person: &Person, call: &str) -> Result<Story, Problem> {
    let mut tx = desk.db.begin(Scope::County(person.county.0)).await?;
    let outcome = story_in(&mut tx, person, call).await;
    tx.finish(outcome).await
}

async fn story_in(
    conn: &mut diesel_async::AsyncPgConnection,
    person: &Person,
    call: &str,
) -> Result<Story, Problem> {
    let (call, _, standing) = find(conn, person, call).await?;
    let shown = |mut data: Value| {
        if !standing.reads_phones() {
            mask_words(&mut data);
        }
        data
    };
    let events = ledger::store::of_subject(conn, call.id.0).await?;
    let verified = ledger::chain::verify(&events).is_ok();
    let items = events
        .into_iter()
        .map(|event| EventView {
            seq: event.seq,
            kind: event.kind,
            at: china(event.at),
            actor: event.actor_name,
            data: shown(event.data),
            hash: hex::encode(event.hash),
        })
        .collect();
    Ok(Story { items, verified })
}

/// Why a clock is due when it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    pub clock: ClockView,
    /// The sum, line by line, in Chinese.
    pub lines: Vec<String>,
    /// The same lines in English.
    pub lines_en: Vec<String>,
}

/// Which of several clocks of one name; the latest when nothing is said.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// The one that a card or an order names.
    pub deadline_id: Option<DeadlineId>,
    /// The one of this side matter.
    pub matter_id: Option<MatterId>,
}

impl Which {
    fn is(&self, row: &Deadline) -> bool {
        self.deadline_id.is_none_or(|id| row.id == id)
            && self.matter_id.is_none_or(|matter| row.subject_id == matter.0)
    }
}

/// Explains a clock of the call, or of what was asked beside it.
///
/// # Errors
/// 404 when the call or the clock does not exist for the caller.
pub async fn explain_clock(
    desk: &Desk,
    person: &Person,
    call: &str,
    clock: &str,
    which: Which,
    now: DateTime<Utc>,
) -> Result<Explanation, Problem> {
    let clock = Clock::parse(clock).ok_or_else(|| CommonCode::NotFound.problem())?;
    let mut tx = desk.db.begin(Scope::County(person.county.0)).await?;
    let outcome = explain_in(&mut tx, desk, person, call, (clock, which), now).await;
    tx.finish(outcome).await
}

async fn explain_in(
    conn: &mut diesel_async::AsyncPgConnection,
    desk: &Desk,
    person: &Person,
    call: &str,
    (clock, which): (Clock, Which),
    now: DateTime<Utc>,
) -> Result<Explanation, Problem> {
    let (call, matters, standing) = find(conn, person, call).await?;
    // What officials owe one another beside the call is not told to the enterprise; when its pause ends is.
    let told = |matter: &&Matter| standing.official() || matter.kind == MatterKind::Pause;
    let beside = matters.iter().filter(told).map(|matter| matter.id.0);
    let subjects: Vec<_> = beside.chain([call.id.0]).collect();
    let clocks = deadlines::store::of_subjects(conn, &subjects).await?;
    let row = clocks
        .into_iter()
        .rev()
        .find(|row| row.clock == clock && which.is(row))
        .ok_or_else(|| CommonCode::NotFound.problem())?;
    let edition = Edition { version: row.calendar_version, department: row.calendar_department };
    let calendar = desk.calendars.edition(conn, call.county_id, edition).await?;
    let moves: Vec<Move> =
        history::of_calls(conn, &[call.id.0]).await?.into_iter().map(|(_, one)| one).collect();
    let (lines, lines_en) =
        explain::explain(&calendar, &row, &moves, now).into_iter().map(|line| (line.zh, line.en)).unzip();
    Ok(Explanation { clock: clock_view(&row, now), lines, lines_en })
}
