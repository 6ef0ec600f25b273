//! What the rows of a county's files say about each other. Pure: everything wrong is listed, nothing is loaded.

mod catalogue;
mod people;
mod services;

use std::collections::HashMap;
use std::hash::Hash;

use super::ImportOptions;
use super::posts::Posts;
use super::problem::{Problem, Reason};
use super::rows::{AreaRow, CategoryRow, ChannelRow, DepartmentRow, EnterpriseRow, ItemRow, OfficerRow};
use super::source::Source;
use super::table::{Line, Row, Sheet};
use crate::organisation::model::OfficerStatus;

/// Everything that contradicts something else.
pub fn check(source: &Source, posts: &Posts<'_>, options: &ImportOptions) -> Vec<Problem> {
    let index = Index::new(source);
    let mut problems = Vec::new();
    people::check(source, &index, posts, &mut problems);
    catalogue::check(source, &index, &mut problems);
    services::check(source, &index, options, &mut problems);
    problems
}

/// Rows by their codes. A code used twice means its first row.
pub struct Index<'a> {
    areas: Known<'a, AreaRow>,
    departments: Known<'a, DepartmentRow>,
    officers: Known<'a, OfficerRow>,
    enterprises: Known<'a, EnterpriseRow>,
    items: Known<'a, ItemRow>,
    categories: Known<'a, CategoryRow>,
    channels: Known<'a, ChannelRow>,
}

impl<'a> Index<'a> {
    fn new(source: &'a Source) -> Self {
        Self {
            areas: Known::new(&source.areas, |row| &row.code),
            departments: Known::new(&source.departments, |row| &row.code),
            officers: Known::new(&source.officers, |row| &row.code),
            enterprises: Known::new(&source.enterprises, |row| &row.code),
            items: Known::new(&source.items, |row| &row.code),
            categories: Known::new(&source.categories, |row| &row.code),
            channels: Known::new(&source.channels, |row| &row.code),
        }
    }

    /// Whether a call can reach the officer or, when he has left, his backup. True when either is unknown: that is another problem.
    fn reachable(&self, officer: &str, backup: Option<&str>) -> bool {
        let left = |code| self.officers.get(code).is_some_and(|row| row.status == OfficerStatus::Left);
        !left(officer) || backup.is_some_and(|backup| !left(backup))
    }

    /// The area that an officer's unit serves, when it is the office of a town or park.
    fn area_of(&self, officer: &OfficerRow) -> Option<&'a str> {
        self.departments.get(&officer.department)?.area.as_deref()
    }

    /// Why `backup` cannot stand in for `officer`: unknown, himself, or of another unit.
    fn backup_fault(&self, officer: &str, backup: &str) -> Option<Reason> {
        if !self.officers.has(backup) {
            return Some(Reason::UnknownOfficer);
        }
        if officer == backup {
            return Some(Reason::BackupIsSelf);
        }
        let (unit, other) = (&self.officers.get(officer)?.department, &self.officers.get(backup)?.department);
        (unit != other).then(|| Reason::BackupOfAnotherUnit { unit: unit.clone(), other: other.clone() })
    }
}

/// The rows of one file by code.
struct Known<'a, R> {
    rows: HashMap<&'a str, &'a R>,
    readable: bool,
}

impl<'a, R> Known<'a, R> {
    fn new(sheet: &'a Sheet<R>, code: impl Fn(&'a R) -> &'a str) -> Self {
        let mut rows = HashMap::new();
        for Line { row, .. } in &sheet.rows {
            rows.entry(code(row)).or_insert(row);
        }
        Self { rows, readable: sheet.readable }
    }

    fn get(&self, code: &str) -> Option<&'a R> {
        self.rows.get(code).copied()
    }

    /// True too when the file could not be read, or the cell is empty: then something else was reported.
    fn has(&self, code: &str) -> bool {
        code.is_empty() || !self.readable || self.rows.contains_key(code)
    }
}

/// Notes a problem with a row of `R`'s file.
fn note<R: Row>(problems: &mut Vec<Problem>, line: u64, column: &str, value: &str, reason: Reason) {
    problems.push(Problem {
        file: R::FILE.to_owned(),
        line,
        column: column.to_owned(),
        value: value.to_owned(),
        reason,
    });
}

/// Refuses every row whose key an earlier row has. Rows without a key are left to other checks.
fn refuse_repeats<'a, R: Row, K: Eq + Hash>(
    sheet: &'a Sheet<R>,
    column: &str,
    key: impl Fn(&'a R) -> Option<(K, String)>,
    problems: &mut Vec<Problem>,
) {
    let mut first: HashMap<K, u64> = HashMap::new();
    for Line { line, row } in &sheet.rows {
        let Some((key, value)) = key(row) else { continue };
        let first_line = *first.entry(key).or_insert(*line);
        if first_line != *line {
            note::<R>(problems, *line, column, &value, Reason::Duplicate { first_line });
        }
    }
}

/// Refuses repeated codes.
fn refuse_repeated_codes<'a, R: Row>(
    sheet: &'a Sheet<R>,
    column: &str,
    code: impl Fn(&'a R) -> &'a str,
    problems: &mut Vec<Problem>,
) {
    let key =
        |row: &'a R| Some(code(row)).filter(|code| !code.is_empty()).map(|code| (code, code.to_owned()));
    refuse_repeats(sheet, column, key, problems);
}
