//! From a committed row to the room: the queue, the lease, the settlement, and everything that may be lost on the way.

mod admin;
mod bad_input;
mod crash;
mod delivery;
mod drill;
mod failures;
mod fallback;
mod follow;
mod inbox;
mod interactive;
mod lease;
mod loops;
mod loss;
mod order;
mod people;
mod preferences;
mod redraw;
mod stage;
mod storms;
mod texts;
mod throttle;
mod unheard;
mod unreachable;
