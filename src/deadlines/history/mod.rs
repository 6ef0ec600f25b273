//! How a due moment came about: the start, the pauses that hold time still, the extension. Played again over a calendar it gives the
//! due moment, so whatever is stored can be explained, and computed anew when the calendar changes.

mod store;

use chrono::{DateTime, TimeDelta, Utc};

pub use store::of_calls;

use super::calendar::{Calendar, Due};
use super::model::{Clock, Deadline, Limit, Unit};

/// What moved the clocks of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Time stood still from a moment until another; without an end it still does.
    Paused { from: DateTime<Utc>, until: Option<DateTime<Utc>>, reason: Option<String> },
    /// T5 was extended.
    Extended { at: DateTime<Utc>, working_days: i32 },
}

/// A step of the sum, and what was due after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    pub step: Step,
    pub due: Due,
}

/// What the step was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Started,
    /// Time stands still from now on, with so much left.
    Paused {
        from: DateTime<Utc>,
        left: TimeDelta,
        reason: Option<String>,
    },
    /// It runs on with what was left.
    Resumed {
        at: DateTime<Utc>,
        left: TimeDelta,
    },
    /// So many working days more, counted from what was due.
    Extended {
        at: DateTime<Utc>,
        working_days: i32,
        before: DateTime<Utc>,
    },
}

/// The steps of a clock over a calendar; the last one says when it is due. Only T4, T5 and a promised moment are paused, only T5 is
/// extended.
#[must_use]
pub fn replay(calendar: &Calendar, clock: &Deadline, moves: &[Move]) -> Vec<Leg> {
    let limit = Limit { amount: clock.limit_amount, unit: clock.limit_unit };
    let mut due = match limit.unit {
        Unit::Moment => Due { at: first_named(clock, moves), provisional: false },
        Unit::Minute | Unit::WorkingMinute | Unit::WorkingDay => calendar.due(clock.started_at, limit),
    };
    let mut legs = vec![Leg { step: Step::Started, due }];
    let mut paused: Option<DateTime<Utc>> = None;
    for event in events(clock, moves) {
        let step = match event {
            Event::Pause { from, reason } if paused.is_none() && from <= due.at => {
                paused = Some(from);
                Step::Paused { from, left: left(calendar, clock, from, due.at), reason }
            }
            Event::Resume { at } => {
                let Some(from) = paused.take() else { continue };
                let left = left(calendar, clock, from, due.at);
                let moved = run_on(calendar, clock, at, left);
                let provisional = clock.limit_unit.is_working() && calendar.is_provisional(at, moved);
                due = Due { at: moved, provisional: due.provisional || provisional };
                Step::Resumed { at, left }
            }
            Event::Extend { at, working_days } if at <= due.at || paused.is_some() => {
                let before = due.at;
                due = extended(calendar, before, working_days);
                Step::Extended { at, working_days, before }
            }
            Event::Pause { .. } | Event::Extend { .. } => continue,
        };
        legs.push(Leg { step, due });
    }
    legs
}

/// `working_days` closings after a due moment. A moment at closing would count as received the next day; just before it, n days later
/// is n closings on.
#[must_use]
pub fn extended(calendar: &Calendar, due: DateTime<Utc>, working_days: i32) -> Due {
    calendar.due(due - TimeDelta::microseconds(1), Limit::working_days(working_days))
}

enum Event {
    Pause { from: DateTime<Utc>, reason: Option<String> },
    Resume { at: DateTime<Utc> },
    Extend { at: DateTime<Utc>, working_days: i32 },
}

/// What happened while the clock was live, in order.
fn events(clock: &Deadline, moves: &[Move]) -> Vec<Event> {
    let live = |at: DateTime<Utc>| at >= clock.started_at && clock.stopped_at.is_none_or(|stop| at < stop);
    let paused = clock.clock.may_stand_still();
    let mut events = Vec::new();
    for one in moves {
        match one {
            Move::Paused { from, until, reason } if paused && live(*from) => {
                events.push((*from, Event::Pause { from: *from, reason: reason.clone() }));
                if let Some(until) = until.filter(|until| live(*until)) {
                    events.push((until, Event::Resume { at: until }));
                }
            }
            Move::Extended { at, working_days } if clock.clock == Clock::Resolve && live(*at) => {
                events.push((*at, Event::Extend { at: *at, working_days: *working_days }));
            }
            Move::Paused { .. } | Move::Extended { .. } => {}
        }
    }
    events.sort_by_key(|(at, _)| *at);
    events.into_iter().map(|(_, event)| event).collect()
}

/// The moment that was named at first, with its grace: what is due now without the pauses that held it, the last one taken off first. A
/// pause that began after the moment was over did not hold it.
fn first_named(clock: &Deadline, moves: &[Move]) -> DateTime<Utc> {
    let mut resumed = None;
    events(clock, moves).into_iter().rev().fold(clock.due_at, |due, event| match event {
        Event::Resume { at } => {
            resumed = Some(at);
            due
        }
        Event::Pause { from, .. } => match resumed.take().map(|at| due - (at - from)) {
            Some(before) if from <= before => before,
            _ => due,
        },
        Event::Extend { .. } => due,
    })
}

fn left(calendar: &Calendar, clock: &Deadline, from: DateTime<Utc>, due: DateTime<Utc>) -> TimeDelta {
    match clock.limit_unit {
        Unit::Minute | Unit::Moment => due - from,
        Unit::WorkingMinute | Unit::WorkingDay => calendar.working_between(from, due),
    }
}

fn run_on(calendar: &Calendar, clock: &Deadline, at: DateTime<Utc>, left: TimeDelta) -> DateTime<Utc> {
    match clock.limit_unit {
        Unit::Minute | Unit::Moment => at + left,
        Unit::WorkingMinute | Unit::WorkingDay => calendar.add_working(at, left),
    }
}

/// When a live clock is due by another calendar than the one it was computed by; nothing when it stays as it is. Where the steps do not
/// give what is stored (the call went to a department with other hours meanwhile), what is left is left. A promise is never put into
/// the past by a change of the calendar.
#[must_use]
pub fn renewed(
    old: &Calendar,
    new: &Calendar,
    clock: &Deadline,
    moves: &[Move],
    now: DateTime<Utc>,
) -> Option<Due> {
    let last = |calendar: &Calendar| replay(calendar, clock, moves).pop().map(|leg| leg.due);
    let due = match (last(old), last(new)) {
        (Some(was), Some(due)) if was.at == clock.due_at => due,
        _ => {
            let from = clock.paused_at.unwrap_or_else(|| now.max(clock.started_at));
            let at = new.add_working(from, old.working_between(from, clock.due_at));
            Due { at, provisional: new.is_provisional(from, at) }
        }
    };
    let bound = clock.paused_at.unwrap_or(now);
    (due.at > bound).then_some(due)
}
