//! "Why is it due then?": the sum behind a due moment, line by line, in Chinese and English. Pure.

mod days;
mod words;

use chrono::{DateTime, TimeDelta, Utc};

use self::words::{hours, moment, pause_reason, span};
use super::calendar::Calendar;
use super::history::{Leg, Move, Step, replay};
use super::model::{Clock, Deadline, DeadlineState, Unit};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub zh: String,
    pub en: String,
}

impl Line {
    fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }
}

/// The sum of a clock by the calendar that it was computed by. The last line but what is left says what is stored.
#[must_use]
pub fn explain(calendar: &Calendar, clock: &Deadline, moves: &[Move], now: DateTime<Utc>) -> Vec<Line> {
    let at = moment(clock.started_at);
    let mut lines = vec![Line::new(format!("开始：{}", at.zh), format!("Started: {}", at.en))];
    lines.push(limit(calendar, clock));
    let legs = replay(calendar, clock, moves);
    if let (Unit::Moment, [first, _, ..]) = (clock.limit_unit, legs.as_slice()) {
        let named = moment(first.due.at);
        lines.push(Line::new(format!("原定：{}", named.zh), format!("At first: {}", named.en)));
    }
    let mut last = clock.started_at;
    for leg in &legs {
        step(calendar, clock, leg, &mut lines);
        last = leg.due.at;
    }
    if last != clock.due_at {
        lines.push(Line::new(
            "此后责任部门的办公时间有变，剩余的时间照计",
            "Since then the responsible department's hours have changed; what was left stayed left",
        ));
    }
    lines.push(due(clock));
    lines.extend(left(calendar, clock, now));
    lines
}

fn limit(calendar: &Calendar, clock: &Deadline) -> Line {
    let n = clock.limit_amount;
    match clock.limit_unit {
        Unit::Minute => Line::new(
            format!("时限：{n} 分钟，连续计时，不分昼夜和节假日"),
            format!("Limit: {n} min round the clock, holidays included"),
        ),
        Unit::Moment if clock.clock == Clock::Promise => {
            Line::new("时限：到承诺的时刻为止", "Limit: the promised moment")
        }
        Unit::Moment => Line::new(
            format!("时限：到约定的时刻为止，允许相差 {n} 分钟"),
            format!("Limit: the agreed moment, within {n} min"),
        ),
        Unit::WorkingMinute => {
            let day = calendar.day(words::date(calendar.next_open(clock.started_at)));
            let hours = day.hours.map(hours).unwrap_or_default();
            Line::new(
                format!("时限：{n} 个工作分钟，只计办公时间（{hours}）"),
                format!("Limit: {n} working minutes, office hours only ({hours})"),
            )
        }
        Unit::WorkingDay if n == 0 => {
            let done = if clock.clock == Clock::Resolve { "当日办结" } else { "当日" };
            let zh = format!("时限：{done}，到收到当日下班时为止");
            Line::new(zh, "Limit: the closing of the day of receipt")
        }
        Unit::WorkingDay => Line::new(
            format!("时限：{n} 个工作日，收到当日不计，到末日下班时为止"),
            format!("Limit: {n} working days, the day of receipt not counted, until the last one's closing"),
        ),
    }
}

fn step(calendar: &Calendar, clock: &Deadline, leg: &Leg, lines: &mut Vec<Line>) {
    let due = moment(leg.due.at);
    match &leg.step {
        Step::Started => started(calendar, clock, leg.due.at, lines),
        Step::Paused { from, left, reason } => {
            let (from, left, why) = (moment(*from), span(*left), pause_reason(reason.as_deref()));
            lines.push(Line::new(
                format!("暂停：{} 起暂停计时{}，还剩 {}", from.zh, why.zh, left.zh),
                format!("Paused: from {}{}, with {} left", from.en, why.en, left.en),
            ));
        }
        Step::Resumed { at, left } => {
            let (from, rest) = (moment(*at), span(*left));
            lines.push(Line::new(
                format!("恢复：{} 起接着计剩余的 {}", from.zh, rest.zh),
                format!("Resumed: {} with {} left", from.en, rest.en),
            ));
            if clock.limit_unit.is_working() {
                days::minutes(calendar, *at, leg.due.at, lines);
            }
            lines.push(Line::new(format!("顺延至：{}", due.zh), format!("Now due: {}", due.en)));
        }
        Step::Extended { at, working_days, before } => {
            let approved = moment(*at);
            lines.push(Line::new(
                format!("延期：{} 批准延长 {working_days} 个工作日", approved.zh),
                format!("Extended: by {working_days} working days, approved {}", approved.en),
            ));
            let first = Line::new("原到期日，不计", "was due, not counted");
            days::days(calendar, *before - TimeDelta::microseconds(1), leg.due.at, &first, lines);
            lines.push(Line::new(format!("延至：{}", due.zh), format!("Now due: {}", due.en)));
        }
    }
}

fn started(calendar: &Calendar, clock: &Deadline, due: DateTime<Utc>, lines: &mut Vec<Line>) {
    if !clock.limit_unit.is_working() {
        return;
    }
    let open = calendar.next_open(clock.started_at);
    if open != clock.started_at {
        let from = moment(open);
        lines.push(Line::new(
            format!("开始时不在办公时间，自 {} 起算", from.zh),
            format!("Outside office hours: counted from {}", from.en),
        ));
    }
    if clock.limit_unit == Unit::WorkingMinute {
        return days::minutes(calendar, clock.started_at, due, lines);
    }
    let first = match clock.limit_amount {
        0 => Line::new("收到日，下班时到期", "day of receipt, due at its closing"),
        _ => Line::new("收到日，不计", "day of receipt, not counted"),
    };
    days::days(calendar, clock.started_at, due, &first, lines);
}

fn due(clock: &Deadline) -> Line {
    let at = moment(clock.due_at);
    let (zh, en) = if clock.provisional {
        ("（所在年度放假安排尚未公布，暂定）", " (provisional: that year's holidays are not published yet)")
    } else {
        ("", "")
    };
    Line::new(format!("到期：{}{zh}", at.zh), format!("Due: {}{en}", at.en))
}

/// What is left at this moment.
fn left(calendar: &Calendar, clock: &Deadline, now: DateTime<Utc>) -> Option<Line> {
    let (at, zh, en) = match clock.state {
        DeadlineState::Running if now < clock.due_at => (now, "现在还剩", "Left now"),
        DeadlineState::Paused => (clock.paused_at?, "暂停中，还剩", "Paused; left"),
        _ => return None,
    };
    let working = clock.limit_unit.is_working();
    let left = span(if working { calendar.working_between(at, clock.due_at) } else { clock.due_at - at });
    let (kind_zh, kind_en) = if working { ("工作时间 ", " of working time") } else { (" ", "") };
    Some(Line::new(format!("{zh}{kind_zh}{}", left.zh), format!("{en}: {}{kind_en}", left.en)))
}
