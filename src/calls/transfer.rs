//! Transfer (转派): inside the department, to an officer who is there. A new T1 only.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::case::{Case, Order};
use super::error::CallCode;
use super::model::{Matter, MatterKind, RouteRule};
use super::state::Verb;
use super::store;
use super::tell::Telling;
use crate::organisation::OfficerId;
use crate::platform::http::problem::Problem;

/// To whom, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Transfer {
    pub officer_id: OfficerId,
    pub reason: String,
}

/// The reason of the route.
fn why(reason: &str) -> String {
    format!("部门内转办：{reason}")
}

impl Order for Transfer {
    const VERB: Verb = Verb::Transfer;

    fn is_repetition(&self, case: &Case<'_>) -> bool {
        let call = &case.call;
        let stands = call.route_rule == RouteRule::Transferred && call.holder_id == self.officer_id;
        let own = |matter: &&Matter| {
            matter.kind == MatterKind::Transfer && matter.officer_id == Some(self.officer_id)
        };
        let last = case.matters.iter().filter(own).max_by_key(|matter| matter.asked_at);
        let his = last.is_some_and(|matter| matter.asked_by == case.person.account);
        stands && his && call.route_reason == why(self.reason.trim())
    }

    async fn apply(self, case: &mut Case<'_>) -> Result<(), Problem> {
        let reason = case.required("reason", &self.reason)?;
        let found = store::candidates(case.conn, &[self.officer_id], case.now).await?;
        let next = found
            .into_iter()
            .next()
            .filter(|next| next.department_id == case.call.department_id && next.id != case.call.holder_id)
            .filter(super::store::Candidate::is_reachable)
            .ok_or_else(|| CallCode::UnknownOfficer.problem())?;
        let backup = match next.backup_id {
            Some(backup) => store::candidates(case.conn, &[backup], case.now).await?.into_iter().next(),
            None => None,
        };
        let backup = backup.filter(super::store::Candidate::is_reachable);
        let mut matter =
            Matter::asked(&case.call, MatterKind::Transfer, case.person.account, case.now, reason.clone());
        matter.officer_id = Some(next.id);
        matter.decide(true, case.person.who(), case.now, String::new());
        matter.finish(case.person.who(), case.now);
        case.settle_alarms();
        case.dispatch_to(&next, backup.as_ref(), RouteRule::Transferred, why(&reason), false);
        case.record("call.transferred", json!({"officerId": next.id, "to": next.name, "reason": reason}));
        case.tell(Telling::alarm("call.transferred", case.room(), next.id).with("note", reason));
        case.put(matter);
        Ok(())
    }
}
