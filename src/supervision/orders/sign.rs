//! Signing for an order (签收): the head or a deputy of the ordered department takes it upon himself.

use serde_json::json;

use super::model::OrderState;
use super::open::{OpenOrder, Step};
use super::state::OrderVerb;
use super::tell::{Plan, To};
use crate::deadlines::Clock;
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// Signs; says nothing further.
#[derive(Clone, Copy, Debug)]
pub struct Sign;

impl Step for Sign {
    const VERB: OrderVerb = OrderVerb::Sign;

    fn is_repetition(&self, open: &OpenOrder<'_>) -> bool {
        open.order.state == OrderState::Signed
            && open.order.sent_back_at.is_none()
            && open.order.signed_by == Some(open.caller.account.0)
    }

    fn apply(self, open: &mut OpenOrder<'_>) -> Result<(), Problem> {
        open.order.state = OrderState::Signed;
        open.order.signed_by = Some(open.caller.account.0);
        open.order.signed_at = Some(open.now);
        let due = open.next_clock(Clock::OrderSign, Some(Clock::OrderReply));
        open.record("order.signed", json!({"dueAt": due.map(china)}));
        open.tell(Plan { until: due, ..Plan::new("order.signed", To::Supervisors) });
        Ok(())
    }
}
