//! The SQL of what moved the clocks of a call: its pauses and extensions.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::Move;
use crate::schema::side_matters;

type Row = (
    Uuid,
    String,
    Option<String>,
    Option<i16>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
);

/// What moved the clocks of calls, in order: `(call, move)`.
pub async fn of_calls(conn: &mut AsyncPgConnection, calls: &[Uuid]) -> QueryResult<Vec<(Uuid, Move)>> {
    let rows: Vec<Row> = side_matters::table
        .filter(side_matters::call_id.eq_any(calls))
        .filter(side_matters::kind.eq_any(["pause", "extension"]))
        .filter(side_matters::state.eq_any(["approved", "done"]))
        .order((side_matters::decided_at, side_matters::id))
        .select((
            side_matters::call_id,
            side_matters::kind,
            side_matters::reason_code,
            side_matters::working_days,
            side_matters::decided_at,
            side_matters::until_at,
            side_matters::ended_at,
        ))
        .load(conn)
        .await?;
    Ok(rows.into_iter().filter_map(read).collect())
}

fn read((call, kind, reason, days, decided, bound, ended): Row) -> Option<(Uuid, Move)> {
    let at = decided?;
    let one = if kind == "pause" {
        // A pause nobody ended counts no further than it was approved for.
        let until = ended.map(|ended| bound.map_or(ended, |bound| bound.min(ended)));
        Move::Paused { from: at, until, reason }
    } else {
        Move::Extended { at, working_days: days.unwrap_or(1).into() }
    };
    Some((call, one))
}
