//! The SQL of `deadlines`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::model::{Clock, Deadline, DeadlineId, DeadlineState};
use crate::schema::deadlines;

/// All clocks of a subject, oldest first.
pub async fn of_subject(conn: &mut AsyncPgConnection, subject: Uuid) -> QueryResult<Vec<Deadline>> {
    deadlines::table
        .filter(deadlines::subject_id.eq(subject))
        .order(deadlines::id)
        .select(Deadline::as_select())
        .load(conn)
        .await
}

/// All clocks of several subjects.
pub async fn of_subjects(conn: &mut AsyncPgConnection, subjects: &[Uuid]) -> QueryResult<Vec<Deadline>> {
    deadlines::table
        .filter(deadlines::subject_id.eq_any(subjects))
        .order(deadlines::id)
        .select(Deadline::as_select())
        .load(conn)
        .await
}

/// Starts clocks.
pub async fn insert(conn: &mut AsyncPgConnection, rows: &[Deadline]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    diesel::insert_into(deadlines::table).values(rows).execute(conn).await.map(drop)
}

/// Writes back a changed clock.
pub async fn update(conn: &mut AsyncPgConnection, row: &Deadline) -> QueryResult<()> {
    diesel::update(deadlines::table.find(row.id))
        .set((
            deadlines::state.eq(row.state),
            deadlines::limit_amount.eq(row.limit_amount),
            deadlines::limit_unit.eq(row.limit_unit),
            deadlines::due_at.eq(row.due_at),
            deadlines::provisional.eq(row.provisional),
            deadlines::paused_at.eq(row.paused_at),
            deadlines::stopped_at.eq(row.stopped_at),
            deadlines::fires_at.eq(row.fires_at),
            deadlines::step.eq(row.step),
            deadlines::calendar_version.eq(row.calendar_version),
            deadlines::calendar_department.eq(row.calendar_department),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// The live row of one clock of a subject.
pub async fn live(
    conn: &mut AsyncPgConnection,
    subject: Uuid,
    clock: Clock,
) -> QueryResult<Option<Deadline>> {
    deadlines::table
        .filter(deadlines::subject_id.eq(subject))
        .filter(deadlines::clock.eq(clock))
        .filter(deadlines::state.eq_any([DeadlineState::Running, DeadlineState::Paused]))
        .select(Deadline::as_select())
        .first(conn)
        .await
        .optional()
}

/// How many are overdue and not yet acted on, and the oldest, for checks.
pub async fn oldest_due(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
) -> QueryResult<Option<(DeadlineId, DateTime<Utc>)>> {
    deadlines::table
        .filter(deadlines::fires_at.le(now))
        .order(deadlines::fires_at)
        .select((deadlines::id, deadlines::fires_at.assume_not_null()))
        .first(conn)
        .await
        .optional()
}
