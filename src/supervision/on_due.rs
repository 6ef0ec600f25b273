//! What happens when a step of an order is due and was not taken: whoever the county's ladder names is told – the inspectorate, again
//! every working day – until it is.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;
use serde_json::json;

use super::desk::SupervisionDesk;
use super::orders::tell::{Plan, To};
use super::orders::{Order, OrderId, OrderState, subject, tell, timing};
use super::store;
use crate::deadlines::calendar::Calendar;
use crate::deadlines::ladder::{Rank, What};
use crate::deadlines::on_due::{FireError, Fired, FiringOutcome, Next, OnDue};
use crate::deadlines::{Clock, Deadline};
use crate::ledger::{self, Actor, Fact};
use crate::organisation::CountyId;
use crate::platform::time::china;

/// Acts for supervision orders.
#[derive(Clone, Debug)]
pub struct OrdersDue {
    desk: SupervisionDesk,
}

impl OrdersDue {
    #[must_use]
    pub const fn new(desk: SupervisionDesk) -> Self {
        Self { desk }
    }

    async fn fire_all(
        &self,
        conn: &mut AsyncPgConnection,
        county: CountyId,
        due: Vec<Deadline>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Fired>, FireError> {
        let (rules, calendars) =
            self.desk.county(conn, county).await.map_err(|error| FireError::Refused(error.to_string()))?;
        let ids: Vec<OrderId> = due.iter().map(|clock| OrderId(clock.subject_id)).collect();
        // A verb locks the order first and its clock then, this way it is the other way round: so nobody waits here.
        let orders = store::orders::lock_free(conn, &ids).await?;
        let busy: Vec<OrderId> =
            ids.into_iter().filter(|id| orders.iter().all(|order| order.id != *id)).collect();
        if !busy.is_empty() {
            let known = store::orders::known(conn, &busy).await?;
            if let Some(stray) = busy.iter().find(|id| !known.contains(id)) {
                return Err(FireError::Refused(format!("supervision order {stray} is not there")));
            }
        }
        let mut fired = Vec::with_capacity(due.len());
        for row in &due {
            // An order in somebody's hand is left alone: he may be taking this very step.
            let Some(order) = orders.iter().find(|order| order.id.0 == row.subject_id) else { continue };
            let calendar = calendars.for_clock(row.edition(), Some(order.department_id));
            let timing = timing(&calendar, &rules);
            fired.push(match timing.what(row, row.step) {
                Some(What::Climb(step, _)) if awaits(order.state, row.clock) => {
                    let ranks = if timing.is_overtaken(row, now) { &[][..] } else { &step.to };
                    let told = tell_of(conn, &calendar, order, row, (step.rung, ranks), now).await?;
                    let outcome = if told { FiringOutcome::Fired } else { FiringOutcome::Passed };
                    Fired::of(row, step.rung, outcome, Next::after(&timing, row, !told))
                }
                _ => Fired::of(row, 0, FiringOutcome::Fired, Next::Never),
            });
        }
        Ok(fired)
    }
}

impl OnDue for OrdersDue {
    fn fire<'a>(
        &'a self,
        conn: &'a mut AsyncPgConnection,
        county: CountyId,
        due: Vec<Deadline>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Vec<Fired>, FireError>> {
        Box::pin(self.fire_all(conn, county, due, now))
    }
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

/// Whom a rank means for an order in this state.
const fn whom(rank: Rank, state: OrderState) -> To {
    match (rank, state) {
        (Rank::Inspectorate, _) => To::Inspectorate,
        (Rank::BusinessOffice, _) => To::Office,
        (Rank::Holder, OrderState::Replied | OrderState::Closed) => To::Supervisors,
        (Rank::Holder | Rank::Backup | Rank::SectionHead | Rank::Deputy | Rank::Head, _) => To::Leader,
    }
}

/// Tells these ranks of a rung, each room once; false when none of them is there.
async fn tell_of(
    conn: &mut AsyncPgConnection,
    calendar: &Calendar,
    order: &Order,
    row: &Deadline,
    (rung, ranks): (i16, &[Rank]),
    now: DateTime<Utc>,
) -> Result<bool, FireError> {
    let actor = Actor::clock();
    let late = calendar.working_between(row.due_at, now).num_minutes();
    let late = (row.clock, u32::try_from(late).unwrap_or(u32::MAX));
    let mut told = Vec::new();
    let mut asked = Vec::new();
    for rank in ranks {
        let to = whom(*rank, order.state);
        if asked.contains(&to) {
            continue;
        }
        asked.push(to);
        let plan = Plan { until: Some(row.due_at), late: Some(late), ..Plan::new("order.overdue", to) };
        if tell::post(conn, order, &actor, plan, now).await? {
            told.push(*rank);
        }
    }
    let at = ledger::store::last_at(conn, order.id.0).await?.map_or(now, |last| last.max(now));
    let fact = Fact::new(
        "order.overdue",
        json!({"clock": row.clock, "rung": rung, "step": row.step, "dueAt": china(row.due_at), "told": told}),
    );
    ledger::store::append(conn, subject(order), &actor, at, vec![fact]).await?;
    Ok(!told.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadlines::limits::Rules;

    #[test]
    fn the_clocks_of_an_order_tell_and_do_nothing_else() {
        let steps = |extra: &str| {
            let step = format!(r#"{{"rung": 5, "at": "due", "to": ["inspectorate"]{extra}}}"#);
            let settings = format!(r#"{{"ladder": {{"clocks": {{"order_reply": [{step}]}}}}}}"#);
            Rules::of_county(&serde_json::from_str(&settings).unwrap())
        };
        assert!(steps("").is_ok());
        for extra in [r#", "card": "red""#, r#", "order": true"#, r#", "hand_over": true"#] {
            let refused = steps(extra).unwrap_err().to_string();
            assert!(refused.contains("clocks.order_reply, step 1"), "{refused}");
        }
    }

    #[test]
    fn the_holder_is_whoever_owes_the_step() {
        assert_eq!(whom(Rank::Holder, OrderState::Issued), To::Leader);
        assert_eq!(whom(Rank::Holder, OrderState::Replied), To::Supervisors);
        assert_eq!(whom(Rank::Head, OrderState::Replied), To::Leader);
        assert_eq!(whom(Rank::Inspectorate, OrderState::Signed), To::Inspectorate);
    }
}
