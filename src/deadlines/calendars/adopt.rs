//! A new binary brings a further statutory year: every county that counts by the statutory calendar gets a version that says so, and
//! what was provisional is computed anew.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::change::{Author, Version, write};
use super::store;
use crate::deadlines::calendar::statutory;
use crate::organisation::CountyId;
use crate::platform::db::{Db, DbError, Scope};

/// Gives each county that has no calendar of its own the one that is compiled in, unless it has it already.
///
/// # Errors
/// When Postgres is away.
pub async fn adopt(db: &Db, now: DateTime<Utc>) -> Result<(), DbError> {
    let Some(through) = statutory::definition().ok().and_then(|definition| definition.published_through)
    else {
        return Ok(());
    };
    let mut tx = db.begin(Scope::AllCounties).await?;
    let counties = store::counties(&mut tx).await.map_err(DbError::from);
    for county in tx.finish(counties).await? {
        let mut tx = db.begin(Scope::County(county.0)).await?;
        let adopted = adopt_for(&mut tx, county, through, now).await;
        tx.finish(adopted).await?;
    }
    Ok(())
}

async fn adopt_for(
    conn: &mut diesel_async::AsyncPgConnection,
    county: CountyId,
    through: i32,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let has = |rows: &[store::VersionRow]| {
        let own = rows.iter().find(|row| row.department_id.is_none());
        own.is_some_and(|row| row.definition.is_some() || row.published_through >= Some(through))
    };
    let revision = store::revision(conn, county).await?;
    if has(&store::latest(conn, county, revision).await?) {
        return Ok(());
    }
    // Another replica may be doing the same.
    let revision = store::lock_revision(conn, county).await?;
    if has(&store::latest(conn, county, revision).await?) {
        return Ok(());
    }
    let version = Version { department: None, published_through: Some(through), definition: None };
    write(conn, county, revision, version, &Author::binary(), now).await.map(drop)
}

impl Author {
    /// Nobody: the binary brought it.
    fn binary() -> Self {
        Self { account: None::<Uuid>, name: "系统".to_owned() }
    }
}
