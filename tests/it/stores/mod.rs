//! The lines to Postgres and Redis: by TLS, through silence; how statements are planned; and what is removed in time.

mod login;
mod plans;
pub mod private;
mod purge;
mod silence;
mod tls;
pub mod wire;
