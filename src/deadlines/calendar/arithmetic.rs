//! The sums: forwards and backwards in working time and working days. Nothing is allocated and nothing is walked.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Calendar, Due};
use crate::deadlines::model::{Limit, Unit};

impl Calendar {
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
        Due { at, provisional: self.is_provisional(start, at) }
    }

    /// Whether a result rests on a year whose holidays are not known.
    #[must_use]
    pub fn is_provisional(&self, start: DateTime<Utc>, at: DateTime<Utc>) -> bool {
        !(self.table.is_published(start) && self.table.is_published(at))
    }

    /// The earliest moment at or after `t` within office hours.
    #[must_use]
    pub fn next_open(&self, t: DateTime<Utc>) -> DateTime<Utc> {
        let elapsed = self.table.elapsed(self.table.spot(t));
        self.table.latest(elapsed).unwrap_or_else(|| self.table.end()).max(t)
    }

    /// `span` of working time after `t`: a span that ends at closing is due at closing. Of nothing or less, [`Self::next_open`].
    #[must_use]
    pub fn add_working(&self, t: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
        if span <= TimeDelta::zero() {
            return self.next_open(t);
        }
        self.after(t, span).unwrap_or_else(|| self.table.end())
    }

    /// The latest moment from which at least `span` of working time is left until `t`: the inverse of [`Self::add_working`]. At the end
    /// of an interval it is the next opening. Of nothing or less, `t`.
    #[must_use]
    pub fn sub_working(&self, t: DateTime<Utc>, span: TimeDelta) -> DateTime<Utc> {
        if span <= TimeDelta::zero() {
            return t;
        }
        let elapsed = self.table.elapsed(self.table.spot(t)) - us(span);
        self.table.latest(elapsed).unwrap_or_else(|| self.table.start())
    }

    /// Working time between two moments; zero when `to` is not after `from`.
    #[must_use]
    pub fn working_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        let elapsed = |t| self.table.elapsed(self.table.spot(t));
        TimeDelta::microseconds((elapsed(to) - elapsed(from)).max(0))
    }

    /// The closing of the `n`-th working day after the day of receipt of `t`; of that day itself when `n` is 0.
    #[must_use]
    pub fn closing_after(&self, t: DateTime<Utc>, n: i64) -> DateTime<Utc> {
        let received = self.table.received(self.table.spot(t));
        self.table.closing(received.saturating_add(n)).unwrap_or_else(|| self.table.end())
    }

    /// The closing of the `n`-th working day before the day of `t`, whatever its hour; of the last one not after that day when `n` is
    /// 0. What must be filed so many working days ahead is in time until then.
    #[must_use]
    pub fn closing_before(&self, t: DateTime<Utc>, n: i64) -> DateTime<Utc> {
        self.before(t, n).unwrap_or_else(|| self.table.start())
    }

    /// [`Self::add_working`] of more than nothing, unless it lies beyond what is known.
    pub(super) fn after(&self, t: DateTime<Utc>, span: TimeDelta) -> Option<DateTime<Utc>> {
        let elapsed = self.table.elapsed(self.table.spot(t));
        self.table.earliest(elapsed.saturating_add(us(span)))
    }

    /// [`Self::closing_before`], unless it lies beyond what is known.
    pub(super) fn before(&self, t: DateTime<Utc>, n: i64) -> Option<DateTime<Utc>> {
        let spot = self.table.spot(t);
        // The day itself is not counted; with n = 0 it is, when it is worked.
        let back = if n == 0 && self.table.is_worked(spot) { 0 } else { n.max(1) };
        self.table.closing(self.table.ordinal(spot).saturating_sub(back))
    }
}

fn us(span: TimeDelta) -> i64 {
    span.num_microseconds().unwrap_or(i64::MAX / 4)
}
