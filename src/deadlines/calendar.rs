//! The working calendar: which moments are office hours, and when so much working time is over.
//!
//! Conventions: working minutes consume office hours only, and a span that ends exactly at closing is due at closing (民法典 201
//! II). The day of receipt is not counted in working days; due is the closing of the n-th working day after it, n = 0 means the
//! closing of the day of receipt (民法典 201 I, 203 II). Beyond the published years weekends are all that is known: such a result is
//! marked provisional.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};

use super::model::{Limit, Unit};

const STATUTORY: &str = include_str!("../../config/calendar/statutory.csv");
/// Asia/Shanghai has had no summer time since 1991.
const OFFSET_US: i64 = 8 * 3600 * 1_000_000;
const DAY_US: i64 = 86_400 * 1_000_000;

/// A due moment, and whether it rests on a year whose holidays are not published yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub at: DateTime<Utc>,
    pub provisional: bool,
}

/// Why a calendar cannot be built.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CalendarError {
    #[error("line {line}: {why}")]
    Line { line: usize, why: &'static str },
    #[error("office hours must be intervals within a day, in order and apart")]
    Hours,
}

/// Office hours and working days. All arithmetic is O(1) over counted working days.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Office hours of a working day: microseconds since local midnight, `[open, close)`, in order.
    hours: Vec<(i64, i64)>,
    /// Working time in a day.
    day_len: i64,
    /// Local day number (days since 1970) of the first entry of `before`.
    first_day: i64,
    /// `before[i]`: working days before day `first_day + i`; the last entry closes the table.
    before: Vec<u32>,
    /// Local day numbers of all working days, in order.
    working: Vec<i64>,
    /// Last local day number with published holidays.
    published_to: i64,
}

fn day_number(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days()
}

fn local_us(t: DateTime<Utc>) -> i64 {
    t.timestamp_micros() + OFFSET_US
}

fn from_local_us(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us - OFFSET_US).unwrap_or(DateTime::UNIX_EPOCH)
}

impl Calendar {
    /// The statutory calendar of the State Council's notices with the usual office hours 09:00–12:00, 14:00–18:00.
    pub fn statutory() -> Result<Self, CalendarError> {
        Self::build(STATUTORY, &[(9 * 60, 12 * 60), (14 * 60, 18 * 60)])
    }

    /// From lines `date,kind,name` (kind: holiday or workday) and office hours in minutes since midnight.
    pub fn build(days_csv: &str, hours_min: &[(u32, u32)]) -> Result<Self, CalendarError> {
        let hours: Vec<(i64, i64)> = hours_min
            .iter()
            .map(|&(open, close)| (i64::from(open) * 60_000_000, i64::from(close) * 60_000_000))
            .collect();
        let mut last = 0;
        for &(open, close) in &hours {
            if open < last || close <= open || close > DAY_US {
                return Err(CalendarError::Hours);
            }
            last = close;
        }
        if hours.is_empty() {
            return Err(CalendarError::Hours);
        }
        let mut exceptions = std::collections::BTreeMap::new();
        for (index, row) in days_csv.lines().enumerate().skip(1) {
            let line = index + 1;
            let mut cells = row.split(',');
            let date = cells
                .next()
                .and_then(|cell| NaiveDate::parse_from_str(cell.trim(), "%Y-%m-%d").ok())
                .ok_or(CalendarError::Line { line, why: "the date is not YYYY-MM-DD" })?;
            let works = match cells.next().map(str::trim) {
                Some("holiday") => false,
                Some("workday") => true,
                _ => {
                    return Err(CalendarError::Line { line, why: "the kind is neither holiday nor workday" });
                }
            };
            if exceptions.insert(date, works).is_some() {
                return Err(CalendarError::Line { line, why: "the date stands twice" });
            }
        }
        let (Some(first), Some(last)) = (exceptions.keys().next(), exceptions.keys().last()) else {
            return Err(CalendarError::Line { line: 1, why: "the calendar names no day" });
        };
        let (first_year, last_year) = (first.year(), last.year());
        let start = NaiveDate::from_ymd_opt(first_year, 1, 1).unwrap_or(*first);
        let published = NaiveDate::from_ymd_opt(last_year, 12, 31).unwrap_or(*last);
        let end = NaiveDate::from_ymd_opt(last_year + 30, 12, 31).unwrap_or(*last);
        let mut before = Vec::new();
        let mut working = Vec::new();
        let mut count = 0_u32;
        for date in start.iter_days().take_while(|date| *date <= end) {
            before.push(count);
            let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
            if exceptions.get(&date).copied().unwrap_or(!weekend) {
                working.push(day_number(date));
                count += 1;
            }
        }
        before.push(count);
        let day_len = hours.iter().map(|(open, close)| close - open).sum();
        Ok(Self {
            hours,
            day_len,
            first_day: day_number(start),
            before,
            working,
            published_to: day_number(published),
        })
    }

    /// When `limit`, started at `start`, is over.
    #[must_use]
    pub fn due(&self, start: DateTime<Utc>, limit: Limit) -> Due {
        let amount = i64::from(limit.amount);
        let at = match limit.unit {
            Unit::Minute | Unit::Moment => {
                return Due { at: start + TimeDelta::minutes(amount), provisional: false };
            }
            Unit::WorkingMinute => self.add_working(start, TimeDelta::minutes(amount)),
            Unit::WorkingDay => self.closing_after(start, amount),
        };
        Due { at, provisional: local_us(at).div_euclid(DAY_US) > self.published_to }
    }

    /// The earliest moment at or after `t` within office hours.
    #[must_use]
    pub fn next_open(&self, t: DateTime<Utc>) -> DateTime<Utc> {
        let (day, within) = self.position(t);
        let mut rest = within;
        for &(open, close) in &self.hours {
            if rest < close - open {
                return self.moment(day, open + rest);
            }
            rest -= close - open;
        }
        self.moment(day + 1, self.hours.first().map_or(0, |hours| hours.0))
    }

    /// `span` of working time after `t`.
    #[must_use]
    pub fn add_working(&self, t: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
        let span = span.num_microseconds().unwrap_or(0);
        if span <= 0 {
            return self.next_open(t);
        }
        let (day, within) = self.position(t);
        let target = day * self.day_len + within + span;
        // The earliest moment at which that much has passed: a span that ends at closing is due at closing.
        let day = (target - 1).div_euclid(self.day_len);
        let mut rest = target - day * self.day_len;
        for &(open, close) in &self.hours {
            if rest <= close - open {
                return self.moment(day, open + rest);
            }
            rest -= close - open;
        }
        self.moment(day, self.closing())
    }

    /// Working time between two moments; zero when `to` is not after `from`.
    #[must_use]
    pub fn working_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        let (from_day, from_within) = self.position(from);
        let (to_day, to_within) = self.position(to);
        let us = (to_day - from_day) * self.day_len + to_within - from_within;
        TimeDelta::microseconds(us.max(0))
    }

    /// The closing of the `n`-th working day after the day of receipt of `t`.
    #[must_use]
    pub fn closing_after(&self, t: DateTime<Utc>, n: i64) -> DateTime<Utc> {
        let (day, within) = self.position(t);
        let received = if within >= self.day_len { day + 1 } else { day };
        self.moment(received + n, self.closing())
    }

    fn closing(&self) -> i64 {
        self.hours.last().map_or(DAY_US, |hours| hours.1)
    }

    /// Index of the working day that `t` lies in, or of the next one, and the working time of that day already over. At or after
    /// closing it is the whole length of the day.
    fn position(&self, t: DateTime<Utc>) -> (i64, i64) {
        let local = local_us(t);
        let day = local.div_euclid(DAY_US);
        let index = self.days_before(day);
        if self.days_before(day + 1) == index {
            return (index, 0);
        }
        let clock = local.rem_euclid(DAY_US);
        let within = self.hours.iter().map(|&(open, close)| (clock.min(close) - open).max(0)).sum();
        (index, within)
    }

    fn days_before(&self, day: i64) -> i64 {
        let offset = (day - self.first_day).max(0);
        let found = usize::try_from(offset).ok().and_then(|offset| self.before.get(offset));
        i64::from(found.or(self.before.last()).copied().unwrap_or(0))
    }

    fn moment(&self, index: i64, clock: i64) -> DateTime<Utc> {
        let found = usize::try_from(index.max(0)).ok().and_then(|index| self.working.get(index));
        let day = found.or(self.working.last()).copied().unwrap_or(0);
        from_local_us(day * DAY_US + clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn lunch_nights_and_rest_days_do_not_count() {
        let calendar = Calendar::statutory().unwrap();
        let due = |start, amount, unit| calendar.due(at(start), Limit { amount, unit }).at;
        assert_eq!(
            due("2026-06-30T11:50:00+08:00", 15, Unit::WorkingMinute),
            at("2026-06-30T14:05:00+08:00")
        );
        assert_eq!(
            due("2026-06-30T11:45:00+08:00", 15, Unit::WorkingMinute),
            at("2026-06-30T12:00:00+08:00")
        );
        assert_eq!(
            due("2026-10-01T10:00:00+08:00", 15, Unit::WorkingMinute),
            at("2026-10-08T09:15:00+08:00")
        );
        assert_eq!(due("2026-10-01T10:00:00+08:00", 15, Unit::Minute), at("2026-10-01T10:15:00+08:00"));
    }

    #[test]
    fn a_year_not_published_is_marked() {
        let calendar = Calendar::statutory().unwrap();
        let due = calendar.due(at("2026-12-31T10:00:00+08:00"), Limit { amount: 1, unit: Unit::WorkingDay });
        assert!(due.provisional);
    }

    #[test]
    fn every_row_of_the_working_time_oracle_agrees() {
        let calendar = Calendar::statutory().unwrap();
        let mut reader = csv::Reader::from_path("tests/data/working_days_oracle.csv").unwrap();
        let headers = reader.headers().unwrap().clone();
        let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
        let (start, unit, n, due) = (column("start"), column("unit"), column("n"), column("due"));
        let mut rows = 0;
        for row in reader.records().map(Result::unwrap) {
            let from = at(&row[start]);
            let computed = match &row[unit] {
                "wd" => calendar.closing_after(from, row[n].parse().unwrap()),
                "wh" => {
                    let minutes = row[n].parse::<f64>().unwrap() * 60.0;
                    calendar.add_working(
                        from,
                        TimeDelta::seconds(format!("{:.0}", minutes * 60.0).parse().unwrap()),
                    )
                }
                "wm" => calendar.add_working(from, TimeDelta::minutes(row[n].parse().unwrap())),
                other => panic!("unit {other}"),
            };
            assert_eq!(computed, at(&row[due]), "{row:?}");
            rows += 1;
        }
        assert!(rows >= 1000, "{rows}");
    }

    #[test]
    fn working_time_between_inverts_adding() {
        let calendar = Calendar::statutory().unwrap();
        let start = at("2026-09-18T16:20:00+08:00");
        for minutes in [1, 99, 100, 101, 420, 4_000] {
            let end = calendar.add_working(start, TimeDelta::minutes(minutes));
            assert_eq!(calendar.working_between(start, end), TimeDelta::minutes(minutes));
        }
    }

    #[test]
    fn a_calendar_that_contradicts_itself_is_refused_by_line() {
        let twice = "date,kind,name\n2026-01-01,holiday,a\n2026-01-01,workday,b\n";
        let error = Calendar::build(twice, &[(540, 720)]).unwrap_err();
        assert_eq!(error, CalendarError::Line { line: 3, why: "the date stands twice" });
        assert_eq!(
            Calendar::build("date\n2026-01-01,holiday,a", &[(720, 540)]).unwrap_err(),
            CalendarError::Hours
        );
    }
}
