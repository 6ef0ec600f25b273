//! The working calendar against tables made by others, against a slow one that is obviously right, and in the county's hands.

mod admin;
mod explained;
mod kit;
mod ladders;
mod moves;
mod oracles;
mod properties;
mod statutory;
pub mod walk;
