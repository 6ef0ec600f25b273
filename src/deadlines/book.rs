//! The clocks of one subject in memory: started, stopped, paused, moved by pure operations, then saved as what changed.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::calendar::{Calendar, Due};
use super::ladder::{Timing, What};
use super::model::{Clock, Deadline, DeadlineId, DeadlineState, LiftedBy, Limit, SubjectKind, Unit};
use super::store;
use crate::organisation::CountyId;

/// The clocks of one subject, with what changed since they were read.
#[derive(Clone, Debug)]
pub struct ClockBook {
    county: CountyId,
    kind: SubjectKind,
    subject: Uuid,
    rows: Vec<Deadline>,
    fresh: Vec<Deadline>,
    touched: Vec<DeadlineId>,
}

impl ClockBook {
    /// A subject without clocks yet.
    #[must_use]
    pub const fn empty(county: CountyId, kind: SubjectKind, subject: Uuid) -> Self {
        Self { county, kind, subject, rows: Vec::new(), fresh: Vec::new(), touched: Vec::new() }
    }

    /// Reads the clocks of a subject.
    pub async fn read(
        conn: &mut AsyncPgConnection,
        county: CountyId,
        kind: SubjectKind,
        subject: Uuid,
    ) -> QueryResult<Self> {
        let rows = store::of_subject(conn, subject).await?;
        Ok(Self { rows, ..Self::empty(county, kind, subject) })
    }

    /// All clocks, the newest last.
    pub fn all(&self) -> impl Iterator<Item = &Deadline> {
        self.rows.iter().chain(&self.fresh)
    }

    /// The running or paused row of a clock.
    #[must_use]
    pub fn live(&self, clock: Clock) -> Option<&Deadline> {
        self.all().find(|row| row.clock == clock && row.is_live())
    }

    /// Starts a clock. A live one of the same name ends: missed when its promise is already broken, else cancelled.
    pub fn start(&mut self, timing: &Timing<'_>, clock: Clock, from: DateTime<Utc>, limit: Limit) {
        self.settle_unneeded(clock, from);
        let due = timing.calendar.due(from, limit);
        self.open(timing, clock, from, limit, due);
    }

    /// Starts a clock that is due at a given moment plus `grace_minutes`. A live one of the same name ends as in [`Self::start`].
    pub fn start_until(
        &mut self,
        timing: &Timing<'_>,
        clock: Clock,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        grace_minutes: i32,
    ) {
        self.settle_unneeded(clock, from);
        let at = until + chrono::TimeDelta::minutes(i64::from(grace_minutes));
        let limit = Limit { amount: grace_minutes, unit: Unit::Moment };
        self.open(timing, clock, from, limit, Due { at, provisional: false });
    }

    fn open(&mut self, timing: &Timing<'_>, clock: Clock, from: DateTime<Utc>, limit: Limit, due: Due) {
        let edition = timing.calendar.edition();
        let mut row = Deadline {
            id: DeadlineId::fresh(),
            county_id: self.county,
            subject_kind: self.kind,
            subject_id: self.subject,
            clock,
            state: DeadlineState::Running,
            started_at: from,
            limit_amount: limit.amount,
            limit_unit: limit.unit,
            due_at: due.at,
            provisional: due.provisional,
            paused_at: None,
            stopped_at: None,
            fires_at: None,
            step: 0,
            calendar_version: edition.version,
            calendar_department: edition.department,
            held_until: None,
            item_code: timing.item.map(str::to_owned),
            lifted_at: None,
            lifted_by: None,
            promised_at: (limit.unit == Unit::Moment).then_some(due.at),
        };
        row.fires_at = timing.moment(&row, 0);
        self.fresh.push(row);
    }

    /// When a live clock is due if a pause that holds ended at `now`.
    #[must_use]
    pub fn due_at(&self, timing: &Timing<'_>, clock: Clock, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let row = self.live(clock)?;
        Some(row.paused_at.map_or(row.due_at, |paused| moved(timing.calendar, row, paused, now)))
    }

    /// The promised event happened: met in time, or missed.
    pub fn fulfil(&mut self, clock: Clock, now: DateTime<Utc>) {
        let in_time = self.live(clock).is_some_and(|row| row.paused_at.unwrap_or(now) <= row.due_at);
        self.stop(clock, now, if in_time { DeadlineState::Met } else { DeadlineState::Missed });
    }

    /// The event can no longer happen: a promise already broken stays missed, one still in time is cancelled.
    pub fn settle_unneeded(&mut self, clock: Clock, now: DateTime<Utc>) {
        let broken =
            self.live(clock).is_some_and(|row| row.state == DeadlineState::Running && now > row.due_at);
        self.stop(clock, now, if broken { DeadlineState::Missed } else { DeadlineState::Cancelled });
    }

    /// Nothing is promised any more: a promise already broken stays missed, the rest is cancelled.
    pub fn cancel_all(&mut self, now: DateTime<Utc>) {
        for clock in Clock::ALL {
            self.settle_unneeded(*clock, now);
        }
    }

    /// Gives a clock another limit; its start stays.
    pub fn relimit(&mut self, timing: &Timing<'_>, clock: Clock, limit: Limit, due: Due) {
        self.change(clock, |row| {
            row.limit_amount = limit.amount;
            row.limit_unit = limit.unit;
            row.due_at = due.at;
            row.provisional = due.provisional;
            row.count_by(timing.calendar.edition());
            row.rearm(timing);
        });
    }

    /// Stops the run of time; a promise already broken is not paused.
    pub fn pause(&mut self, clock: Clock, now: DateTime<Utc>) {
        self.change(clock, |row| {
            if row.state == DeadlineState::Running && now <= row.due_at {
                row.state = DeadlineState::Paused;
                row.paused_at = Some(now);
                row.fires_at = None;
            }
        });
    }

    /// Lets time run on: what was left at the pause is left now. A step that was lifted before the pause fires now.
    pub fn resume(&mut self, timing: &Timing<'_>, clock: Clock, now: DateTime<Utc>) {
        self.change(clock, |row| {
            let Some(paused_at) = row.paused_at.take() else { return };
            row.due_at = moved(timing.calendar, row, paused_at, now);
            row.provisional |= row.limit_unit.is_working() && timing.calendar.is_provisional(now, row.due_at);
            row.state = DeadlineState::Running;
            row.lifted_at = row.lifted_at.map(|lifted| lifted.max(timing.open(now)));
            row.rearm(timing);
        });
    }

    /// Moves the due moment, as an approved extension does.
    ///
    /// What has fired does not fire again: the ladder goes on where it stood, by the new due moment.
    pub fn move_due(&mut self, timing: &Timing<'_>, clock: Clock, due: Due) {
        self.change(clock, |row| row.move_to(timing, due));
    }

    /// Lets the next step of a clock fire now, as an urge or an official's escalation does: now, or when the office opens. Its rung;
    /// none when nothing is left to fire, when it fires anyway, or when the next step stands above `to`.
    pub fn lift(
        &mut self,
        timing: &Timing<'_>,
        clock: Clock,
        now: DateTime<Utc>,
        to: i16,
        by: LiftedBy,
    ) -> Option<i16> {
        let at = timing.open(now);
        let row = self.live(clock).filter(|row| row.fires_at.is_some_and(|fires_at| fires_at > at))?;
        let rung = match timing.what(row, row.step)? {
            What::Climb(step, 0) if step.rung <= to => step.rung,
            What::Climb(..) | What::Act => return None,
        };
        self.change(clock, |row| {
            row.lifted_at = Some(at);
            row.lifted_by = Some(by);
            row.fires_at = Some(at);
        });
        Some(rung)
    }

    /// The clocks that have stopped since they were read.
    pub fn stopped(&self) -> impl Iterator<Item = &Deadline> {
        let stopped = |row: &&Deadline| self.touched.contains(&row.id) && !row.is_live();
        self.rows.iter().filter(stopped)
    }

    /// Writes what changed.
    pub async fn save(&mut self, conn: &mut AsyncPgConnection) -> QueryResult<()> {
        for id in std::mem::take(&mut self.touched) {
            if let Some(row) = self.rows.iter().find(|row| row.id == id) {
                store::update(conn, row).await?;
            }
        }
        store::insert(conn, &self.fresh).await?;
        self.rows.append(&mut self.fresh);
        Ok(())
    }

    /// The clocks that were started and not yet saved.
    #[must_use]
    pub fn fresh(&self) -> &[Deadline] {
        &self.fresh
    }

    fn stop(&mut self, clock: Clock, now: DateTime<Utc>, state: DeadlineState) {
        self.change(clock, |row| {
            row.state = state;
            row.stopped_at = Some(now);
            row.paused_at = None;
            row.fires_at = None;
            row.lifted_at = None;
            row.lifted_by = None;
        });
    }

    fn change(&mut self, clock: Clock, edit: impl Fn(&mut Deadline)) {
        for row in self.rows.iter_mut().filter(|row| row.clock == clock && row.is_live()) {
            edit(row);
            self.touched.push(row.id);
        }
        for row in self.fresh.iter_mut().filter(|row| row.clock == clock && row.is_live()) {
            edit(row);
        }
    }
}

/// The due moment of a clock that stood still from `paused` to `now`: what was left then is left now.
fn moved(calendar: &Calendar, row: &Deadline, paused: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    match row.limit_unit {
        Unit::Minute | Unit::Moment => row.due_at + (now - paused),
        Unit::WorkingMinute | Unit::WorkingDay => {
            calendar.add_working(now, calendar.working_between(paused, row.due_at))
        }
    }
}
