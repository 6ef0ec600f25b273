//! Writes a checked county: all tables in one transaction, each compared with what stands there already.

mod accounts;
mod catalogue;
mod channels;
mod diff;
mod enterprises;
mod people;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::posts::Posts;
use super::report::{Counts, ImportReport, Kind};
use super::source::Source;
use super::{ImportError, ImportOptions};
use crate::organisation::model::CountyId;
use crate::platform::crypto::Vault;
use crate::platform::db::{Db, Scope};
use crate::schema::counties;

/// Ids by code of what is stored already; later tables refer to them.
#[derive(Default)]
struct Ids {
    areas: HashMap<String, Uuid>,
    departments: HashMap<String, Uuid>,
    officers: HashMap<String, Uuid>,
    categories: HashMap<String, Uuid>,
    items: HashMap<String, Uuid>,
    enterprises: HashMap<String, Uuid>,
}

/// A code that the check let pass and the store does not find: never happens, and is an error rather than a wrong link.
fn find(ids: &HashMap<String, Uuid>, code: &str) -> QueryResult<Uuid> {
    ids.get(code).copied().ok_or(diesel::result::Error::NotFound)
}

fn find_optional(ids: &HashMap<String, Uuid>, code: Option<&str>) -> QueryResult<Option<Uuid>> {
    code.map(|code| find(ids, code)).transpose()
}

/// What every table's step needs.
struct Load<'a> {
    conn: &'a mut AsyncPgConnection,
    county: Uuid,
    source: &'a Source,
    posts: &'a Posts<'a>,
    ids: Ids,
    /// Officers of the county whom the files no longer mention.
    unmentioned: HashSet<Uuid>,
    counts: Vec<(Kind, Counts)>,
    now: DateTime<Utc>,
}

/// Stores the county, or nothing.
pub async fn store(
    db: &Db,
    vault: &Vault,
    source: &Source,
    posts: &Posts<'_>,
    options: &ImportOptions,
    now: DateTime<Utc>,
) -> Result<ImportReport, ImportError> {
    let known = find_county(db, &source.county.code).await?;
    let county = known.unwrap_or_else(|| CountyId::fresh().0);
    let mut tx = db.begin(Scope::County(county)).await?;
    let outcome = async {
        lock_county(&mut tx, county, known.is_none(), source, options, now).await?;
        let mut load = Load {
            conn: &mut tx,
            county,
            source,
            posts,
            ids: Ids::default(),
            unmentioned: HashSet::new(),
            counts: Vec::new(),
            now,
        };
        people::store(&mut load).await?;
        catalogue::store(&mut load).await?;
        enterprises::store(&mut load).await?;
        channels::store(&mut load, vault, options).await?;
        accounts::store(&mut load).await?;
        Ok(load.counts)
    };
    let outcome: Result<_, ImportError> = Box::pin(outcome).await;
    let counts = tx.finish(outcome).await?;
    Ok(ImportReport {
        county: CountyId(county),
        code: source.county.code.clone(),
        name: source.county.name.clone(),
        counts,
        unread: source.unread.clone(),
    })
}

async fn find_county(db: &Db, code: &str) -> Result<Option<Uuid>, ImportError> {
    // Codes and names of counties are public, so no row of any county is within reach of this transaction but theirs.
    let mut tx = db.begin(Scope::County(Uuid::nil())).await?;
    let found = counties::table
        .filter(counties::code.eq(code))
        .select(counties::id)
        .first(&mut *tx)
        .await
        .optional()
        .map_err(ImportError::from);
    tx.finish(found).await
}

/// Writes the county's own row and holds it, so that two imports of one county wait for each other.
async fn lock_county(
    conn: &mut AsyncPgConnection,
    county: Uuid,
    new: bool,
    source: &Source,
    options: &ImportOptions,
    now: DateTime<Utc>,
) -> Result<(), ImportError> {
    let file = &source.county;
    let settings = serde_json::Value::Object(file.settings.clone());
    if new {
        diesel::insert_into(counties::table)
            .values((
                counties::id.eq(county),
                counties::code.eq(&file.code),
                counties::name.eq(&file.name),
                counties::settings.eq(settings),
                counties::created_at.eq(now),
            ))
            .execute(conn)
            .await?;
        return Ok(());
    }
    let (name, kept, revision): (String, serde_json::Value, i32) = counties::table
        .find(county)
        .select((counties::name, counties::settings, counties::settings_revision))
        // Not `for update`: that would block every insert that refers to the county, taps above all.
        .for_no_key_update()
        .first(conn)
        .await?;
    let settings = match options.succeed_settings {
        // An administrator has taken them in hand.
        _ if revision > 0 => kept.clone(),
        Some(succeed) => succeed(&kept, settings, now).map_err(|why| source.refused_settings(why))?,
        None => settings,
    };
    if name != file.name || kept != settings {
        diesel::update(counties::table.find(county))
            .set((counties::name.eq(&file.name), counties::settings.eq(settings)))
            .execute(conn)
            .await?;
    }
    Ok(())
}
