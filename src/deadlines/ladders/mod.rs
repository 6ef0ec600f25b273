//! A county's rules in its administrator's hands: its ladders, limits, and the rules of calls and supervision.
//!
//! Owns `counties.settings`, `counties.settings_revision` and `counties.shipped_ladder` once the county exists. What always holds: what is refused changes nothing;
//! a limit holds for clocks that start after the change, and so does a ladder: a clock that runs already climbs to its end by the
//! ladder it started under (it is kept beside the settings as long as such a clock lives), so no step fires twice and none is lost, whether the
//! county changes its choice or a release what it ships. All other rules hold at once. May call what `deadlines` may.

pub mod change;
mod check;
pub mod error;
pub mod keep;
pub mod own;
pub mod routes;
mod store;
pub mod succession;
pub mod view;

pub use check::faults_of_settings;
