//! The days of a plan with running sums: how much was worked before each day, and which day a sum falls on. All in O(1).

use chrono::{DateTime, NaiveDate, Utc};

use super::hours::{Hours, MINUTE_US};
use super::plan::Plan;

/// Asia/Shanghai has had no summer time since 1991.
const OFFSET_US: i64 = 8 * 3600 * 1_000_000;
pub(super) const DAY_US: i64 = 86_400 * 1_000_000;

/// Years on either side of the published ones. Results there are provisional; beyond them there are none.
const YEARS_BEFORE: i32 = 3;
const YEARS_AFTER: i32 = 20;

/// Hours that differ, at most; a day names its own in a byte.
pub(super) const MOST_SHAPES: usize = 255;

/// One day. Packed: the table of a calendar must lie in the cache.
#[derive(Clone, Copy, Debug, Default)]
struct Day {
    /// Working minutes before it.
    before: u32,
    /// Working days before it.
    ordinal: u16,
    /// Which of the hours it has; 0 is rest.
    shape: u8,
}

/// A working day.
#[derive(Clone, Copy, Debug, Default)]
struct Worked {
    /// Which entry of the days it is.
    day: u16,
    /// Working minutes before its end.
    through: u32,
}

/// The sums.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Days since 1970 of the first entry of `days`.
    first: i64,
    days: Vec<Day>,
    worked: Vec<Worked>,
    shapes: Vec<Hours>,
    /// `index[m >> shift]`: the first working day that ends at or after that many working minutes.
    index: Vec<u16>,
    shift: u32,
    /// Days since 1970 of the first and last published day.
    published: (i64, i64),
}

/// A local day, as an entry of the table, and the microseconds since its midnight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    day: Day,
    pub clock: i64,
    /// False when the moment lies beyond the table and its nearest end was taken instead.
    pub inside: bool,
}

/// Days since 1970.
pub(super) fn day_number(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days()
}

/// Microseconds since 1970 on the wall clock of China.
pub(super) fn local_us(t: DateTime<Utc>) -> i64 {
    t.timestamp_micros() + OFFSET_US
}

pub(super) fn from_local_us(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us - OFFSET_US).unwrap_or(DateTime::UNIX_EPOCH)
}

impl Table {
    pub(super) fn new(plan: &Plan) -> Self {
        let year = |year: i32, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
        let (from, through) = plan.published;
        let (start, end) = (year(from - YEARS_BEFORE, 1, 1), year(through + YEARS_AFTER, 12, 31));
        let mut shapes = vec![Hours::default()];
        let (mut days, mut worked) = (Vec::new(), Vec::new());
        let mut before = 0_u32;
        for date in start.iter_days().take_while(|date| *date <= end) {
            let shape = plan.day(date).hours.map_or(0, |hours| shape_of(&mut shapes, hours));
            let ordinal = u16::try_from(worked.len()).unwrap_or(u16::MAX);
            let day = u16::try_from(days.len()).unwrap_or(u16::MAX);
            days.push(Day { before, ordinal, shape: u8::try_from(shape).unwrap_or(0) });
            let minutes = shapes.get(shape).map_or(0, |hours| hours.total() / MINUTE_US);
            if minutes > 0 {
                before += u32::try_from(minutes).unwrap_or(0);
                worked.push(Worked { day, through: before });
            }
        }
        let average = before / u32::try_from(worked.len().max(1)).unwrap_or(1);
        let shift = average.max(2).ilog2();
        let published = (day_number(year(from, 1, 1)), day_number(year(through, 12, 31)));
        let index = index(&worked, shift);
        Self { first: day_number(start), days, worked, shapes, index, shift, published }
    }

    /// The first moment of which anything is said.
    pub(super) fn start(&self) -> DateTime<Utc> {
        from_local_us(self.first * DAY_US)
    }

    /// The last moment of which anything is said.
    pub(super) fn end(&self) -> DateTime<Utc> {
        let days = i64::try_from(self.days.len()).unwrap_or(0);
        from_local_us((self.first + days) * DAY_US - 1)
    }

    pub(super) fn is_published(&self, t: DateTime<Utc>) -> bool {
        let day = local_us(t).div_euclid(DAY_US);
        self.published.0 <= day && day <= self.published.1
    }

    /// Where a moment lies; the nearest end of the table for one beyond it.
    pub(super) fn spot(&self, t: DateTime<Utc>) -> Spot {
        let local = local_us(t);
        let offset = local.div_euclid(DAY_US) - self.first;
        match usize::try_from(offset).ok().map(|offset| self.days.get(offset)) {
            Some(Some(day)) => Spot { day: *day, clock: local.rem_euclid(DAY_US), inside: true },
            Some(None) => {
                let day = self.days.last().copied().unwrap_or_default();
                Spot { day, clock: DAY_US, inside: false }
            }
            None => Spot { day: self.days.first().copied().unwrap_or_default(), clock: 0, inside: false },
        }
    }

    /// Working microseconds of the table before a spot.
    pub(super) fn elapsed(&self, spot: Spot) -> i64 {
        i64::from(spot.day.before) * MINUTE_US + self.hours(spot.day).elapsed(spot.clock)
    }

    /// The working day on which what arrives at the spot is received: that day, or the next when it is closed for the day.
    pub(super) fn received(&self, spot: Spot) -> i64 {
        let hours = self.hours(spot.day);
        let over = !hours.is_rest() && spot.clock >= hours.closes();
        i64::from(spot.day.ordinal) + i64::from(over)
    }

    /// Working days before the day of the spot.
    pub(super) fn ordinal(&self, spot: Spot) -> i64 {
        i64::from(spot.day.ordinal)
    }

    pub(super) fn is_worked(&self, spot: Spot) -> bool {
        spot.day.shape != 0
    }

    /// The earliest moment before which so many microseconds are worked.
    pub(super) fn earliest(&self, elapsed: i64) -> Option<DateTime<Utc>> {
        // Rounded up: a second into a minute belongs to the day that the minute belongs to.
        let minutes = elapsed.div_euclid(MINUTE_US) + i64::from(elapsed.rem_euclid(MINUTE_US) > 0);
        let (number, day) = self.worked_through(minutes)?;
        let within = elapsed - i64::from(day.before) * MINUTE_US;
        Some(self.at(number, self.hours(day).earliest(within)))
    }

    /// The latest moment before which no more than so many microseconds are worked.
    pub(super) fn latest(&self, elapsed: i64) -> Option<DateTime<Utc>> {
        let (number, day) = self.worked_through(elapsed.div_euclid(MINUTE_US) + 1)?;
        let within = elapsed - i64::from(day.before) * MINUTE_US;
        (within >= 0).then(|| self.at(number, self.hours(day).latest(within)))
    }

    /// The closing of a working day, counted from the first of the table.
    pub(super) fn closing(&self, ordinal: i64) -> Option<DateTime<Utc>> {
        let worked = self.worked.get(usize::try_from(ordinal).ok()?)?;
        let day = self.days.get(usize::from(worked.day))?;
        Some(self.at(worked.day, self.hours(*day).closes()))
    }

    /// The first working day that ends at or after `minutes` of working time.
    fn worked_through(&self, minutes: i64) -> Option<(u16, Day)> {
        let minutes = u32::try_from(minutes).ok()?;
        let slot = usize::try_from(minutes >> self.shift).ok()?;
        let start = usize::from(*self.index.get(slot)?);
        let worked = self.worked.get(start..)?.iter().find(|worked| worked.through >= minutes)?;
        Some((worked.day, *self.days.get(usize::from(worked.day))?))
    }

    fn hours(&self, day: Day) -> &Hours {
        const REST: &Hours = &Hours::REST;
        self.shapes.get(usize::from(day.shape)).unwrap_or(REST)
    }

    fn at(&self, day: u16, clock: i64) -> DateTime<Utc> {
        from_local_us((self.first + i64::from(day)) * DAY_US + clock)
    }
}

fn shape_of(shapes: &mut Vec<Hours>, hours: &Hours) -> usize {
    match shapes.iter().position(|shape| shape == hours) {
        Some(known) => known,
        None => {
            shapes.push(hours.clone());
            shapes.len() - 1
        }
    }
}

fn index(worked: &[Worked], shift: u32) -> Vec<u16> {
    let last = worked.last().map_or(0, |worked| worked.through >> shift);
    let mut index = Vec::new();
    let mut at = 0_usize;
    for slot in 0..=last {
        while worked.get(at).is_some_and(|worked| worked.through < slot << shift) {
            at += 1;
        }
        index.push(u16::try_from(at).unwrap_or(u16::MAX));
    }
    index
}
