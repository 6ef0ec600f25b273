//! The SQL of a county's own words.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use crate::organisation::CountyId;
use crate::schema::{counties, county_texts};

/// Own words of an event.
#[derive(Clone, Debug, Queryable)]
pub struct Kept {
    pub version: i32,
    /// None: as shipped again.
    pub words: Option<Value>,
}

/// Nobody else changes the county's words until the end of the transaction. Taps go on.
pub async fn lock_county(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<()> {
    let locked = counties::table.find(county.0).select(counties::id).for_no_key_update();
    locked.first::<CountyId>(conn).await.map(drop)
}

/// Every event whose words were ever changed.
pub async fn all(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<Vec<(String, Kept)>> {
    county_texts::table
        .filter(county_texts::county_id.eq(county))
        .select((county_texts::event, (county_texts::version, county_texts::words)))
        .load(conn)
        .await
}

/// The words of one event.
pub async fn of_event(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    event: &str,
) -> QueryResult<Option<Kept>> {
    county_texts::table
        .find((county, event))
        .select((county_texts::version, county_texts::words))
        .first(conn)
        .await
        .optional()
}

/// The words of those of some events that are not as shipped, and their versions.
pub async fn of_events(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    events: &[&str],
) -> QueryResult<HashMap<String, (i32, Value)>> {
    let own = county_texts::table
        .filter(county_texts::county_id.eq(county))
        .filter(county_texts::event.eq_any(events))
        .filter(county_texts::words.is_not_null())
        .select((county_texts::event, (county_texts::version, county_texts::words.assume_not_null())));
    Ok(own.load::<(String, (i32, Value))>(conn).await?.into_iter().collect())
}

/// Puts words in the place of those before.
pub async fn put(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    event: &str,
    version: i32,
    words: Option<&Value>,
) -> QueryResult<()> {
    let changed = (county_texts::version.eq(version), county_texts::words.eq(words));
    let row = (county_texts::county_id.eq(county), county_texts::event.eq(event), changed);
    diesel::insert_into(county_texts::table)
        .values(row)
        .on_conflict((county_texts::county_id, county_texts::event))
        .do_update()
        .set(changed)
        .execute(conn)
        .await
        .map(drop)
}
