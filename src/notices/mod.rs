//! Notices: the outbox, the queue, and the channels that carry a message to a person.
//!
//! Owns `channels`, `notices` and `notice_attempts`. A verb posts a notice in its own transaction ([`outbox`]) and rings the bell
//! ([`wake`]); the [`relay`] puts its id into Redis ([`queue`]); a [`worker`] leases the row, sends outside any transaction and
//! settles ([`deliver`]), by the rules of [`retry`] and in the words of [`texts`]. What Redis loses the relay finds again in
//! Postgres; a sender that dies is found by its lease. So every notice is sent at least once, with the same id each time, and
//! none is sent once its matter is settled. A failure for good is recorded and
//! logged; that an alarm nobody acts on climbs is the ladder's part, which does not run yet. Calls nobody but `platform` and
//! `organisation`'s ids.

pub mod channels;
pub mod check;
pub mod deliver;
pub mod model;
pub mod outbox;
pub mod params;
mod phrase;
pub mod queue;
pub mod register;
pub mod relay;
pub mod retry;
mod store;
pub mod texts;
pub mod wake;
pub mod worker;
