//! Assistance (协办): the holder asks another department; it has its own record and clock; the lead stays responsible.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::case::{Case, Order};
use super::error::CallCode;
use super::model::{Matter, MatterId, MatterKind, MatterState};
use super::state::{Refusal, Verb};
use super::store;
use super::tell::Telling;
use crate::deadlines::{Clock, ClockBook, SubjectKind};
use crate::platform::http::problem::Problem;

/// Asks a department (`departmentCode`, `reason`), or closes what was asked (`matterId`, `result`).
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assist {
    pub department_code: Option<String>,
    pub reason: Option<String>,
    pub matter_id: Option<MatterId>,
    pub result: Option<String>,
}

impl Order for Assist {
    const VERB: Verb = Verb::Assist;

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        match self.matter_id {
            Some(matter) => close(case, matter, self.result.as_deref().unwrap_or_default()).await,
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
    clock.start(&case.calendar(), Clock::Assistance, case.now, case.rules.calls.assistance);
    case.record(
        "call.assistance_asked",
        json!({"matterId": matter.id, "department": department.name, "reason": reason}),
    );
    case.tell(
        Telling::news("call.assistance_asked", department.id)
            .with("note", reason)
            .with("to", department.short_name),
    );
    case.put(matter);
    clock.save(case.conn).await?;
    Ok(())
}

async fn close(case: &mut Case<'_>, id: MatterId, result: &str) -> Result<(), Problem> {
    let result = case.required("result", result)?;
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
    matter.finish(case.person.account, case.now);
    matter.decision = Some(result.clone());
    let mut clock = ClockBook::read(case.conn, case.call.county_id, SubjectKind::SideMatter, id.0).await?;
    clock.fulfil(Clock::Assistance, case.now);
    clock.save(case.conn).await?;
    case.record("call.assistance_done", json!({"matterId": id, "result": result}));
    case.tell(Telling::news("call.assistance_done", case.room()).with("note", result));
    case.put(matter);
    Ok(())
}
