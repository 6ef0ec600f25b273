//! One clock run once more with another limit and another ladder. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::deadlines::calendar::Due;
use crate::deadlines::history::{self, Leg, Move, Step};
use crate::deadlines::ladder::{Timing, What};
use crate::deadlines::model::DeadlineState;
use crate::deadlines::{Deadline, Limit, Unit};

/// How a clock went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub limit: Limit,
    pub due_at: DateTime<Utc>,
    pub late: bool,
    pub rungs: BTreeSet<i16>,
}

/// A clock as it was, with the rungs that were told in truth.
#[must_use]
pub fn was(row: &Deadline, told: BTreeSet<i16>, now: DateTime<Utc>) -> Run {
    let late = row.shown_state(now) == DeadlineState::Missed;
    Run { limit: limit_of(row), due_at: row.due_at, late, rungs: told }
}

/// The same clock with another limit, on the ladder of `timing`, until it stopped or `now`.
#[must_use]
pub fn would(timing: &Timing<'_>, row: &Deadline, limit: Limit, moves: &[Move], now: DateTime<Utc>) -> Run {
    let mut row = row.clone();
    let legs = legs(timing, &row, limit, moves);
    row.limit_amount = limit.amount;
    row.limit_unit = limit.unit;
    let mut rungs = BTreeSet::new();
    let (mut nth, mut late) = (0, false);
    for (at, leg) in legs.iter().enumerate() {
        let next = legs.get(at + 1).and_then(since);
        row.due_at = leg.due.at;
        // Time stands still.
        late = false;
        if matches!(leg.step, Step::Paused { .. }) {
            continue;
        }
        late = row.stopped_at.unwrap_or(now) > row.due_at;
        // What fires at the very moment at which a leg ends has fired.
        let end = next.or(row.stopped_at).unwrap_or(now);
        let over = |moment: DateTime<Utc>| moment <= end;
        while let Some(What::Climb(step, 0)) = timing.what(&row, nth)
            && timing.moment(&row, nth).is_some_and(over)
        {
            rungs.insert(step.rung);
            nth += 1;
        }
    }
    Run { limit, due_at: row.due_at, late, rungs }
}

const fn limit_of(row: &Deadline) -> Limit {
    Limit { amount: row.limit_amount, unit: row.limit_unit }
}

/// The legs of the clock with its other limit.
fn legs(timing: &Timing<'_>, row: &Deadline, limit: Limit, moves: &[Move]) -> Vec<Leg> {
    let one = |at, provisional| vec![Leg { step: Step::Started, due: Due { at, provisional } }];
    let (own, grace) = (limit_of(row), i64::from(limit.amount - row.limit_amount));
    if limit.unit == Unit::Moment {
        // An agreed moment stays; its grace may be another.
        return one(row.due_at + TimeDelta::minutes(grace), row.provisional);
    }
    let other = Deadline { limit_amount: limit.amount, limit_unit: limit.unit, ..row.clone() };
    let legs = history::replay(timing.calendar, &other, moves);
    let last = legs.last().map(|leg| leg.due.at);
    if own == limit && last != Some(row.due_at) {
        // A change of the calendar moved it in its own way: what was due is due.
        return one(row.due_at, row.provisional);
    }
    legs
}

/// When a leg began; the first one with its clock.
fn since(leg: &Leg) -> Option<DateTime<Utc>> {
    match leg.step {
        Step::Started => None,
        Step::Paused { from, .. } => Some(from),
        Step::Resumed { at, .. } | Step::Extended { at, .. } => Some(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadlines::calendar::Calendar;
    use crate::deadlines::limits::Rules;
    use crate::deadlines::{Clock, ClockBook, SubjectKind};
    use crate::organisation::CountyId;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&format!("2026-11-{text}:00+08:00")).unwrap().to_utc()
    }

    /// A clock that started on Monday at ten and stopped at `end`, replayed with another limit.
    fn replayed(clock: Clock, limit: Limit, other: Limit, moves: &[Move], end: Option<&str>) -> Run {
        let calendar = Calendar::statutory().unwrap();
        let rules = Rules::defaults();
        let timing = Timing { calendar: &calendar, ladders: &rules.ladder, item: None, critical: false };
        let mut book = ClockBook::empty(CountyId::fresh(), SubjectKind::Call, uuid::Uuid::nil());
        book.start(&timing, clock, at("23T10:00"), limit);
        if let Some(end) = end {
            book.fulfil(clock, at(end));
        }
        let row = book.all().next().unwrap().clone();
        would(&timing, &row, other, moves, at("27T18:00"))
    }

    fn told(run: &Run) -> Vec<i16> {
        run.rungs.iter().copied().collect()
    }

    #[test]
    fn a_shorter_limit_is_missed_by_what_was_in_time() {
        let (long, short) = (Limit::working_minutes(15), Limit::working_minutes(5));
        let run = replayed(Clock::Accept, long, long, &[], Some("23T10:10"));
        assert_eq!((run.late, run.due_at, told(&run)), (false, at("23T10:15"), vec![0]));
        let run = replayed(Clock::Accept, long, short, &[], Some("23T10:10"));
        assert_eq!((run.late, run.due_at, told(&run)), (true, at("23T10:05"), vec![0, 1]));
    }

    #[test]
    fn what_is_awaited_still_is_late_when_it_is_due_and_climbs_until_now() {
        let run = replayed(Clock::Accept, Limit::working_days(9), Limit::working_minutes(15), &[], None);
        assert_eq!((run.late, told(&run)), (true, vec![0, 1, 2, 3, 4, 5, 6]));
        let run = replayed(Clock::Accept, Limit::working_minutes(15), Limit::working_days(7), &[], None);
        assert_eq!((run.late, told(&run)), (false, vec![0]));
    }

    #[test]
    fn pauses_and_extensions_hold_for_the_other_limit_too() {
        let pause =
            |until: Option<&str>| Move::Paused { from: at("24T09:00"), until: until.map(at), reason: None };
        let (one, two) = (Limit::working_days(1), Limit::working_days(2));
        // Eight hours left at the pause, that is all of Tuesday and … Wednesday's closing becomes Thursday's.
        let run = replayed(Clock::Resolve, one, two, &[pause(Some("25T09:00"))], Some("26T17:00"));
        assert_eq!((run.late, run.due_at), (false, at("26T18:00")));
        let run = replayed(Clock::Resolve, two, one, &[pause(Some("25T09:00"))], Some("26T17:00"));
        assert_eq!((run.late, run.due_at), (true, at("25T18:00")));
        // It stands still: nothing is late, nobody is told.
        let run = replayed(Clock::Resolve, two, one, &[pause(None)], None);
        assert_eq!((run.late, told(&run)), (false, vec![]));
        let extended = Move::Extended { at: at("24T09:00"), working_days: 1 };
        let run = replayed(Clock::Resolve, two, one, &[extended], Some("26T17:00"));
        assert_eq!((run.late, run.due_at), (true, at("25T18:00")));
    }

    #[test]
    fn an_agreed_moment_moves_by_its_grace_alone() {
        let calendar = Calendar::statutory().unwrap();
        let rules = Rules::defaults();
        let timing = Timing { calendar: &calendar, ladders: &rules.ladder, item: None, critical: false };
        let mut book = ClockBook::empty(CountyId::fresh(), SubjectKind::Call, uuid::Uuid::nil());
        book.start_until(&timing, Clock::Appointment, at("23T10:00"), at("23T15:00"), 15);
        let grace = Limit { amount: 5, unit: Unit::Moment };
        let run = would(&timing, book.live(Clock::Appointment).unwrap(), grace, &[], at("23T15:10"));
        assert_eq!((run.late, run.due_at), (true, at("23T15:05")));
    }
}
