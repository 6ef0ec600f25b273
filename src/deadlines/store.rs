//! The SQL of `deadlines`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::model::{Clock, Deadline, DeadlineId, DeadlineState};
use super::on_due::{Fired, Next};
use crate::organisation::CountyId;
use crate::schema::{deadlines, firings};

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
            deadlines::lifted_at.eq(row.lifted_at),
            deadlines::lifted_by.eq(row.lifted_by),
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

/// A deadline that is due, or will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct Ripe {
    pub id: DeadlineId,
    pub county: CountyId,
    pub subject: Uuid,
    pub fires_at: DateTime<Utc>,
}

/// What fires by `until`, the most overdue first; without what is held at `now`.
pub async fn ripe(
    conn: &mut AsyncPgConnection,
    until: DateTime<Utc>,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Ripe>> {
    deadlines::table
        .filter(deadlines::fires_at.le(until))
        .filter(deadlines::held_until.is_null().or(deadlines::held_until.le(now)))
        .order(deadlines::fires_at)
        .limit(limit)
        .select((
            deadlines::id,
            deadlines::county_id,
            deadlines::subject_id,
            deadlines::fires_at.assume_not_null(),
        ))
        .load(conn)
        .await
}

/// Takes those of `ids` that are still due at `now` and that nobody else has, in the order of their moments.
pub async fn lock_due(
    conn: &mut AsyncPgConnection,
    ids: &[DeadlineId],
    now: DateTime<Utc>,
) -> QueryResult<Vec<Deadline>> {
    deadlines::table
        .filter(deadlines::id.eq_any(ids))
        .filter(deadlines::fires_at.le(now))
        .order((deadlines::fires_at, deadlines::id))
        .select(Deadline::as_select())
        .for_update()
        .skip_locked()
        .load(conn)
        .await
}

/// Records what fired, each step once, and sets when its row is looked at next. Of several steps of a row the last one says when.
pub async fn settle(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    fired: &[Fired],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let rows: Vec<_> = fired
        .iter()
        .map(|fired| {
            (
                firings::deadline_id.eq(fired.deadline),
                firings::step.eq(fired.step),
                firings::county_id.eq(county),
                firings::rung.eq(fired.rung),
                firings::planned_at.eq(fired.planned_at),
                firings::fired_at.eq(now),
                firings::outcome.eq(fired.outcome),
            )
        })
        .collect();
    diesel::insert_into(firings::table).values(rows).execute(conn).await?;
    let moved = fired.iter().filter_map(|fired| {
        let next = match fired.next {
            Next::At(at) => Some(at),
            Next::Never => None,
            Next::Kept => return None,
        };
        Some((fired.deadline, fired.step.saturating_add(1), next))
    });
    let last: HashMap<DeadlineId, (i16, Option<DateTime<Utc>>)> =
        moved.map(|(id, step, next)| (id, (step, next))).collect();
    let mut rearm = Rearm::default();
    for (id, (step, next)) in last {
        rearm.ids.push(id);
        rearm.steps.push(step);
        rearm.moments.push(next);
    }
    if rearm.ids.is_empty() { Ok(()) } else { rearm.execute(conn).await.map(drop) }
}

/// The next moments of many rows, column by column.
#[derive(Default)]
struct Rearm {
    ids: Vec<DeadlineId>,
    steps: Vec<i16>,
    moments: Vec<Option<DateTime<Utc>>>,
}

impl QueryFragment<Pg> for Rearm {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        use sql_types::{Array, Nullable, SmallInt, Timestamptz, Uuid};
        out.push_sql(
            "update deadlines d set step = g.step, fires_at = g.fires_at, held_until = null, lifted_at = null, lifted_by = null
            from unnest(",
        );
        out.push_bind_param::<Array<Uuid>, _>(&self.ids)?;
        out.push_sql("::uuid[], ");
        out.push_bind_param::<Array<SmallInt>, _>(&self.steps)?;
        out.push_sql("::int2[], ");
        out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(&self.moments)?;
        out.push_sql("::timestamptz[]) as g(id, step, fires_at) where d.id = g.id");
        Ok(())
    }
}

impl QueryId for Rearm {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

/// A row whose firing failed is not looked at before `until`.
pub async fn hold(conn: &mut AsyncPgConnection, id: DeadlineId, until: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(deadlines::table.find(id))
        .set(deadlines::held_until.eq(until))
        .execute(conn)
        .await
        .map(drop)
}
