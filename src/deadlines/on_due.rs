//! Who acts when a deadline is due: each kind of subject names itself to the engine, in `worker.rs`.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;

use super::ladder::{Timing, What};
use super::model::{Deadline, DeadlineId};
use crate::organisation::CountyId;
use crate::platform::db::DbError;
use crate::text_enum;

/// The kind of a subject, as one that deadlines fire for.
pub trait OnDue: Send + Sync + std::fmt::Debug {
    /// Acts on rows of one county that are due (locked in this transaction, in the order of their moments); says of each what became
    /// of it. Everything it does stands or falls with the transaction.
    ///
    /// # Errors
    /// The engine then fires each row alone; one that fails alone waits a while.
    fn fire<'a>(
        &'a self,
        conn: &'a mut AsyncPgConnection,
        county: CountyId,
        due: Vec<Deadline>,
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Vec<Fired>, FireError>>;
}

/// Why deadlines could not fire.
#[derive(Debug, thiserror::Error)]
pub enum FireError {
    #[error(transparent)]
    Db(#[from] DbError),
    /// A verb that the clock stands for was refused.
    #[error("refused: {0}")]
    Refused(String),
}

impl From<diesel::result::Error> for FireError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

text_enum!(
    /// What a firing came to.
    FiringOutcome {
        /// Somebody was told, or what the clock stood for happened.
        Fired = "fired",
        /// Nobody is on the rung: recorded, and the next one fires at once. Or it is a repetition that the next one has overtaken.
        Passed = "passed",
    }
);

/// When the engine looks at a row next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    At(DateTime<Utc>),
    /// Nothing is left to do.
    Never,
    /// A verb has written the row itself.
    Kept,
}

impl Next {
    /// After the step at which `row` stands was climbed. A rung with nobody on it (`passed`) does not make people wait for the next one,
    /// which takes its moment; the repetitions of the last rung keep theirs, and so does what a lift may not reach.
    #[must_use]
    pub fn after(timing: &Timing<'_>, row: &Deadline, passed: bool) -> Self {
        let nth = row.step.saturating_add(1);
        let repeats = matches!(timing.what(row, nth), Some(What::Climb(_, 1..)) | None);
        let own = timing.moment(row, nth);
        let early = passed && !repeats && (!timing.is_lifted(row) || timing.may_go_on(row, nth));
        let at = if early { own.map(|at| at.min(row.planned_at())) } else { own };
        at.map_or(Self::Never, Self::At)
    }
}

/// What became of a row. A row of which nothing is said was busy; the engine comes back to it.
#[derive(Clone, Debug)]
pub struct Fired {
    pub deadline: DeadlineId,
    /// Which step fired, counted from zero.
    pub step: i16,
    pub rung: i16,
    /// When it should have fired.
    pub planned_at: DateTime<Utc>,
    pub outcome: FiringOutcome,
    pub next: Next,
}

impl Fired {
    /// What became of the step at which `row` stands.
    #[must_use]
    pub fn of(row: &Deadline, rung: i16, outcome: FiringOutcome, next: Next) -> Self {
        Self { deadline: row.id, step: row.step, rung, planned_at: row.planned_at(), outcome, next }
    }
}
