//! The lines to Postgres and Redis: by TLS, through silence; and what is removed in time.

mod login;
mod purge;
mod silence;
mod tls;
pub mod wire;
