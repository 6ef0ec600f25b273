//! Issuing an order, in the transaction of whoever orders it: the ladder, or a person by hand.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde_json::json;

use super::model::{NewOrder, Order, OrderId, OrderState};
use super::tell::{self, Plan, To};
use crate::deadlines::calendar::Calendar;
use crate::deadlines::ladder::Timing;
use crate::deadlines::limits::{Rules, Urgency};
use crate::deadlines::{Clock, ClockBook, CountyCalendars, SubjectKind};
use crate::ledger::{self, Actor, Fact};
use crate::platform::time::china;
use crate::supervision::store;

/// Issues an order: starts the clock of signing, writes the ledger, tells the department's head. None when an open order of the same
/// call and department exists already: once is enough.
pub async fn issue(
    conn: &mut AsyncPgConnection,
    calendars: &CountyCalendars,
    rules: &Rules,
    order: NewOrder,
    actor: &Actor,
    now: DateTime<Utc>,
) -> QueryResult<Option<OrderId>> {
    let id = OrderId::fresh();
    Ok(issue_as(id, conn, calendars, rules, order, actor, now).await?.then_some(id))
}

/// The same under an id that is known beforehand; false when an open order exists already.
pub async fn issue_as(
    id: OrderId,
    conn: &mut AsyncPgConnection,
    calendars: &CountyCalendars,
    rules: &Rules,
    order: NewOrder,
    actor: &Actor,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    if let Some(call) = order.call
        && store::orders::open_of(conn, call, order.department).await?.is_some()
    {
        return Ok(false);
    }
    let count = store::orders::next_number(conn).await?;
    let order = Order {
        id,
        county_id: order.county,
        number: format!("{}-{count:06}", china(now).format("%Y")),
        call_id: order.call,
        deadline_id: order.deadline,
        clock: order.clock,
        rung: order.rung,
        department_id: order.department,
        issued_by: order.issued_by,
        issued_at: now,
        text: order.text,
        state: OrderState::Issued,
        signed_by: None,
        signed_at: None,
        reply: None,
        replied_by: None,
        replied_at: None,
        sent_back_at: None,
        sent_back_reason: None,
        closed_by: None,
        closed_at: None,
        verdict: None,
        version: 1,
    };
    if !store::orders::insert(conn, &order).await? {
        // Somebody else was first at this very moment.
        return Ok(false);
    }
    let mut clocks = ClockBook::empty(order.county_id, SubjectKind::SupervisionOrder, order.id.0);
    let due = start(&mut clocks, &calendars.of(Some(order.department_id)), rules, Clock::OrderSign, now);
    clocks.save(conn).await?;
    let fact = Fact::new(
        "order.issued",
        json!({
            "number": order.number, "callId": order.call_id, "departmentId": order.department_id, "deadlineId": order.deadline_id,
            "clock": order.clock, "rung": order.rung, "text": order.text, "dueAt": due.map(china),
        }),
    );
    ledger::store::append(conn, subject(&order), actor, now, vec![fact]).await?;
    let plan = Plan { until: due, note: Some(order.text.clone()), ..Plan::new("order.issued", To::Leader) };
    tell::post(conn, &order, actor, plan, now).await?;
    Ok(true)
}

/// Starts a clock of an order; the moment it is due.
pub fn start(
    clocks: &mut ClockBook,
    calendar: &Calendar,
    rules: &Rules,
    clock: Clock,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    clocks.start(&timing(calendar, rules), clock, now, rules.limit(clock, Urgency::Normal, None));
    clocks.live(clock).map(|row| row.due_at)
}

/// What the moments of an order's clocks are computed with: how urgent the call is makes no difference to an order.
#[must_use]
pub const fn timing<'t>(calendar: &'t Calendar, rules: &'t Rules) -> Timing<'t> {
    Timing { calendar, ladders: &rules.ladder, item: None, critical: false }
}

/// The chain of an order.
#[must_use]
pub fn subject(order: &Order) -> ledger::chain::Subject {
    ledger::chain::Subject {
        county_id: order.county_id.0,
        kind: ledger::SubjectKind::SupervisionOrder,
        id: order.id.0,
    }
}
