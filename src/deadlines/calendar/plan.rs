//! What a calendar says about one day: is it worked, why, and at which hours.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};

use super::hours::Hours;
use crate::text_enum;

text_enum!(
    /// What kind of day it is.
    DayKind {
        Workday = "workday",
        /// No working weekday.
        Weekend = "weekend",
        /// A day off by notice.
        Holiday = "holiday",
        /// A day of rest that is worked instead of another (调休).
        MakeUp = "make_up_workday",
    }
);

/// A calendar that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// From Monday on.
    pub(super) weekdays: [bool; 7],
    pub(super) hours: Hours,
    pub(super) seasons: Vec<Season>,
    pub(super) exceptions: BTreeMap<NaiveDate, Exception>,
    /// First and last year whose holidays are known.
    pub(super) published: (i32, i32),
}

/// Other hours in a part of the year (夏季作息).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Season {
    pub name: String,
    pub range: Range,
    pub hours: Hours,
}

/// From a day through a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    Once(NaiveDate, NaiveDate),
    /// Month and day; through before from goes over New Year.
    EveryYear((u32, u32), (u32, u32)),
}

impl Range {
    pub(super) fn contains(self, date: NaiveDate) -> bool {
        match self {
            Self::Once(from, through) => (from..=through).contains(&date),
            Self::EveryYear(from, through) => {
                let day = (date.month(), date.day());
                if from <= through { from <= day && day <= through } else { day >= from || day <= through }
            }
        }
    }
}

/// A day that is not what its weekday says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exception {
    pub works: bool,
    pub name: String,
    /// Hours of this one day.
    pub hours: Option<Hours>,
}

/// One day.
#[derive(Clone, Copy, Debug)]
pub struct Day<'a> {
    pub kind: DayKind,
    /// Of the holiday or make-up workday; else empty.
    pub name: &'a str,
    /// None on a day of rest.
    pub hours: Option<&'a Hours>,
    /// The season whose hours hold, when one does.
    pub season: Option<&'a str>,
}

impl Plan {
    #[must_use]
    pub fn day(&self, date: NaiveDate) -> Day<'_> {
        let weekday = usize::try_from(date.weekday().num_days_from_monday()).unwrap_or(0);
        let usual = self.weekdays.get(weekday).copied().unwrap_or(false);
        // Exceptions stand in published years only, so most of a table is made without looking for one.
        let known = (self.published.0..=self.published.1).contains(&date.year());
        let exception = if known { self.exceptions.get(&date) } else { None };
        let kind = match exception {
            Some(exception) if !exception.works => DayKind::Holiday,
            Some(_) if !usual => DayKind::MakeUp,
            _ if usual => DayKind::Workday,
            _ => DayKind::Weekend,
        };
        let name = exception.map_or("", |exception| exception.name.as_str());
        if matches!(kind, DayKind::Holiday | DayKind::Weekend) {
            return Day { kind, name, hours: None, season: None };
        }
        let own = exception.and_then(|exception| exception.hours.as_ref());
        let season = if own.is_some() { None } else { self.season(date) };
        let hours = own.or(season.map(|season| &season.hours)).unwrap_or(&self.hours);
        Day { kind, name, hours: Some(hours), season: season.map(|season| season.name.as_str()) }
    }

    fn season(&self, date: NaiveDate) -> Option<&Season> {
        self.seasons.iter().find(|season| season.range.contains(date))
    }
}
