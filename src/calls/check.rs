//! The invariants of calls, looked for in Postgres.

use diesel::dsl::{count_star, exists, not};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Call, State};
use crate::deadlines::DeadlineState;
use crate::platform::db::DbError;
use crate::schema::{calls, deadlines, holder_spans};

/// Broken calls named at most.
const MOST: i64 = 50;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub open: i64,
    pub broken: Vec<String>,
}

/// While a call is open, exactly its holder holds it and at least one clock lives; when it has ended, nobody holds it and none does.
pub async fn broken_invariants(conn: &mut AsyncPgConnection) -> Result<Found, DbError> {
    let ends = [State::Closed, State::Withdrawn, State::Refused, State::Merged];
    let open = calls::table.filter(calls::state.ne_all(ends)).select(count_star()).get_result(conn).await?;
    let held = || {
        exists(
            holder_spans::table
                .filter(holder_spans::call_id.eq(calls::id))
                .filter(holder_spans::ends_at.is_null()),
        )
    };
    let held_by_holder = exists(
        holder_spans::table
            .filter(holder_spans::call_id.eq(calls::id))
            .filter(holder_spans::ends_at.is_null())
            .filter(holder_spans::officer_id.eq(calls::holder_id)),
    );
    let ticking = || {
        exists(
            deadlines::table
                .filter(deadlines::subject_id.eq(calls::id))
                .filter(deadlines::state.eq_any([DeadlineState::Running, DeadlineState::Paused])),
        )
    };
    let mut broken = Vec::new();
    let unheld: Vec<Call> = calls::table
        .filter(calls::state.ne_all(ends))
        .filter(not(held_by_holder).or(not(ticking())))
        .select(Call::as_select())
        .limit(MOST)
        .load(conn)
        .await?;
    broken.extend(
        unheld
            .iter()
            .map(|call| format!("call {}: open, but its holder's span or its clock is missing", call.number)),
    );
    let undead: Vec<Call> = calls::table
        .filter(calls::state.eq_any(ends))
        .filter(held().or(ticking()))
        .select(Call::as_select())
        .limit(MOST)
        .load(conn)
        .await?;
    broken.extend(
        undead
            .iter()
            .map(|call| format!("call {}: ended, but somebody still holds it or a clock runs", call.number)),
    );
    Ok(Found { open, broken })
}
