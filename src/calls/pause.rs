//! Pause and resume: an officer asks, the head approves, the business office over three working days. Only T4 and T5 stand still.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::case::{Case, Order};
use super::error::CallCode;
use super::model::{Matter, MatterKind, MatterState};
use super::state::{Beside, Refusal, Verb};
use super::tell::Telling;
use crate::deadlines::{Clock, ClockBook, SubjectKind};
use crate::platform::http::problem::Problem;
use crate::text_enum;

text_enum!(
    /// The listed reasons for a pause.
    PauseReason {
        EnterpriseMaterials = "enterprise_materials",
        EnterpriseAbsent = "enterprise_absent",
        SuperiorApproval = "superior_approval",
        ForceMajeure = "force_majeure",
        Litigation = "litigation",
    }
);

/// Asks (`reasonCode`, `workingDays`, `evidence`) or decides (`approve`, `reason`).
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pause {
    pub reason_code: Option<String>,
    pub working_days: Option<i16>,
    pub evidence: Option<String>,
    pub reason: Option<String>,
    pub approve: Option<bool>,
}

impl Order for Pause {
    const VERB: Verb = Verb::Pause;

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        match self.approve {
            Some(approve) => decide(case, approve, self.reason.as_deref()).await,
            None => ask(case, self),
        }
    }
}

fn ask(case: &mut Case<'_>, order: Pause) -> Result<(), Problem> {
    if !case.standing.holder {
        return Err(Refusal::NotYours.problem(case.call.state));
    }
    if Beside(&case.matters).asked(MatterKind::Pause).is_some() {
        return Err(Refusal::AlreadyAsked.problem(case.call.state));
    }
    let code = order
        .reason_code
        .as_deref()
        .and_then(PauseReason::parse)
        .ok_or_else(|| CallCode::WrongReason.problem().with("reasons", words()))?;
    let evidence = case.required("evidence", order.evidence.as_deref().unwrap_or_default())?;
    let reason = case.optional("reason", order.reason.as_deref())?;
    let rules = &case.rules.calls;
    let days = order.working_days.unwrap_or(1);
    let used: i16 = case
        .matters
        .iter()
        .filter(|matter| {
            matter.kind == MatterKind::Pause
                && matches!(matter.state, MatterState::Approved | MatterState::Done)
        })
        .filter_map(|matter| matter.working_days)
        .fold(0, i16::saturating_add);
    if days < 1
        || days > rules.pause_each_working_days
        || used.saturating_add(days) > rules.pause_total_working_days
    {
        let (each, total) = (rules.pause_each_working_days, rules.pause_total_working_days);
        return Err(CallCode::OverLimit.problem().detail(
            format!("每次暂停不超过 {each} 个工作日，累计不超过 {total} 个（已用 {used} 个）"),
            format!("at most {each} working days each and {total} in all ({used} used)"),
        ));
    }
    let mut matter = Matter::asked(&case.call, MatterKind::Pause, case.person.account, case.now, reason);
    matter.reason_code = Some(code.to_string());
    matter.working_days = Some(days);
    matter.evidence = evidence;
    case.record("call.pause_asked", json!({"matterId": matter.id, "reasonCode": code, "workingDays": days}));
    case.tell(
        Telling::news("call.pause_asked", case.room())
            .with("note", matter.reason.clone())
            .with("workingDays", days),
    );
    case.put(matter);
    Ok(())
}

fn words() -> Vec<&'static str> {
    PauseReason::ALL.iter().map(|reason| reason.as_str()).collect()
}

async fn decide(case: &mut Case<'_>, approve: bool, note: Option<&str>) -> Result<(), Problem> {
    let mut matter = case.to_decide(MatterKind::Pause)?;
    let long = matter.working_days.unwrap_or(0) > case.rules.calls.pause_head_working_days;
    let yours = if long { case.standing.office } else { case.standing.leader || case.standing.office };
    if !yours {
        return Err(Refusal::NotYours.problem(case.call.state));
    }
    let note = case.optional("reason", note)?;
    let now = case.now;
    matter.decide(approve, case.person.account, now, note.clone());
    if approve {
        for clock in [Clock::Plan, Clock::Resolve, Clock::Promise] {
            case.clocks.pause(clock, now);
        }
        let limit = crate::deadlines::Limit::working_days(i32::from(matter.working_days.unwrap_or(1)));
        let mut bound = ClockBook::empty(case.call.county_id, SubjectKind::SideMatter, matter.id.0);
        bound.start(&case.calendar(), Clock::Pause, now, limit);
        matter.until_at = bound.live(Clock::Pause).map(|clock| clock.due_at);
        bound.save(case.conn).await?;
    }
    case.record("call.pause_decided", json!({"matterId": matter.id, "approved": approve, "note": note}));
    case.tell(Telling::news("call.pause_decided", case.room()).with("approved", approve).with("note", note));
    case.put(matter);
    Ok(())
}

/// Ends a pause before its bound. No body.
#[derive(Clone, Copy, Debug)]
pub struct Resume;

impl Order for Resume {
    const VERB: Verb = Verb::Resume;

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let now = case.now;
        let Some(mut matter) = Beside(&case.matters).pause().cloned() else {
            return Err(Refusal::NothingOpen.problem(case.call.state));
        };
        matter.finish(case.person.account, now);
        for clock in [Clock::Plan, Clock::Resolve, Clock::Promise] {
            // A pause nobody ended counts no further than it was approved for.
            let until = matter.until_at.map_or(now, |bound| bound.min(now));
            let calendar = case.calendar_of(clock);
            case.clocks.resume(&calendar, clock, until);
        }
        let mut bound =
            ClockBook::read(case.conn, case.call.county_id, SubjectKind::SideMatter, matter.id.0).await?;
        bound.fulfil(Clock::Pause, now);
        bound.save(case.conn).await?;
        case.record("call.resumed", json!({"matterId": matter.id}));
        case.tell(Telling::news("call.resumed", case.room()));
        case.put(matter);
        Ok(())
    }
}
