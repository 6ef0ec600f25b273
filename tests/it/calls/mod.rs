//! The call, from the tap to "solved", as its people live it.

mod again;
mod arrival_code;
mod bad_input;
mod choices;
mod deciding;
mod demo_routes;
mod dispatch;
mod ends;
mod extra_time;
mod hand_overs;
mod invariants;
pub mod isolation;
mod link;
mod lists;
mod races;
mod redo;
mod side;
mod story;
mod walks;
