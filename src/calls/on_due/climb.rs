//! One step of a ladder for a call: who is told what and why, which card, what the ledger says. Collected for all calls that fire
//! together, then saved at once.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};

use super::ground::Ground;
use super::store::Member;
use crate::calls::desk::Desk;
use crate::calls::model::{Call, CallId};
use crate::calls::tell::{Scene, Telling};
use crate::deadlines::Deadline;
use crate::deadlines::ladder::{Rank, Step, Timing, What};
use crate::deadlines::on_due::{FireError, Fired, FiringOutcome, Next};
use crate::ledger::chain::{Actor, Subject, chain};
use crate::ledger::{self, Event, Fact};
use crate::notices::model::{NewNotice, Priority};
use crate::notices::outbox;
use crate::organisation::{CountyId, DepartmentId};
use crate::platform::time::china;

/// What climbing does, before it is saved.
#[derive(Debug)]
pub struct Climb<'a> {
    desk: &'a Desk,
    ground: &'a Ground,
    now: DateTime<Utc>,
    facts: HashMap<CallId, Vec<Fact>>,
    notices: Vec<NewNotice>,
}

impl<'a> Climb<'a> {
    pub fn new(desk: &'a Desk, ground: &'a Ground, now: DateTime<Utc>) -> Self {
        Self { desk, ground, now, facts: HashMap::new(), notices: Vec::new() }
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
        let told = self.ground.people.on(&step.to, call, owes);
        let planned_at = row.fires_at.unwrap_or(row.due_at);
        let next_nth = row.step.saturating_add(1);
        let next_at = timing.moment(row, next_nth);
        let is_last_rung = matches!(timing.what(row.clock, next_nth), Some(What::Climb(_, 1..)) | None);
        let passed = told.is_empty();
        // A rung with nobody on it does not make people wait for the next one; above the last there is none.
        let next_at = next_at.map(|at| if passed && !is_last_rung { at.min(self.now) } else { at });
        let card = step.card.filter(|_| self.deserves_card(row, step, timing));
        self.note(call, row, step, &told, planned_at, card.is_some());
        for (rank, member) in &told {
            self.tell(call, row, step, *rank, member, timing);
        }
        Fired {
            deadline: row.id,
            step: row.step,
            rung: step.rung,
            planned_at,
            outcome: if passed { FiringOutcome::Passed } else { FiringOutcome::Fired },
            next: next_at.map_or(Next::Never, Next::At),
        }
    }

    /// A step that was lifted before its time warns; a card is for what is late, or as late as the county wants to see it.
    fn deserves_card(&self, row: &Deadline, step: &Step, timing: &Timing<'_>) -> bool {
        let first = matches!(timing.what(row.clock, row.step), Some(What::Climb(_, 0)));
        first && step.card.is_some() && timing.moment(row, row.step).is_some_and(|at| at <= self.now)
    }

    fn note(
        &mut self,
        call: &Call,
        row: &Deadline,
        step: &Step,
        told: &[(Rank, &Member)],
        planned_at: DateTime<Utc>,
        card: bool,
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
                "clock": row.clock, "rung": step.rung, "step": row.step, "plannedAt": china(planned_at),
                "dueAt": china(row.due_at), "holderId": call.holder_id,
                "heldSince": china(self.ground.held_since(call)), "told": told,
                "card": step.card.filter(|_| card),
            }),
        );
        self.facts.entry(call.id).or_default().push(fact);
    }

    fn tell(
        &mut self,
        call: &Call,
        row: &Deadline,
        step: &Step,
        rank: Rank,
        member: &Member,
        timing: &Timing<'_>,
    ) {
        let Some(faces) = self.ground.faces(call.id) else { return };
        let minutes = |from: DateTime<Utc>| {
            let span = if timing.critical {
                self.now - from
            } else {
                timing.calendar.working_between(from, self.now)
            };
            u32::try_from(span.num_minutes()).unwrap_or(0)
        };
        let event = if step.rung == 0 { "call.reminded" } else { "call.escalated" };
        let late = (self.now > row.due_at).then(|| minutes(row.due_at));
        let telling =
            Telling { priority: Priority::Normal, ..Telling::alarm(event, member.department, member.id) }
                .with("holderMobile", member.mobile.as_str())
                .with("clock", row.clock.as_str())
                .with("clockDueAt", json!(china(row.due_at)))
                .with("heldMinutes", minutes(self.ground.held_since(call)))
                .with("lateMinutes", late)
                .with("rank", rank.as_str())
                .with("rung", step.rung)
                .with("card", step.card.map(|card| card.as_str()));
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
        self.notices.extend(outbox::address(&draft, call.county_id, &self.ground.routes, self.now));
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
        Ok(())
    }
}
