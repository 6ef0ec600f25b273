//! The working calendar: which moments are office hours, and when so much working time is over. Pure.
//!
//! Conventions: working minutes consume office hours only, and a span that ends exactly at closing is due at closing (民法典 201
//! II). The day of receipt is not counted in working days; due is the closing of the n-th working day after it, n = 0 means the
//! closing of the day of receipt (民法典 201 I, 203 II). Outside the published years weekends are all that is known: such a result is
//! marked provisional.

mod arithmetic;
pub mod count;
pub mod definition;
pub mod hours;
pub mod plan;
pub mod statutory;
mod table;

use chrono::{DateTime, NaiveDate, Utc};

use self::plan::{Day, Plan};
use self::table::Table;
use crate::organisation::DepartmentId;
use crate::platform::http::problem::FieldError;

/// A due moment, and whether it rests on a year whose holidays are not published yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub at: DateTime<Utc>,
    pub provisional: bool,
}

/// Why a calendar cannot be built.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum CalendarError {
    #[error("line {line}: {why}")]
    Line { line: usize, why: &'static str },
    #[error("{}", .0.iter().map(|fault| format!("{}: {}", fault.field, fault.en)).collect::<Vec<_>>().join("; "))]
    Faults(Vec<FieldError>),
}

impl From<Vec<FieldError>> for CalendarError {
    fn from(faults: Vec<FieldError>) -> Self {
        Self::Faults(faults)
    }
}

/// Whose calendar it is and which version of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edition {
    /// The county's calendar revision with which it became so; 0: the first statutory edition.
    pub version: i32,
    /// The department with hours or days of its own; none: the county's.
    pub department: Option<DepartmentId>,
}

/// Office hours and working days, ready to count with.
#[derive(Clone, Debug)]
pub struct Calendar {
    plan: Plan,
    table: Table,
    edition: Edition,
}

impl Calendar {
    /// The statutory calendar of the State Council's notices with the usual office hours 09:00–12:00, 14:00–18:00.
    ///
    /// # Errors
    /// When the compiled-in table contradicts itself; a test holds that it does not.
    pub fn statutory() -> Result<Self, CalendarError> {
        Ok(Self::new(statutory::definition()?.county()?, Edition::default()))
    }

    /// A calendar of a checked plan.
    #[must_use]
    pub fn new(plan: Plan, edition: Edition) -> Self {
        let table = Table::new(&plan);
        Self { plan, table, edition }
    }

    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    #[must_use]
    pub const fn edition(&self) -> Edition {
        self.edition
    }

    /// What it says about a day.
    #[must_use]
    pub fn day(&self, date: NaiveDate) -> Day<'_> {
        self.plan.day(date)
    }
}

#[cfg(test)]
mod tests;
