//! In which order officers are tried: `officer_addresses.preference` and `department_channels`. The order of a list here is the one in which
//! an alarm is addressed ([`crate::notices::outbox::routes`]).

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::notices::channels::ChannelKind;
use crate::notices::model::{ChannelId, ChannelState};
use crate::notices::register::reaches_officers;
use crate::organisation::{CountyId, DepartmentId, OfficerId};
use crate::schema::{accounts, channels, department_channels, officer_addresses, officers};

/// An application that reaches an officer, or the officers of a department.
#[derive(Clone, Debug, Queryable)]
pub struct Way {
    pub channel: ChannelId,
    pub code: String,
    pub kind: ChannelKind,
    pub name: String,
    pub state: ChannelState,
    /// What he is called there.
    pub user_id: Option<String>,
    /// Its place in the order that is asked about; none: it follows those that have one.
    pub chosen: Option<i32>,
    /// Its place in his department's order.
    pub by_department: Option<i32>,
    /// Whether the order was put here, not by the county's files.
    pub is_said: bool,
}

fn personal() -> Vec<ChannelKind> {
    ChannelKind::ALL.iter().copied().filter(|kind| reaches_officers(kind.as_str())).collect()
}

/// The applications that reach an officer, in order.
pub async fn of_officer(conn: &mut AsyncPgConnection, officer: OfficerId) -> QueryResult<Vec<Way>> {
    let by_department = department_channels::channel_id
        .eq(channels::id)
        .and(department_channels::department_id.eq(officers::department_id));
    officer_addresses::table
        .inner_join(channels::table)
        .inner_join(officers::table)
        .left_join(department_channels::table.on(by_department))
        .filter(officer_addresses::officer_id.eq(officer))
        .filter(channels::kind.eq_any(personal()))
        .order((
            officer_addresses::preference.asc().nulls_last(),
            department_channels::preference.nullable().asc().nulls_last(),
            channels::code.asc(),
        ))
        .select((
            channels::id,
            channels::code,
            channels::kind,
            channels::name,
            channels::state,
            officer_addresses::user_id.nullable(),
            officer_addresses::preference,
            department_channels::preference.nullable(),
            officer_addresses::chosen_at.is_not_null(),
        ))
        .load(conn)
        .await
}

/// The applications that reach officers of the county, in a department's order.
pub async fn of_department(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    department: DepartmentId,
) -> QueryResult<Vec<Way>> {
    let own = department_channels::channel_id
        .eq(channels::id)
        .and(department_channels::department_id.eq(department));
    let preference = department_channels::preference.nullable();
    channels::table
        .left_join(department_channels::table.on(own))
        .filter(channels::county_id.eq(county))
        .filter(channels::kind.eq_any(personal()))
        .order((preference.asc().nulls_last(), channels::code.asc()))
        .select((
            channels::id,
            channels::code,
            channels::kind,
            channels::name,
            channels::state,
            None::<String>.into_sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>(),
            preference,
            preference,
            department_channels::given_at.nullable().is_not_null(),
        ))
        .load(conn)
        .await
}

/// Nobody else changes what belongs to an account until the end of the transaction.
pub async fn lock_account(conn: &mut AsyncPgConnection, account: Uuid) -> QueryResult<()> {
    let locked = accounts::table.find(account).select(accounts::id).for_no_key_update();
    locked.first::<Uuid>(conn).await.map(drop)
}

/// An officer's own order, from now on his own to say.
pub async fn put_own(
    conn: &mut AsyncPgConnection,
    officer: OfficerId,
    order: &[ChannelId],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let own = || officer_addresses::table.filter(officer_addresses::officer_id.eq(officer));
    let none = (officer_addresses::preference.eq(None::<i32>), officer_addresses::chosen_at.eq(Some(now)));
    diesel::update(own()).set(none).execute(conn).await?;
    for (place, channel) in (1..).zip(order) {
        diesel::update(own().filter(officer_addresses::channel_id.eq(channel)))
            .set(officer_addresses::preference.eq(Some(place)))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// A department's order, from now on given here; with an empty one the files may give it again.
pub async fn put_for_department(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    department: DepartmentId,
    order: &[ChannelId],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let before = department_channels::table.filter(department_channels::department_id.eq(department));
    diesel::delete(before).execute(conn).await?;
    let rows: Vec<_> = (1..)
        .zip(order)
        .map(|(place, channel)| {
            (
                department_channels::id.eq(Uuid::now_v7()),
                department_channels::county_id.eq(county),
                department_channels::department_id.eq(department),
                department_channels::channel_id.eq(channel),
                department_channels::preference.eq(place),
                department_channels::given_at.eq(Some(now)),
            )
        })
        .collect();
    diesel::insert_into(department_channels::table).values(rows).execute(conn).await.map(drop)
}
