//! Counties, areas, departments, officers, absence, enterprises, contact cards, and their import.
//!
//! Owns who exists and who stands in for whom. Calls nobody but `platform`; the import also asks `notices` how a channel keeps its
//! secrets.

pub mod import;
pub mod model;
pub mod uscc;

pub use model::{AreaId, CountyId, DepartmentId, EnterpriseId, OfficerId};
