//! What happens when a step of an order is due and was not taken: the inspectorate is told, again every working day until it is.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde_json::json;

use super::orders::tell::{Plan, To};
use super::orders::{Order, OrderId, OrderState, subject, tell};
use super::store;
use crate::deadlines::calendar::Calendar;
use crate::deadlines::model::DeadlineId;
use crate::deadlines::{Clock, Deadline};
use crate::ledger::{self, Actor, Fact};
use crate::platform::time::china;

/// The rung of the inspectorate (DOMAIN §3).
pub const RUNG: i16 = 5;

/// What became of a clock that was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminded {
    pub deadline: DeadlineId,
    /// When it was to fire.
    pub planned_at: DateTime<Utc>,
    pub outcome: Reminder,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reminder {
    /// The inspectorate was told; it is told again then.
    Told(DateTime<Utc>),
    /// The county has no inspectorate; looked at again then.
    NobodyThere(DateTime<Utc>),
    /// Somebody has the order in hand at this moment; to be tried again.
    Busy,
    /// The step was taken already.
    Answered,
}

/// Acts on clocks of orders of one county that are due and locked by the caller, in the order given.
pub async fn remind(
    conn: &mut AsyncPgConnection,
    calendar: &Calendar,
    due: &[Deadline],
    now: DateTime<Utc>,
) -> QueryResult<Vec<Reminded>> {
    let ids: Vec<OrderId> = due.iter().map(|clock| OrderId(clock.subject_id)).collect();
    // A verb locks the order first and its clock then, this way it is the other way round: so nobody waits here.
    let orders = store::orders::lock_free(conn, &ids).await?;
    let mut reminded = Vec::with_capacity(due.len());
    for clock in due {
        let planned_at = clock.fires_at.unwrap_or(clock.due_at);
        let outcome = match orders.iter().find(|order| order.id.0 == clock.subject_id) {
            None => Reminder::Busy,
            Some(order) if !awaits(order.state, clock.clock) => Reminder::Answered,
            Some(order) => {
                let told = tell_inspectorate(conn, order, clock, now).await?;
                let again = calendar.next_open(planned_at + TimeDelta::days(1));
                if told { Reminder::Told(again) } else { Reminder::NobodyThere(again) }
            }
        };
        reminded.push(Reminded { deadline: clock.id, planned_at, outcome });
    }
    Ok(reminded)
}

/// Whether an order in this state waits for what the clock promises.
#[must_use]
pub const fn awaits(state: OrderState, clock: Clock) -> bool {
    matches!(
        (state, clock),
        (OrderState::Issued, Clock::OrderSign)
            | (OrderState::Signed, Clock::OrderReply)
            | (OrderState::Replied, Clock::OrderClose)
    )
}

async fn tell_inspectorate(
    conn: &mut AsyncPgConnection,
    order: &Order,
    clock: &Deadline,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let actor = Actor::clock();
    let plan = Plan {
        until: Some(clock.due_at),
        result: Some(clock.clock.zh().to_owned()),
        ..Plan::new("order.overdue", To::Inspectorate)
    };
    let told = tell::post(conn, order, &actor, plan, now).await?;
    let at = ledger::store::last_at(conn, order.id.0).await?.map_or(now, |last| last.max(now));
    let fact = Fact::new(
        "order.overdue",
        json!({"clock": clock.clock, "dueAt": china(clock.due_at), "step": clock.step, "told": told}),
    );
    ledger::store::append(conn, subject(order), &actor, at, vec![fact]).await?;
    Ok(told)
}
