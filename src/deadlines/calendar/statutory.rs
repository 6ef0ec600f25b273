//! The calendar of the State Council's notices, in editions.
//!
//! What always holds: the first edition never changes, so every binary counts alike for a county without a version of its own. A later
//! one comes to a county as a version that holds its days whole (`calendars::adopt`).

use super::CalendarError;
use super::definition::{Definition, ExceptionDefinition};

/// Sources: 国办发明电〔2022〕16号、〔2023〕7号、〔2024〕12号, and the notice of 2025-11-04.
const DAYS: &str = include_str!("../../../config/calendar/statutory.csv");

/// Counted up with every change of the table, be it a further year or a correction.
const EDITION: i32 = 1;
/// The edition that a county begins with.
pub const FIRST: i32 = 1;
/// The last year of the first edition.
const FIRST_THROUGH: i32 = 2026;

/// An edition of the statutory calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statutory {
    pub edition: i32,
    pub definition: Definition,
}

impl Statutory {
    /// The latest that this binary knows.
    ///
    /// # Errors
    /// When a line of the table is not one.
    pub fn latest() -> Result<Self, CalendarError> {
        Ok(Self { edition: EDITION, definition: definition()? })
    }
}

/// All published days with the usual office hours.
///
/// # Errors
/// When a line of the table is not one.
pub fn definition() -> Result<Definition, CalendarError> {
    through(i32::MAX)
}

/// The first edition: what holds for a county without a version.
///
/// # Errors
/// When a line of the table is not one.
pub fn first() -> Result<Definition, CalendarError> {
    through(FIRST_THROUGH)
}

fn through(last: i32) -> Result<Definition, CalendarError> {
    let mut exceptions = Vec::new();
    let mut published = None;
    for (index, row) in DAYS.lines().enumerate().skip(1) {
        let wrong = |why| CalendarError::Line { line: index + 1, why };
        let mut cells = row.split(',').map(|cell| cell.trim().to_owned());
        let (Some(date), Some(kind), Some(name)) = (cells.next(), cells.next(), cells.next()) else {
            return Err(wrong("the line is not date,kind,name"));
        };
        let year = date.get(..4).and_then(|year| year.parse::<i32>().ok());
        let year = year.ok_or_else(|| wrong("the line does not begin with a date"))?;
        if year <= last {
            published = published.max(Some(year));
            exceptions.push(ExceptionDefinition { date, kind, name, hours: None });
        }
    }
    Ok(Definition {
        weekdays: Some(["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).to_vec()),
        hours: Some(["09:00-12:00", "14:00-18:00"].map(str::to_owned).to_vec()),
        seasons: Some(Vec::new()),
        exceptions,
        published_from: None,
        published_through: published,
    })
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn hash(definition: &Definition) -> String {
        hex::encode(Sha256::digest(serde_json::to_vec(definition).unwrap()))
    }

    /// Open deadlines of counties without a version rest on it: whoever corrects one of its days keeps the old ones beside them.
    #[test]
    fn the_first_edition_never_changes() {
        assert_eq!(
            hash(&first().unwrap()),
            "e339eda73e581835d104334580c29eed58a5af0a24c2530666e7b63c471ffd82"
        );
    }

    /// A binary brings its table to a county only when its edition is higher than the county's.
    #[test]
    fn a_changed_table_is_a_further_edition() {
        let latest = Statutory::latest().unwrap();
        assert_eq!(
            (latest.edition, hash(&latest.definition).as_str()),
            (1, "e339eda73e581835d104334580c29eed58a5af0a24c2530666e7b63c471ffd82")
        );
        assert!(latest.definition.county().is_ok());
        let earliest = |definition: &Definition| definition.exceptions.first().map(|day| day.date.clone());
        assert_eq!(
            earliest(&latest.definition),
            earliest(&first().unwrap()),
            "departments build on its years"
        );
    }
}
