//! HTTP conventions of every route: how a body, a path, a query, a version, a cursor and a key are read; how errors are told; and
//! what surrounds every request.
//!
//! Handlers take [`body::Json`], [`params::Path`] and [`params::Query`] (never actix's own), so every failure is a problem.

pub mod admission;
pub mod body;
pub mod caller;
pub mod cursor;
pub mod docs;
pub mod headers;
pub mod idempotency;
pub mod invalid;
pub mod lang;
pub mod observe;
pub mod openapi;
pub mod operation;
pub mod params;
pub mod problem;
pub mod rate_limit;
pub mod routes;
pub mod text;
mod unread;
pub mod verb_body;
pub mod version;
