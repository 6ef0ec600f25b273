//! The SQL of calls.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::cards::Holder;
use super::model::{Call, CallChange, CallId, Matter, MatterId, State};
use crate::catalogue::ItemId;
use crate::deadlines::DeadlineState;
use crate::deadlines::limits::ItemLimits;
use crate::organisation::model::{Office, OfficerStatus, Post};
use crate::organisation::{CountyId, DepartmentId, EnterpriseId, OfficerId};
use crate::schema::{
    absences, accounts, call_ratings, calls, counties, deadlines, departments, enterprises, holder_spans,
    item_contacts, members, officers, service_items, side_matters,
};

/// The names and numbers that people see beside a call.
#[derive(Clone, Debug, PartialEq, Queryable)]
pub struct Faces {
    pub call_id: CallId,
    pub enterprise: EnterpriseFace,
    pub department: DepartmentFace,
    pub holder: OfficerFace,
    pub item: Option<ItemFace>,
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = enterprises, check_for_backend(diesel::pg::Pg))]
pub struct EnterpriseFace {
    pub id: EnterpriseId,
    pub name: String,
    pub short_name: String,
    pub address: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = departments, check_for_backend(diesel::pg::Pg))]
pub struct DepartmentFace {
    pub id: DepartmentId,
    pub code: String,
    pub name: String,
    pub short_name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = officers, check_for_backend(diesel::pg::Pg))]
pub struct OfficerFace {
    pub id: OfficerId,
    pub name: String,
    pub title: String,
    pub post: Post,
    pub mobile: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = service_items, check_for_backend(diesel::pg::Pg))]
pub struct ItemFace {
    pub id: ItemId,
    pub code: String,
    pub name: String,
    pub department_id: DepartmentId,
    pub accept_working_minutes: i32,
    pub respond_working_hours: i32,
    pub resolve_working_days: i32,
}

impl ItemFace {
    /// The item's own limits.
    #[must_use]
    pub const fn limits(&self) -> ItemLimits {
        ItemLimits {
            accept_working_minutes: self.accept_working_minutes,
            respond_working_hours: self.respond_working_hours,
            resolve_working_days: self.resolve_working_days,
        }
    }
}

/// Somebody who may be made responsible.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Candidate {
    pub id: OfficerId,
    pub name: String,
    pub department_id: DepartmentId,
    pub backup_id: Option<OfficerId>,
    pub status: OfficerStatus,
    pub post: Post,
    pub absent: bool,
}

impl Candidate {
    /// On duty now.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.status == OfficerStatus::Active && !self.absent
    }
}

/// Reads a call and locks it until the end of the transaction.
pub async fn lock(conn: &mut AsyncPgConnection, id: CallId) -> QueryResult<Option<Call>> {
    calls::table.find(id).for_update().select(Call::as_select()).first(conn).await.optional()
}

pub async fn find(conn: &mut AsyncPgConnection, id: CallId) -> QueryResult<Option<Call>> {
    calls::table.find(id).select(Call::as_select()).first(conn).await.optional()
}

pub async fn find_by_number(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    number: &str,
) -> QueryResult<Option<Call>> {
    calls::table
        .filter(calls::county_id.eq(county))
        .filter(calls::number.eq(number))
        .select(Call::as_select())
        .first(conn)
        .await
        .optional()
}

/// Saves a change if nobody else changed the call since `version`.
pub async fn save(
    conn: &mut AsyncPgConnection,
    id: CallId,
    version: i32,
    change: &CallChange<'_>,
) -> QueryResult<bool> {
    let changed = diesel::update(calls::table.find(id).filter(calls::version.eq(version)))
        .set(change)
        .execute(conn)
        .await?;
    Ok(changed == 1)
}

pub async fn matters_of(conn: &mut AsyncPgConnection, calls: &[CallId]) -> QueryResult<Vec<Matter>> {
    side_matters::table
        .filter(side_matters::call_id.eq_any(calls))
        .order(side_matters::id)
        .select(Matter::as_select())
        .load(conn)
        .await
}

/// Inserts a new side matter or writes a changed one.
pub async fn put_matter(conn: &mut AsyncPgConnection, matter: &Matter) -> QueryResult<()> {
    diesel::insert_into(side_matters::table)
        .values(matter)
        .on_conflict(side_matters::id)
        .do_update()
        .set(matter)
        .execute(conn)
        .await
        .map(drop)
}

/// Who held calls from when to when, in order.
pub async fn holders(
    conn: &mut AsyncPgConnection,
    ids: &[CallId],
) -> QueryResult<HashMap<CallId, Vec<Holder>>> {
    type Span = (CallId, OfficerId, DepartmentId, DateTime<Utc>, Option<DateTime<Utc>>);
    let spans: Vec<Span> = holder_spans::table
        .filter(holder_spans::call_id.eq_any(ids))
        .order((holder_spans::starts_at, holder_spans::id))
        .select((
            holder_spans::call_id,
            holder_spans::officer_id,
            holder_spans::department_id,
            holder_spans::starts_at,
            holder_spans::ends_at,
        ))
        .load(conn)
        .await?;
    let mut holders: HashMap<CallId, Vec<Holder>> = HashMap::new();
    for (call, officer, department, since, until) in spans {
        holders.entry(call).or_default().push(Holder { officer, department, since, until });
    }
    Ok(holders)
}

/// Ends the open span of the present holder and opens one for the next; with `next` none, only ends it.
pub async fn hand_over(
    conn: &mut AsyncPgConnection,
    call: &Call,
    now: DateTime<Utc>,
    next: Option<(OfficerId, DepartmentId)>,
) -> QueryResult<()> {
    diesel::update(holder_spans::table)
        .filter(holder_spans::call_id.eq(call.id))
        .filter(holder_spans::ends_at.is_null())
        .set(holder_spans::ends_at.eq(now))
        .execute(conn)
        .await?;
    if let Some((officer, department)) = next {
        diesel::insert_into(holder_spans::table)
            .values((
                holder_spans::id.eq(Uuid::now_v7()),
                holder_spans::county_id.eq(call.county_id),
                holder_spans::call_id.eq(call.id),
                holder_spans::officer_id.eq(officer),
                holder_spans::department_id.eq(department),
                holder_spans::starts_at.eq(now),
            ))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// The faces of several calls.
pub async fn faces(conn: &mut AsyncPgConnection, ids: &[CallId]) -> QueryResult<Vec<Faces>> {
    calls::table
        .inner_join(enterprises::table)
        .inner_join(departments::table)
        .inner_join(officers::table.on(officers::id.eq(calls::holder_id)))
        .left_join(service_items::table)
        .filter(calls::id.eq_any(ids))
        .select((
            calls::id,
            EnterpriseFace::as_select(),
            DepartmentFace::as_select(),
            OfficerFace::as_select(),
            Option::<ItemFace>::as_select(),
        ))
        .load(conn)
        .await
}

/// The settings of the county, and the revision of its calendars.
pub async fn settings(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<(Value, i32)> {
    let settings = counties::table.find(county.0).select((counties::settings, counties::calendar_revision));
    settings.first(conn).await
}

/// The enterprises that an account belongs to now.
pub async fn enterprises_of(conn: &mut AsyncPgConnection, account: Uuid) -> QueryResult<Vec<EnterpriseId>> {
    members::table
        .filter(members::account_id.eq(account))
        .filter(members::left_at.is_null())
        .order(members::id)
        .select(members::enterprise_id)
        .load(conn)
        .await
}

pub async fn item(conn: &mut AsyncPgConnection, id: ItemId) -> QueryResult<Option<ItemFace>> {
    service_items::table.find(id).select(ItemFace::as_select()).first(conn).await.optional()
}

pub async fn item_by_code(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    code: &str,
) -> QueryResult<Option<ItemFace>> {
    service_items::table
        .filter(service_items::county_id.eq(county))
        .filter(service_items::code.eq(code))
        .filter(service_items::active)
        .select(ItemFace::as_select())
        .first(conn)
        .await
        .optional()
}

pub async fn department_by_code(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    code: &str,
) -> QueryResult<Option<DepartmentFace>> {
    departments::table
        .filter(departments::county_id.eq(county))
        .filter(departments::code.eq(code))
        .filter(departments::active)
        .select(DepartmentFace::as_select())
        .first(conn)
        .await
        .optional()
}

pub async fn department(conn: &mut AsyncPgConnection, id: DepartmentId) -> QueryResult<DepartmentFace> {
    departments::table.find(id).select(DepartmentFace::as_select()).first(conn).await
}

/// The one department that is this organ of the county.
pub async fn office(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    office: Office,
) -> QueryResult<Option<DepartmentFace>> {
    departments::table
        .filter(departments::county_id.eq(county))
        .filter(departments::office.eq(office.as_str()))
        .select(DepartmentFace::as_select())
        .first(conn)
        .await
        .optional()
}

/// Officers by id, with whether they are absent at `now`.
pub async fn candidates(
    conn: &mut AsyncPgConnection,
    ids: &[OfficerId],
    now: DateTime<Utc>,
) -> QueryResult<Vec<Candidate>> {
    officers::table
        .filter(officers::id.eq_any(ids))
        .select((
            officers::id,
            officers::name,
            officers::department_id,
            officers::backup_id,
            officers::status,
            officers::post,
            absent_at(now),
        ))
        .load(conn)
        .await
}

/// All officers of a department, with whether they are absent at `now`: the item's contacts first, then the duty contact, then by
/// post and code.
pub async fn department_candidates(
    conn: &mut AsyncPgConnection,
    department: DepartmentId,
    item: Option<ItemId>,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Candidate>> {
    let is_contact = exists(
        item_contacts::table
            .filter(item_contacts::officer_id.eq(officers::id))
            .filter(item_contacts::item_id.nullable().eq(item)),
    );
    officers::table
        .filter(officers::department_id.eq(department))
        .order((is_contact.desc(), officers::is_duty_contact.desc(), officers::code))
        .select((
            officers::id,
            officers::name,
            officers::department_id,
            officers::backup_id,
            officers::status,
            officers::post,
            absent_at(now),
        ))
        .load(conn)
        .await
}

#[diesel::dsl::auto_type]
fn absent_at(now: DateTime<Utc>) -> _ {
    exists(
        absences::table
            .filter(absences::officer_id.eq(officers::id))
            .filter(absences::starts_at.le(now))
            .filter(absences::ends_at.gt(now)),
    )
}

pub async fn officer_face(conn: &mut AsyncPgConnection, id: OfficerId) -> QueryResult<Option<OfficerFace>> {
    officers::table.find(id).select(OfficerFace::as_select()).first(conn).await.optional()
}

/// The call beside which something was asked.
pub async fn call_of(conn: &mut AsyncPgConnection, matter: MatterId) -> QueryResult<Option<CallId>> {
    side_matters::table.find(matter).select(side_matters::call_id).first(conn).await.optional()
}

/// The names of accounts, in the order of their ids.
pub async fn names_of(conn: &mut AsyncPgConnection, ids: &[Uuid]) -> QueryResult<Vec<(Uuid, String)>> {
    accounts::table
        .filter(accounts::id.eq_any(ids))
        .order(accounts::id)
        .select((accounts::id, accounts::name))
        .load(conn)
        .await
}

/// Where the enterprise stands, when known: latitude and longitude.
pub async fn place_of(conn: &mut AsyncPgConnection, id: EnterpriseId) -> QueryResult<Option<(f64, f64)>> {
    let place: (Option<f64>, Option<f64>) = enterprises::table
        .find(id)
        .select((enterprises::latitude, enterprises::longitude))
        .first(conn)
        .await?;
    Ok(place.0.zip(place.1))
}

/// The four scores and the words of an enterprise.
#[derive(Clone, Debug, Insertable, AsChangeset)]
#[diesel(table_name = call_ratings)]
pub struct Rating {
    pub call_id: CallId,
    pub county_id: CountyId,
    pub rated_by: Uuid,
    pub rated_at: DateTime<Utc>,
    pub speed: i16,
    pub attitude: i16,
    pub ability: i16,
    pub result: i16,
    pub words: String,
}

/// Keeps a rating; the last one of a call holds.
pub async fn rate(conn: &mut AsyncPgConnection, rating: &Rating) -> QueryResult<()> {
    diesel::insert_into(call_ratings::table)
        .values(rating)
        .on_conflict(call_ratings::call_id)
        .do_update()
        .set(rating)
        .execute(conn)
        .await
        .map(drop)
}

/// Whose calls a list shows.
#[derive(Clone, Debug)]
pub enum Whose {
    Officer(OfficerId),
    Enterprises(Vec<EnterpriseId>),
    Department(DepartmentId),
    County(CountyId),
}

/// Which of them.
#[derive(Clone, Debug)]
pub struct Filter {
    pub state: Option<State>,
    pub overdue: Option<bool>,
    /// Only calls older than this one.
    pub before: Option<CallId>,
    pub now: DateTime<Utc>,
}

/// Calls, newest first; an index leads to the first of them wherever it is.
pub async fn list(
    conn: &mut AsyncPgConnection,
    whose: &Whose,
    filter: &Filter,
    limit: i64,
) -> QueryResult<Vec<Call>> {
    let mut query = calls::table.select(Call::as_select()).order(calls::id.desc()).limit(limit).into_boxed();
    query = match whose {
        Whose::Officer(officer) => query.filter(calls::holder_id.eq(*officer)),
        Whose::Enterprises(enterprises) => query.filter(calls::enterprise_id.eq_any(enterprises)),
        Whose::Department(department) => query.filter(calls::department_id.eq(*department)),
        Whose::County(county) => query.filter(calls::county_id.eq(*county)),
    };
    if let Some(state) = filter.state {
        query = query.filter(calls::state.eq(state));
    }
    if let Some(before) = filter.before {
        query = query.filter(calls::id.lt(before));
    }
    if let Some(overdue) = filter.overdue {
        let broken = exists(
            deadlines::table
                .filter(deadlines::subject_id.eq(calls::id))
                .filter(deadlines::state.eq(DeadlineState::Running))
                .filter(deadlines::due_at.lt(filter.now)),
        );
        query = if overdue { query.filter(broken) } else { query.filter(diesel::dsl::not(broken)) };
    }
    query.load(conn).await
}
