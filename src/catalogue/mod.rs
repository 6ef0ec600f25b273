//! The county's list of services for enterprises (涉企服务清单) and the routing of a call's words to one of its items.
//!
//! Owns categories, items, their examples and contact cards' targets. Calls nobody but `platform` and `organisation`'s ids.

pub mod model;

pub use model::{CategoryId, ItemId};
