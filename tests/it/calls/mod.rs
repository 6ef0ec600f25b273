//! The call, from the tap to "solved", as its people live it.

mod bad_input;
mod demo_routes;
mod dispatch;
mod ends;
mod extra_time;
mod hand_overs;
pub mod isolation;
mod link;
mod lists;
mod races;
mod redo;
mod side;
mod story;
mod walks;
