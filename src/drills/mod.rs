//! The reachability drill: once a month, and whenever a system administrator asks for it, everybody who stands on a contact card of an
//! operating enterprise gets one message with a button to say that he has it, and a report says whom nothing reaches.
//!
//! Owns `drills` and `drill_contacts`. What always holds: a county is drilled once a month by itself, however many replicas look; each
//! holder gets one message, by the way by which a first alarm would reach him first, and the same in his inbox; to open that or to press
//! the button counts as answered. The message is low: it waits behind alarms, within the limits and out of the quiet hours, and fails without
//! another channel being tried, for that is what is to be found out. Calls `notices` (the outbox), `deadlines` (working time), `calls` (the
//! link of a message), `ledger`, `organisation`'s ids.

pub mod error;
pub mod hear;
pub mod monthly;
pub mod report;
pub mod routes;
pub mod start;
mod store;

use crate::id_type;

id_type!(
    /// A drill.
    DrillId
);
id_type!(
    /// One holder in one drill.
    ContactId
);
