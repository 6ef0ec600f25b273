//! Handing over (移交): from now on discipline can read it.

use serde_json::json;

use super::model::HandOverState;
use super::open::{Asked, OpenHandOver, Step};
use super::state::HandOverVerb;
use crate::platform::http::problem::Problem;

/// Hands; says nothing further.
#[derive(Clone, Copy, Debug)]
pub struct Hand;

impl Step for Hand {
    const VERB: HandOverVerb = HandOverVerb::Hand;

    fn apply(self, open: &mut OpenHandOver<'_>) -> Result<(), Problem> {
        open.row.state = HandOverState::Handed;
        open.row.handed_by = Some(open.caller.account.0);
        open.row.handed_at = Some(open.now);
        open.record("hand_over.handed", json!({"packHash": hex::encode(&open.row.pack_hash)}));
        open.tell("hand_over.handed", Asked::Discipline);
        Ok(())
    }
}
