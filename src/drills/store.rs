//! The SQL of drills.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::dsl::{exists, select};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{ContactId, DrillId};
use crate::notices::model::NoticeId;
use crate::organisation::{CountyId, DepartmentId, OfficerId};
use crate::schema::{counties, drill_contacts, drills, officers};

/// A row of `drills`.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = drills)]
pub struct NewDrill {
    pub id: DrillId,
    pub county_id: CountyId,
    /// Of one that began by itself.
    pub month: Option<NaiveDate>,
    pub started_at: DateTime<Utc>,
    pub answer_by: DateTime<Utc>,
    pub started_by: String,
}

/// A row of `drill_contacts`.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = drill_contacts)]
pub struct NewContact {
    pub id: ContactId,
    pub county_id: CountyId,
    pub drill_id: DrillId,
    pub officer_id: OfficerId,
    pub department_id: DepartmentId,
    pub inbox_id: NoticeId,
    pub message_id: Option<NoticeId>,
}

/// Somebody who stands on a contact card.
#[derive(Clone, Debug, QueryableByName)]
pub struct Holder {
    #[diesel(sql_type = SqlUuid)]
    pub officer: OfficerId,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = SqlUuid)]
    pub department: DepartmentId,
    #[diesel(sql_type = Text)]
    pub department_name: String,
}

/// A drill as it began.
#[derive(Clone, Debug, Queryable)]
pub struct Drill {
    pub id: DrillId,
    pub month: Option<NaiveDate>,
    pub started_at: DateTime<Utc>,
    pub answer_by: DateTime<Utc>,
    pub started_by: String,
}

/// How it stands with one holder.
#[derive(Clone, Debug, QueryableByName)]
pub struct Standing {
    #[diesel(sql_type = SqlUuid)]
    pub officer: OfficerId,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub department: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub channel: Option<String>,
    /// The state of his message; none when there is no way to him.
    #[diesel(sql_type = Nullable<Text>)]
    pub state: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub reason: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub sent_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub answered_at: Option<DateTime<Utc>>,
}

/// A contact card on which somebody stands.
#[derive(Clone, Debug, QueryableByName)]
pub struct OnCard {
    #[diesel(sql_type = SqlUuid)]
    pub officer: OfficerId,
    #[diesel(sql_type = Text)]
    pub enterprise: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub matter: Option<String>,
}

/// What the page behind the link shows.
#[derive(Clone, Debug, Queryable)]
pub struct Asked {
    pub name: String,
    pub answered_at: Option<DateTime<Utc>>,
}

/// Nobody else begins a drill in the county until the end of the transaction. Taps go on.
pub async fn lock_county(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<()> {
    let row = counties::table.find(county.0).select(counties::id).for_no_key_update();
    row.first::<CountyId>(conn).await.map(drop)
}

/// All counties.
pub async fn counties(conn: &mut AsyncPgConnection) -> QueryResult<Vec<CountyId>> {
    counties::table.order(counties::id).select(counties::id).load(conn).await
}

/// When a county came into being.
pub async fn founded_at(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<DateTime<Utc>> {
    counties::table.find(county.0).select(counties::created_at).first(conn).await
}

/// Whether a drill began at `since` or later.
pub async fn started_since(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    since: DateTime<Utc>,
) -> QueryResult<bool> {
    let later = drills::table.filter(drills::county_id.eq(county)).filter(drills::started_at.ge(since));
    select(exists(later)).get_result(conn).await
}

pub async fn add(conn: &mut AsyncPgConnection, drill: &NewDrill) -> QueryResult<()> {
    diesel::insert_into(drills::table).values(drill).execute(conn).await.map(drop)
}

pub async fn add_contacts(conn: &mut AsyncPgConnection, contacts: &[NewContact]) -> QueryResult<()> {
    // A statement takes 65 535 values at most.
    for some in contacts.chunks(1_000) {
        diesel::insert_into(drill_contacts::table).values(some).execute(conn).await?;
    }
    Ok(())
}

/// Everybody at work who stands on a contact card of an operating enterprise, as first or backup, once.
pub async fn holders(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<Vec<Holder>> {
    sql_query(
        "select o.id as officer, o.name, d.id as department, d.name as department_name
         from officers o join departments d on d.id = o.department_id
         where o.county_id = $1 and o.status = 'active' and exists (
            select from contact_cards c join enterprises e on e.id = c.enterprise_id
            where e.status = 'operating' and (c.officer_id = o.id or c.backup_id = o.id))
         order by d.name, o.name, o.id",
    )
    .bind::<SqlUuid, _>(county.0)
    .load(conn)
    .await
}

/// The latest drills, newest first.
pub async fn latest(conn: &mut AsyncPgConnection, county: CountyId, limit: i64) -> QueryResult<Vec<Drill>> {
    let own = drills::table.filter(drills::county_id.eq(county)).order(drills::started_at.desc());
    own.select((drills::id, drills::month, drills::started_at, drills::answer_by, drills::started_by))
        .limit(limit)
        .load(conn)
        .await
}

pub async fn find(conn: &mut AsyncPgConnection, county: CountyId, id: DrillId) -> QueryResult<Option<Drill>> {
    drills::table
        .find(id)
        .filter(drills::county_id.eq(county))
        .select((drills::id, drills::month, drills::started_at, drills::answer_by, drills::started_by))
        .first(conn)
        .await
        .optional()
}

/// How it stands with everybody who was called.
pub async fn standings(conn: &mut AsyncPgConnection, id: DrillId) -> QueryResult<Vec<Standing>> {
    sql_query(
        "select o.id as officer, o.name, d.name as department, ch.name as channel, m.state, m.reason, m.sent_at,
            least(c.heard_at, i.read_at) as answered_at
         from drill_contacts c join officers o on o.id = c.officer_id join departments d on d.id = c.department_id
         join notices i on i.id = c.inbox_id left join notices m on m.id = c.message_id
         left join channels ch on ch.id = m.channel_id
         where c.drill_id = $1 order by d.name, o.name, o.id",
    )
    .bind::<SqlUuid, _>(id.0)
    .load(conn)
    .await
}

/// The cards on which those who were called stand now.
pub async fn cards(conn: &mut AsyncPgConnection, id: DrillId) -> QueryResult<Vec<OnCard>> {
    sql_query(
        "select o.officer_id as officer, e.name as enterprise, coalesce(s.name, g.name) as matter
         from drill_contacts o join contact_cards c on c.officer_id = o.officer_id or c.backup_id = o.officer_id
         join enterprises e on e.id = c.enterprise_id left join service_items s on s.id = c.item_id
         left join categories g on g.id = c.category_id
         where o.drill_id = $1 and e.status = 'operating' order by e.name, matter nulls first",
    )
    .bind::<SqlUuid, _>(id.0)
    .load(conn)
    .await
}

/// Notes that somebody has the message, the first time.
pub async fn hear(
    conn: &mut AsyncPgConnection,
    contact: ContactId,
    officer: OfficerId,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let own = drill_contacts::table.find(contact).filter(drill_contacts::officer_id.eq(officer));
    diesel::update(own.filter(drill_contacts::heard_at.is_null()))
        .set(drill_contacts::heard_at.eq(Some(now)))
        .execute(conn)
        .await
        .map(drop)
}

/// Whom the message was for, and since when he has it.
pub async fn asked(
    conn: &mut AsyncPgConnection,
    contact: ContactId,
    officer: OfficerId,
) -> QueryResult<Option<Asked>> {
    drill_contacts::table
        .inner_join(officers::table)
        .filter(drill_contacts::id.eq(contact))
        .filter(drill_contacts::officer_id.eq(officer))
        .select((officers::name, drill_contacts::heard_at))
        .first(conn)
        .await
        .optional()
}
