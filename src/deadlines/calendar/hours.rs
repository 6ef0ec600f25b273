//! Office hours of one kind of day: intervals in order and apart, and the working time they make.

use crate::platform::http::problem::FieldError;

/// Microseconds of a minute.
pub(super) const MINUTE_US: i64 = 60_000_000;
/// Minutes of a day; an interval may end here (24:00) and nothing begins here.
const DAY_MIN: i64 = 24 * 60;

/// `[open, close)` intervals of a day, to the minute. None at all: a day of rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hours {
    /// Microseconds since local midnight.
    intervals: Vec<(i64, i64)>,
}

impl Hours {
    /// A day of rest.
    pub(super) const REST: Self = Self { intervals: Vec::new() };

    /// Reads `["09:00-12:00", "14:00-18:00"]`; what is wrong goes to `faults` under `path`.
    pub(super) fn read(texts: &[String], path: &str, faults: &mut Vec<FieldError>) -> Self {
        let mut intervals: Vec<(i64, i64)> = Vec::with_capacity(texts.len());
        if texts.is_empty() {
            faults.push(FieldError::new(path, "required", "没有办公时段", "no office hours"));
        }
        for (index, text) in texts.iter().enumerate() {
            let fault = |code, zh: &str, en: &str| FieldError::new(format!("{path}[{index}]"), code, zh, en);
            let Some((open, close)) = interval(text) else {
                faults.push(fault("wrong_value", "须写成 09:00-12:00", "written as 09:00-12:00"));
                continue;
            };
            if open == close {
                faults.push(fault("empty", "时段长度为零", "the interval is empty"));
            } else if open > close {
                let (zh, en) = ("时段不能跨越午夜，也不能先下班后上班", "the interval crosses midnight");
                faults.push(fault("crosses_midnight", zh, en));
            } else if intervals.last().is_some_and(|(_, last)| open * MINUTE_US < *last) {
                let (zh, en) =
                    ("与前一时段重叠或次序颠倒", "overlaps the interval before it, or stands out of order");
                faults.push(fault("overlaps", zh, en));
            } else {
                intervals.push((open * MINUTE_US, close * MINUTE_US));
            }
        }
        Self { intervals }
    }

    #[must_use]
    pub const fn is_rest(&self) -> bool {
        self.intervals.is_empty()
    }

    /// `[open, close)`, microseconds since local midnight, in order.
    #[must_use]
    pub fn intervals(&self) -> &[(i64, i64)] {
        &self.intervals
    }

    /// Working time of the whole day, in microseconds.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.intervals.iter().map(|(open, close)| close - open).sum()
    }

    /// When the day closes; midnight for a day of rest.
    #[must_use]
    pub fn closes(&self) -> i64 {
        self.intervals.last().map_or(0, |(_, close)| *close)
    }

    /// Working time of the day before `clock`.
    pub(super) fn elapsed(&self, clock: i64) -> i64 {
        self.intervals.iter().map(|&(open, close)| (clock.min(close) - open).max(0)).sum()
    }

    /// The earliest clock time at which `worked` of the day is over: at the end of an interval its closing.
    pub(super) fn earliest(&self, worked: i64) -> i64 {
        let mut rest = worked;
        for &(open, close) in &self.intervals {
            if rest <= close - open {
                return open + rest;
            }
            rest -= close - open;
        }
        self.closes()
    }

    /// The latest clock time at which no more than `worked` of the day is over: at the end of an interval the next opening.
    pub(super) fn latest(&self, worked: i64) -> i64 {
        let mut rest = worked;
        for &(open, close) in &self.intervals {
            if rest < close - open {
                return open + rest;
            }
            rest -= close - open;
        }
        self.closes()
    }
}

/// Minutes since midnight of `09:00-12:00`.
fn interval(text: &str) -> Option<(i64, i64)> {
    let (open, close) = text.split_once(['-', '–', '—'])?;
    let (open, close) = (minute(open.trim())?, minute(close.trim())?);
    (open < DAY_MIN).then_some((open, close))
}

/// Minutes since midnight of `HH:MM`, up to 24:00.
fn minute(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str, most: usize| {
        let plain = !part.is_empty() && part.len() <= most && part.bytes().all(|b| b.is_ascii_digit());
        if plain { part.parse::<i64>().ok() } else { None }
    };
    let (hour, minute) = (digits(hour, 2)?, digits(minute, 2).filter(|_| minute.len() == 2)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= DAY_MIN).then_some(total)
}

/// `09:00` of microseconds since midnight.
#[must_use]
pub fn clock(us: i64) -> String {
    let seconds = us.div_euclid(1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if second == 0 { format!("{hour:02}:{minute:02}") } else { format!("{hour:02}:{minute:02}:{second:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(texts: &[&str]) -> Vec<(String, &'static str)> {
        let mut faults = Vec::new();
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Hours::read(&texts, "hours", &mut faults);
        faults.into_iter().map(|fault| (fault.field, fault.code)).collect()
    }

    #[test]
    fn intervals_that_contradict_each_other_are_refused_by_place() {
        assert_eq!(faults(&["09:00-12:00", "14:00-18:00"]), []);
        assert_eq!(faults(&["00:00-12:00", "12:00-24:00"]), []);
        assert_eq!(faults(&["9:00–12:00"]), []);
        let told = |path: &str, code| vec![(path.to_owned(), code)];
        assert_eq!(faults(&[]), told("hours", "required"));
        assert_eq!(faults(&["09:00-12:00", "11:00-18:00"]), told("hours[1]", "overlaps"));
        assert_eq!(faults(&["14:00-18:00", "09:00-12:00"]), told("hours[1]", "overlaps"));
        assert_eq!(faults(&["22:00-06:00"]), told("hours[0]", "crosses_midnight"));
        assert_eq!(faults(&["09:00-09:00"]), told("hours[0]", "empty"));
        for bad in
            ["9-12", "09:00", "25:00-26:00", "09:60-12:00", "24:00-24:00", "+9:00-12:00", "09:0-12:00", ""]
        {
            assert_eq!(faults(&[bad]), told("hours[0]", "wrong_value"), "{bad}");
        }
    }
}
