//! What if (情景推演): a past period of the county replayed under other limits and ladders. Each clock of each call runs once more from its
//! own start, by the calendar it was counted by, through the pauses and extensions that there were, until the moment at which what it
//! promised happened; only its limit and its ladder are others.
//!
//! Reads only, page by page, one replay of a county at a time. People are taken to act as they did. Clocks without a limit of the county's (a promised date) keep theirs;
//! silence and the ends of pauses break nobody's promise; supervision orders follow from ladders and are not replayed. Nobody's
//! absence and no urge is replayed: every rung counts as manned and told at its moment. Limits of items are those of the catalogue now; a clock climbs by
//! the ladder of the item that its call had when it started.

pub mod body;
pub mod error;
mod replay;
pub mod routes;
mod run;
mod store;
mod tally;
