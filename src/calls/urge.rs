//! Urge (催办) and withdraw (撤回): what the enterprise may do while it waits.

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::case::{Case, Order};
use super::error::CallCode;
use super::escalate::lift_by_urge;
use super::model::State;
use super::state::Verb;
use super::tell::Telling;
use crate::ledger;
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// Please hurry: at most once in ten minutes and three times a day.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Urge {
    pub text: Option<String>,
}

impl Order for Urge {
    const VERB: Verb = Verb::Urge;

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let text = case.optional("text", self.text.as_deref())?;
        let before = ledger::store::moments_of(case.conn, case.call.id.0, "call.urged").await?;
        let rules = &case.rules.calls;
        let pause = TimeDelta::minutes(rules.urge_every_minutes);
        if let Some(wait) =
            before.first().map(|last| *last + pause - case.now).filter(|wait| *wait > TimeDelta::zero())
        {
            let seconds = u64::try_from(wait.num_seconds().max(1)).unwrap_or(1);
            return Err(CallCode::TooOften.problem().retry_after(seconds));
        }
        let today = china(case.now).date_naive();
        let today_count = before.iter().filter(|at| china(**at).date_naive() == today).count();
        if today_count >= rules.urge_per_day {
            let most = rules.urge_per_day;
            return Err(CallCode::TooOften
                .problem()
                .detail(format!("每天最多催办 {most} 次"), format!("at most {most} times a day")));
        }
        let (clock, rung) = lift_by_urge(case).unzip();
        case.record(
            "call.urged",
            json!({"text": text, "today": today_count + 1, "liftedClock": clock, "liftedRung": rung}),
        );
        case.tell(Telling::alarm("call.urged", case.room(), case.call.holder_id).with("note", text));
        Ok(())
    }
}

/// No longer needed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    pub reason: Option<String>,
}

impl Order for Withdraw {
    const VERB: Verb = Verb::Withdraw;

    fn is_repetition(&self, case: &Case<'_>) -> bool {
        case.standing.member && case.call.state == State::Withdrawn
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let reason = case.optional("reason", self.reason.as_deref())?;
        case.settle_alarms();
        case.end(State::Withdrawn).await?;
        case.record("call.withdrawn", json!({"reason": reason}));
        case.tell(Telling::news("call.withdrawn", case.room()).with("note", reason));
        Ok(())
    }
}
