//! What `yijiao check` asks of supervision's tables.

use diesel::dsl::{count_star, exists, not};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::deadlines::DeadlineState;
use crate::schema::{deadlines, hand_overs, supervision_orders};
use crate::supervision::hand_over::HandOverId;
use crate::supervision::orders::OrderState;

/// How many orders are open.
pub async fn open_orders(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    let open = supervision_orders::table.filter(supervision_orders::state.ne(OrderState::Closed));
    open.select(count_star()).get_result(conn).await
}

/// The numbers of orders that are open without a live clock, or closed with one.
pub async fn clockless_orders(conn: &mut AsyncPgConnection, most: i64) -> QueryResult<Vec<String>> {
    let ticking = || {
        exists(
            deadlines::table
                .filter(deadlines::subject_id.eq(supervision_orders::id))
                .filter(deadlines::state.eq_any([DeadlineState::Running, DeadlineState::Paused])),
        )
    };
    let closed = || supervision_orders::state.eq(OrderState::Closed);
    supervision_orders::table
        .filter(not(closed()).and(not(ticking())).or(closed().and(ticking())))
        .order(supervision_orders::id)
        .limit(most)
        .select(supervision_orders::number)
        .load(conn)
        .await
}

/// A page of frozen evidence, in order of ids.
pub async fn packs(
    conn: &mut AsyncPgConnection,
    after: HandOverId,
    limit: i64,
) -> QueryResult<Vec<(HandOverId, Value, Vec<u8>)>> {
    hand_overs::table
        .filter(hand_overs::id.gt(after))
        .order(hand_overs::id)
        .limit(limit)
        .select((hand_overs::id, hand_overs::pack, hand_overs::pack_hash))
        .load(conn)
        .await
}
