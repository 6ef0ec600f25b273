//! Sending a reply back (退回重答): it was not enough, and is answered again.

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

/// Why the reply is not enough.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendOrderBack {
    pub reason: String,
}

impl Step for SendOrderBack {
    const VERB: OrderVerb = OrderVerb::SendBack;

    fn apply(self, open: &mut OpenOrder<'_>) -> Result<(), Problem> {
        let reason = open.required("reason", &self.reason)?;
        open.order.state = OrderState::Signed;
        // The ledger keeps the reply.
        open.order.reply = None;
        open.order.replied_by = None;
        open.order.replied_at = None;
        open.order.sent_back_at = Some(open.now);
        open.order.sent_back_reason = Some(reason.clone());
        let due = open.next_clock(Clock::OrderClose, Some(Clock::OrderReply));
        open.record("order.sent_back", json!({"reason": reason, "dueAt": due.map(china)}));
        open.tell(Plan { until: due, note: Some(reason), ..Plan::new("order.sent_back", To::Leader) });
        Ok(())
    }
}
