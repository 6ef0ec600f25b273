//! The order of firing: for each call strictly by the moments, whatever clock they belong to; a clock that is several steps behind
//! takes them one after the other, each at its place among those of the others. Pure.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use crate::deadlines::Deadline;
use crate::deadlines::model::DeadlineId;
use crate::deadlines::on_due::{Fired, Next};

/// Steps in one transaction, about; what lies behind them is due and comes next.
const MOST: usize = 256;

/// Rows by their moments.
#[derive(Debug)]
pub struct Line {
    /// Of the same moment, in the order in which they came.
    rows: BTreeMap<(DateTime<Utc>, usize), Deadline>,
    came: usize,
    ours: HashSet<DeadlineId>,
    fired: usize,
}

impl Line {
    /// A line of rows that are in order.
    #[must_use]
    pub fn of(due: Vec<Deadline>) -> Self {
        let ours = due.iter().map(|row| row.id).collect();
        let mut line = Self { rows: BTreeMap::new(), came: 0, ours, fired: 0 };
        due.into_iter().for_each(|row| line.join(row));
        line
    }

    fn join(&mut self, row: Deadline) {
        self.came += 1;
        self.rows.insert((row.planned_at(), self.came), row);
    }

    /// The row that is next.
    pub fn next(&mut self) -> Option<Deadline> {
        if self.fired >= MOST {
            return None;
        }
        self.rows.pop_first().map(|(_, row)| row)
    }

    /// Whether one of these clocks of the same call is before `row` and not in this line: somebody else has it in hand.
    #[must_use]
    pub fn is_preceded(&self, row: &Deadline, clocks: &[Deadline], now: DateTime<Utc>) -> bool {
        clocks.iter().any(|clock| !self.ours.contains(&clock.id) && clock.waits_before(row.planned_at(), now))
    }

    /// After `row` has fired, its next step takes its place if it is due as well.
    pub fn go_on(&mut self, row: Deadline, fired: &Fired, now: DateTime<Utc>) {
        self.fired += 1;
        if let Next::At(at) = fired.next
            && at <= now
        {
            let step = row.step.saturating_add(1);
            self.join(Deadline { fires_at: Some(at), step, lifted_at: None, ..row });
        }
    }
}
