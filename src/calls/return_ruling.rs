//! Return (退回) and ruling (裁定): a department may say once, within two working hours of dispatch, that the matter is another's;
//! the business office rules the same day and finally. No clock stops meanwhile, and T4 and T5 never start anew.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::accept::Door;
use super::case::{Answer, Case, Order, timing};
use super::error::CallCode;
use super::model::{Matter, MatterId, MatterKind, RouteRule};
use super::state::Verb;
use super::store;
use super::tell::Telling;
use crate::deadlines::{Clock, ClockBook, SubjectKind};
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// The matter is another department's.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Return {
    pub reason: String,
    /// The department that ought to have it.
    pub department_code: String,
}

impl Order for Return {
    const VERB: Verb = Verb::Return;

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let reason = case.required("reason", &self.reason)?;
        let county = case.call.county_id;
        let proposed = store::department_by_code(case.conn, county, self.department_code.trim())
            .await?
            .filter(|department| department.id != case.call.department_id)
            .ok_or_else(|| CallCode::UnknownDepartment.problem())?;
        let since = case.dispatched_here();
        let used = case.calendar().working_between(since, case.now).num_minutes();
        let within = case.rules.calls.return_within_working_minutes;
        if used > within {
            return Err(CallCode::TooLate.problem().detail(
                format!("退回须在派单后 {within} 个工作分钟内提出"),
                format!("a return is asked for within {within} working minutes of dispatch"),
            ));
        }
        let mut matter =
            Matter::asked(&case.call, MatterKind::Return, case.person.account, case.now, reason.clone());
        matter.department_id = Some(proposed.id);
        let mut clock = ClockBook::empty(county, SubjectKind::SideMatter, matter.id.0);
        let calendar = case.calendar();
        let timing = timing(&calendar, &case.rules, case.item.as_ref(), case.call.urgency);
        clock.start(&timing, Clock::ReturnRuling, case.now, case.rules.calls.return_ruling);
        case.record(
            "call.return_asked",
            json!({"matterId": matter.id, "reason": reason, "proposed": proposed.name}),
        );
        let contact = case.office_contact().await?;
        matter.officer_id = contact.as_ref().map(|contact| contact.id);
        let room = case.room();
        let telling = case.call_to_decide("call.returned", &matter, contact.as_ref(), room).await?;
        let until = clock.live(Clock::ReturnRuling).map(|clock| china(clock.due_at).to_rfc3339());
        case.tell(telling.with("note", reason).with("to", proposed.short_name).with("until", until));
        case.put(matter);
        clock.save(case.conn).await?;
        Ok(())
    }
}

/// The business office decides: to another department, or it stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ruling {
    /// False: it stays where it is.
    pub approve: bool,
    /// Where it goes; the proposed department when not given.
    pub department_code: Option<String>,
    pub reason: String,
    /// Which return is ruled on; the open one when not given.
    pub matter_id: Option<MatterId>,
    #[serde(skip)]
    pub door: Door,
}

impl Order for Ruling {
    const VERB: Verb = Verb::Ruling;

    fn answer(&self) -> Option<Answer> {
        Answer::given(self.matter_id, Some(self.approve))
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let reason = case.required("reason", &self.reason)?;
        let mut matter = case.to_decide(MatterKind::Return, self.matter_id)?;
        let county = case.call.county_id;
        matter.decide(self.approve, case.person.who(), case.now, reason.clone());
        let mut clock = ClockBook::read(case.conn, county, SubjectKind::SideMatter, matter.id.0).await?;
        clock.fulfil(Clock::ReturnRuling, case.now);
        clock.save(case.conn).await?;
        if !self.approve {
            case.record(
                "call.ruled",
                json!({"matterId": matter.id, "approved": false, "reason": reason, "door": self.door}),
            );
            case.tell(Telling::news("call.ruled", case.room()).with("approved", false).with("note", reason));
            case.put(matter);
            return Ok(());
        }
        let department = match &self.department_code {
            Some(code) => store::department_by_code(case.conn, county, code.trim())
                .await?
                .filter(|department| department.id != case.call.department_id)
                .ok_or_else(|| CallCode::UnknownDepartment.problem())?,
            None => {
                let proposed = matter.department_id.ok_or_else(|| CallCode::UnknownDepartment.problem())?;
                store::department(case.conn, proposed).await?
            }
        };
        let route = case
            .choose_in(department.id, RouteRule::Ruled)
            .await?
            .ok_or_else(|| CallCode::NobodyReachable.problem())?;
        matter.department_id = Some(department.id);
        case.lapse(&[MatterKind::Pause, MatterKind::Extension]).await?;
        case.settle_alarms();
        let why = route.because(&reason);
        case.dispatch_to(&route.holder, route.backup.as_ref(), RouteRule::Ruled, why, true);
        case.record(
            "call.ruled",
            json!({"matterId": matter.id, "approved": true, "department": department.name, "reason": reason, "door": self.door}),
        );
        case.tell(
            Telling::alarm("call.ruled", department.id, route.holder.id)
                .with("approved", true)
                .with("note", reason),
        );
        case.put(matter);
        Ok(())
    }
}
