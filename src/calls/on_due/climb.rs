//! One step of a ladder for a call: who is told what and why, which card, order or hand-over it brings, what the ledger says.
//! Collected for all calls that fire together, then saved at once.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};

use super::evidence;
use super::ground::Ground;
use super::store::Member;
use crate::calls::cards::earned;
use crate::calls::desk::Desk;
use crate::calls::model::{Call, CallId};
use crate::calls::tell::{Scene, Telling};
use crate::deadlines::Deadline;
use crate::deadlines::ladder::{CardColour, Rank, Step, Timing, What};
use crate::deadlines::model::{DeadlineId, LiftedBy};
use crate::deadlines::on_due::{FireError, Fired, FiringOutcome, Next};
use crate::ledger::chain::{Actor, Subject, chain};
use crate::ledger::{self, Event, Fact};
use crate::notices::model::{NewNotice, Priority};
use crate::notices::outbox;
use crate::organisation::{CountyId, DepartmentId};
use crate::platform::time::china;
use crate::supervision::cards::{self, NewCard};
use crate::supervision::hand_over;
use crate::supervision::orders::{self, NewOrder};

/// What climbing does, before it is saved.
#[derive(Debug)]
pub struct Climb<'a> {
    desk: &'a Desk,
    ground: &'a Ground,
    now: DateTime<Utc>,
    facts: HashMap<CallId, Vec<Fact>>,
    notices: Vec<NewNotice>,
    cards: Vec<NewCard>,
    orders: Vec<NewOrder>,
    hand_overs: Vec<(Call, DeadlineId)>,
}

impl<'a> Climb<'a> {
    pub fn new(desk: &'a Desk, ground: &'a Ground, now: DateTime<Utc>) -> Self {
        Self {
            desk,
            ground,
            now,
            facts: HashMap::new(),
            notices: Vec::new(),
            cards: Vec::new(),
            orders: Vec::new(),
            hand_overs: Vec::new(),
        }
    }

    /// Climbs one step of one clock, whose promise is the department's `owes`.
    pub fn step(
        &mut self,
        call: &Call,
        owes: DepartmentId,
        row: &Deadline,
        step: &Step,
        timing: &Timing<'_>,
    ) -> Fired {
        let overtaken = timing.is_overtaken(row, self.now);
        let told = if overtaken { Vec::new() } else { self.ground.people.on(&step.to, call, owes) };
        let passed = told.is_empty();
        let card = self.give_cards(call, row, step, timing);
        let first = matches!(timing.what(row, row.step), Some(What::Climb(_, 0)));
        if first && step.order {
            self.orders.push(order(call, owes, row, step));
        }
        if first && step.hand_over {
            self.hand_overs.push((call.clone(), row.id));
        }
        // That discipline may hear of it is not for the eyes of those concerned: the draft has a chain of its own.
        if !step.hand_over {
            self.note(call, row, step, &told, card, overtaken);
        }
        for (rank, member) in &told {
            self.tell(call, row, step, card, (*rank, member), timing);
        }
        let outcome = if passed { FiringOutcome::Passed } else { FiringOutcome::Fired };
        Fired::of(row, step.rung, outcome, Next::after(timing, row, passed))
    }

    /// Gives the cards that the broken promise has brought so far; which colour this step's own is.
    fn give_cards(
        &mut self,
        call: &Call,
        row: &Deadline,
        step: &Step,
        timing: &Timing<'_>,
    ) -> Option<CardColour> {
        let holders = self.ground.holders(call.id);
        self.cards.extend(earned(call, row, timing, holders, self.now, self.now));
        let is_time = timing.moment(row, row.step).is_some_and(|at| at <= self.now);
        let first = matches!(timing.what(row, row.step), Some(What::Climb(_, 0)));
        step.card.filter(|_| first && is_time)
    }

    fn note(
        &mut self,
        call: &Call,
        row: &Deadline,
        step: &Step,
        told: &[(Rank, &Member)],
        card: Option<CardColour>,
        overtaken: bool,
    ) {
        let kind = match (told.is_empty(), step.rung) {
            (true, _) => "call.rung_passed",
            (false, 0) => "call.reminded",
            (false, _) => "call.escalated",
        };
        let told: Vec<Value> = told
            .iter()
            .map(|(rank, member)| json!({"rank": rank, "officerId": member.id, "name": member.name}))
            .collect();
        let fact = Fact::new(
            kind,
            json!({
                "clock": row.clock, "rung": step.rung, "step": row.step, "plannedAt": china(row.planned_at()),
                "dueAt": china(row.due_at), "holderId": call.holder_id,
                "heldSince": china(self.ground.held_since(call)), "told": told,
                "card": card, "overtaken": overtaken.then_some(true),
            }),
        );
        self.facts.entry(call.id).or_default().push(fact);
    }

    fn tell(
        &mut self,
        call: &Call,
        row: &Deadline,
        step: &Step,
        card: Option<CardColour>,
        (rank, member): (Rank, &Member),
        timing: &Timing<'_>,
    ) {
        let Some(faces) = self.ground.faces(call.id) else { return };
        let event = if step.rung == 0 { "call.reminded" } else { "call.escalated" };
        let late = (self.now >= row.due_at).then(|| timing.minutes(row.due_at, self.now));
        let left = (self.now < row.due_at).then(|| timing.minutes(self.now, row.due_at));
        let lifted = row.lifted_by.filter(|_| timing.is_lifted(row));
        let telling =
            Telling { priority: Priority::Normal, ..Telling::alarm(event, member.department, member.id) }
                .with("holderMobile", member.mobile.as_str())
                .with("clock", row.clock.as_str())
                .with("clockDueAt", json!(china(row.due_at)))
                .with("lateMinutes", late)
                .with("leftMinutes", left)
                .with("liftedBy", lifted.map(LiftedBy::as_str))
                .with("rank", rank.as_str())
                .with("rung", step.rung)
                .with("card", card.map(CardColour::as_str));
        // What is asked beside the call is owed by who was asked: he is named, and it is settled with the request.
        let (telling, since) = match self.ground.matter(row) {
            Some(matter) => {
                let (holder, department) = self.ground.asked(matter);
                let telling = telling.about(matter.id).with("holder", holder).with("department", department);
                (telling, row.started_at)
            }
            None => (telling, self.ground.held_since(call)),
        };
        let telling = telling.with("heldMinutes", timing.minutes(since, self.now));
        let clock = Actor::clock();
        let scene = Scene {
            desk: self.desk,
            rules: &self.ground.rules.calls,
            call,
            faces,
            clocks: self.ground.clocks(call.id),
            actor: &clock.name,
            now: self.now,
        };
        let draft = scene.draft(telling);
        let routes = if step.hand_over { &self.ground.sealed } else { &self.ground.routes };
        self.notices.extend(outbox::address(&draft, call.county_id, routes, self.now));
    }

    /// Writes what was collected.
    pub async fn save(self, conn: &mut AsyncPgConnection, county: CountyId) -> Result<(), FireError> {
        let mut events: Vec<Event> = Vec::new();
        for (call, facts) in self.facts {
            let Some((head, at)) = self.ground.head(call) else {
                return Err(FireError::Refused(format!("call {call} has no history")));
            };
            let subject = Subject { county_id: county.0, kind: ledger::SubjectKind::Call, id: call.0 };
            events.extend(chain(head.clone(), subject, &Actor::clock(), self.now.max(*at), facts));
        }
        if !events.is_empty() {
            ledger::store::insert(conn, &events).await?;
        }
        outbox::post(conn, &self.notices).await?;
        cards::issue(conn, &self.cards).await?;
        for order in self.orders {
            // One open order of a call and a department is enough.
            orders::issue(conn, &self.ground.calendars, &self.ground.rules, order, &Actor::clock(), self.now)
                .await?;
        }
        for (call, deadline) in self.hand_overs {
            let calendar = self.ground.calendars.of(Some(call.department_id));
            let pack = evidence::pack(conn, &calendar, &call, self.ground.faces(call.id), self.now).await?;
            hand_over::draft(conn, county, call.id.0, Some(deadline), pack, self.now).await?;
        }
        Ok(())
    }
}

/// What the ladder orders of the department that owes.
fn order(call: &Call, owes: DepartmentId, row: &Deadline, step: &Step) -> NewOrder {
    let due = china(row.due_at).format("%-m月%-d日 %H:%M");
    NewOrder {
        county: call.county_id,
        call: Some(call.id.0),
        deadline: Some(row.id),
        clock: Some(row.clock),
        rung: Some(step.rung),
        department: owes,
        issued_by: None,
        text: format!(
            "诉求 {}“{}”的{}时限为 {due}，至今未完成。请立即办理，并书面说明原因、责任人和办结时间。",
            call.number,
            call.title,
            row.clock.zh()
        ),
    }
}
