//! Notices: the outbox, the queue, and the channels that carry a message to a person.
//!
//! Owns `channels`, `notices` and `notice_attempts`. A verb posts a notice in its own transaction ([`outbox`]); after the commit its
//! id travels through Redis to a worker, which leases the row, sends outside any transaction, and settles. What Redis loses is
//! found again in Postgres. Every needed-action notice ends acted, superseded or a rung higher. Calls nobody but `platform` and
//! `organisation`'s ids.

pub mod channels;
pub mod check;
pub mod model;
pub mod outbox;
pub mod wake;
