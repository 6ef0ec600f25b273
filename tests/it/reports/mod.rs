//! What supervisors and officers read.

mod owed;
