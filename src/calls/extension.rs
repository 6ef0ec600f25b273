//! Extension (延期): asked at least a working day before T5 is due, approved by the head, once, not longer than the original
//! limit, the case as a whole within thirty working days.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::accept::Door;
use super::case::{Answer, Case, Order, timing};
use super::decide::decides;
use super::error::CallCode;
use super::model::{Matter, MatterId, MatterKind};
use super::state::{Beside, Refusal, Verb};
use super::tell::Telling;
use crate::deadlines::history::extended;
use crate::deadlines::{Clock, Unit};
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// Asks (`workingDays`, `reason`) or decides (`approve`, `reason`).
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Extension {
    pub working_days: Option<i16>,
    pub reason: Option<String>,
    pub approve: Option<bool>,
    /// Which request is decided; the open one when not given.
    pub matter_id: Option<MatterId>,
    #[serde(skip)]
    pub door: Door,
}

impl Order for Extension {
    const VERB: Verb = Verb::Extension;

    fn answer(&self) -> Option<Answer> {
        Answer::given(self.matter_id, self.approve)
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        match self.approve {
            Some(approve) => decide(case, approve, &self),
            None => ask(case, &self).await,
        }
    }
}

async fn ask(case: &mut Case<'_>, order: &Extension) -> Result<(), Problem> {
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
    let before = case.rules.calls.extension_before_working_days;
    let latest = case.calendar().closing_after(case.now, before);
    let calendar = case.calendar_of(Clock::Resolve);
    let timing = timing(&calendar, &case.rules, case.item.as_ref(), case.call.urgency);
    let due = case.clocks.due_at(&timing, Clock::Resolve, case.now);
    if due.is_none_or(|due| latest > due) {
        return Err(CallCode::TooLate.problem().detail(
            format!("延期须至少提前 {before} 个工作日申请"),
            format!("an extension is asked for at least {before} working days before it is due"),
        ));
    }
    let mut matter =
        Matter::asked(&case.call, MatterKind::Extension, case.person.account, case.now, reason.clone());
    matter.working_days = Some(days);
    case.record(
        "call.extension_asked",
        json!({"matterId": matter.id, "workingDays": days, "reason": reason}),
    );
    let leader = case.leader().await?;
    let decider = match leader {
        Some(leader) => Some(leader),
        None => {
            // It is the office's to decide from now on, for want of a leader.
            let contact = case.office_contact().await?;
            matter.department_id = contact.as_ref().map(|contact| contact.department_id);
            contact
        }
    };
    matter.officer_id = decider.as_ref().map(|decider| decider.id);
    let room = case.room();
    let telling = case.call_to_decide("call.extension_asked", &matter, decider.as_ref(), room).await?;
    case.tell(telling.with("note", reason).with("workingDays", days));
    case.put(matter);
    Ok(())
}

fn decide(case: &mut Case<'_>, approve: bool, order: &Extension) -> Result<(), Problem> {
    let asked = Beside(&case.matters).asked(MatterKind::Extension);
    if asked.is_some_and(|asked| !decides(asked, &case.standing, &case.rules.calls)) {
        return Err(Refusal::NotYours.problem(case.call.state));
    }
    let mut matter = case.to_decide(MatterKind::Extension, order.matter_id)?;
    let calendar = case.calendar_of(Clock::Resolve);
    let timing = timing(&calendar, &case.rules, case.item.as_ref(), case.call.urgency);
    let due = case.clocks.due_at(&timing, Clock::Resolve, case.now);
    if approve && due.is_none_or(|due| case.now > due) {
        return Err(CallCode::TooLate
            .problem()
            .detail("办结时限已过，不能再延期", "the promise is already broken"));
    }
    let note = case.optional("reason", order.reason.as_deref())?;
    matter.decide(approve, case.person.who(), case.now, note.clone());
    let mut until = None;
    if approve {
        let days = i32::from(matter.working_days.unwrap_or(1));
        if let Some(clock) = case.clocks.live(Clock::Resolve) {
            let due = extended(&calendar, clock.due_at, days);
            case.clocks.move_due(&timing, Clock::Resolve, due);
            matter.until_at = Some(due.at);
            until = Some(china(due.at).to_rfc3339());
        }
    }
    case.record(
        "call.extension_decided",
        json!({"matterId": matter.id, "approved": approve, "note": note, "until": until, "door": order.door}),
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
