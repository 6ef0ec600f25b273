//! The integration tests: real Postgres, everything in parallel, time that stands still until a test moves it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, also in what it calls"
)]

mod bots;
mod calendar;
mod calls;
mod catalogue;
mod deadlines;
mod http;
mod identity;
mod kit;
mod kit_db;
mod ladders;
mod notices;
mod organisation;
mod redis_away;
mod reports;
mod stores;
mod supervision;
