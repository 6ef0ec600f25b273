//! The SQL of firing: the calls of due deadlines, and the people of their ladders.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::calls::model::{Call, CallId, Matter, MatterId};
use crate::organisation::model::{Office, OfficerStatus, Post};
use crate::organisation::{CountyId, DepartmentId, OfficerId};
use crate::schema::{absences, calls, departments, holder_spans, officers, side_matters};

/// Locks those of the calls that nobody works on at this moment. What a verb holds is left to it: it may stop the clock.
pub async fn lock_free(conn: &mut AsyncPgConnection, ids: &[CallId]) -> QueryResult<Vec<Call>> {
    calls::table
        .filter(calls::id.eq_any(ids))
        .order(calls::id)
        .select(Call::as_select())
        .for_no_key_update()
        .skip_locked()
        .load(conn)
        .await
}

/// Those of the calls that are there, whoever works on them.
pub async fn known(conn: &mut AsyncPgConnection, ids: &[CallId]) -> QueryResult<Vec<CallId>> {
    calls::table.filter(calls::id.eq_any(ids)).select(calls::id).load(conn).await
}

pub async fn matters(conn: &mut AsyncPgConnection, ids: &[MatterId]) -> QueryResult<Vec<Matter>> {
    side_matters::table.filter(side_matters::id.eq_any(ids)).select(Matter::as_select()).load(conn).await
}

/// Somebody whom a ladder may tell.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Member {
    pub id: OfficerId,
    pub name: String,
    pub mobile: String,
    pub department: DepartmentId,
    pub post: Post,
    pub on_duty: bool,
    pub backup: Option<OfficerId>,
    pub status: OfficerStatus,
    pub absent: bool,
}

impl Member {
    /// On duty now.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.status == OfficerStatus::Active && !self.absent
    }
}

/// Those of these departments who lead or are on duty, and these officers, each with whether he is absent at `now`; by code.
pub async fn members(
    conn: &mut AsyncPgConnection,
    departments: &[DepartmentId],
    named: &[OfficerId],
    now: DateTime<Utc>,
) -> QueryResult<Vec<Member>> {
    let leads =
        officers::post.eq_any([Post::Head, Post::Deputy, Post::SectionHead]).or(officers::is_duty_contact);
    let absent = exists(
        absences::table
            .filter(absences::officer_id.eq(officers::id))
            .filter(absences::starts_at.le(now))
            .filter(absences::ends_at.gt(now)),
    );
    officers::table
        .filter(officers::department_id.eq_any(departments).and(leads).or(officers::id.eq_any(named)))
        .order(officers::code)
        .select((
            officers::id,
            officers::name,
            officers::mobile,
            officers::department_id,
            officers::post,
            officers::is_duty_contact,
            officers::backup_id,
            officers::status,
            absent,
        ))
        .load(conn)
        .await
}

/// The departments that are these organs of the county.
pub async fn offices(
    conn: &mut AsyncPgConnection,
    county: CountyId,
) -> QueryResult<Vec<(DepartmentId, String)>> {
    departments::table
        .filter(departments::county_id.eq(county))
        .filter(departments::office.eq_any([Office::BusinessOffice.as_str(), Office::Inspectorate.as_str()]))
        .select((departments::id, departments::office.assume_not_null()))
        .load(conn)
        .await
}

/// What departments are called, in short.
pub async fn department_names(
    conn: &mut AsyncPgConnection,
    ids: &[DepartmentId],
) -> QueryResult<HashMap<DepartmentId, String>> {
    let rows: Vec<(DepartmentId, String)> = departments::table
        .filter(departments::id.eq_any(ids))
        .select((departments::id, departments::short_name))
        .load(conn)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Who held a call from when to when, in order: name, department, from, until.
pub async fn holders(
    conn: &mut AsyncPgConnection,
    id: CallId,
) -> QueryResult<Vec<(String, String, DateTime<Utc>, Option<DateTime<Utc>>)>> {
    holder_spans::table
        .inner_join(officers::table)
        .inner_join(departments::table)
        .filter(holder_spans::call_id.eq(id))
        .order((holder_spans::starts_at, holder_spans::id))
        .select((officers::name, departments::name, holder_spans::starts_at, holder_spans::ends_at))
        .load(conn)
        .await
}
