//! The SQL of `calendars` and `calendar_recomputes`.

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::deadlines::limits::Urgency;
use crate::deadlines::model::{Deadline, DeadlineId};
use crate::organisation::{CountyId, DepartmentId};
use crate::schema::{
    calendar_recomputes, calendars, calls, counties, deadlines, departments, side_matters, supervision_orders,
};

/// A row of `calendars`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = calendars, check_for_backend(diesel::pg::Pg))]
pub struct VersionRow {
    pub id: Uuid,
    pub county_id: CountyId,
    pub department_id: Option<DepartmentId>,
    pub version: i32,
    pub published_through: Option<i32>,
    pub definition: Value,
    /// The edition of the statutory calendar that it is.
    pub statutory: Option<i32>,
    pub created_at: DateTime<Utc>,
    pub created_by: Option<Uuid>,
}

/// A row of `calendar_recomputes`.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = calendar_recomputes, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub struct RecomputeRow {
    pub county_id: CountyId,
    pub version: i32,
    pub requested_at: DateTime<Utc>,
    pub pass: i16,
    pub due_at: DateTime<Utc>,
    pub after_subject: Uuid,
    pub moved: i32,
    /// Why the last batch could not be done.
    pub failure: Option<String>,
    pub done_at: Option<DateTime<Utc>>,
}

/// The county's calendar revision.
pub async fn revision(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<i32> {
    counties::table.find(county.0).select(counties::calendar_revision).first(conn).await
}

/// The county's settings and calendar revision.
pub async fn county(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<(Value, i32)> {
    counties::table.find(county.0).select((counties::settings, counties::calendar_revision)).first(conn).await
}

/// The county's calendar revision, and nobody else changes the county's calendars until the end of the transaction. Taps go on: they only
/// refer to the county.
pub async fn lock_revision(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<i32> {
    counties::table.find(county.0).select(counties::calendar_revision).for_no_key_update().first(conn).await
}

/// The counties that count by an older edition of the statutory calendar; those without any version count by the first.
pub async fn behind(conn: &mut AsyncPgConnection, edition: i32) -> QueryResult<Vec<CountyId>> {
    // Who has once written his own never follows again.
    let current = calendars::table
        .filter(calendars::county_id.eq(counties::id))
        .filter(calendars::department_id.is_null())
        .filter(calendars::statutory.is_null().or(calendars::statutory.ge(edition)));
    counties::table
        .filter(not(exists(current)))
        .order(counties::id)
        .select(counties::id)
        .load::<Uuid>(conn)
        .await
        .map(|ids| ids.into_iter().map(CountyId).collect())
}

/// A county by its code.
pub async fn county_by_code(conn: &mut AsyncPgConnection, code: &str) -> QueryResult<Option<CountyId>> {
    let id = counties::table.filter(counties::code.eq(code)).select(counties::id).first::<Uuid>(conn);
    id.await.optional().map(|id| id.map(CountyId))
}

/// The latest version of the county and of each department, not later than `revision`.
pub async fn latest(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    revision: i32,
) -> QueryResult<Vec<VersionRow>> {
    calendars::table
        .filter(calendars::county_id.eq(county))
        .filter(calendars::version.le(revision))
        .distinct_on(calendars::department_id)
        .order((calendars::department_id, calendars::version.desc()))
        .select(VersionRow::as_select())
        .load(conn)
        .await
}

/// A department of the county by its code: id, code, name.
pub async fn department(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    code: &str,
) -> QueryResult<Option<(DepartmentId, String, String)>> {
    departments::table
        .filter(departments::county_id.eq(county))
        .filter(departments::code.eq(code))
        .select((departments::id, departments::code, departments::name))
        .first(conn)
        .await
        .optional()
}

/// Code and name of departments.
pub async fn names(
    conn: &mut AsyncPgConnection,
    ids: &[DepartmentId],
) -> QueryResult<Vec<(DepartmentId, String, String)>> {
    departments::table
        .filter(departments::id.eq_any(ids))
        .order(departments::code)
        .select((departments::id, departments::code, departments::name))
        .load(conn)
        .await
}

/// Writes a further version. Older recomputes end: the one that is asked for here does their work too.
pub async fn add(
    conn: &mut AsyncPgConnection,
    row: &VersionRow,
    recompute: &RecomputeRow,
) -> QueryResult<()> {
    diesel::insert_into(calendars::table).values(row).execute(conn).await?;
    diesel::update(counties::table.find(row.county_id.0))
        .set(counties::calendar_revision.eq(row.version))
        .execute(conn)
        .await?;
    let open = calendar_recomputes::table
        .filter(calendar_recomputes::county_id.eq(row.county_id))
        .filter(calendar_recomputes::done_at.is_null());
    diesel::update(open).set(calendar_recomputes::done_at.eq(row.created_at)).execute(conn).await?;
    diesel::insert_into(calendar_recomputes::table).values(recompute).execute(conn).await.map(drop)
}

/// How far the latest recompute has come.
pub async fn progress(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<Option<RecomputeRow>> {
    calendar_recomputes::table
        .filter(calendar_recomputes::county_id.eq(county))
        .order(calendar_recomputes::version.desc())
        .select(RecomputeRow::as_select())
        .first(conn)
        .await
        .optional()
}

/// The county whose recompute has waited longest and may begin or go on.
pub async fn waiting(conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<Option<CountyId>> {
    calendar_recomputes::table
        .filter(calendar_recomputes::done_at.is_null())
        .filter(calendar_recomputes::due_at.le(now))
        .order(calendar_recomputes::due_at)
        .select(calendar_recomputes::county_id)
        .first(conn)
        .await
        .optional()
}

/// The county's open recompute, locked; none when another worker has it.
pub async fn take(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    now: DateTime<Utc>,
) -> QueryResult<Option<RecomputeRow>> {
    calendar_recomputes::table
        .filter(calendar_recomputes::county_id.eq(county))
        .filter(calendar_recomputes::done_at.is_null())
        .filter(calendar_recomputes::due_at.le(now))
        .for_update()
        .skip_locked()
        .select(RecomputeRow::as_select())
        .first(conn)
        .await
        .optional()
}

/// The county's open recompute failed, and is not tried again before `until`.
pub async fn hold(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    until: DateTime<Utc>,
    why: &str,
) -> QueryResult<()> {
    let open = calendar_recomputes::table
        .filter(calendar_recomputes::county_id.eq(county))
        .filter(calendar_recomputes::done_at.is_null());
    diesel::update(open)
        .set((calendar_recomputes::due_at.eq(until), calendar_recomputes::failure.eq(why)))
        .execute(conn)
        .await
        .map(drop)
}

pub async fn put_progress(conn: &mut AsyncPgConnection, row: &RecomputeRow) -> QueryResult<()> {
    let target = calendar_recomputes::table.find((row.county_id, row.version));
    diesel::update(target).set(row).execute(conn).await.map(drop)
}

/// What is open: the working calendar decides when it is due, or when its ladder climbs. As literals, so that the partial index of live
/// clocks serves whatever plan Postgres keeps.
const OPEN: &str = "state in ('running', 'paused')";

/// The next subjects in order that have an open clock.
pub async fn subjects(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    after: Uuid,
    limit: i64,
) -> QueryResult<Vec<Uuid>> {
    deadlines::table
        .filter(deadlines::county_id.eq(county))
        .filter(deadlines::subject_id.gt(after))
        .filter(sql::<Bool>(OPEN))
        .distinct()
        .order(deadlines::subject_id)
        .limit(limit)
        .select(deadlines::subject_id)
        .load(conn)
        .await
}

/// The open clocks of some subjects.
pub async fn open_clocks(conn: &mut AsyncPgConnection, subjects: &[Uuid]) -> QueryResult<Vec<Deadline>> {
    deadlines::table
        .filter(deadlines::subject_id.eq_any(subjects))
        .filter(sql::<Bool>(OPEN))
        .order(deadlines::id)
        .select(Deadline::as_select())
        .load(conn)
        .await
}

/// A call, as far as its clocks depend on it.
#[derive(Clone, Debug, Queryable)]
pub struct CallRow {
    pub id: Uuid,
    /// Who is responsible now.
    pub department_id: DepartmentId,
    pub urgency: Urgency,
}

/// The calls that some subjects are or belong to, locked in order.
pub async fn lock_calls(conn: &mut AsyncPgConnection, subjects: &[Uuid]) -> QueryResult<Vec<CallRow>> {
    let of_matters =
        side_matters::table.filter(side_matters::id.eq_any(subjects)).select(side_matters::call_id);
    calls::table
        .filter(calls::id.eq_any(subjects).or(calls::id.eq_any(of_matters)))
        .order(calls::id)
        .for_no_key_update()
        .select((calls::id, calls::department_id, calls::urgency))
        .load(conn)
        .await
}

/// Those of some subjects that are supervision orders, locked in order: `(order, ordered department)`.
pub async fn lock_orders(
    conn: &mut AsyncPgConnection,
    subjects: &[Uuid],
) -> QueryResult<Vec<(Uuid, DepartmentId)>> {
    supervision_orders::table
        .filter(supervision_orders::id.eq_any(subjects))
        .order(supervision_orders::id)
        .for_no_key_update()
        .select((supervision_orders::id, supervision_orders::department_id))
        .load(conn)
        .await
}

/// Something asked beside a call.
#[derive(Clone, Debug, Queryable)]
pub struct MatterRow {
    pub id: Uuid,
    pub call_id: Uuid,
    /// Who was asked to help, or to where it should go.
    pub department_id: Option<DepartmentId>,
}

/// The side matters of calls.
pub async fn matters(conn: &mut AsyncPgConnection, calls: &[Uuid]) -> QueryResult<Vec<MatterRow>> {
    side_matters::table
        .filter(side_matters::call_id.eq_any(calls))
        .select((side_matters::id, side_matters::call_id, side_matters::department_id))
        .load(conn)
        .await
}

/// These clocks are due as they were, by a further version too.
pub async fn confirm(conn: &mut AsyncPgConnection, clocks: &[DeadlineId], version: i32) -> QueryResult<()> {
    if clocks.is_empty() {
        return Ok(());
    }
    diesel::update(deadlines::table.filter(deadlines::id.eq_any(clocks)))
        .set(deadlines::calendar_version.eq(version.into_sql::<Integer>()))
        .execute(conn)
        .await
        .map(drop)
}

/// A pause ends with its clock.
pub async fn move_pause(conn: &mut AsyncPgConnection, matter: Uuid, until: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(side_matters::table.find(matter))
        .set(side_matters::until_at.eq(until))
        .execute(conn)
        .await
        .map(drop)
}
