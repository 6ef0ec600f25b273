//! Escalate (提级): an official lets the ladder climb a step before its time; so do an urge of the enterprise and an alarm that reached
//! nobody. All let the very step fire that would have fired later: same people, same words, once.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::case::{Case, Order, timing};
use super::error::CallCode;
use super::model::MatterId;
use super::state::Verb;
use crate::deadlines::ladder::HIGHEST_LIFT;
use crate::deadlines::model::LiftedBy;
use crate::deadlines::{Clock, ClockBook, SubjectKind};
use crate::platform::http::problem::Problem;

/// The clocks whose ladder is lifted, the most pressing first: what is waited for next.
const PRESSING: [Clock; 6] =
    [Clock::Triage, Clock::Accept, Clock::Appointment, Clock::Arrive, Clock::Promise, Clock::Resolve];

/// Lets the ladder of a clock climb one step now.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalate {
    pub reason: String,
    /// Whose ladder; the clock that is waited for next when not given.
    pub clock: Option<Clock>,
}

impl Order for Escalate {
    const VERB: Verb = Verb::Escalate;

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let reason = case.required("reason", &self.reason)?;
        let clocks = self.clock.as_ref().map_or(PRESSING.as_slice(), std::slice::from_ref);
        let Some((clock, rung)) = lift(case, clocks, HIGHEST_LIFT, LiftedBy::Official) else {
            return Err(CallCode::NothingToEscalate.into());
        };
        case.record("call.lifted", json!({"clock": clock, "rung": rung, "reason": reason}));
        Ok(())
    }
}

/// Lets the next step of the first of these clocks that has one left fire now, at most up to rung `to`; which clock, and which rung.
fn lift(case: &mut Case<'_>, clocks: &[Clock], to: i16, by: LiftedBy) -> Option<(Clock, i16)> {
    clocks.iter().find_map(|clock| {
        let calendar = case.calendar_of(*clock);
        let timing = timing(&calendar, &case.rules, case.item.as_ref(), case.call.urgency);
        case.clocks.lift(&timing, *clock, case.now, to, by).map(|rung| (*clock, rung))
    })
}

/// What an urge lifts: the clock that is waited for next and no other, up to the rung that the county allows.
pub(super) fn lift_by_urge(case: &mut Case<'_>) -> Option<(Clock, i16)> {
    let to = case.rules.ladder.urge_lifts_to;
    lift_one(case, PRESSING, to, LiftedBy::Urge)
}

/// What an alarm that reached nobody lifts, up to the rung that the county allows: the clock it was about while that runs, else the one
/// that is waited for next.
pub(super) fn lift_unreached(case: &mut Case<'_>, about: Option<Clock>) -> Option<(Clock, i16)> {
    let to = case.rules.ladder.unreached_lifts_to;
    lift_one(case, about.into_iter().chain(PRESSING), to, LiftedBy::Unreached)
}

/// The first of these clocks that runs, and no other.
fn lift_one(
    case: &mut Case<'_>,
    clocks: impl IntoIterator<Item = Clock>,
    to: i16,
    by: LiftedBy,
) -> Option<(Clock, i16)> {
    let running = clocks.into_iter().find(|clock| case.clocks.live(*clock).is_some())?;
    lift(case, &[running], to, by)
}

/// The same of a request beside the call: its own clock, whose ladder only tells.
pub(super) async fn lift_beside(
    case: &mut Case<'_>,
    matter: MatterId,
) -> Result<Option<(Clock, i16)>, Problem> {
    let county = case.call.county_id;
    let mut book = ClockBook::read(case.conn, county, SubjectKind::SideMatter, matter.0).await?;
    let Some(live) = book.all().find(|row| row.is_live()) else { return Ok(None) };
    let clock = live.clock;
    // Who was asked to help owes the help; everything else the call's department waits for.
    let asked = case.matters.iter().find(|known| known.id == matter && clock == Clock::Assistance);
    let owes = asked.and_then(|asked| asked.department_id).unwrap_or(case.call.department_id);
    let calendar = case.calendar_in(owes);
    let timing = timing(&calendar, &case.rules, case.item.as_ref(), case.call.urgency);
    let to = case.rules.ladder.unheard_lifts_to(clock);
    let rung = book.lift(&timing, clock, case.now, to, LiftedBy::Unreached);
    book.save(case.conn).await?;
    Ok(rung.map(|rung| (clock, rung)))
}
