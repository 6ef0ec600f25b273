//! Moments, spans and reasons in words.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};

use super::Line;
use crate::deadlines::calendar::hours::{Hours, clock};
use crate::platform::time::china;

/// The day of China that a moment lies in.
pub(super) fn date(at: DateTime<Utc>) -> NaiveDate {
    china(at).date_naive()
}

pub(super) fn moment(at: DateTime<Utc>) -> Line {
    let (date, time) = (china(at).date_naive(), china(at).format("%H:%M:%S"));
    let week = weekday(date);
    Line::new(
        format!("{}年{}{time}", date.year(), day(date).zh).replace('）', "） "),
        format!("{date} ({}) {time}", week.en),
    )
}

/// `3月9日（周一）`
pub(super) fn day(date: NaiveDate) -> Line {
    let week = weekday(date);
    Line::new(
        format!("{}月{}日（{}）", date.month(), date.day(), week.zh),
        format!("{} {}", date.format("%m-%d"), week.en),
    )
}

pub(super) fn weekday(date: NaiveDate) -> Line {
    let zh = match date.weekday() {
        Weekday::Mon => "周一",
        Weekday::Tue => "周二",
        Weekday::Wed => "周三",
        Weekday::Thu => "周四",
        Weekday::Fri => "周五",
        Weekday::Sat => "周六",
        Weekday::Sun => "周日",
    };
    Line::new(zh, date.weekday().to_string())
}

/// `09:00—12:00、14:00—18:00`
pub(super) fn hours(hours: &Hours) -> String {
    pieces(hours.intervals())
}

pub(super) fn pieces(pieces: &[(i64, i64)]) -> String {
    let pieces = pieces.iter().map(|(open, close)| format!("{}—{}", clock(*open), clock(*close)));
    pieces.collect::<Vec<_>>().join("、")
}

/// Hours, minutes, seconds; parts that are zero are left out.
pub(super) fn span(span: TimeDelta) -> Line {
    let seconds = span.num_seconds();
    let parts =
        [(seconds / 3600, " 小时", " h"), (seconds / 60 % 60, " 分", " min"), (seconds % 60, " 秒", " s")];
    let told: Vec<_> = parts.iter().filter(|(amount, ..)| *amount != 0).collect();
    if told.is_empty() {
        return Line::new("0 分", "0 min");
    }
    Line::new(
        told.iter().map(|(amount, zh, _)| format!("{amount}{zh}")).collect::<Vec<_>>().join(" "),
        told.iter().map(|(amount, _, en)| format!("{amount}{en}")).collect::<Vec<_>>().join(" "),
    )
}

/// The listed reasons for a pause.
pub(super) fn pause_reason(code: Option<&str>) -> Line {
    let (zh, en) = match code {
        Some("enterprise_materials") => ("（等企业补齐材料）", " (waiting for the enterprise's papers)"),
        Some("enterprise_absent") => ("（企业人员不在）", " (nobody at the enterprise)"),
        Some("superior_approval") => ("（等上级批复）", " (waiting for a superior's approval)"),
        Some("force_majeure") => ("（不可抗力）", " (force majeure)"),
        Some("litigation") => ("（涉及诉讼）", " (in litigation)"),
        _ => ("", ""),
    };
    Line::new(zh, en)
}
