//! The SQL of supervision.

pub mod cards;
pub mod check;
pub mod faces;
pub mod hand_overs;
pub mod orders;
