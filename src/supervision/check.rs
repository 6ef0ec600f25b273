//! The invariants of supervision, looked for in Postgres.

use diesel_async::AsyncPgConnection;

use super::hand_over::{HandOverId, pack};
use super::store::check as store;
use crate::platform::db::DbError;

/// Broken orders named at most.
const MOST: i64 = 50;
/// Packs read at a time; one may be large.
const PAGE: i64 = 100;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub open_orders: i64,
    pub packs: u64,
    pub broken: Vec<String>,
}

/// An open order has a live clock and a closed one has none; the evidence of every hand-over has the hash it was frozen with.
pub async fn broken_invariants(conn: &mut AsyncPgConnection) -> Result<Found, DbError> {
    let mut found = Found { open_orders: store::open_orders(conn).await?, ..Found::default() };
    let clockless = store::clockless_orders(conn, MOST).await?;
    found.broken.extend(
        clockless
            .iter()
            .map(|number| format!("supervision order {number}: open without a clock, or closed with one")),
    );
    let mut after = HandOverId::default();
    loop {
        let packs = store::packs(conn, after, PAGE).await?;
        let Some((last, ..)) = packs.last() else { return Ok(found) };
        after = *last;
        for (id, evidence, hash) in &packs {
            found.packs += 1;
            if pack::hash(evidence).as_slice() != hash.as_slice() {
                found.broken.push(format!("hand-over {id}: its evidence was changed"));
            }
        }
    }
}
