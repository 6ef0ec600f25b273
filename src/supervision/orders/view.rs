//! A supervision order as the API shows it.

use chrono::{DateTime, FixedOffset, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Order, OrderId, OrderState};
use super::state::{OrderStanding, OrderVerb, allowed};
use crate::deadlines::model::DeadlineId;
use crate::deadlines::{self, Clock, Deadline, DeadlineState, Limit};
use crate::identity::Caller;
use crate::platform::time::china;
use crate::supervision::store::faces;
use crate::supervision::view::{CallRef, UnitRef, name_of};

/// A supervision order (督办单).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderView {
    pub id: OrderId,
    /// Year and count.
    pub number: String,
    pub state: OrderState,
    pub call: Option<CallRef>,
    /// The broken promise that it was issued for; none when a person ordered.
    pub cause: Option<OrderCause>,
    /// Who is ordered.
    pub department: UnitRef,
    /// The person who ordered; none: the clock.
    pub issued_by: Option<String>,
    pub issued_at: DateTime<FixedOffset>,
    pub text: String,
    pub signed_by: Option<String>,
    pub signed_at: Option<DateTime<FixedOffset>>,
    pub reply: Option<String>,
    pub replied_by: Option<String>,
    pub replied_at: Option<DateTime<FixedOffset>>,
    /// Why the last reply was not enough.
    pub sent_back_reason: Option<String>,
    pub sent_back_at: Option<DateTime<FixedOffset>>,
    pub closed_by: Option<String>,
    pub closed_at: Option<DateTime<FixedOffset>>,
    pub verdict: Option<String>,
    pub clocks: Vec<OrderClock>,
    pub version: i32,
    /// The steps that the caller may take now.
    pub allowed: Vec<OrderVerb>,
}

/// What an order was issued for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCause {
    pub deadline_id: DeadlineId,
    pub clock: Option<Clock>,
    pub rung: Option<i16>,
}

/// One promise of an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderClock {
    pub name: Clock,
    pub limit: Limit,
    pub started_at: DateTime<FixedOffset>,
    pub due_at: DateTime<FixedOffset>,
    pub state: DeadlineState,
    pub stopped_at: Option<DateTime<FixedOffset>>,
}

/// Orders as the caller sees them at `now`, in the order given.
pub async fn views(
    conn: &mut AsyncPgConnection,
    caller: &Caller,
    orders: Vec<Order>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<OrderView>> {
    let calls: Vec<_> = orders.iter().filter_map(|order| order.call_id).collect();
    let units: Vec<_> = orders.iter().map(|order| order.department_id).collect();
    let subjects: Vec<_> = orders.iter().map(|order| order.id.0).collect();
    let people: Vec<_> = orders
        .iter()
        .flat_map(|order| [order.issued_by, order.signed_by, order.replied_by, order.closed_by])
        .flatten()
        .collect();
    let calls = faces::calls(conn, &calls).await?;
    let units = faces::departments(conn, &units).await?;
    let names = faces::names(conn, &people).await?;
    let clocks = deadlines::store::of_subjects(conn, &subjects).await?;
    let view = |order: Order| {
        let name = |account| name_of(account, &names);
        let own =
            |clock: &&Deadline| clock.subject_id == order.id.0 && clock.state != DeadlineState::Cancelled;
        OrderView {
            id: order.id,
            state: order.state,
            call: order.call_id.map(|call| CallRef::of(call, &calls)),
            cause: order.deadline_id.map(|deadline_id| OrderCause {
                deadline_id,
                clock: order.clock,
                rung: order.rung,
            }),
            department: UnitRef::of(order.department_id, &units),
            issued_by: name(order.issued_by),
            issued_at: china(order.issued_at),
            signed_by: name(order.signed_by),
            signed_at: order.signed_at.map(china),
            replied_by: name(order.replied_by),
            replied_at: order.replied_at.map(china),
            sent_back_at: order.sent_back_at.map(china),
            closed_by: name(order.closed_by),
            closed_at: order.closed_at.map(china),
            clocks: clocks.iter().filter(own).map(|clock| clock_view(clock, now)).collect(),
            version: order.version,
            allowed: allowed(order.state, OrderStanding::of(caller, &order)),
            number: order.number,
            text: order.text,
            reply: order.reply,
            sent_back_reason: order.sent_back_reason,
            verdict: order.verdict,
        }
    };
    Ok(orders.into_iter().map(view).collect())
}

/// A clock as shown at `now`.
pub(super) fn clock_view(clock: &Deadline, now: DateTime<Utc>) -> OrderClock {
    OrderClock {
        name: clock.clock,
        limit: Limit { amount: clock.limit_amount, unit: clock.limit_unit },
        started_at: china(clock.started_at),
        due_at: china(clock.due_at),
        state: clock.shown_state(now),
        stopped_at: clock.stopped_at.map(china),
    }
}
