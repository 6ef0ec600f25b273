//! The days of a sum: what counted on each, and why a day did not.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::Line;
use super::words::{date, day, pieces, span};
use crate::deadlines::calendar::Calendar;
use crate::deadlines::calendar::plan::{Day, DayKind};
use crate::platform::time::china;

/// Office time from one moment to another, day by day.
pub(super) fn minutes(calendar: &Calendar, from: DateTime<Utc>, due: DateTime<Utc>, lines: &mut Vec<Line>) {
    let mut left = calendar.working_between(from, due);
    let mut rest = Rest::default();
    for at in days_through(from, due) {
        let day = calendar.day(at);
        let Some(hours) = day.hours else {
            rest.add(at, day, lines);
            continue;
        };
        let (opens, closes) = (clock_on(from, at), clock_on(due, at));
        let counted: Vec<(i64, i64)> = hours
            .intervals()
            .iter()
            .map(|(open, close)| (*open.max(&opens), *close.min(&closes)))
            .filter(|(open, close)| open < close)
            .collect();
        let sum = TimeDelta::microseconds(counted.iter().map(|(open, close)| close - open).sum());
        if sum.is_zero() {
            continue;
        }
        rest.tell(lines);
        left -= sum;
        let (counted, sum, left) = (pieces(&counted), span(sum), span(left));
        let name = worked(at, day);
        lines.push(Line::new(
            format!("{} {counted}：计 {}，还剩 {}", name.zh, sum.zh, left.zh),
            format!("{} {counted}: {}, {} left", name.en, sum.en, left.en),
        ));
    }
    rest.tell(lines);
}

/// Working days after the day of receipt until a closing, day by day; `first` says what that day is.
pub(super) fn days(
    calendar: &Calendar,
    from: DateTime<Utc>,
    due: DateTime<Utc>,
    first: &Line,
    lines: &mut Vec<Line>,
) {
    let received = date(calendar.next_open(from));
    let told = worked(received, calendar.day(received));
    lines.push(Line::new(format!("{}：{}", told.zh, first.zh), format!("{}: {}", told.en, first.en)));
    let (mut rest, mut number) = (Rest::default(), 0);
    // A day that closes at midnight is not the day after.
    let last = due - TimeDelta::microseconds(1);
    for at in days_through(from, last).filter(|at| *at > received) {
        let day = calendar.day(at);
        if day.hours.is_none() {
            rest.add(at, day, lines);
            continue;
        }
        rest.tell(lines);
        number += 1;
        let name = worked(at, day);
        lines.push(Line::new(
            format!("{}：第 {number} 个工作日", name.zh),
            format!("{}: day {number}", name.en),
        ));
    }
    rest.tell(lines);
}

fn days_through(from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = NaiveDate> {
    let last = date(to);
    date(from).iter_days().take_while(move |date| *date <= last)
}

/// Microseconds since the midnight of `on`; before it below zero, after it more than a day.
fn clock_on(at: DateTime<Utc>, on: NaiveDate) -> i64 {
    let midnight = on.and_time(chrono::NaiveTime::MIN);
    (china(at).naive_local() - midnight).num_microseconds().unwrap_or(0)
}

/// A working day with what is particular about it.
fn worked(at: NaiveDate, of: Day<'_>) -> Line {
    let day = day(at);
    match (of.kind, of.season) {
        (DayKind::MakeUp, _) => {
            Line::new(format!("{}，调休上班", day.zh), format!("{} (make-up working day)", day.en))
        }
        (_, Some(season)) => Line::new(format!("{}，{season}", day.zh), format!("{} ({season})", day.en)),
        _ => day,
    }
}

/// Days of rest that follow one another for the same reason are one line.
#[derive(Default)]
struct Rest {
    days: Option<(NaiveDate, NaiveDate)>,
    why: Option<Line>,
}

impl Rest {
    fn add(&mut self, at: NaiveDate, of: Day<'_>, lines: &mut Vec<Line>) {
        let why = why(of);
        if self.why.as_ref() != Some(&why) {
            self.tell(lines);
        }
        self.days = Some((self.days.map_or(at, |(first, _)| first), at));
        self.why = Some(why);
    }

    fn tell(&mut self, lines: &mut Vec<Line>) {
        let (Some((first, last)), Some(why)) = (self.days.take(), self.why.take()) else { return };
        let (from, through) = (day(first), day(last));
        let (zh, en) = if first == last {
            (from.zh, from.en)
        } else {
            (format!("{}至{}", from.zh, through.zh), format!("{} to {}", from.en, through.en))
        };
        lines.push(Line::new(format!("{zh}：{}，不计", why.zh), format!("{en}: {}, not counted", why.en)));
    }
}

fn why(of: Day<'_>) -> Line {
    match (of.kind, of.name) {
        (DayKind::Holiday, "") => Line::new("放假", "holiday"),
        (DayKind::Holiday, name) => Line::new(format!("{name}放假"), format!("holiday ({name})")),
        _ => Line::new("周末", "weekend"),
    }
}
