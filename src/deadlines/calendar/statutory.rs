//! The calendar of the State Council's notices, compiled in: what holds for a county that has none of its own.

use super::CalendarError;
use super::definition::{Definition, ExceptionDefinition};

/// Sources: 国办发明电〔2022〕16号、〔2023〕7号、〔2024〕12号, and the notice of 2025-11-04.
const DAYS: &str = include_str!("../../../config/calendar/statutory.csv");

/// The published days with the usual office hours.
pub fn definition() -> Result<Definition, CalendarError> {
    let mut exceptions = Vec::new();
    for (index, row) in DAYS.lines().enumerate().skip(1) {
        let mut cells = row.split(',').map(|cell| cell.trim().to_owned());
        let (Some(date), Some(kind), Some(name)) = (cells.next(), cells.next(), cells.next()) else {
            return Err(CalendarError::Line { line: index + 1, why: "the line is not date,kind,name" });
        };
        exceptions.push(ExceptionDefinition { date, kind, name, hours: None });
    }
    let through = exceptions.last().and_then(|last| last.date.get(..4)).and_then(|year| year.parse().ok());
    Ok(Definition {
        weekdays: Some(["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).to_vec()),
        hours: Some(["09:00-12:00", "14:00-18:00"].map(str::to_owned).to_vec()),
        seasons: Some(Vec::new()),
        exceptions,
        published_from: None,
        published_through: through,
    })
}
