//! From a committed row to the room: the queue, the lease, the settlement, and everything that may be lost on the way.

mod admin;
mod delivery;
mod drill;
mod failures;
mod fallback;
mod follow;
mod inbox;
mod lease;
mod loops;
mod loss;
mod people;
mod stage;
mod texts;
mod throttle;
mod unreachable;
