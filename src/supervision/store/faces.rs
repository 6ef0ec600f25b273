//! The names that people see beside a card, an order or a hand-over, and the people who are told.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::organisation::model::{Office, OfficerStatus, Post};
use crate::organisation::{CountyId, DepartmentId, OfficerId};
use crate::schema::{absences, accounts, calls, counties, departments, enterprises, officers};

/// A call in short.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct CallFace {
    pub id: Uuid,
    pub number: String,
    pub title: String,
    pub enterprise: String,
    /// Who is responsible for it now.
    pub department_id: DepartmentId,
    /// `critical`, `urgent` or `normal`.
    pub urgency: String,
}

pub async fn calls(conn: &mut AsyncPgConnection, ids: &[Uuid]) -> QueryResult<Vec<CallFace>> {
    calls::table
        .inner_join(enterprises::table)
        .filter(calls::id.eq_any(ids))
        .select((
            calls::id,
            calls::number,
            calls::title,
            enterprises::name,
            calls::department_id,
            calls::urgency,
        ))
        .load(conn)
        .await
}

/// Who is responsible for a call, its state, and when it ended; it does not change until the end of the transaction.
pub async fn held_call(
    conn: &mut AsyncPgConnection,
    id: Uuid,
) -> QueryResult<Option<(DepartmentId, String, Option<DateTime<Utc>>)>> {
    calls::table
        .find(id)
        .for_share()
        .select((calls::department_id, calls::state, calls::ended_at))
        .first(conn)
        .await
        .optional()
}

/// A department.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = departments, check_for_backend(diesel::pg::Pg))]
pub struct UnitFace {
    pub id: DepartmentId,
    pub code: String,
    pub name: String,
    pub short_name: String,
}

pub async fn departments(conn: &mut AsyncPgConnection, ids: &[DepartmentId]) -> QueryResult<Vec<UnitFace>> {
    departments::table.filter(departments::id.eq_any(ids)).select(UnitFace::as_select()).load(conn).await
}

pub async fn department_by_code(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    code: &str,
) -> QueryResult<Option<DepartmentId>> {
    departments::table
        .filter(departments::county_id.eq(county))
        .filter(departments::code.eq(code))
        .filter(departments::active)
        .select(departments::id)
        .first(conn)
        .await
        .optional()
}

/// The department that is this organ of the county.
pub async fn office(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    office: Office,
) -> QueryResult<Option<DepartmentId>> {
    departments::table
        .filter(departments::county_id.eq(county))
        .filter(departments::office.eq(office.as_str()))
        .select(departments::id)
        .first(conn)
        .await
        .optional()
}

/// Somebody who is told by name.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct PersonFace {
    pub id: OfficerId,
    pub name: String,
    pub mobile: String,
}

/// The head of a department, or a deputy when the head is away; when neither is there, whoever answers for it.
pub async fn leader(
    conn: &mut AsyncPgConnection,
    department: DepartmentId,
    now: DateTime<Utc>,
) -> QueryResult<Option<PersonFace>> {
    let leader = on_duty(department, now)
        .filter(officers::post.eq_any([Post::Head, Post::Deputy]))
        .order((officers::post.eq(Post::Head).desc(), officers::code))
        .select((officers::id, officers::name, officers::mobile))
        .first(conn)
        .await
        .optional()?;
    match leader {
        Some(leader) => Ok(Some(leader)),
        None => contact(conn, department, now).await,
    }
}

/// Who answers for a department: its duty contact, the contact's backup when he is away, else whoever leads it and is there.
pub async fn contact(
    conn: &mut AsyncPgConnection,
    department: DepartmentId,
    now: DateTime<Utc>,
) -> QueryResult<Option<PersonFace>> {
    let backups: Vec<OfficerId> = officers::table
        .filter(officers::department_id.eq(department))
        .filter(officers::is_duty_contact)
        .select(officers::backup_id.assume_not_null())
        .filter(officers::backup_id.is_not_null())
        .load(conn)
        .await?;
    let leads = officers::post.eq_any([Post::SectionHead, Post::Deputy, Post::Head]);
    on_duty(department, now)
        .filter(officers::is_duty_contact.or(officers::id.eq_any(&backups)).or(leads))
        .order((
            officers::is_duty_contact.desc(),
            officers::id.eq_any(&backups).desc(),
            officers::post.eq(Post::SectionHead).desc(),
            officers::post.eq(Post::Deputy).desc(),
            officers::code,
        ))
        .select((officers::id, officers::name, officers::mobile))
        .first(conn)
        .await
        .optional()
}

/// Somebody of a department who is not its head: the duty contact when he is there.
pub async fn colleague(
    conn: &mut AsyncPgConnection,
    department: DepartmentId,
    now: DateTime<Utc>,
) -> QueryResult<Option<PersonFace>> {
    on_duty(department, now)
        .filter(officers::post.ne(Post::Head))
        .order((officers::is_duty_contact.desc(), officers::code))
        .select((officers::id, officers::name, officers::mobile))
        .first(conn)
        .await
        .optional()
}

#[diesel::dsl::auto_type]
fn on_duty(department: DepartmentId, now: DateTime<Utc>) -> _ {
    let absent = exists(
        absences::table
            .filter(absences::officer_id.eq(officers::id))
            .filter(absences::starts_at.le(now))
            .filter(absences::ends_at.gt(now)),
    );
    let active: OfficerStatus = OfficerStatus::Active;
    officers::table
        .filter(officers::department_id.eq(department))
        .filter(officers::status.eq(active))
        .filter(not(absent))
}

/// The department of an account's officer.
pub async fn unit_of(conn: &mut AsyncPgConnection, account: Uuid) -> QueryResult<Option<DepartmentId>> {
    accounts::table
        .inner_join(officers::table)
        .filter(accounts::id.eq(account))
        .select(officers::department_id)
        .first(conn)
        .await
        .optional()
}

/// The names of accounts.
pub async fn names(conn: &mut AsyncPgConnection, ids: &[Uuid]) -> QueryResult<HashMap<Uuid, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Uuid, String)> = accounts::table
        .filter(accounts::id.eq_any(ids))
        .select((accounts::id, accounts::name))
        .load(conn)
        .await?;
    Ok(rows.into_iter().collect())
}

/// The names of officers.
pub async fn officers(
    conn: &mut AsyncPgConnection,
    ids: &[OfficerId],
) -> QueryResult<HashMap<OfficerId, String>> {
    let rows: Vec<(OfficerId, String)> = officers::table
        .filter(officers::id.eq_any(ids))
        .select((officers::id, officers::name))
        .load(conn)
        .await?;
    Ok(rows.into_iter().collect())
}

/// The settings of a county, and the revision of its calendars.
pub async fn settings(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<(Value, i32)> {
    let settings = counties::table.find(county.0).select((counties::settings, counties::calendar_revision));
    settings.first(conn).await
}
