//! Supervision orders (督办单): `issued → signed → replied → closed`, each step under a clock of its own; a reply that is not enough is
//! sent back and answered again.

pub mod close;
mod issue;
pub mod issue_by_hand;
pub mod list;
pub mod model;
pub mod open;
pub mod read;
pub mod reply;
pub mod routes;
pub mod send_back;
pub mod sign;
pub mod state;
pub(super) mod tell;
pub mod view;

pub use issue::issue;
pub(super) use issue::{subject, timing};
pub use model::{NewOrder, Order, OrderId, OrderState};
