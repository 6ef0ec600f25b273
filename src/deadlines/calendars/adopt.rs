//! A new binary brings a further edition of the statutory calendar: every county that counts by an older one gets a version that holds
//! its days, and what is open is computed anew.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::change::{Author, Version, write};
use super::{deserialization, store};
use crate::deadlines::calendar::statutory::{FIRST, Statutory};
use crate::organisation::CountyId;
use crate::platform::db::{Db, DbError, Scope};

/// Gives each county without a calendar of its own this edition, unless it has it, or a later one, already. What one county refuses
/// does not keep it from the others.
///
/// # Errors
/// The first that a county met; it is to be tried again.
pub async fn adopt(db: &Db, statutory: &Statutory, now: DateTime<Utc>) -> Result<(), DbError> {
    // Every county begins with the first.
    if statutory.edition <= FIRST {
        return Ok(());
    }
    let mut tx = db.begin(Scope::AllCounties).await?;
    let behind = store::behind(&mut tx, statutory.edition).await.map_err(DbError::from);
    let mut done = Ok(());
    for county in tx.finish(behind).await? {
        let adopted = adopt_one(db, county, statutory, now).await;
        if let Err(error) = &adopted {
            tracing::warn!(%error, county = %county.0, "the statutory calendar could not be brought to a county");
        }
        done = done.and(adopted);
    }
    done
}

async fn adopt_one(
    db: &Db,
    county: CountyId,
    statutory: &Statutory,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let adopted = adopt_for(&mut tx, county, statutory, now).await;
    tx.finish(adopted).await
}

async fn adopt_for(
    conn: &mut diesel_async::AsyncPgConnection,
    county: CountyId,
    statutory: &Statutory,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    // Another replica may be doing the same, or an administrator something else.
    let revision = store::lock_revision(conn, county).await?;
    let rows = store::latest(conn, county, revision).await?;
    let own = rows.iter().find(|row| row.department_id.is_none());
    if own.is_some_and(|row| row.statutory.is_none_or(|edition| edition >= statutory.edition)) {
        return Ok(());
    }
    let definition =
        serde_json::to_value(&statutory.definition).map_err(|error| deserialization(error.to_string()))?;
    let version = Version {
        department: None,
        published_through: statutory.definition.published_through,
        definition,
        statutory: Some(statutory.edition),
    };
    write(conn, county, revision, version, &Author::binary(), now).await.map(drop)
}

impl Author {
    /// Nobody: the binary brought it.
    fn binary() -> Self {
        Self { account: None::<Uuid>, name: "系统".to_owned() }
    }
}
