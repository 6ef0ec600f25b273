//! What follows a broken promise: cards and their appeals, supervision orders, hand-overs to discipline.

mod cards;
mod hand_overs;
mod order_clocks;
mod order_lists;
mod orders;
mod stage;
