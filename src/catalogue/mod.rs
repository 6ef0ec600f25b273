//! The county's list of services for enterprises (涉企服务清单) and the routing of a call's words to one of its items.
//!
//! Owns categories, items, their words and examples. What always holds: a suggestion comes from the catalogue as it is now, on every
//! replica. Calls nobody but `platform`, `organisation`'s ids, and `deadlines::limits` for the county's rules.

pub mod model;
pub mod read;
pub mod routes;
pub mod routing;
mod store;
pub mod suggest;

pub use model::{CategoryId, ItemId};
pub use suggest::Catalogue;
