//! Reports: what supervisors and officers read across all features. Owns nothing and writes nothing; reads the models of others.

pub mod owed;
pub mod simulate;
