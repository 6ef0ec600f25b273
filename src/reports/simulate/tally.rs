//! The counts and the list of a replay, summed page by page. Pure.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use super::body::{
    Both, Course, LIST, LateClock, LateCount, Place, RungCount, SimulatedCall, Sums, Unit, seal,
};
use super::replay::Run;
use super::store::{CallRow, DepartmentRow};
use crate::deadlines::calendar::Calendar;
use crate::deadlines::limits::Urgency;
use crate::deadlines::{Clock, Deadline};
use crate::organisation::DepartmentId;
use crate::platform::crypto::Vault;
use crate::platform::http::cursor::cut;
use crate::platform::mask::mask_phones;
use crate::platform::time::china;

/// What was counted so far.
#[derive(Debug)]
pub struct Tally {
    departments: HashMap<DepartmentId, DepartmentRow>,
    /// The office that decides where calls go.
    pub business_office: Option<DepartmentId>,
    listing: Listing,
    pub calls: i64,
    clocks: i64,
    late: Both,
    total: i64,
    /// One more than are listed, when there are more.
    items: Vec<(Place, LateClock)>,
    counts: BTreeMap<(Clock, DepartmentId), (i64, Both)>,
    rungs: BTreeMap<(Clock, i16), Both>,
}

/// Which late clocks are listed, and how.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// Those after this one.
    pub since: Option<Place>,
    pub most: usize,
    /// Whether the reader may see the calls themselves.
    pub with_calls: bool,
}

/// A clock that was run once more.
#[derive(Debug)]
pub struct Replayed<'a> {
    pub call: &'a CallRow,
    pub row: &'a Deadline,
    pub calendar: &'a Calendar,
    pub would: Run,
    pub was: Run,
    /// Who owed it when it would have been due, and when it was.
    pub owes: (DepartmentId, DepartmentId),
    pub now: DateTime<Utc>,
}

impl Tally {
    #[must_use]
    pub fn new(departments: Vec<DepartmentRow>, listing: Listing) -> Self {
        Self {
            business_office: departments.iter().find(|row| row.is_business_office).map(|row| row.id),
            departments: departments.into_iter().map(|row| (row.id, row)).collect(),
            listing,
            calls: 0,
            clocks: 0,
            late: Both::default(),
            total: 0,
            items: Vec::new(),
            counts: BTreeMap::new(),
            rungs: BTreeMap::new(),
        }
    }

    /// Counts one clock.
    pub fn add(&mut self, one: &Replayed<'_>) {
        let clock = one.row.clock;
        self.clocks += 1;
        let (would_owe, owed) = one.owes;
        let (clocks, late) = self.counts.entry((clock, would_owe)).or_default();
        *clocks += 1;
        late.would += i64::from(one.would.late);
        self.counts.entry((clock, owed)).or_default().1.was += i64::from(one.was.late);
        self.late.would += i64::from(one.would.late);
        self.late.was += i64::from(one.was.late);
        for rung in &one.would.rungs {
            self.rungs.entry((clock, *rung)).or_default().would += 1;
        }
        for rung in &one.was.rungs {
            self.rungs.entry((clock, *rung)).or_default().was += 1;
        }
        if one.would.late || one.was.late {
            self.total += 1;
            let place = (one.call.id, one.row.id.0);
            if !self.is_full() && self.listing.since.is_none_or(|since| place > since) {
                self.items.push((place, self.item(one)));
            }
        }
    }

    /// Whether all are found that are listed, and one that is not.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.items.len() > self.listing.most
    }

    /// What is listed, and where the list goes on.
    #[must_use]
    pub fn list(&mut self, vault: &Vault) -> (Vec<LateClock>, Option<String>) {
        let limit = u16::try_from(self.listing.most).unwrap_or(u16::MAX);
        let items = std::mem::take(&mut self.items);
        let page = cut(LIST, limit, items, |(place, _)| seal(vault, *place), |(_, item)| item);
        (page.items, page.next_cursor)
    }

    /// What was counted.
    #[must_use]
    pub fn sums(&self) -> Sums {
        Sums {
            calls: Some(self.calls),
            clocks: Some(self.clocks),
            late: Some(self.late),
            counts: Some(self.counts()),
            rungs: Some(self.rungs()),
            total: Some(self.total),
        }
    }

    fn item(&self, one: &Replayed<'_>) -> LateClock {
        let CallRow { id, number, title, raised_at, .. } = one.call;
        let (would_owe, owed) = one.owes;
        LateClock {
            call: SimulatedCall {
                id: self.listing.with_calls.then_some(*id),
                number: number.clone(),
                title: self.listing.with_calls.then(|| mask_phones(title)),
                raised_at: china(*raised_at),
            },
            clock: one.row.clock,
            clock_name: one.row.clock.zh(),
            started_at: china(one.row.started_at),
            ended_at: one.row.stopped_at.map(china),
            would: self.course(one, &one.would, would_owe),
            was: self.course(one, &one.was, owed),
        }
    }

    fn course(&self, one: &Replayed<'_>, run: &Run, owes: DepartmentId) -> Course {
        let end = one.row.stopped_at.unwrap_or(one.now);
        let late = match (run.late, one.call.urgency) {
            (false, _) => 0,
            (true, Urgency::Critical) => (end - run.due_at).num_minutes(),
            (true, _) => one.calendar.working_between(run.due_at, end).num_minutes(),
        };
        Course {
            limit: run.limit.to_string(),
            due_at: china(run.due_at),
            late: run.late,
            late_minutes: late,
            department: self.unit(owes),
            rungs: run.rungs.iter().copied().collect(),
        }
    }

    fn unit(&self, id: DepartmentId) -> Unit {
        let row = self.departments.get(&id);
        Unit {
            code: row.map(|row| row.code.clone()).unwrap_or_default(),
            name: row.map(|row| row.name.clone()).unwrap_or_default(),
        }
    }

    /// By clock and department, the most late first.
    fn counts(&self) -> Vec<LateCount> {
        let mut counts: Vec<LateCount> = self
            .counts
            .iter()
            .map(|((clock, department), (clocks, late))| LateCount {
                clock: *clock,
                clock_name: clock.zh(),
                department: self.unit(*department),
                clocks: *clocks,
                late: *late,
            })
            .collect();
        counts.sort_by(|one, other| {
            (other.late.would, one.clock, &one.department.code).cmp(&(
                one.late.would,
                other.clock,
                &other.department.code,
            ))
        });
        counts
    }

    /// By clock and rung.
    fn rungs(&self) -> Vec<RungCount> {
        let count = |(&(clock, rung), &told): (&(Clock, i16), &Both)| RungCount {
            clock,
            clock_name: clock.zh(),
            rung,
            told,
        };
        self.rungs.iter().map(count).collect()
    }
}
