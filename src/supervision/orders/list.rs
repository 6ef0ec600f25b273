//! Lists of orders, newest first: all for those who supervise, their own for a department.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::model::{OrderId, OrderState};
use super::view::{OrderView, views};
use crate::identity::{Caller, Role};
use crate::organisation::DepartmentId;
use crate::platform::http::cursor::{Page, Paging};
use crate::platform::http::problem::Problem;
use crate::supervision::desk::SupervisionDesk;
use crate::supervision::error::SupervisionCode;
use crate::supervision::store;

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderQuery {
    /// Only orders in this state.
    pub state: Option<OrderState>,
    /// Only orders to this department; others than the business office and the inspectorate see those to their own anyway.
    pub department_code: Option<String>,
    /// Only orders for this call.
    pub call_id: Option<Uuid>,
    /// Only orders whose present clock is over its due moment (true), or only the others (false).
    pub overdue: Option<bool>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many, at most 100; 20 when not given.
    pub limit: Option<u16>,
}

/// Which orders a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub department: Option<DepartmentId>,
    pub state: Option<OrderState>,
    pub call: Option<Uuid>,
    pub overdue: Option<bool>,
    /// Only orders older than this one.
    pub before: Option<OrderId>,
    pub now: DateTime<Utc>,
}

/// A page of orders.
///
/// # Errors
/// 403 for somebody without a unit, 400 for a cursor of another list.
pub async fn list(
    desk: &SupervisionDesk,
    caller: &Caller,
    query: OrderQuery,
    now: DateTime<Utc>,
) -> Result<Page<OrderView>, Problem> {
    let mut tx = desk.db.begin(caller.scope()).await?;
    let outcome = list_in(&mut tx, caller, query, now).await;
    tx.finish(outcome).await
}

async fn list_in(
    conn: &mut AsyncPgConnection,
    caller: &Caller,
    query: OrderQuery,
    now: DateTime<Utc>,
) -> Result<Page<OrderView>, Problem> {
    let paging = Paging { cursor: query.cursor, limit: query.limit };
    let supervises = caller.has(Role::BusinessOffice) || caller.has(Role::Inspectorate);
    let department = if supervises {
        match query.department_code {
            // An unknown code finds nothing.
            Some(code) => {
                let found = store::faces::department_by_code(conn, caller.county, code.trim()).await?;
                Some(found.unwrap_or_default())
            }
            None => None,
        }
    } else {
        Some(caller.department.ok_or_else(|| SupervisionCode::OrderNotYours.problem())?)
    };
    let filter = Filter {
        department,
        state: query.state,
        call: query.call_id,
        overdue: query.overdue,
        before: paging.after::<OrderId>("supervision_orders")?,
        now,
    };
    let rows = store::orders::list(conn, caller.county, &filter, paging.fetch()).await?;
    let views = views(conn, caller, rows, now).await?;
    Ok(paging.page("supervision_orders", views, |order| order.id, |order| order))
}
