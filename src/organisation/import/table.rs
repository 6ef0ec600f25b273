//! Reads one CSV file: encoding, header, cells. Every problem is collected; nothing stops at the first.

use std::collections::HashMap;
use std::path::Path;

use chrono::NaiveDate;
use csv::StringRecord;

use super::problem::{Problem, Reason};
use crate::organisation::uscc::{check_uscc, check_uscc_shape};

/// A kind of row: the file it stands in, its columns, and how it is read.
pub trait Row: Sized {
    const FILE: &'static str;
    const COLUMNS: &'static [&'static str];
    /// Columns that a file may leave out; their cells are empty then.
    const OPTIONAL: &'static [&'static str] = &[];
    /// Cells that could not be read leave a harmless value behind: a problem is noted, so the row is never stored.
    fn read(cells: &mut Cells<'_>) -> Self;
}

/// The rows of one file.
#[derive(Debug)]
pub struct Sheet<R> {
    pub rows: Vec<Line<R>>,
    /// False when the county left the file out.
    pub present: bool,
    /// False when the file could not be read at all: then nothing is known of its rows and nobody may complain that one is missing.
    pub readable: bool,
}

/// A row and the line it begins on.
#[derive(Debug)]
pub struct Line<R> {
    pub line: u64,
    pub row: R,
}

/// Whether a county may leave a file out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Required,
    Optional,
}

/// Reads the file of `R` in `dir`, adding what is wrong to `problems`.
pub fn read<R: Row>(dir: &Path, need: Need, problems: &mut Vec<Problem>) -> Sheet<R> {
    let whole_file = |reason| Problem {
        file: R::FILE.to_owned(),
        line: 0,
        column: String::new(),
        value: String::new(),
        reason,
    };
    match std::fs::read(dir.join(R::FILE)) {
        Ok(bytes) => parse(&bytes, problems),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match need {
            Need::Optional => Sheet { rows: Vec::new(), present: false, readable: true },
            Need::Required => {
                problems.push(whole_file(Reason::FileMissing));
                Sheet { rows: Vec::new(), present: false, readable: false }
            }
        },
        Err(error) => {
            problems.push(whole_file(Reason::FileUnreadable { why: error.to_string() }));
            Sheet { rows: Vec::new(), present: true, readable: false }
        }
    }
}

/// Reads the bytes of a file of `R`.
pub fn parse<R: Row>(bytes: &[u8], problems: &mut Vec<Problem>) -> Sheet<R> {
    let mut sheet = Sheet { rows: Vec::new(), present: true, readable: false };
    let mut note = |line, column: &str, value: &str, reason| {
        problems.push(Problem {
            file: R::FILE.to_owned(),
            line,
            column: column.to_owned(),
            value: shorten(value),
            reason,
        });
    };
    if let Err(error) = std::str::from_utf8(bytes) {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().fold(1, |line, byte| line + u64::from(*byte == b'\n'));
        note(line, "", "", Reason::NotUtf8);
        return sheet;
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut records = reader.records().filter_map(Result::ok);
    let Some(header) = records.next() else {
        note(1, "", "", Reason::HeaderMissing);
        return sheet;
    };
    let Some(places) = places::<R>(&header, &mut note) else { return sheet };
    sheet.readable = true;
    for record in records.filter(|record| record.iter().any(|cell| !cell.trim().is_empty())) {
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != header.len() {
            let reason = Reason::WrongCellCount { expected: header.len(), found: record.len() };
            note(line, "", "", reason);
            continue;
        }
        let mut found = Vec::new();
        let mut cells = Cells { file: R::FILE, line, places: &places, record: &record, found: &mut found };
        let row = R::read(&mut cells);
        sheet.rows.push(Line { line, row });
        for Problem { column, value, reason, .. } in found {
            note(line, &column, &value, reason);
        }
    }
    sheet
}

/// Where each column stands; `None` when the header cannot be used.
fn places<R: Row>(
    header: &StringRecord,
    note: &mut impl FnMut(u64, &str, &str, Reason),
) -> Option<HashMap<&'static str, usize>> {
    let mut places = HashMap::new();
    let mut usable = true;
    for (place, name) in header.iter().enumerate() {
        let name = name.trim_start_matches('\u{feff}').trim();
        match R::COLUMNS.iter().chain(R::OPTIONAL).find(|known| **known == name) {
            None => {
                note(1, name, "", Reason::UnknownColumn);
                usable = false;
            }
            Some(known) => {
                if places.insert(*known, place).is_some() {
                    note(1, known, "", Reason::RepeatedColumn);
                    usable = false;
                }
            }
        }
    }
    for missing in R::COLUMNS.iter().filter(|known| !places.contains_key(*known)) {
        note(1, missing, "", Reason::MissingColumn);
        usable = false;
    }
    usable.then_some(places)
}

/// The cells of one row; reading one notes what is wrong with it.
pub struct Cells<'a> {
    file: &'static str,
    line: u64,
    places: &'a HashMap<&'static str, usize>,
    record: &'a StringRecord,
    found: &'a mut Vec<Problem>,
}

impl Cells<'_> {
    /// Notes a problem with a cell of this row.
    pub fn refuse(&mut self, column: &str, value: &str, reason: Reason) {
        self.found.push(Problem {
            file: self.file.to_owned(),
            line: self.line,
            column: column.to_owned(),
            value: value.to_owned(),
            reason,
        });
    }

    /// The cell as it stands, without blanks around it.
    pub fn raw(&self, column: &str) -> String {
        let cell = self.places.get(column).and_then(|place| self.record.get(*place)).unwrap_or_default();
        cell.trim().to_owned()
    }

    /// A text of at most `most` characters that may be empty.
    pub fn optional(&mut self, column: &str, most: usize) -> String {
        let text = self.raw(column);
        if text.chars().any(char::is_control) {
            self.refuse(column, &text, Reason::ControlCharacter);
        } else if text.chars().count() > most {
            self.refuse(column, &text, Reason::TooLong { most });
        }
        text
    }

    /// A text that must be there.
    pub fn text(&mut self, column: &str, most: usize) -> String {
        let text = self.optional(column, most);
        if text.is_empty() {
            self.refuse(column, "", Reason::Empty);
        }
        text
    }

    /// A code that may be left out.
    pub fn optional_code(&mut self, column: &str) -> Option<String> {
        let code = self.raw(column);
        if code.is_empty() {
            return None;
        }
        if !is_code(&code) {
            self.refuse(column, &code, Reason::MalformedCode);
        }
        Some(code)
    }

    /// A code that must be there.
    pub fn code(&mut self, column: &str) -> String {
        self.optional_code(column).unwrap_or_else(|| {
            self.refuse(column, "", Reason::Empty);
            String::new()
        })
    }

    /// Entries joined by `|`; empty ones are dropped, repeated ones refused.
    pub fn list(&mut self, column: &str, most: usize) -> Vec<String> {
        let mut list: Vec<String> = Vec::new();
        for entry in self.optional(column, most).split('|').map(str::trim).filter(|entry| !entry.is_empty()) {
            if list.iter().any(|known| known == entry) {
                self.refuse(column, entry, Reason::RepeatedInList { entry: entry.to_owned() });
            } else {
                list.push(entry.to_owned());
            }
        }
        list
    }

    /// `Y` or `N`, also `是` or `否`.
    pub fn flag(&mut self, column: &str) -> bool {
        self.word(column, &[("Y", true), ("N", false), ("是", true), ("否", false)], true)
    }

    /// One of the listed words; `otherwise` stands in for one that is not.
    pub fn word<T: Copy>(&mut self, column: &str, words: &[(&str, T)], otherwise: T) -> T {
        let text = self.raw(column);
        words.iter().find(|(word, _)| *word == text).map_or_else(
            || {
                let allowed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                self.refuse(column, &text, Reason::UnknownWord { allowed: allowed.join(" | ") });
                otherwise
            },
            |(_, value)| *value,
        )
    }

    /// A mobile number of eleven digits (YD/T: 1 followed by 3 to 9).
    pub fn mobile(&mut self, column: &str) -> String {
        let mobile = self.raw(column);
        let sound = mobile.len() == 11
            && mobile.bytes().all(|byte| byte.is_ascii_digit())
            && mobile.strip_prefix('1').is_some_and(|rest| rest.starts_with(|digit| digit >= '3'));
        if mobile.is_empty() {
            self.refuse(column, "", Reason::Empty);
        } else if !sound {
            self.refuse(column, &mobile, Reason::MalformedMobile);
        }
        mobile
    }

    /// A telephone number, a short hotline number included, that may be left out.
    pub fn phone(&mut self, column: &str) -> Option<String> {
        let phone = self.raw(column);
        if phone.is_empty() {
            return None;
        }
        let digits = phone.bytes().filter(u8::is_ascii_digit).count();
        if !(5..=16).contains(&digits) || !phone.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            self.refuse(column, &phone, Reason::MalformedPhone);
        }
        Some(phone)
    }

    /// A date as `2026-06-30` that may be left out.
    pub fn date(&mut self, column: &str) -> Option<NaiveDate> {
        let text = self.raw(column);
        if text.is_empty() {
            return None;
        }
        let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok().filter(|_| text.len() == 10);
        if date.is_none() {
            self.refuse(column, &text, Reason::MalformedDate);
        }
        date
    }

    /// A whole number that may be left out.
    pub fn optional_number(&mut self, column: &str, least: i64, most: i64) -> Option<i64> {
        let text = self.raw(column);
        if text.is_empty() {
            return None;
        }
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.refuse(column, &text, Reason::MalformedNumber { least, most });
        }
        number
    }

    /// A whole number that must be there.
    pub fn number(&mut self, column: &str, least: i32, most: i32) -> i32 {
        if self.raw(column).is_empty() {
            self.refuse(column, "", Reason::Empty);
        }
        let number = self.optional_number(column, i64::from(least), i64::from(most));
        number.and_then(|number| i32::try_from(number).ok()).unwrap_or(least)
    }

    /// Degrees between `-most` and `most` that may be left out.
    pub fn degrees(&mut self, column: &str, most: u8) -> Option<f64> {
        let text = self.raw(column);
        if text.is_empty() {
            return None;
        }
        let degrees = text.parse().ok().filter(|degrees: &f64| degrees.abs() <= f64::from(most));
        if degrees.is_none() {
            self.refuse(column, &text, Reason::MalformedDegrees { most });
        }
        degrees
    }

    /// A unified social credit code. Exceptions are judged later, so only its shape is refused here.
    pub fn uscc(&mut self, column: &str) -> String {
        let code = self.raw(column);
        if let Err(fault) = check_uscc_shape(&code) {
            self.refuse(column, &code, Reason::MalformedUscc(fault));
        }
        code
    }
}

/// Refuses a code with a wrong check character unless the county lists it.
pub fn uscc_fault(code: &str, exceptions: &[String]) -> Option<Reason> {
    if exceptions.iter().any(|exception| exception == code) || check_uscc_shape(code).is_err() {
        return None;
    }
    check_uscc(code).err().map(Reason::MalformedUscc)
}

fn is_code(code: &str) -> bool {
    code.len() <= 32 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// At most 40 characters, control characters made visible.
fn shorten(value: &str) -> String {
    let mut short: String =
        value.chars().take(40).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if value.chars().nth(40).is_some() {
        short.push('…');
    }
    short
}
