//! A question to a calendar as people write it: so much of a unit from or before a moment.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::hours::MINUTE_US;
use super::table::{DAY_US, day_number, from_local_us, local_us};
use super::{Calendar, Due};

/// Decimal places of working minutes and hours.
const PLACES: usize = 6;

/// So much of a unit. Conventions: 民法典 201, 203; an inspection must be filed so many working days, or a week, ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// `wm`, `wh`: office time from the next opening.
    Working(TimeDelta),
    /// `wd`: the closing of the n-th working day after the day of receipt.
    Days(i64),
    /// `-wd`: the closing of the n-th working day before the day.
    DaysBefore(i64),
    /// `-week`: the closing of the day n weeks earlier, or of the working day before it.
    WeeksBefore(i64),
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CountError {
    #[error("the unit is not wm, wh, wd, -wd or -week")]
    Unit,
    #[error("n is not a number that the unit counts in")]
    Amount,
    #[error("start is neither a moment such as 2026-03-09T10:00:00+08:00 nor a date such as 2026-03-09")]
    Start,
    #[error("the answer lies beyond what the calendar knows of")]
    Beyond,
}

impl CountError {
    /// Which of the three it is about.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Amount | Self::Beyond => "n",
            Self::Start => "start",
        }
    }

    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Unit => "单位须为 wm、wh、wd、-wd 或 -week",
            Self::Amount => "数量不正确",
            Self::Start => "须为时刻（如 2026-03-09T10:00:00+08:00）或日期（如 2026-03-09）",
            Self::Beyond => "结果超出日历所及的范围",
        }
    }
}

impl Count {
    /// Reads a unit and an amount; `wm` and `wh` take decimals, `-week` counts one week when nothing is given.
    pub fn parse(unit: &str, n: &str) -> Result<Self, CountError> {
        let n = n.trim();
        let whole = || n.parse::<u32>().map(i64::from).map_err(|_| CountError::Amount);
        match unit.trim() {
            "wm" => decimal(n, MINUTE_US).map(|us| Self::Working(TimeDelta::microseconds(us))),
            "wh" => decimal(n, 60 * MINUTE_US).map(|us| Self::Working(TimeDelta::microseconds(us))),
            "wd" => whole().map(Self::Days),
            "-wd" => whole().map(Self::DaysBefore),
            "-week" if n.is_empty() => Ok(Self::WeeksBefore(1)),
            "-week" => whole().map(Self::WeeksBefore),
            _ => Err(CountError::Unit),
        }
    }
}

/// Reads a moment with its offset, or a date: its midnight in China.
pub fn start(text: &str) -> Result<DateTime<Utc>, CountError> {
    let text = text.trim();
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.to_utc());
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| CountError::Start)?;
    Ok(from_local_us(day_number(date) * DAY_US))
}

impl Calendar {
    /// The answer, unless the calendar does not reach that far.
    pub fn reckon(&self, count: Count, start: DateTime<Utc>) -> Result<Due, CountError> {
        let spot = self.table.spot(start);
        if !spot.inside {
            return Err(CountError::Beyond);
        }
        let at = match count {
            Count::Working(span) if span.is_zero() => self.table.latest(self.table.elapsed(spot)),
            Count::Working(span) => self.after(start, span),
            Count::Days(n) => self.table.closing(self.table.received(spot).saturating_add(n)),
            Count::DaysBefore(n) => self.before(start, n),
            Count::WeeksBefore(n) => {
                let day = local_us(start).div_euclid(DAY_US) - n * 7;
                let earlier = from_local_us(day.saturating_mul(DAY_US));
                if self.table.spot(earlier).inside { self.before(earlier, 0) } else { None }
            }
        };
        let at = at.ok_or(CountError::Beyond)?;
        Ok(Due { at, provisional: self.is_provisional(start, at) })
    }
}

/// A decimal number of `unit`s, exactly, in microseconds.
fn decimal(text: &str, unit: i64) -> Result<i64, CountError> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let plain = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(part) || part.len() > PLACES || whole.len() > 9 {
        return Err(CountError::Amount);
    }
    if text.ends_with('.') {
        return Err(CountError::Amount);
    }
    let amount = |digits: &str| digits.parse::<i64>().map_err(|_| CountError::Amount);
    let millionths = if part.is_empty() { 0 } else { amount(&format!("{part:0<PLACES$}"))? };
    // A part of a unit: unit is a whole number of millionths.
    Ok(amount(whole)? * unit + millionths * (unit / 1_000_000))
}
