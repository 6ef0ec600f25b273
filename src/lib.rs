//! Yijiao (一叫就到): one tap, and the responsible officer is called, comes and solves it.
//!
//! The map: [`router`] lists what can come in, [`worker`] what happens by itself. A feature is a folder: `mod.rs` says what it
//! owns, `model.rs` or `state.rs` are pure, `store.rs` holds its only SQL, each verb has a file of its name, `routes.rs` is
//! thin. [`platform`] knows nothing of the domain. `docs/ARCHITECTURE.md` tells the whole.

pub mod app;
pub mod bots;
pub mod calls;
pub mod catalogue;
pub mod deadlines;
pub mod drills;
pub mod identity;
pub mod ledger;
pub mod notices;
pub mod organisation;
pub mod platform;
pub mod purge;
pub mod reports;
pub mod roles;
pub mod router;
pub mod sandbox;
pub mod schema;
pub mod server;
pub mod supervision;
pub mod worker;
