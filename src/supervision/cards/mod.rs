//! Cards (蓝、黄、红牌): facts about who held a promise when it was missed. One appeal each, decided by a second person.

pub mod appeal;
pub mod decide;
mod issue;
pub mod list;
pub mod model;
mod of_call;
pub mod open;
pub mod routes;
pub mod state;
pub mod view;

pub use issue::issue;
pub use model::{Appeal, Card, CardId, NewCard};
pub use of_call::of_call;
