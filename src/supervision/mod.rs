//! Supervision (督办): what follows when a promise is broken – cards, supervision orders, hand-overs to discipline.
//!
//! Owns `cards`, `card_appeals`, `supervision_orders`, `hand_overs`. What always holds: a card is a fact that is never deleted, an
//! upheld appeal strikes it; an open order has a live clock, and is closed by somebody outside the ordered department; a call has at
//! most one open order for a department and one open hand-over; the evidence of a hand-over is frozen, nothing is handed before two
//! named people have read it, and every look into it is an event of the ledger. The ladder issues cards and orders and drafts
//! hand-overs in its own transaction, through [`cards::issue`], [`orders::issue`] and [`hand_over::draft`]. May call deadlines,
//! notices, organisation, identity, ledger; reads the names of a call beside its own tables.

pub mod cards;
pub mod check;
pub mod desk;
pub mod error;
pub mod hand_over;
pub mod on_due;
pub mod orders;
mod store;
mod tell;
pub mod view;
