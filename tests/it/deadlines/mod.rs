//! What happens because its time has come.

mod consequences;
mod ladder;
