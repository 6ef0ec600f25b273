//! What happens because its time has come.

mod ladder;
