//! Resolve (办结): the holder says what was done; the enterprise has three working days to agree or not.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::case::{Case, Order};
use super::model::{MatterKind, State};
use super::state::Verb;
use super::tell::Telling;
use crate::deadlines::Clock;
use crate::platform::http::problem::Problem;

/// What was done.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    pub result: String,
}

impl Order for Resolve {
    const VERB: Verb = Verb::Resolve;

    fn is_repetition(&self, case: &Case<'_>) -> bool {
        case.standing.holder
            && case.call.state == State::Resolved
            && case.call.outcome_text.as_deref() == Some(self.result.trim())
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let result = case.required("result", &self.result)?;
        let now = case.now;
        case.call.state = State::Resolved;
        case.call.resolved_at = Some(now);
        case.call.outcome_text = Some(result.clone());
        for clock in [Clock::Resolve, Clock::Promise, Clock::Plan, Clock::Contact] {
            case.clocks.fulfil(clock, now);
        }
        case.clocks.settle_unneeded(Clock::Stall, now);
        case.clocks.settle_unneeded(Clock::Arrive, now);
        case.clocks.settle_unneeded(Clock::Appointment, now);
        case.start(Clock::Confirm);
        case.lapse(&[MatterKind::Return, MatterKind::Extension, MatterKind::Pause]).await?;
        case.settle_alarms();
        case.record("call.resolved", json!({"result": result}));
        case.tell(Telling::news("call.resolved", case.room()).with("result", result));
        Ok(())
    }
}
