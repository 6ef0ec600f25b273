//! Raise (一叫): one tap becomes a call with a number, a responsible officer, running clocks, a ledger and an alarm on its way.
//!
//! The hot path of the product. Taps that wait together are written together ([`writer`]); one tap and sixty-four are the same
//! three statements ([`context`], the channels, [`record`]) in one transaction.

pub mod body;
pub mod compose;
pub mod context;
pub mod record;
pub mod writer;

pub use body::{Raise, Tap, Words};
pub use writer::{Raised, Writer};
