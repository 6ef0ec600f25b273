//! The working calendar against tables made by others, against a slow one that is obviously right, and in the county's hands.

mod oracles;
mod properties;
mod walk;
