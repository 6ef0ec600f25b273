//! Notices: the outbox, the queue, and the channels that carry a message to a person.
//!
//! Owns `channels` and who is reached by them, a county's own `county_texts`, `notices`, `notice_attempts` and
//! `subscription_grants`. A verb posts a notice in its own transaction ([`outbox`]) and rings the bell ([`wake`]); the [`relay`] puts its id into Redis ([`queue`]); a [`worker`] leases the row,
//! sends outside any transaction and settles ([`deliver`]), by the rules of [`retry`] and in the words of [`texts`]. What Redis loses the
//! relay finds again in Postgres; a sender that dies is found by its lease. So every notice is sent at least once, with the same id each
//! time, and none is sent once its matter is settled. An alarm that fails for good is addressed anew, or it is said aloud that nobody could
//! be told and its subject climbs at once ([`mod@unreachable`]); a first alarm that nobody acts on goes to its officer's next application
//! ([`follow`]); the cards of one that was answered say so from then on ([`mod@redraw`]). What a
//! platform tells of cards and subscriptions by calling us is read there ([`callbacks`]). How fast anything leaves is the [`throttle`]'s matter: what is over a limit is held and never dropped, news that asks for
//! nothing leaves together and not at night ([`quiet`]). Calls nobody but `platform`, `organisation`'s ids and, for what an
//! administrator does ([`admin`]), the `ledger`; its routes ask `identity` who calls.

pub mod address;
pub mod admin;
mod administrators;
mod bundle;
pub mod callbacks;
pub mod channels;
pub mod check;
pub mod deliver;
pub mod enterprise;
mod fallback;
pub mod follow;
mod gate;
pub mod inbox;
pub mod model;
pub mod outbox;
pub mod params;
mod phrase;
pub mod preferences;
pub mod queue;
pub mod quiet;
mod redraw;
pub mod register;
pub mod relay;
pub mod retry;
pub mod routes;
mod store;
pub mod subscriptions;
pub mod texts;
pub mod throttle;
pub mod tokens;
pub mod unreachable;
pub mod wake;
pub mod worker;
