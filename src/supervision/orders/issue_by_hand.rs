//! Ordering by hand: the business office or the inspectorate orders a department to answer, for a call or in general.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::issue::issue_as;
use super::model::{NewOrder, OrderId};
use super::view::{OrderView, views};
use crate::identity::Caller;
use crate::ledger::Actor;
use crate::organisation::DepartmentId;
use crate::platform::http::idempotency::{self, Taking};
use crate::platform::http::problem::{FieldError, Problem};
use crate::platform::http::text::TextRule;
use crate::supervision::desk::SupervisionDesk;
use crate::supervision::error::SupervisionCode;
use crate::supervision::store;

/// An order to write. It names a call, a department, or both.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssueOrder {
    pub call_id: Option<Uuid>,
    /// Who is ordered; the department responsible for the call when not given.
    pub department_code: Option<String>,
    /// Why, and what is to be done.
    pub text: String,
}

/// An order, and whether the same key had made it before.
#[derive(Debug)]
pub struct Issued {
    pub view: OrderView,
    pub replayed: bool,
}

/// Issues it. `key`: idempotency key and fingerprint of the body.
///
/// # Errors
/// 422 when the call or the department is not there, 403 for one's own unit, 409 when the call has ended or an open order is there
/// already.
pub async fn issue_by_hand(
    desk: &SupervisionDesk,
    caller: &Caller,
    body: IssueOrder,
    key: Option<(String, [u8; 32])>,
    now: DateTime<Utc>,
) -> Result<Issued, Problem> {
    let mut tx = desk.db.begin(caller.scope()).await?;
    let outcome = issue_in(&mut tx, desk, caller, body, key, now).await;
    let issued = tx.finish(outcome).await?;
    desk.wake.notices();
    Ok(issued)
}

async fn issue_in(
    conn: &mut AsyncPgConnection,
    desk: &SupervisionDesk,
    caller: &Caller,
    body: IssueOrder,
    key: Option<(String, [u8; 32])>,
    now: DateTime<Utc>,
) -> Result<Issued, Problem> {
    let mut id = OrderId::fresh();
    let mut replayed = false;
    if let Some((key, fingerprint)) = &key {
        let (county, account, subject) = (caller.county.0, caller.account.0, id.0);
        let taking = Taking { county, account, key, fingerprint, subject, now };
        if let Some(known) = idempotency::take(conn, &taking).await? {
            (id, replayed) = (OrderId(known.same(fingerprint)?), true);
        }
    }
    if !replayed {
        write(conn, desk, caller, body, id, now).await?;
    }
    let order = store::orders::find(conn, id).await?;
    let mut views = views(conn, caller, order.into_iter().collect(), now).await?;
    let view = views.pop().ok_or_else(|| SupervisionCode::OrderNotFound.problem())?;
    Ok(Issued { view, replayed })
}

async fn write(
    conn: &mut AsyncPgConnection,
    desk: &SupervisionDesk,
    caller: &Caller,
    body: IssueOrder,
    id: OrderId,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let (rules, calendars) = desk.county(conn, caller.county).await?;
    let words = TextRule::block(rules.supervision.text_length);
    let text = words.required("text", &body.text).map_err(|error| Problem::invalid(vec![error]))?;
    let department = ordered(conn, caller, &body).await?;
    if caller.department == Some(department) {
        return Err(SupervisionCode::OrderOwnUnit.into());
    }
    let order = NewOrder {
        county: caller.county,
        call: body.call_id,
        deadline: None,
        clock: None,
        rung: None,
        department,
        issued_by: Some(caller.account.0),
        text,
    };
    let actor = Actor::account(caller.account.0, &*caller.name);
    if issue_as(id, conn, &calendars, &rules, order, &actor, now).await? {
        return Ok(());
    }
    let open = match body.call_id {
        Some(call) => store::orders::open_of(conn, call, department).await?,
        None => None,
    };
    Err(SupervisionCode::OrderOpenAlready.problem().with("orderId", serde_json::json!(open)))
}

/// The department that the body means.
async fn ordered(
    conn: &mut AsyncPgConnection,
    caller: &Caller,
    body: &IssueOrder,
) -> Result<DepartmentId, Problem> {
    let unknown =
        |field, zh: &str, en: &str| Problem::invalid(vec![FieldError::new(field, "unknown", zh, en)]);
    let responsible = match body.call_id {
        Some(call) => {
            let found = store::faces::held_call(conn, call).await?;
            let (department, state, ended_at) =
                found.ok_or_else(|| unknown("callId", "没有这条诉求", "no such call"))?;
            if ended_at.is_some() {
                return Err(SupervisionCode::OrderCallEnded.problem().with("state", state));
            }
            Some(department)
        }
        None => None,
    };
    match (&body.department_code, responsible) {
        (Some(code), _) => store::faces::department_by_code(conn, caller.county, code.trim())
            .await?
            .ok_or_else(|| unknown("departmentCode", "没有这个部门", "no such department")),
        (None, Some(department)) => Ok(department),
        (None, None) => Err(Problem::invalid(vec![FieldError::new(
            "departmentCode",
            "required",
            "请说明督办哪个部门或哪条诉求",
            "say which department or which call",
        )])),
    }
}
