//! Assign (分派) from triage, reassign (改派) of any open call, and refuse (不予受理): the business office's decisions.

use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::case::{Case, Order, timing};
use super::dispatch::Route;
use super::error::CallCode;
use super::model::{Matter, MatterKind, RouteRule, State};
use super::state::Verb;
use super::store;
use super::tell::Telling;
use crate::deadlines::{Clock, DeadlineState};
use crate::organisation::OfficerId;
use crate::platform::http::problem::Problem;
use crate::text_enum;

/// To an officer, a department, or the department of an item; one of the three is needed.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assign {
    pub item_code: Option<String>,
    pub department_code: Option<String>,
    pub officer_id: Option<OfficerId>,
    pub reason: String,
}

impl Order for Assign {
    const VERB: Verb = Verb::Assign;

    fn is_repetition(&self, case: &Case<'_>) -> bool {
        let same = |officer: &Value| self.officer_id.is_none_or(|asked| json!(asked) == *officer);
        case.just_recorded("call.assigned", |said| {
            same(&said["officerId"])
                && said["itemCode"] == json!(self.item_code)
                && said["departmentCode"] == json!(self.department_code)
                && said["reason"] == json!(self.reason.trim())
        })
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let reason = case.required("reason", &self.reason)?;
        let from_triage = case.call.state == State::Triage;
        if let Some(code) = &self.item_code {
            let item = store::item_by_code(case.conn, case.call.county_id, code.trim())
                .await?
                .ok_or_else(|| CallCode::UnknownItem.problem())?;
            case.call.item_id = Some(item.id);
            if case.call.text.is_empty() {
                case.call.title.clone_from(&item.name);
            }
            case.item = Some(item);
        }
        let route = self.find(case).await?;
        if !from_triage {
            let mut matter = Matter::asked(
                &case.call,
                MatterKind::Reassign,
                case.person.account,
                case.now,
                reason.clone(),
            );
            matter.officer_id = Some(route.holder.id);
            matter.department_id = Some(route.holder.department_id);
            matter.decide(true, case.person.who(), case.now, String::new());
            matter.finish(case.person.who(), case.now);
            case.put(matter);
        }
        case.lapse(&[MatterKind::Return]).await?;
        if route.holder.department_id != case.call.department_id {
            case.lapse(&[MatterKind::Pause, MatterKind::Extension]).await?;
        }
        case.settle_alarms();
        case.clocks.fulfil(Clock::Triage, case.now);
        let why = route.because(&reason);
        case.dispatch_to(&route.holder, route.backup.as_ref(), RouteRule::Assigned, why, true);
        if from_triage {
            case.start(Clock::Plan);
            if self.item_code.is_some() {
                case.retime_resolve();
            }
        }
        case.record(
            "call.assigned",
            json!({
                "officerId": route.holder.id,
                "to": route.holder.name,
                "itemCode": self.item_code,
                "departmentCode": self.department_code,
                "reason": reason,
            }),
        );
        case.tell(Telling::alarm("call.assigned", case.room(), route.holder.id).with("note", reason));
        Ok(())
    }
}

impl Assign {
    async fn find(&self, case: &mut Case<'_>) -> Result<Route, Problem> {
        if let Some(officer) = self.officer_id {
            let holder = store::candidates(case.conn, &[officer], case.now)
                .await?
                .into_iter()
                .next()
                .filter(super::store::Candidate::is_reachable)
                .ok_or_else(|| CallCode::UnknownOfficer.problem())?;
            let backup = match holder.backup_id {
                Some(backup) => store::candidates(case.conn, &[backup], case.now).await?.into_iter().next(),
                None => None,
            };
            let backup = backup.filter(super::store::Candidate::is_reachable);
            return Ok(Route {
                rule: RouteRule::Assigned,
                holder,
                backup,
                reason: String::new(),
                detour: false,
            });
        }
        let department = match (&self.department_code, &case.item) {
            (Some(code), _) => {
                store::department_by_code(case.conn, case.call.county_id, code.trim())
                    .await?
                    .ok_or_else(|| CallCode::UnknownDepartment.problem())?
                    .id
            }
            (None, Some(item)) => item.department_id,
            (None, None) => return Err(CallCode::UnknownDepartment.into()),
        };
        case.choose_in(department, RouteRule::Assigned)
            .await?
            .ok_or_else(|| CallCode::NobodyReachable.problem())
    }
}

impl Case<'_> {
    /// The item became known: T5 gets its limit but keeps its start.
    fn retime_resolve(&mut self) {
        let limit = self.rules.limit(Clock::Resolve, self.call.urgency, self.item_limits());
        let Some(clock) = self.clocks.live(Clock::Resolve) else { return };
        if clock.state == DeadlineState::Running {
            let calendar = self.calendar_of(Clock::Resolve);
            let due = calendar.due(clock.started_at, limit);
            let timing = timing(&calendar, &self.rules, self.item.as_ref(), self.call.urgency);
            self.clocks.relimit(&timing, Clock::Resolve, limit, due);
        }
    }
}

text_enum!(
    /// The listed reasons for which a call may be refused.
    RefuseReason {
        NotEnterpriseMatter = "not_enterprise_matter",
        OutsideCounty = "outside_county",
        InLitigation = "in_litigation",
        AlreadyAnswered = "already_answered",
        NoContent = "no_content",
    }
);

impl RefuseReason {
    /// What the enterprise reads.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::NotEnterpriseMatter => "不属于涉企服务范围",
            Self::OutsideCounty => "不属于本县管辖",
            Self::InLitigation => "已进入诉讼、仲裁或复议程序",
            Self::AlreadyAnswered => "同一事项已办结答复，且无新的情况",
            Self::NoContent => "没有可以办理的具体内容",
        }
    }
}

/// Refuses for a listed reason; the enterprise is told why and how to object.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refuse {
    pub reason_code: String,
    pub text: Option<String>,
}

impl Order for Refuse {
    const VERB: Verb = Verb::Refuse;

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let Some(reason) = RefuseReason::parse(&self.reason_code) else {
            let words: Vec<&str> = RefuseReason::ALL.iter().map(|reason| reason.as_str()).collect();
            return Err(CallCode::WrongReason.problem().with("reasons", words));
        };
        let text = case.optional("text", self.text.as_deref())?;
        let answer = format!(
            "{}{}{text}。如有异议，可再次提交说明，或拨打营商办电话反映。",
            reason.zh(),
            if text.is_empty() { "" } else { "：" }
        );
        case.call.outcome_text = Some(answer.clone());
        case.settle_alarms();
        case.clocks.fulfil(Clock::Triage, case.now);
        case.end(State::Refused).await?;
        case.record("call.refused", json!({"reasonCode": reason, "text": answer}));
        case.tell(Telling::news("call.refused", case.room()).with("note", answer));
        Ok(())
    }
}
