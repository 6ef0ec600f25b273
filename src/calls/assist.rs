//! Assistance (协办): the holder asks another department; it has its own record and clock; the lead stays responsible.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::accept::Door;
use super::case::{Answer, Case, Order, timing};
use super::error::CallCode;
use super::model::{Matter, MatterId, MatterKind, MatterState};
use super::state::{Refusal, Verb};
use super::store;
use super::tell::Telling;
use crate::deadlines::{Clock, ClockBook, SubjectKind};
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// Asks a department (`departmentCode`, `reason`), or closes what was asked (`matterId`, `result`).
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assist {
    pub department_code: Option<String>,
    pub reason: Option<String>,
    pub matter_id: Option<MatterId>,
    pub result: Option<String>,
    #[serde(skip)]
    pub door: Door,
}

impl Order for Assist {
    const VERB: Verb = Verb::Assist;

    fn answer(&self) -> Option<Answer> {
        self.matter_id.map(|matter| Answer { matter, becomes: MatterState::Done })
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        match self.matter_id {
            Some(matter) => close(case, matter, &self).await,
            None => {
                let code = self.department_code.as_deref().unwrap_or_default();
                ask(case, code, self.reason.as_deref().unwrap_or_default()).await
            }
        }
    }
}

async fn ask(case: &mut Case<'_>, code: &str, reason: &str) -> Result<(), Problem> {
    if !case.standing.holder {
        return Err(Refusal::NotYours.problem(case.call.state));
    }
    let reason = case.required("reason", reason)?;
    let department = store::department_by_code(case.conn, case.call.county_id, code)
        .await?
        .filter(|department| department.id != case.call.department_id)
        .ok_or_else(|| CallCode::UnknownDepartment.problem())?;
    let open = |matter: &&Matter| matter.kind == MatterKind::Assistance && matter.state == MatterState::Asked;
    if case.matters.iter().filter(open).any(|matter| matter.department_id == Some(department.id)) {
        return Err(Refusal::AlreadyAsked.problem(case.call.state));
    }
    let mut matter =
        Matter::asked(&case.call, MatterKind::Assistance, case.person.account, case.now, reason.clone());
    matter.department_id = Some(department.id);
    let mut clock = ClockBook::empty(case.call.county_id, SubjectKind::SideMatter, matter.id.0);
    let calendar = case.calendar_in(department.id);
    let timing = timing(&calendar, &case.rules, case.item.as_ref(), case.call.urgency);
    clock.start(&timing, Clock::Assistance, case.now, case.rules.calls.assistance);
    case.record(
        "call.assistance_asked",
        json!({"matterId": matter.id, "department": department.name, "reason": reason}),
    );
    let contact = case.contact_of(department.id).await?;
    matter.officer_id = contact.as_ref().map(|contact| contact.id);
    let telling =
        case.call_to_decide("call.assistance_asked", &matter, contact.as_ref(), department.id).await?;
    let until = clock.live(Clock::Assistance).map(|clock| china(clock.due_at).to_rfc3339());
    case.tell(telling.with("note", reason).with("to", department.short_name).with("until", until));
    case.put(matter);
    clock.save(case.conn).await?;
    Ok(())
}

async fn close(case: &mut Case<'_>, id: MatterId, order: &Assist) -> Result<(), Problem> {
    let result = case.required("result", order.result.as_deref().unwrap_or_default())?;
    let open = |matter: &&Matter| {
        matter.id == id && matter.kind == MatterKind::Assistance && matter.state == MatterState::Asked
    };
    let mut matter = case
        .matters
        .iter()
        .find(open)
        .cloned()
        .ok_or_else(|| Refusal::NothingOpen.problem(case.call.state))?;
    if !case.standing.holder && matter.department_id != case.person.department {
        return Err(Refusal::NotYours.problem(case.call.state));
    }
    matter.finish(case.person.who(), case.now);
    matter.decision = Some(result.clone());
    let mut clock = ClockBook::read(case.conn, case.call.county_id, SubjectKind::SideMatter, id.0).await?;
    clock.fulfil(Clock::Assistance, case.now);
    clock.save(case.conn).await?;
    case.record("call.assistance_done", json!({"matterId": id, "result": result, "door": order.door}));
    case.tell(Telling::news("call.assistance_done", case.room()).with("note", result));
    case.put(matter);
    Ok(())
}
