//! Reviewing a draft (复核): a second person of the business office, not who will sign, has read the evidence.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::model::HandOverState;
use super::open::{Asked, OpenHandOver, Step};
use super::state::HandOverVerb;
use crate::platform::http::problem::Problem;

/// What the reviewer remarks.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReviewHandOver {
    pub note: Option<String>,
}

impl Step for ReviewHandOver {
    const VERB: HandOverVerb = HandOverVerb::Review;

    fn apply(self, open: &mut OpenHandOver<'_>) -> Result<(), Problem> {
        open.row.note = open.optional("note", self.note.as_deref())?;
        open.row.state = HandOverState::Reviewed;
        open.row.reviewed_by = Some(open.caller.account.0);
        open.row.reviewed_at = Some(open.now);
        open.record("hand_over.reviewed", json!({"note": open.row.note}));
        open.tell("hand_over.reviewed", Asked::Signer);
        Ok(())
    }
}
