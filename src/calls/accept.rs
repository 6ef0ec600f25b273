//! Accept (接单): the lead, his backup or anybody of the responsible department takes the call; the first wins.

use serde_json::json;

use super::case::{Case, Order};
use super::model::State;
use super::state::Verb;
use super::tell::Telling;
use crate::deadlines::Clock;
use crate::platform::http::problem::Problem;

/// Through which door somebody acts: an account that signed in, the link in a message, or a button of a card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    #[default]
    Account,
    Link,
    /// A button of a card, whose platform says who tapped.
    Card,
}

/// Takes the call. No body.
#[derive(Clone, Copy, Debug)]
pub struct Accept {
    pub door: Door,
}

impl Order for Accept {
    const VERB: Verb = Verb::Accept;

    fn is_repetition(&self, case: &Case<'_>) -> bool {
        case.standing.holder && case.call.state == State::Accepted
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let now = case.now;
        if let Some(officer) = case.person.officer {
            // A backup who takes the call is backed by whom he stands in for.
            if case.call.backup_id == Some(officer) && case.call.holder_id != officer {
                case.call.backup_id = Some(case.call.holder_id);
            }
            case.call.holder_id = officer;
        }
        case.call.state = State::Accepted;
        case.call.accepted_at = Some(now);
        case.clocks.fulfil(Clock::Accept, now);
        case.start(Clock::Stall);
        case.settle_alarms();
        case.record("call.accepted", json!({"officerId": case.call.holder_id, "door": self.door}));
        case.tell(Telling::news("call.accepted", case.room()));
        Ok(())
    }
}
