//! The SQL of a county's settings.

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, select, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::deadlines::limits::PAST;
use crate::organisation::CountyId;
use crate::schema::{counties, deadlines, service_items};

/// The settings and their revision.
pub async fn settings(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<(Value, i32)> {
    counties::table.find(county.0).select((counties::settings, counties::settings_revision)).first(conn).await
}

/// The same, and nobody else changes them until the end of the transaction. Taps go on.
pub async fn lock_settings(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<(Value, i32)> {
    counties::table
        .find(county.0)
        .select((counties::settings, counties::settings_revision))
        .for_no_key_update()
        .first(conn)
        .await
}

/// Puts settings in the place of those before.
pub async fn put_settings(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    settings: &Value,
    revision: i32,
) -> QueryResult<()> {
    diesel::update(counties::table.find(county.0))
        .set((counties::settings.eq(settings), counties::settings_revision.eq(revision)))
        .execute(conn)
        .await
        .map(drop)
}

/// The ladders as they were shipped when this was last asked.
pub async fn shipped(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<Option<Value>> {
    counties::table.find(county.0).select(counties::shipped_ladder).first(conn).await
}

pub async fn put_shipped(conn: &mut AsyncPgConnection, county: CountyId, ladder: &Value) -> QueryResult<()> {
    let county = diesel::update(counties::table.find(county.0));
    county.set(counties::shipped_ladder.eq(ladder)).execute(conn).await.map(drop)
}

/// The counties under other ladders than those shipped now, or under nobody knows which.
pub async fn shipped_otherwise(conn: &mut AsyncPgConnection, ladder: &Value) -> QueryResult<Vec<CountyId>> {
    counties::table
        .filter(counties::shipped_ladder.is_distinct_from(ladder))
        .order(counties::id)
        .select(counties::id)
        .load::<Uuid>(conn)
        .await
        .map(|ids| ids.into_iter().map(CountyId).collect())
}

/// The counties that keep ladders beside the present ones.
pub async fn keeping(conn: &mut AsyncPgConnection) -> QueryResult<Vec<CountyId>> {
    counties::table
        .filter(sql::<Bool>("settings ? ").bind::<Text, _>(PAST))
        .order(counties::id)
        .select(counties::id)
        .load::<Uuid>(conn)
        .await
        .map(|ids| ids.into_iter().map(CountyId).collect())
}

/// Those of some codes that items of the county have.
pub async fn known_items(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    codes: &[&str],
) -> QueryResult<Vec<String>> {
    service_items::table
        .filter(service_items::county_id.eq(county))
        .filter(service_items::code.eq_any(codes))
        .select(service_items::code)
        .load(conn)
        .await
}

/// Whether a clock still climbs that started within a window.
pub async fn climbs(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    since: Option<DateTime<Utc>>,
    until: DateTime<Utc>,
) -> QueryResult<bool> {
    let live = deadlines::table
        .filter(deadlines::county_id.eq(county))
        .filter(deadlines::started_at.ge(since.unwrap_or(DateTime::UNIX_EPOCH)))
        .filter(deadlines::started_at.lt(until))
        .filter(sql::<Bool>("state in ('running', 'paused')"));
    select(exists(live)).get_result(conn).await
}
