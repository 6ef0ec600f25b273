//! The SQL of `hand_overs`.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::organisation::CountyId;
use crate::schema::hand_overs;
use crate::supervision::hand_over::model::HandOverChange;
use crate::supervision::hand_over::{HandOver, HandOverId, HandOverState};

/// Writes a draft; false when one of this call is open already.
pub async fn insert(conn: &mut AsyncPgConnection, row: &HandOver) -> QueryResult<bool> {
    let inserted =
        diesel::insert_into(hand_overs::table).values(row).on_conflict_do_nothing().execute(conn).await?;
    Ok(inserted == 1)
}

/// Reads a hand-over and locks it until the end of the transaction.
pub async fn lock(conn: &mut AsyncPgConnection, id: HandOverId) -> QueryResult<Option<HandOver>> {
    hand_overs::table.find(id).for_update().select(HandOver::as_select()).first(conn).await.optional()
}

/// Saves a change if nobody else changed it since `version`.
pub async fn save(
    conn: &mut AsyncPgConnection,
    id: HandOverId,
    version: i32,
    change: &HandOverChange<'_>,
) -> QueryResult<bool> {
    let row = hand_overs::table.find(id).filter(hand_overs::version.eq(version));
    Ok(diesel::update(row).set(change).execute(conn).await? == 1)
}

/// Hand-overs in one of these states, newest first.
pub async fn list(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    states: &[HandOverState],
    before: Option<HandOverId>,
    limit: i64,
) -> QueryResult<Vec<HandOver>> {
    let mut query = hand_overs::table
        .filter(hand_overs::county_id.eq(county))
        .filter(hand_overs::state.eq_any(states))
        .order(hand_overs::id.desc())
        .limit(limit)
        .select(HandOver::as_select())
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(hand_overs::id.lt(before));
    }
    query.load(conn).await
}
