//! What happens because its time has come.

mod audit;
mod consequences;
mod faults;
mod ladder;
mod outage;
mod stage;
mod year;
