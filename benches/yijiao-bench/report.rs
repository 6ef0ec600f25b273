//! The table: what must hold, what is aimed at, what was measured.

use std::fmt;

/// A bound of the budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

/// One line of the table. A line without bounds is told for what it explains.
#[derive(Clone, Debug)]
pub struct Row {
    pub what: String,
    pub must: Option<Bound>,
    pub aim: Option<Bound>,
    pub measured: f64,
    pub unit: &'static str,
    pub note: String,
}

impl Row {
    #[must_use]
    pub fn budget(
        what: impl Into<String>,
        must: Bound,
        aim: Bound,
        measured: f64,
        unit: &'static str,
    ) -> Self {
        Self { must: Some(must), aim: Some(aim), ..Self::fact(what, measured, unit) }
    }

    #[must_use]
    pub fn fact(what: impl Into<String>, measured: f64, unit: &'static str) -> Self {
        Self { what: what.into(), must: None, aim: None, measured, unit, note: String::new() }
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn misses(&self, bound: Option<Bound>) -> bool {
        bound.is_some_and(|bound| !bound.holds(self.measured))
    }

    fn mark(&self) -> &'static str {
        let aimed = self.aim.is_some() && !self.misses(self.aim);
        match (self.must, self.misses(self.must)) {
            (None, _) => "",
            (Some(_), true) => "✗",
            (Some(_), false) if aimed => "✓ aim",
            (Some(_), false) => "✓",
        }
    }
}

/// Everything measured, and on what.
#[derive(Clone, Debug)]
pub struct Report {
    machine: String,
    rows: Vec<Row>,
}

impl Report {
    #[must_use]
    pub fn new(machine: String) -> Self {
        Self { machine, rows: Vec::new() }
    }

    pub fn extend(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
    }

    #[must_use]
    pub fn misses_a_must(&self) -> bool {
        self.rows.iter().any(|row| row.misses(row.must))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}\n", self.machine)?;
        writeln!(f, "| What | Must | Aim | Measured | | |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        for row in &self.rows {
            let (must, aim) = (bound(row.must), bound(row.aim));
            let measured = format!("{} {}", rounded(row.measured), row.unit);
            writeln!(
                f,
                "| {} | {must} | {aim} | {} | {} | {} |",
                row.what,
                measured.trim(),
                row.mark(),
                row.note
            )?;
        }
        Ok(())
    }
}

fn bound(bound: Option<Bound>) -> String {
    match bound {
        Some(Bound::AtLeast(least)) => format!("≥ {}", rounded(least)),
        Some(Bound::AtMost(most)) => format!("≤ {}", rounded(most)),
        None => String::new(),
    }
}

/// Three figures are more than such measurements are good for.
fn rounded(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missed_must_is_a_failure() {
        let row = |measured| Row::budget("x", Bound::AtLeast(0.8), Bound::AtLeast(2.0), measured, "×");
        assert_eq!([0.7, 0.9, 2.0, f64::NAN].map(|measured| row(measured).mark()), ["✗", "✓", "✓ aim", "✗"]);
        let mut report = Report::new(String::new());
        report.extend(vec![row(0.9), Row::fact("y", 1.0, "")]);
        assert!(!report.misses_a_must());
        report.extend(vec![row(0.7)]);
        assert!(report.misses_a_must());
    }
}
