//! Pause and resume: an officer asks, the head approves, the business office over three working days. T4, T5 and
//! a promised moment stand still, nothing else.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::accept::Door;
use super::case::{Answer, Case, Order, timing};
use super::decide::{decides, is_long};
use super::error::CallCode;
use super::model::{Matter, MatterId, MatterKind, MatterState};
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

impl PauseReason {
    /// What people read.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::EnterpriseMaterials => "等待企业补充材料",
            Self::EnterpriseAbsent => "企业人员暂时不在",
            Self::SuperiorApproval => "等待上级审批",
            Self::ForceMajeure => "不可抗力",
            Self::Litigation => "进入诉讼或仲裁",
        }
    }
}

/// Asks (`reasonCode`, `workingDays`, `evidence`) or decides (`approve`, `reason`).
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pause {
    pub reason_code: Option<String>,
    pub working_days: Option<i16>,
    pub evidence: Option<String>,
    pub reason: Option<String>,
    pub approve: Option<bool>,
    /// Which request is decided; the open one when not given.
    pub matter_id: Option<MatterId>,
    #[serde(skip)]
    pub door: Door,
}

impl Order for Pause {
    const VERB: Verb = Verb::Pause;

    fn answer(&self) -> Option<Answer> {
        Answer::given(self.matter_id, self.approve)
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        match self.approve {
            Some(approve) => decide(case, approve, &self).await,
            None => ask(case, self).await,
        }
    }
}

async fn ask(case: &mut Case<'_>, order: Pause) -> Result<(), Problem> {
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
    let leader = if is_long(Some(days), &case.rules.calls) { None } else { case.leader().await? };
    let decider = match leader {
        Some(leader) => Some(leader),
        None => case.office_contact().await?,
    };
    matter.officer_id = decider.as_ref().map(|decider| decider.id);
    let room = case.room();
    let telling = case.call_to_decide("call.pause_asked", &matter, decider.as_ref(), room).await?;
    let said = [code.zh(), matter.reason.as_str(), matter.evidence.as_str()];
    let said: Vec<&str> = said.into_iter().filter(|words| !words.is_empty()).collect();
    case.tell(telling.with("note", said.join("；")).with("workingDays", days));
    case.put(matter);
    Ok(())
}

fn words() -> Vec<&'static str> {
    PauseReason::ALL.iter().map(|reason| reason.as_str()).collect()
}

async fn decide(case: &mut Case<'_>, approve: bool, order: &Pause) -> Result<(), Problem> {
    let mut matter = case.to_decide(MatterKind::Pause, order.matter_id)?;
    if !decides(&matter, &case.standing, &case.rules.calls) {
        return Err(Refusal::NotYours.problem(case.call.state));
    }
    let note = case.optional("reason", order.reason.as_deref())?;
    let now = case.now;
    matter.decide(approve, case.person.who(), now, note.clone());
    if approve {
        for clock in Clock::ALL.iter().filter(|clock| clock.may_stand_still()) {
            case.clocks.pause(*clock, now);
        }
        let limit = crate::deadlines::Limit::working_days(i32::from(matter.working_days.unwrap_or(1)));
        let mut bound = ClockBook::empty(case.call.county_id, SubjectKind::SideMatter, matter.id.0);
        let calendar = case.calendar();
        let timing = timing(&calendar, &case.rules, case.item.as_ref(), case.call.urgency);
        bound.start(&timing, Clock::Pause, now, limit);
        matter.until_at = bound.live(Clock::Pause).map(|clock| clock.due_at);
        bound.save(case.conn).await?;
    }
    case.record(
        "call.pause_decided",
        json!({"matterId": matter.id, "approved": approve, "note": note, "door": order.door}),
    );
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
        matter.finish(case.person.who(), now);
        // A pause nobody ended counts no further than it was approved for.
        let until = matter.until_at.map_or(now, |bound| bound.min(now));
        for clock in Clock::ALL.iter().copied().filter(|clock| clock.may_stand_still()) {
            let calendar = case.calendar_of(clock);
            let timing = timing(&calendar, &case.rules, case.item.as_ref(), case.call.urgency);
            case.clocks.resume(&timing, clock, until);
        }
        let mut bound =
            ClockBook::read(case.conn, case.call.county_id, SubjectKind::SideMatter, matter.id.0).await?;
        bound.fulfil(Clock::Pause, until);
        bound.save(case.conn).await?;
        case.record("call.resumed", json!({"matterId": matter.id}));
        case.tell(Telling::news("call.resumed", case.room()));
        case.put(matter);
        Ok(())
    }
}
