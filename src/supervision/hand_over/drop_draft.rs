//! Dropping (不予移交): the head of the business office decides against it, and says why. The draft stays to be seen.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::model::HandOverState;
use super::open::{OpenHandOver, Step};
use super::state::HandOverVerb;
use crate::platform::http::problem::Problem;

/// Why nothing is handed over.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DropHandOver {
    pub reason: String,
}

impl Step for DropHandOver {
    const VERB: HandOverVerb = HandOverVerb::Drop;

    fn apply(self, open: &mut OpenHandOver<'_>) -> Result<(), Problem> {
        let reason = open.required("reason", &self.reason)?;
        open.row.state = HandOverState::Dropped;
        open.row.dropped_by = Some(open.caller.account.0);
        open.row.dropped_at = Some(open.now);
        open.row.dropped_reason = Some(reason.clone());
        open.record("hand_over.dropped", json!({"reason": reason}));
        Ok(())
    }
}
