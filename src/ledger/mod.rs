//! The ledger: what happened, append-only, each event chained to the one before by its hash, one chain per subject.
//!
//! Owns `ledger_events`. A trigger refuses update and delete; [`chain::verify`] finds a row changed by hand. Calls nobody but
//! `platform`.

pub mod audit;
pub mod chain;
pub mod store;

pub use chain::{Actor, ActorKind, Event, Fact, SubjectKind};
