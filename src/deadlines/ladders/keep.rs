//! The ladders that are kept beside the present ones: those of the release before, when it shipped others, and none that nobody climbs by.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde_json::Value;

use super::store;
use super::succession::{released, windows, without_idle};
use crate::deadlines::limits::SHIPPED_LADDER;
use crate::organisation::CountyId;
use crate::platform::db::{Db, DbError, Scope};

/// Leaves what runs on the ladders of the release before, in every county, where this one ships others. To be done before anything
/// fires. What one county refuses does not keep it from the others.
///
/// # Errors
/// The first that a county met.
pub async fn adopt(db: &Db, now: DateTime<Utc>) -> Result<(), DbError> {
    let mut tx = db.begin(Scope::AllCounties).await?;
    let found = store::shipped_otherwise(&mut tx, &SHIPPED_LADDER).await.map_err(DbError::from);
    let mut done = Ok(());
    for county in tx.finish(found).await? {
        let adopted = adopt_one(db, county, now).await;
        if let Err(error) = &adopted {
            tracing::warn!(%error, county = %county.0, "what runs in a county could not be left on the ladders shipped before");
        }
        done = done.and(adopted);
    }
    done
}

async fn adopt_one(db: &Db, county: CountyId, now: DateTime<Utc>) -> Result<(), DbError> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let adopted = adopt_for(&mut tx, county, now).await.map_err(DbError::from);
    tx.finish(adopted).await
}

async fn adopt_for(conn: &mut AsyncPgConnection, county: CountyId, now: DateTime<Utc>) -> QueryResult<()> {
    let (settings, revision) = store::lock_settings(conn, county).await?;
    // Asked with the county in hand: another replica may have done it.
    if let Some(before) = store::shipped(conn, county).await?.filter(|before| *before != *SHIPPED_LADDER) {
        let next = needed(conn, county, released(&settings, &before, now)).await?;
        if next != settings {
            store::put_settings(conn, county, &next, revision).await?;
        }
    }
    store::put_shipped(conn, county, &SHIPPED_LADDER).await
}

/// Forgets what no clock climbs by any more, in every county; in how many there was something.
///
/// # Errors
/// Postgres is away; what was forgotten stays so.
pub async fn tidy(db: &Db) -> Result<usize, DbError> {
    let mut tx = db.begin(Scope::AllCounties).await?;
    let found = store::keeping(&mut tx).await.map_err(DbError::from);
    let mut tidied = 0;
    for county in tx.finish(found).await? {
        let mut tx = db.begin(Scope::County(county.0)).await?;
        let done = tidy_one(&mut tx, county).await.map_err(DbError::from);
        tidied += usize::from(tx.finish(done).await?);
    }
    Ok(tidied)
}

async fn tidy_one(conn: &mut AsyncPgConnection, county: CountyId) -> QueryResult<bool> {
    let (settings, revision) = store::lock_settings(conn, county).await?;
    let next = needed(conn, county, settings.clone()).await?;
    if next == settings {
        return Ok(false);
    }
    // What the county chose is the same: the revision stays.
    store::put_settings(conn, county, &next, revision).await?;
    Ok(true)
}

/// Settings without the ladders that no clock climbs by.
pub(super) async fn needed(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    settings: Value,
) -> QueryResult<Value> {
    let mut needed = Vec::new();
    for (since, until) in windows(&settings) {
        needed.push(store::climbs(conn, county, since, until).await?);
    }
    Ok(without_idle(&settings, &needed))
}
