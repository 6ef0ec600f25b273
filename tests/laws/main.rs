//! The laws of the design, each with the test that fails when it is broken; how the product behaves is tested in `tests/it`.
//!
//! Where a law has exceptions they stand in its test, each with its reason, and one that is none any more fails as well.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, also in what it calls"
)]

mod clock;
mod codes;
mod config;
mod dependencies;
mod edges;
mod openapi;
mod routes;
mod schema;
mod secrets;
mod stores;
mod style;
mod tree;
mod words;

#[path = "../it/kit_db.rs"]
mod kit_db;
