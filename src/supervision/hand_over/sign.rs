//! Signing (签发): the head of the business office answers for it with his name.

use serde_json::json;

use super::model::HandOverState;
use super::open::{OpenHandOver, Step};
use super::state::HandOverVerb;
use crate::platform::http::problem::Problem;

/// Signs; says nothing further.
#[derive(Clone, Copy, Debug)]
pub struct Sign;

impl Step for Sign {
    const VERB: HandOverVerb = HandOverVerb::Sign;

    fn apply(self, open: &mut OpenHandOver<'_>) -> Result<(), Problem> {
        open.row.state = HandOverState::Signed;
        open.row.signed_by = Some(open.caller.account.0);
        open.row.signed_at = Some(open.now);
        // What he signs is what was frozen.
        open.record("hand_over.signed", json!({"packHash": hex::encode(&open.row.pack_hash)}));
        Ok(())
    }
}
