//! Time: the working calendar, the clocks of a call, and the rows that say when something is due.
//!
//! Owns `deadlines`, `firings`, `calendars`, `calendar_recomputes`. A clock is a promise about one event; its row holds the due moment,
//! computed once. What holds always: at most one live row of a clock for a subject; a met or cancelled clock has nothing left to fire; a
//! step that has fired is recorded and fires no more. May call notices, organisation, ledger.

pub mod book;
pub mod calendar;
pub mod calendars;
pub mod check;
pub mod engine;
pub mod explain;
pub mod history;
pub mod ladder;
pub mod limits;
pub mod model;
pub mod on_due;
pub mod queue;
pub mod store;

pub use book::ClockBook;
pub use calendars::{Calendars, CountyCalendars};
pub use model::{Clock, Deadline, DeadlineState, Limit, SubjectKind, Unit};
