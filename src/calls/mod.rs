//! The call (一叫): raised by an enterprise, dispatched, accepted, answered, resolved, confirmed.
//!
//! Owns `calls`, `holder_spans`, `side_matters`, `call_ratings`. What always holds: the state says who owes the next step; while a
//! call is open exactly one officer is responsible; T5's start never moves; a state change, its ledger events, clocks and notices
//! commit together; every verb goes through [`case::perform`], whoever calls it. May call deadlines, notices, catalogue,
//! organisation, identity, ledger, supervision.

pub mod accept;
pub mod arrive;
pub mod assign;
pub mod assist;
mod cards;
pub mod case;
pub mod check;
pub mod confirm;
pub mod decide;
pub mod desk;
pub mod dispatch;
pub mod error;
pub mod escalate;
pub mod extension;
pub mod link;
pub mod list;
pub mod merge;
pub mod model;
pub mod number;
pub mod on_due;
pub mod pause;
pub mod progress;
pub mod raise;
pub mod read;
pub mod request;
pub mod resolve;
pub mod return_ruling;
pub mod routes;
pub mod standing;
pub mod state;
mod store;
pub mod tell;
pub mod transfer;
pub mod unreachable;
pub mod urge;
pub mod view;
