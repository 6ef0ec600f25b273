//! The call, from the tap to "solved", as its people live it.

mod dispatch;
mod ends;
mod extra_time;
mod hand_overs;
mod redo;
mod side;
mod story;
