//! What must have fired, computed anew for each clock from what happened to it: by the slow calendar and by sums of its own, which share
//! nothing with the product but the list of the ladder's steps.

use std::collections::HashMap;
use std::iter::once;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;
use yijiao::deadlines::calendar::statutory;
use yijiao::deadlines::ladder::{At, Ladders, Step};
use yijiao::deadlines::limits::{Rules, Urgency};
use yijiao::deadlines::model::DeadlineId;
use yijiao::deadlines::{Clock, Deadline, Limit, SubjectKind, Unit};
use yijiao::schema::{calls, deadlines, firings, side_matters};

use crate::calendar::walk::{Walk, local};
use crate::kit::County;

/// Step, when it was planned and fired, and whether nobody was there.
type Firing = (i16, DateTime<Utc>, DateTime<Utc>, String);

/// What happened to a clock from outside.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Pause,
    Resume,
    Extend(u32),
    Lift,
    End,
}

/// What happened to a call's clocks: when, what, and to which clock when only to one.
type Events = HashMap<Uuid, Vec<(NaiveDateTime, Event, Option<Clock>)>>;

/// Every moment of every clock while it ran has one firing, at that moment, or at once when it was planned in the past; none fired
/// besides; and every due moment is where its pauses and extensions put it.
pub async fn every_moment_fired(county: &County) {
    let mut auditor = county.auditor().await;
    let rows: Vec<Deadline> =
        deadlines::table.select(Deadline::as_select()).load(&mut auditor).await.unwrap();
    let fired: Vec<(DeadlineId, Firing)> = firings::table
        .order((firings::deadline_id, firings::step))
        .select((
            firings::deadline_id,
            (firings::step, firings::planned_at, firings::fired_at, firings::outcome),
        ))
        .load(&mut auditor)
        .await
        .unwrap();
    let mut of_row: HashMap<DeadlineId, Vec<Firing>> = HashMap::new();
    for (row, firing) in fired {
        of_row.entry(row).or_default().push(firing);
    }
    let urgency: Vec<(Uuid, Urgency)> =
        calls::table.select((calls::id, calls::urgency)).load(&mut auditor).await.unwrap();
    let urgency: HashMap<_, _> = urgency.into_iter().collect();
    let matters = side_matters::table.select((side_matters::id, side_matters::call_id));
    let matters: HashMap<Uuid, Uuid> =
        matters.load::<(Uuid, Uuid)>(&mut auditor).await.unwrap().into_iter().collect();
    let events = events(county).await;
    let (walk, rules) = (Walk::new(&statutory::definition().unwrap()), Rules::defaults());
    let (mut all, mut moved) = (0, 0);
    for row in &rows {
        let call = match row.subject_kind {
            SubjectKind::Call => Some(row.subject_id),
            SubjectKind::SideMatter => Some(matters[&row.subject_id]),
            SubjectKind::SupervisionOrder => None,
        };
        let critical = call.is_some_and(|call| urgency[&call] == Urgency::Critical);
        let of_call = call.and_then(|call| events.get(&call)).map_or(&[][..], Vec::as_slice);
        let own = of_row.remove(&row.id).unwrap_or_default();
        let steps: Vec<i16> = own.iter().map(|firing| firing.0).collect();
        assert_eq!(steps, (0..).take(own.len()).collect::<Vec<i16>>(), "a step is missing: {row:?}");
        let (expected, due, events) = Played::of(&walk, &rules.ladder, row, critical, of_call).play(&own);
        let happened: Vec<_> = own.iter().map(|firing| (local(firing.1), local(firing.2))).collect();
        assert_eq!(happened, expected, "{row:?}");
        assert_eq!(local(row.due_at), due, "{row:?}");
        all += own.len();
        moved += usize::from(events > 0);
    }
    assert!(of_row.is_empty());
    assert!(all > 2_500 && moved > 80, "{all} firings, {moved} clocks that were moved or lifted");
}

/// Pauses, extensions and lifts of all calls.
async fn events(county: &County) -> Events {
    let found = county
        .texts(
            "select concat_ws(' ', call_id, extract(epoch from at)::bigint, what, clock) from (
                select call_id, decided_at as at, 'pause' as what, '-' as clock from side_matters where kind = 'pause' and state in ('approved', 'done')
                union all select call_id, least(ended_at, until_at), 'resume', '-' from side_matters where kind = 'pause' and state = 'done'
                union all select call_id, decided_at, working_days::text, 'resolve' from side_matters where kind = 'extension' and state = 'approved'
                union all select subject_id, at, 'lift', coalesce(data->>'liftedClock', data->>'clock') from ledger_events
                    where kind in ('call.urged', 'call.lifted', 'call.unreached')
            ) x where at is not null and clock is not null order by at",
        )
        .await;
    let mut events = Events::new();
    for line in found {
        let words: Vec<&str> = line.split(' ').collect();
        let event = match words[2] {
            "pause" => Event::Pause,
            "resume" => Event::Resume,
            "lift" => Event::Lift,
            days => Event::Extend(days.parse().unwrap()),
        };
        let at = DateTime::from_timestamp(words[1].parse().unwrap(), 0).unwrap();
        events.entry(words[0].parse().unwrap()).or_default().push((local(at), event, Clock::parse(words[3])));
    }
    events
}

/// A clock that is run once more.
struct Played<'a> {
    walk: &'a Walk,
    steps: &'a [Step],
    repeat: Limit,
    critical: bool,
    row: &'a Deadline,
    start: NaiveDateTime,
    end: NaiveDateTime,
    events: Vec<(NaiveDateTime, Event)>,
    /// The due moment as it was first, and as it is.
    first: NaiveDateTime,
    due: NaiveDateTime,
}

impl<'a> Played<'a> {
    fn of(
        walk: &'a Walk,
        ladders: &'a Ladders,
        row: &'a Deadline,
        critical: bool,
        events: &[(NaiveDateTime, Event, Option<Clock>)],
    ) -> Self {
        let start = local(row.started_at);
        let end = row.stopped_at.map_or(NaiveDateTime::MAX, local);
        let stands_still = matches!(row.clock, Clock::Plan | Clock::Resolve | Clock::Promise);
        let concerns = |event: &(NaiveDateTime, Event, Option<Clock>)| {
            start <= event.0 && event.0 < end && event.2.map_or(stands_still, |clock| clock == row.clock)
        };
        let of_call = row.subject_kind == SubjectKind::Call;
        let events: Vec<_> = events
            .iter()
            .filter(|event| of_call && concerns(event))
            .map(|(at, event, _)| (*at, *event))
            .collect();
        let amount = u32::try_from(row.limit_amount).unwrap();
        let minutes = TimeDelta::minutes(row.limit_amount.into());
        let first = match row.limit_unit {
            Unit::Minute => start + minutes,
            Unit::WorkingMinute => walk.add(start, minutes),
            Unit::WorkingDay => walk.days(start, amount),
            // What was promised is not written down twice; each pause moved it by as long as it was.
            Unit::Moment => {
                let paused =
                    events.windows(2).filter(|pair| (pair[0].1, pair[1].1) == (Event::Pause, Event::Resume));
                local(row.due_at) - paused.map(|pair| pair[1].0 - pair[0].0).sum::<TimeDelta>()
            }
        };
        let steps = ladders.clocks.get(&row.clock).map_or(&[][..], Vec::as_slice);
        let repeat = ladders.repeat;
        Self { walk, steps, repeat, critical, row, start, end, events, first, due: first }
    }

    /// Planned and real moments of everything that fired, the last due moment, and how often something came between.
    fn play(mut self, own: &[Firing]) -> (Vec<(NaiveDateTime, NaiveDateTime)>, NaiveDateTime, usize) {
        let mut fired: Vec<(NaiveDateTime, NaiveDateTime)> = Vec::new();
        let (mut since, mut next) = (self.start, self.moment(0));
        let (mut stands_since, mut lifted): (Option<NaiveDateTime>, Option<NaiveDateTime>) = (None, None);
        let events = std::mem::take(&mut self.events);
        for (at, event) in events.iter().copied().chain(once((self.end, Event::End))) {
            while let Some(planned) =
                next.filter(|planned| stands_since.is_none() && since.max(*planned) <= at)
            {
                since = since.max(planned);
                fired.push((planned, since));
                let nth = fired.len();
                lifted = None;
                next = self.moment(nth);
                // Nobody was there: the next one at once. After a lift no further than people are told.
                let ahead = self.moment(nth - 1).is_some_and(|own| planned < own);
                let passed = own.get(nth - 1).is_some_and(|firing| firing.3 == "passed");
                let goes_on = |step: &Step| !ahead || step.rung <= 3 && !step.order && !step.hand_over;
                if passed && self.steps.get(nth).is_some_and(goes_on) {
                    next = next.map(|own| own.min(planned));
                }
            }
            match event {
                Event::Pause if at <= self.due => stands_since = Some(at),
                Event::Resume => {
                    let Some(from) = stands_since.take() else { continue };
                    self.due = match self.row.limit_unit {
                        Unit::Minute | Unit::Moment => self.due + (at - from),
                        _ => self.walk.add(at, self.walk.between(from, self.due)),
                    };
                    lifted = lifted.map(|to| to.max(self.open(at)));
                }
                Event::Extend(days) => self.due = self.walk.days(self.due - TimeDelta::microseconds(1), days),
                Event::Lift => lifted = next.map(|next| next.min(self.open(at))),
                Event::Pause | Event::End => continue,
            }
            since = since.max(at);
            let own = self.moment(fired.len());
            next = own.map(|own| lifted.map_or(own, |lifted| lifted.min(own)));
        }
        (fired, self.due, events.len())
    }

    /// When the nth step should be taken.
    fn moment(&self, nth: usize) -> Option<NaiveDateTime> {
        if let Some(step) = self.steps.get(nth) {
            return Some(match step.at {
                At::Share(percent) => self.early(percent),
                At::After(delay) if delay.amount == 0 => self.open(self.due),
                At::After(delay) => self.after(self.due, delay),
            });
        }
        if matches!(self.row.clock, Clock::Confirm | Clock::Pause) {
            return (nth == self.steps.len()).then_some(self.due);
        }
        let At::After(delay) = self.steps.last()?.at else { return None };
        let last = self.after(self.due, delay);
        Some((self.steps.len()..=nth).fold(last, |at, _| self.after(at, self.repeat)))
    }

    /// When so much of the limit is left as is left after `percent` of it, however the due moment was moved.
    fn early(&self, percent: u8) -> NaiveDateTime {
        let left = |whole: TimeDelta| whole - whole * i32::from(percent) / 100;
        match self.row.limit_unit {
            Unit::Minute | Unit::Moment => self.open(self.due - left(self.first - self.start)).min(self.due),
            _ => self.before(self.due, left(self.walk.between(self.start, self.first))),
        }
    }

    /// The earliest moment from which on so much office time is left until `due`.
    fn before(&self, due: NaiveDateTime, mut left: TimeDelta) -> NaiveDateTime {
        let mut date = due.date();
        loop {
            for &(open, close) in self.walk.open(date).iter().rev() {
                let until = close.min(due);
                if left < until - open {
                    return until - left;
                }
                left -= (until - open).max(TimeDelta::zero());
            }
            date = date.pred_opt().unwrap();
        }
    }

    fn after(&self, from: NaiveDateTime, delay: Limit) -> NaiveDateTime {
        let minutes = TimeDelta::minutes(delay.amount.into());
        match delay.unit {
            Unit::WorkingDay if self.critical => from + TimeDelta::days(delay.amount.into()),
            Unit::WorkingDay => {
                self.walk.days(from - TimeDelta::microseconds(1), u32::try_from(delay.amount).unwrap())
            }
            Unit::WorkingMinute if !self.critical => self.walk.add(from, minutes),
            _ => self.open(from + minutes),
        }
    }

    /// When people may be disturbed; of a critical call, always.
    fn open(&self, at: NaiveDateTime) -> NaiveDateTime {
        let office = self.walk.open(at.date()).iter().any(|(open, close)| *open <= at && at <= *close);
        if self.critical || office { at } else { self.walk.next_open(at) }
    }
}
