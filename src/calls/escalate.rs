//! Escalate (提级): an official lets the ladder climb a step before its time, and what an urge of the enterprise lifts. Both let the
//! very step fire that would have fired later: same people, same words, once.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::case::{Case, Order, timing};
use super::error::CallCode;
use super::state::Verb;
use crate::deadlines::Clock;
use crate::deadlines::ladder::HIGHEST_LIFT;
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
        let Some((clock, rung)) = lift(case, clocks, HIGHEST_LIFT) else {
            return Err(CallCode::NothingToEscalate.into());
        };
        case.record("call.lifted", json!({"clock": clock, "rung": rung, "reason": reason}));
        Ok(())
    }
}

/// Lets the next step of the first of these clocks that has one left fire now, at most up to rung `to`; which clock, and which rung.
fn lift(case: &mut Case<'_>, clocks: &[Clock], to: i16) -> Option<(Clock, i16)> {
    clocks.iter().find_map(|clock| {
        let calendar = case.calendar_of(*clock);
        let timing = timing(&calendar, &case.rules, case.item.as_ref(), case.call.urgency);
        case.clocks.lift(&timing, *clock, case.now, to).map(|rung| (*clock, rung))
    })
}

/// What an urge lifts: the clock that is waited for next and no other, up to the rung that the county allows.
pub(super) fn lift_by_urge(case: &mut Case<'_>) -> Option<(Clock, i16)> {
    let next = PRESSING.into_iter().find(|clock| case.clocks.live(*clock).is_some())?;
    let to = case.rules.ladder.urge_lifts_to;
    lift(case, &[next], to)
}
