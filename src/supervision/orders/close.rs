//! Closing an order (办结): somebody outside the ordered department finds the reply sufficient.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::model::OrderState;
use super::open::{OpenOrder, Step};
use super::state::OrderVerb;
use super::tell::{Plan, To};
use crate::deadlines::Clock;
use crate::platform::http::problem::Problem;

/// What was found.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloseOrder {
    pub verdict: String,
}

impl Step for CloseOrder {
    const VERB: OrderVerb = OrderVerb::Close;

    fn apply(self, open: &mut OpenOrder<'_>) -> Result<(), Problem> {
        let verdict = open.required("verdict", &self.verdict)?;
        open.order.state = OrderState::Closed;
        open.order.closed_by = Some(open.caller.account.0);
        open.order.closed_at = Some(open.now);
        open.order.verdict = Some(verdict.clone());
        open.next_clock(Clock::OrderClose, None);
        open.record("order.closed", json!({"verdict": verdict}));
        open.tell(Plan { note: Some(verdict), ..Plan::new("order.closed", To::Unit) });
        Ok(())
    }
}
