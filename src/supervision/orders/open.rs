//! An order at hand, and the one way to save what a step did: state, clocks, ledger and notices in the same transaction.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};

use super::issue::subject;
use super::model::{Order, OrderId};
use super::state::{OrderStanding, OrderVerb, may};
use super::tell::{self, Plan};
use super::view::{OrderView, views};
use crate::deadlines::calendar::Calendar;
use crate::deadlines::calendars::renew::renew_order;
use crate::deadlines::limits::Rules;
use crate::deadlines::{Clock, ClockBook, SubjectKind};
use crate::identity::Caller;
use crate::ledger::{self, Actor, Fact};
use crate::notices::outbox;
use crate::platform::http::problem::{CommonCode, Problem};
use crate::platform::http::text::TextRule;
use crate::platform::http::version;
use crate::supervision::desk::SupervisionDesk;
use crate::supervision::error::SupervisionCode;
use crate::supervision::store;
use crate::supervision::tell::done;

/// One step with its body. Its file is named after it.
pub trait Step: Sized {
    const VERB: OrderVerb;

    /// True when the caller has done just this before: a second tap is answered, not refused.
    fn is_repetition(&self, _open: &OpenOrder<'_>) -> bool {
        false
    }

    /// Judges the body and changes the order.
    fn apply(self, open: &mut OpenOrder<'_>) -> Result<(), Problem>;
}

/// An order at hand.
#[derive(Debug)]
pub struct OpenOrder<'a> {
    pub caller: &'a Caller,
    pub now: DateTime<Utc>,
    pub order: Order,
    pub clocks: ClockBook,
    rules: Arc<Rules>,
    /// Of the ordered department.
    calendar: Arc<Calendar>,
    facts: Vec<Fact>,
    plans: Vec<Plan>,
}

/// Takes one step with one order, whole or not at all.
///
/// # Errors
/// 404 when the order does not exist for the caller, 403/409 when the step is not open to him now, what the step itself refuses.
pub async fn perform<S: Step>(
    desk: &SupervisionDesk,
    caller: &Caller,
    id: OrderId,
    step: S,
    expected_version: Option<i32>,
    now: DateTime<Utc>,
) -> Result<OrderView, Problem> {
    let mut tx = desk.db.begin(caller.scope()).await?;
    let outcome = perform_in(&mut tx, desk, caller, id, step, expected_version, now).await;
    let view = tx.finish(outcome).await?;
    desk.wake.notices();
    Ok(view)
}

async fn perform_in<S: Step>(
    conn: &mut AsyncPgConnection,
    desk: &SupervisionDesk,
    caller: &Caller,
    id: OrderId,
    step: S,
    expected_version: Option<i32>,
    now: DateTime<Utc>,
) -> Result<OrderView, Problem> {
    let mut open = OpenOrder::lock(conn, desk, caller, id, now).await?;
    if !step.is_repetition(&open) {
        version::check(expected_version, open.order.version)?;
        let state = open.order.state;
        may(S::VERB, state, OrderStanding::of(caller, &open.order))
            .map_err(|refusal| refusal.problem(state))?;
        step.apply(&mut open)?;
        open.save(conn).await?;
    }
    let now = open.now;
    let mut views = views(conn, caller, vec![open.order], now).await?;
    views.pop().ok_or_else(|| SupervisionCode::OrderNotFound.problem())
}

impl<'a> OpenOrder<'a> {
    /// Locks the order and reads what belongs to it.
    async fn lock(
        conn: &mut AsyncPgConnection,
        desk: &SupervisionDesk,
        caller: &'a Caller,
        id: OrderId,
        now: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        let order = store::orders::lock(conn, id).await?;
        let order = order
            .filter(|order| OrderStanding::of(caller, order).sees())
            .ok_or_else(|| SupervisionCode::OrderNotFound.problem())?;
        // Somebody whose clock is behind another replica's does not act before what has happened.
        let now = ledger::store::last_at(conn, id.0).await?.map_or(now, |last| last.max(now));
        let (rules, calendars) = desk.county(conn, order.county_id).await?;
        let kind = SubjectKind::SupervisionOrder;
        let mut clocks = ClockBook::read(conn, order.county_id, kind, id.0).await?;
        if clocks.all().any(|clock| calendars.moves(clock, order.department_id, now)) {
            renew_order(conn, &desk.calendars, order.county_id, id.0, now).await?;
            clocks = ClockBook::read(conn, order.county_id, kind, id.0).await?;
        }
        let calendar = calendars.of(Some(order.department_id));
        Ok(Self { caller, now, order, clocks, rules, calendar, facts: Vec::new(), plans: Vec::new() })
    }

    /// Words that must be given, within the county's length.
    pub fn required(&self, field: &str, text: &str) -> Result<String, Problem> {
        let rule = TextRule::block(self.rules.supervision.text_length);
        rule.required(field, text).map_err(|error| Problem::invalid(vec![error]))
    }

    /// The promised step was taken; the next one is promised from now on.
    pub fn next_clock(&mut self, done: Clock, next: Option<Clock>) -> Option<DateTime<Utc>> {
        self.clocks.fulfil(done, self.now);
        let next = next?;
        super::issue::start(&mut self.clocks, &self.calendar, &self.rules, next, self.now)
    }

    /// Notes an event for the ledger.
    pub fn record(&mut self, kind: &'static str, data: Value) {
        self.facts.push(Fact::new(kind, data));
    }

    /// Plans a notice.
    pub fn tell(&mut self, plan: Plan) {
        self.plans.push(plan);
    }

    async fn save(&mut self, conn: &mut AsyncPgConnection) -> Result<(), Problem> {
        let seen = self.order.version;
        self.order.version += 1;
        if !store::orders::save(conn, &self.order, seen).await? {
            return Err(CommonCode::StaleVersion.into());
        }
        self.clocks.save(conn).await?;
        let actor = Actor::account(self.caller.account.0, &*self.caller.name);
        let facts = std::mem::take(&mut self.facts);
        let mut done = done(self.caller, facts.first().map(|fact| fact.kind), self.now);
        // By when the next step is due.
        let until = self.plans.iter().find_map(|plan| plan.until);
        done.facts.extend(until.map(|until| ("until".to_owned(), json!(until))));
        ledger::store::append(conn, subject(&self.order), &actor, self.now, facts).await?;
        // What was asked of somebody is answered by the step, whoever took it.
        outbox::settle_alarms(conn, self.order.id.0, &done).await?;
        for plan in std::mem::take(&mut self.plans) {
            tell::post(conn, &self.order, &actor, plan, self.now).await?;
        }
        Ok(())
    }
}
