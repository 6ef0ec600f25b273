//! Answering an order (答复): what was done and what will be.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::model::OrderState;
use super::open::{OpenOrder, Step};
use super::state::OrderVerb;
use super::tell::{Plan, To};
use crate::deadlines::Clock;
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// The answer.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplyToOrder {
    pub text: String,
}

impl Step for ReplyToOrder {
    const VERB: OrderVerb = OrderVerb::Reply;

    fn apply(self, open: &mut OpenOrder<'_>) -> Result<(), Problem> {
        let text = open.required("text", &self.text)?;
        open.order.state = OrderState::Replied;
        open.order.replied_by = Some(open.caller.account.0);
        open.order.replied_at = Some(open.now);
        open.order.reply = Some(text.clone());
        let due = open.next_clock(Clock::OrderReply, Some(Clock::OrderClose));
        open.record("order.replied", json!({"text": text, "dueAt": due.map(china)}));
        open.tell(Plan { until: due, note: Some(text), ..Plan::new("order.replied", To::Supervisors) });
        Ok(())
    }
}
