//! `yijiao due`: when is it due? One question a line, one due moment a line.

use std::error::Error;
use std::io::{BufRead, Write};

use crate::deadlines::Calendars;
use crate::deadlines::calendar::Calendar;
use crate::deadlines::calendar::count::{Count, start};
use crate::deadlines::calendars::ask::calendar_by_code;
use crate::platform::config::Config;
use crate::platform::db::Db;
use crate::platform::time::china;

const HEADER: &str = "unit,n,start";

/// Reads lines `unit,n,start` (a header is passed over) and prints a moment with its offset for each; `,provisional` follows when it
/// rests on a year whose holidays are not published. Units: `wm`, `wh`, `wd`, `-wd`, `-week`. Ends at the first bad line.
#[derive(Debug, clap::Args)]
pub struct DueRole {
    /// The county's code; the statutory calendar when not given, for which no database is needed.
    #[arg(long)]
    county: Option<String>,
    /// The code of a department with a calendar of its own.
    #[arg(long, requires = "county")]
    department: Option<String>,
}

impl DueRole {
    pub(super) async fn run(self) -> Result<(), Box<dyn Error>> {
        let calendars = Calendars::new()?;
        let (stdin, stdout) = (std::io::stdin(), std::io::stdout());
        let Some(county) = &self.county else {
            return answer(&Calendar::statutory()?, stdin.lock(), stdout.lock());
        };
        let config = Config::load()?;
        let db = Db::lazy(&config.database.url, 1)?;
        db.require_isolation().await?;
        let calendar = calendar_by_code(&db, &calendars, county, self.department.as_deref()).await?;
        let calendar = calendar.ok_or("there is no such county or department")?;
        answer(&calendar, stdin.lock(), stdout.lock())
    }
}

/// Answers line by line.
fn answer(
    calendar: &Calendar,
    questions: impl BufRead,
    mut answers: impl Write,
) -> Result<(), Box<dyn Error>> {
    let mut answers = std::io::BufWriter::new(&mut answers);
    for (index, line) in questions.lines().enumerate() {
        let (number, line) = (index + 1, line?);
        let line = line.trim().trim_start_matches('\u{feff}');
        if number == 1 && line == HEADER {
            continue;
        }
        match moment(calendar, line) {
            Ok(due) => writeln!(answers, "{due}")?,
            Err(why) => {
                answers.flush()?;
                return Err(format!("line {number}: {why}").into());
            }
        }
    }
    Ok(answers.flush()?)
}

fn moment(calendar: &Calendar, line: &str) -> Result<String, String> {
    let cells: Vec<&str> = line.split(',').collect();
    let [unit, n, from] = cells.as_slice() else { return Err(format!("not {HEADER}")) };
    let told = |error: crate::deadlines::calendar::count::CountError| error.to_string();
    let count = Count::parse(unit, n).map_err(told)?;
    let due = calendar.reckon(count, start(from).map_err(told)?).map_err(told)?;
    let mark = if due.provisional { ",provisional" } else { "" };
    Ok(format!("{}{mark}", china(due.at).to_rfc3339()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(lines: &str) -> (String, Option<String>) {
        let mut answers = Vec::new();
        let done = answer(&Calendar::statutory().unwrap(), lines.as_bytes(), &mut answers);
        (String::from_utf8(answers).unwrap(), done.err().map(|error| error.to_string()))
    }

    #[test]
    fn a_moment_answers_each_line() {
        let lines = "unit,n,start\nwm,30,2026-03-09T11:45:00+08:00\nwh,1.5,2026-03-09T17:00:00+08:00\n\
                     wd,1,2026-09-30T10:00:00+08:00\n-wd,3,2026-09-20\n-week,1,2025-10-11\nwd,1,2026-12-31\n";
        let due = "2026-03-09T14:15:00+08:00\n2026-03-10T09:30:00+08:00\n2026-10-08T18:00:00+08:00\n\
                   2026-09-16T18:00:00+08:00\n2025-09-30T18:00:00+08:00\n2027-01-01T18:00:00+08:00,provisional\n";
        assert_eq!(ask(lines), (due.to_owned(), None));
    }

    #[test]
    fn the_first_bad_line_is_named() {
        let good = "2026-03-10T18:00:00+08:00\n".to_owned();
        for (bad, why) in [
            ("wd,1", "not unit,n,start"),
            ("", "not unit,n,start"),
            ("wx,1,2026-03-09", "the unit is not wm, wh, wd, -wd or -week"),
            ("wd,one,2026-03-09", "n is not a number that the unit counts in"),
            (
                "wd,1,yesterday",
                "start is neither a moment such as 2026-03-09T10:00:00+08:00 nor a date such as 2026-03-09",
            ),
            ("wd,99999,2026-03-09", "the answer lies beyond what the calendar knows of"),
        ] {
            let (answers, error) = ask(&format!("wd,1,2026-03-09\n{bad}\nwd,1,2026-03-09\n"));
            assert_eq!((answers, error), (good.clone(), Some(format!("line 2: {why}"))), "{bad}");
        }
    }
}
