//! Hand-overs (移交) to discipline: `draft → reviewed → signed → handed`. The clock only drafts; people read, sign and hand. Facts
//! only: the evidence is frozen with its hash when it is drafted, and discipline reads what was handed, nothing else.

mod draft;
pub mod drop_draft;
pub mod hand;
pub mod list;
pub mod model;
pub mod open;
pub mod pack;
pub mod read;
pub mod review;
pub mod routes;
pub mod sign;
pub mod state;
pub mod view;

pub use draft::draft;
pub use model::{HandOver, HandOverId, HandOverState};
