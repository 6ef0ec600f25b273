//! What is on its way, and what should have left long ago.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::address::NOBODY;
use super::model::NoticeState;
use crate::platform::db::DbError;
use crate::schema::notices;

/// A notice whose moment passed longer ago is late: workers look at it every few seconds.
const PATIENCE: TimeDelta = TimeDelta::minutes(2);

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsent {
    pub waiting: i64,
    pub late: i64,
    pub dead: i64,
    /// Too old to be sent any more.
    pub expired: i64,
    /// Alarms that still await an answer and that nobody could be told.
    pub unaddressed: i64,
}

/// Counts notices that have not left.
pub async fn unsent(conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<Unsent, DbError> {
    let count = notices::table.select(count_star());
    let waiting = count.filter(notices::due_at.is_not_null()).get_result(conn).await?;
    let late = count.filter(notices::due_at.lt(now - PATIENCE)).get_result(conn).await?;
    let dead = count.filter(notices::state.eq(NoticeState::Dead)).get_result(conn).await?;
    // A card that could not be redrawn has told its reader what it had to.
    let expired = count.filter(notices::state.eq(NoticeState::Expired)).filter(notices::redraws.is_null());
    let expired = expired.get_result(conn).await?;
    let unaddressed = count
        .filter(notices::state.eq(NoticeState::Dead))
        .filter(notices::answered.eq(false))
        .filter(notices::reason.like(format!("{NOBODY}%")))
        .get_result(conn)
        .await?;
    Ok(Unsent { waiting, late, dead, expired, unaddressed })
}
