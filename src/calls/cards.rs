//! The cards that a broken promise brings (DOMAIN's 蓝, 黄, 红): one for each step that has one and whose own moment came before the
//! promise was kept, charged to whoever held the call at that moment. Pure.

use chrono::{DateTime, Utc};

use super::model::Call;
use crate::deadlines::Deadline;
use crate::deadlines::ladder::{Timing, What};
use crate::organisation::{DepartmentId, OfficerId};
use crate::supervision::cards::NewCard;

/// Who held a call from when to when, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    pub officer: OfficerId,
    pub department: DepartmentId,
    pub since: DateTime<Utc>,
    /// None: he holds it now.
    pub until: Option<DateTime<Utc>>,
}

/// The cards of all steps whose moment is not later than `until`. A step that an urge or an empty rung let fire before its time only
/// told; its card is among these once its own moment has come with the promise still broken.
#[must_use]
pub fn earned(
    call: &Call,
    row: &Deadline,
    timing: &Timing<'_>,
    holders: &[Holder],
    until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<NewCard> {
    let mut cards = Vec::new();
    for nth in 0..i16::MAX {
        let Some(What::Climb(step, 0)) = timing.what(row, nth) else { break };
        let Some(at) = timing.moment(row, nth).filter(|at| *at <= until) else { break };
        let Some(colour) = step.card else { continue };
        let (officer, department) = holder(call, holders, at);
        cards.push(NewCard {
            county: call.county_id,
            call: call.id.0,
            deadline: row.id,
            clock: row.clock,
            rung: step.rung,
            colour,
            officer,
            department,
            due_at: row.due_at,
            issued_at: now,
            late_minutes: i32::try_from(timing.minutes(row.due_at, at)).unwrap_or(i32::MAX),
        });
    }
    cards
}

/// Who held it at a moment; who holds it now where nothing older is known.
fn holder(call: &Call, holders: &[Holder], at: DateTime<Utc>) -> (OfficerId, DepartmentId) {
    let held = |holder: &&Holder| holder.since <= at && holder.until.is_none_or(|until| at < until);
    let then = holders.iter().rev().find(held);
    then.map_or((call.holder_id, call.department_id), |holder| (holder.officer, holder.department))
}
