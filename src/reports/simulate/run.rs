//! The replay: page by page, in one transaction that nothing waits for and that keeps nobody out but another replay of the county.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::body::{Simulate, Simulation, Sums};
use super::error::SimulateCode;
use super::replay;
use super::store::{self, CallRow, MatterRow, SpanRow};
use super::tally::{Listing, Replayed, Tally};
use crate::app::App;
use crate::deadlines::calendar::{Calendar, Edition};
use crate::deadlines::history::{self, Move};
use crate::deadlines::ladder::Timing;
use crate::deadlines::ladders::change::judge;
use crate::deadlines::limits::{ItemLimits, Rules, Urgency};
use crate::deadlines::{Clock, Deadline, Limit, SubjectKind};
use crate::identity::{Caller, Role};
use crate::organisation::DepartmentId;
use crate::platform::db::DbError;
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// Calls of one page.
const PAGE: i64 = 500;

/// Replays a period under other rules.
///
/// # Errors
/// 422 when the period or the rules make no sense, 400 for a cursor of another list, 429 while another replay of the county runs.
pub async fn simulate(
    app: &App,
    caller: &Caller,
    question: Simulate,
    now: DateTime<Utc>,
) -> Result<Simulation, Problem> {
    let mut tx = app.db.begin(caller.scope()).await?;
    let outcome = simulate_in(&mut tx, app, caller, question, now).await;
    tx.finish(outcome).await
}

async fn simulate_in(
    conn: &mut AsyncPgConnection,
    app: &App,
    caller: &Caller,
    question: Simulate,
    now: DateTime<Utc>,
) -> Result<Simulation, Problem> {
    let (period, since) = (question.period(now)?, question.after(&app.vault)?);
    let (_, rules) = judge(conn, caller.county, &question.rules, "rules.").await?;
    if !store::take_turn(conn, caller.county).await? {
        return Err(SimulateCode::Running.problem().retry_after(5));
    }
    let departments = store::departments(conn, caller.county).await?;
    let listing = Listing { since, most: question.listed(), with_calls: caller.has(Role::BusinessOffice) };
    let mut tally = Tally::new(departments, listing);
    let mut stage = Stage { app, caller, rules, now, calendars: HashMap::new() };
    // The list goes on within the call of its last clock.
    let mut after = since.map_or(Uuid::nil(), |(call, _)| Uuid::from_u128(call.as_u128().saturating_sub(1)));
    while let Some(last) = stage.page(conn, period, after, &mut tally).await? {
        after = last;
        // A further page of the list is done when it is full.
        if since.is_some() && tally.is_full() {
            break;
        }
        // A page is computed in one go: others come in between.
        tokio::task::yield_now().await;
    }
    let (items, next_cursor) = tally.list(&app.vault);
    Ok(Simulation {
        from: china(period.0),
        until: china(period.1),
        sums: if since.is_none() { tally.sums() } else { Sums::default() },
        items,
        next_cursor,
    })
}

struct Stage<'a> {
    app: &'a App,
    caller: &'a Caller,
    rules: Rules,
    now: DateTime<Utc>,
    calendars: HashMap<(i32, Option<DepartmentId>), Arc<Calendar>>,
}

/// The calls of a page with what their clocks depend on.
struct Page {
    calls: Vec<CallRow>,
    matters: HashMap<Uuid, MatterRow>,
    moves: HashMap<Uuid, Vec<Move>>,
    spans: HashMap<Uuid, Vec<SpanRow>>,
    told: HashMap<Uuid, BTreeSet<i16>>,
    clocks: HashMap<Uuid, Vec<Deadline>>,
}

impl Stage<'_> {
    /// Replays one page; its last call, none after the last page.
    async fn page(
        &mut self,
        conn: &mut AsyncPgConnection,
        period: (DateTime<Utc>, DateTime<Utc>),
        after: Uuid,
        tally: &mut Tally,
    ) -> Result<Option<Uuid>, DbError> {
        let calls = store::calls(conn, self.caller.county, period, after, PAGE).await?;
        let Some(last) = calls.last().map(|call| call.id) else { return Ok(None) };
        let is_full = i64::try_from(calls.len()).unwrap_or(i64::MAX) == PAGE;
        let page = Page::read(conn, calls).await?;
        for row in page.clocks.values().flatten() {
            self.ready(conn, row.edition()).await?;
        }
        for call in &page.calls {
            tally.calls += 1;
            let mut resolved_before = false;
            for row in page.clocks.get(&call.id).into_iter().flatten() {
                // A second T5 is a redo's.
                let redo = row.clock == Clock::Resolve && std::mem::replace(&mut resolved_before, true);
                self.replay(&page, call, row, redo, tally);
            }
        }
        Ok(is_full.then_some(last))
    }

    /// The calendar that a clock was counted by, ready.
    async fn ready(&mut self, conn: &mut AsyncPgConnection, edition: Edition) -> Result<(), DbError> {
        let key = (edition.version, edition.department);
        if !self.calendars.contains_key(&key) {
            let calendar = self.app.calls.calendars.edition(conn, self.caller.county, edition).await?;
            self.calendars.insert(key, calendar);
        }
        Ok(())
    }

    fn replay(&self, page: &Page, call: &CallRow, row: &Deadline, redo: bool, tally: &mut Tally) {
        if row.clock.acts_by_itself() {
            return;
        }
        let edition = row.edition();
        let Some(calendar) = self.calendars.get(&(edition.version, edition.department)) else { return };
        let timing = Timing {
            calendar,
            ladders: &self.rules.ladder,
            item: None,
            critical: call.urgency == Urgency::Critical,
        };
        let moves = match row.subject_kind {
            SubjectKind::Call => page.moves.get(&call.id).map_or(&[][..], Vec::as_slice),
            SubjectKind::SideMatter | SubjectKind::SupervisionOrder => &[],
        };
        let would = replay::would(&timing, row, self.limit(call, row, redo), moves, self.now);
        let told = page.told.get(&row.id.0).cloned().unwrap_or_default();
        let was = replay::was(row, told, self.now);
        let owes = |due| page.owes(call, row, due, tally.business_office);
        let owes = (owes(would.due_at), owes(was.due_at));
        tally.add(&Replayed { call, row, calendar, would, was, owes, now: self.now });
    }

    /// How long the clock would have run.
    fn limit(&self, call: &CallRow, row: &Deadline, redo: bool) -> Limit {
        match row.clock {
            // The officer set it himself.
            Clock::Promise => Limit { amount: row.limit_amount, unit: row.limit_unit },
            Clock::Resolve if redo => self.rules.calls.redo,
            clock => self.rules.limit(clock, call.urgency, call.item_limits()),
        }
    }
}

impl CallRow {
    fn item_limits(&self) -> Option<ItemLimits> {
        Some(ItemLimits {
            accept_working_minutes: self.accept_working_minutes?,
            respond_working_hours: self.respond_working_hours?,
            resolve_working_days: self.resolve_working_days?,
        })
    }
}

impl Page {
    async fn read(conn: &mut AsyncPgConnection, calls: Vec<CallRow>) -> Result<Self, DbError> {
        let ids: Vec<Uuid> = calls.iter().map(|call| call.id).collect();
        let matters = store::matters(conn, &ids).await?;
        let subjects: Vec<Uuid> = ids.iter().copied().chain(matters.iter().map(|matter| matter.id)).collect();
        let matters: HashMap<Uuid, MatterRow> = matters.into_iter().map(|row| (row.id, row)).collect();
        let rows = crate::deadlines::store::of_subjects(conn, &subjects).await?;
        let of_clocks: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
        let mut page = Self {
            calls,
            matters,
            moves: HashMap::new(),
            spans: HashMap::new(),
            told: HashMap::new(),
            clocks: HashMap::new(),
        };
        for row in rows {
            let matter = page.matters.get(&row.subject_id).map(|matter| matter.call_id);
            page.clocks.entry(matter.unwrap_or(row.subject_id)).or_default().push(row);
        }
        for (call, one) in history::of_calls(conn, &ids).await? {
            page.moves.entry(call).or_default().push(one);
        }
        for span in store::spans(conn, &ids).await? {
            page.spans.entry(span.call_id).or_default().push(span);
        }
        for told in store::told(conn, &of_clocks).await? {
            page.told.entry(told.deadline_id).or_default().insert(told.rung);
        }
        Ok(page)
    }

    /// Whose promise it was at a moment: who was asked to help, who decides where calls go, else who held the call.
    fn owes(
        &self,
        call: &CallRow,
        row: &Deadline,
        at: DateTime<Utc>,
        office: Option<DepartmentId>,
    ) -> DepartmentId {
        let held = || {
            let spans = self.spans.get(&call.id).map_or(&[][..], Vec::as_slice);
            spans
                .iter()
                .rev()
                .find(|span| span.starts_at <= at)
                .or(spans.first())
                .map(|span| span.department_id)
        };
        let owes = match row.clock {
            Clock::Assistance => self.matters.get(&row.subject_id).and_then(|matter| matter.department_id),
            Clock::Triage | Clock::ReturnRuling => office,
            _ => held(),
        };
        owes.unwrap_or(call.department_id)
    }
}
