//! The SQL of a replay: the calls of a period, page by page, with what their clocks depended on.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryResult, QueryableByName, select, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::deadlines::limits::Urgency;
use crate::organisation::{CountyId, DepartmentId};

/// Lets nobody else replay this county until the end of the transaction; false when somebody does.
pub async fn take_turn(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<bool> {
    let turn = diesel::dsl::sql::<Bool>("pg_try_advisory_xact_lock(hashtextextended('simulate ' || ")
        .bind::<SqlUuid, _>(county)
        .sql("::text, 0))");
    select(turn).get_result(conn).await
}

/// A call of the period.
#[derive(Clone, Debug, QueryableByName)]
pub struct CallRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub number: String,
    #[diesel(sql_type = Text)]
    pub title: String,
    #[diesel(sql_type = Text)]
    pub urgency: Urgency,
    #[diesel(sql_type = Timestamptz)]
    pub raised_at: DateTime<Utc>,
    #[diesel(sql_type = SqlUuid)]
    pub department_id: DepartmentId,
    #[diesel(sql_type = Nullable<Int4>)]
    pub accept_working_minutes: Option<i32>,
    #[diesel(sql_type = Nullable<Int4>)]
    pub respond_working_hours: Option<i32>,
    #[diesel(sql_type = Nullable<Int4>)]
    pub resolve_working_days: Option<i32>,
}

/// The next calls of the period, after the last of the page before. They lie in the order of their ids, so that all pages together
/// walk the county's index once.
pub async fn calls(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    after: Uuid,
    limit: i64,
) -> QueryResult<Vec<CallRow>> {
    sql_query(
        "select c.id, c.number, c.title, c.urgency, c.raised_at, c.department_id,
            i.accept_working_minutes, i.respond_working_hours, i.resolve_working_days
        from calls c left join service_items i on i.id = c.item_id
        where c.county_id = $1 and c.id > $2 and c.raised_at >= $3 and c.raised_at < $4
        order by c.id limit $5",
    )
    .bind::<SqlUuid, _>(county)
    .bind::<SqlUuid, _>(after)
    .bind::<Timestamptz, _>(from)
    .bind::<Timestamptz, _>(until)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await
}

/// Help that was asked for, or a return that was ruled on.
#[derive(Clone, Debug, QueryableByName)]
pub struct MatterRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub call_id: Uuid,
    /// Who was asked to help.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub department_id: Option<DepartmentId>,
}

pub async fn matters(conn: &mut AsyncPgConnection, calls: &[Uuid]) -> QueryResult<Vec<MatterRow>> {
    sql_query(
        "select id, call_id, department_id from side_matters
        where call_id = any($1) and kind in ('assistance', 'return')",
    )
    .bind::<Array<SqlUuid>, _>(calls)
    .load(conn)
    .await
}

/// A rung of a clock that was told.
#[derive(Clone, Debug, QueryableByName)]
pub struct ToldRow {
    #[diesel(sql_type = SqlUuid)]
    pub deadline_id: Uuid,
    #[diesel(sql_type = Int2)]
    pub rung: i16,
}

pub async fn told(conn: &mut AsyncPgConnection, deadlines: &[Uuid]) -> QueryResult<Vec<ToldRow>> {
    sql_query(
        "select distinct deadline_id, rung from firings where deadline_id = any($1) and outcome = 'fired'",
    )
    .bind::<Array<SqlUuid>, _>(deadlines)
    .load(conn)
    .await
}

/// A department that held a call.
#[derive(Clone, Debug, QueryableByName)]
pub struct SpanRow {
    #[diesel(sql_type = SqlUuid)]
    pub call_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub department_id: DepartmentId,
    #[diesel(sql_type = Timestamptz)]
    pub starts_at: DateTime<Utc>,
}

/// Who held the calls since when, in order.
pub async fn spans(conn: &mut AsyncPgConnection, calls: &[Uuid]) -> QueryResult<Vec<SpanRow>> {
    sql_query(
        "select call_id, department_id, starts_at from holder_spans
        where call_id = any($1) order by call_id, starts_at, id",
    )
    .bind::<Array<SqlUuid>, _>(calls)
    .load(conn)
    .await
}

/// A department of the county.
#[derive(Clone, Debug, QueryableByName)]
pub struct DepartmentRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: DepartmentId,
    #[diesel(sql_type = Text)]
    pub code: String,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Bool)]
    pub is_business_office: bool,
}

pub async fn departments(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<Vec<DepartmentRow>> {
    sql_query(
        "select id, code, name, coalesce(office = 'business_office', false) as is_business_office
        from departments where county_id = $1",
    )
    .bind::<SqlUuid, _>(county)
    .load(conn)
    .await
}
