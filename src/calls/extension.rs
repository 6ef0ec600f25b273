//! Extension (延期): asked at least a working day before T5 is due, approved by the head, once, not longer than the original
//! limit, the case as a whole within thirty working days.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::case::{Case, Order};
use super::error::CallCode;
use super::model::{Matter, MatterKind};
use super::state::{Beside, Refusal, Verb};
use super::tell::Telling;
use crate::deadlines::history::extended;
use crate::deadlines::{Clock, Unit};
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// Asks (`workingDays`, `reason`) or decides (`approve`, `reason`).
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extension {
    pub working_days: Option<i16>,
    pub reason: Option<String>,
    pub approve: Option<bool>,
}

impl Order for Extension {
    const VERB: Verb = Verb::Extension;

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        match self.approve {
            Some(approve) => decide(case, approve, self.reason.as_deref()),
            None => ask(case, &self),
        }
    }
}

fn ask(case: &mut Case<'_>, order: &Extension) -> Result<(), Problem> {
    if !case.standing.holder {
        return Err(Refusal::NotYours.problem(case.call.state));
    }
    if Beside(&case.matters).asked(MatterKind::Extension).is_some() {
        return Err(Refusal::AlreadyAsked.problem(case.call.state));
    }
    let reason = case.required("reason", order.reason.as_deref().unwrap_or_default())?;
    let Some(clock) = case.clocks.live(Clock::Resolve) else {
        return Err(Refusal::NothingOpen.problem(case.call.state));
    };
    let days = order.working_days.unwrap_or(1);
    let original = if clock.limit_unit == Unit::WorkingDay { clock.limit_amount.max(1) } else { 1 };
    let most = original.min(case.rules.calls.case_working_days - original);
    if days < 1 || i32::from(days) > most {
        return Err(CallCode::OverLimit.problem().detail(
            format!(
                "延期不得超过原时限，且全案不超过 {} 个工作日：最多 {most} 个工作日",
                case.rules.calls.case_working_days
            ),
            format!("at most {most} working days"),
        ));
    }
    let latest = case.calendar().closing_after(case.now, 1);
    let due = case.clocks.due_at(&case.calendar_of(Clock::Resolve), Clock::Resolve, case.now);
    if due.is_none_or(|due| latest > due) {
        return Err(CallCode::TooLate.problem().detail(
            "延期须至少提前 1 个工作日申请",
            "an extension is asked for at least one working day before it is due",
        ));
    }
    let mut matter =
        Matter::asked(&case.call, MatterKind::Extension, case.person.account, case.now, reason.clone());
    matter.working_days = Some(days);
    case.record(
        "call.extension_asked",
        json!({"matterId": matter.id, "workingDays": days, "reason": reason}),
    );
    case.tell(
        Telling::news("call.extension_asked", case.room()).with("note", reason).with("workingDays", days),
    );
    case.put(matter);
    Ok(())
}

fn decide(case: &mut Case<'_>, approve: bool, note: Option<&str>) -> Result<(), Problem> {
    if !case.standing.leader {
        return Err(Refusal::NotYours.problem(case.call.state));
    }
    let mut matter = case.to_decide(MatterKind::Extension)?;
    let due = case.clocks.due_at(&case.calendar_of(Clock::Resolve), Clock::Resolve, case.now);
    if approve && due.is_none_or(|due| case.now > due) {
        return Err(CallCode::TooLate
            .problem()
            .detail("办结时限已过，不能再延期", "the promise is already broken"));
    }
    let note = case.optional("reason", note)?;
    matter.decide(approve, case.person.account, case.now, note.clone());
    let mut until = None;
    if approve {
        let days = i32::from(matter.working_days.unwrap_or(1));
        if let Some(clock) = case.clocks.live(Clock::Resolve) {
            let due = extended(&case.calendar_of(Clock::Resolve), clock.due_at, days);
            case.clocks.move_due(Clock::Resolve, due.at, due.provisional);
            matter.until_at = Some(due.at);
            until = Some(china(due.at).to_rfc3339());
        }
    }
    case.record(
        "call.extension_decided",
        json!({"matterId": matter.id, "approved": approve, "note": note, "until": until}),
    );
    case.tell(
        Telling::news("call.extension_decided", case.room())
            .with("approved", approve)
            .with("note", note)
            .with("until", until),
    );
    case.put(matter);
    Ok(())
}
