//! The calendars of counties and their departments, in versions.
//!
//! Owns `calendars` and `calendar_recomputes`. What always holds: a version is never changed; a transaction counts by the version that
//! it reads in itself, and a version holds its days whole, so two replicas never disagree, not even of different binaries; due moments
//! that are over are never moved. A county without a version counts by the first edition of the statutory calendar.

pub mod adopt;
pub mod ask;
pub mod change;
pub mod error;
pub mod recompute;
pub mod renew;
pub mod routes;
mod store;
mod subjects;
pub mod view;

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use diesel_async::AsyncPgConnection;

use self::store::VersionRow;
use super::calendar::definition::Definition;
use super::calendar::plan::Plan;
use super::calendar::statutory::{self, Statutory};
use super::calendar::{Calendar, CalendarError, Edition};
use crate::organisation::{CountyId, DepartmentId};
use crate::platform::db::DbError;

/// Counties × versions kept ready; beyond it they are built anew.
const KEPT: usize = 64;

/// By county and revision.
type Built = HashMap<(CountyId, i32), Arc<CountyCalendars>>;

/// All calendars, built when they are first needed. Clones share them.
#[derive(Clone, Debug)]
pub struct Calendars {
    first: Arc<CountyCalendars>,
    latest: Arc<Statutory>,
    built: Arc<RwLock<Built>>,
}

/// The calendars of a county as of one revision.
#[derive(Clone, Debug)]
pub struct CountyCalendars {
    county: Arc<Calendar>,
    departments: HashMap<DepartmentId, Arc<Calendar>>,
}

impl CountyCalendars {
    /// The department's own calendar, or the county's.
    #[must_use]
    pub fn of(&self, department: Option<DepartmentId>) -> Arc<Calendar> {
        department.and_then(|department| self.departments.get(&department)).unwrap_or(&self.county).clone()
    }

    /// The calendar by which a clock is due: the one it was computed by as it is now. A department that got its own since then has
    /// that for what it is responsible for.
    #[must_use]
    pub fn for_clock(&self, edition: Edition, responsible: Option<DepartmentId>) -> Arc<Calendar> {
        let own = self.of(edition.department.or(responsible));
        let since = own.edition().version > edition.version;
        if edition.department.is_none() && !since { self.county.clone() } else { own }
    }
}

impl Calendars {
    /// With the statutory editions that are compiled in.
    ///
    /// # Errors
    /// When the compiled-in table contradicts itself.
    pub fn new() -> Result<Self, CalendarError> {
        let county = Arc::new(Calendar::new(statutory::first()?.county()?, Edition::default()));
        let first = Arc::new(CountyCalendars { county, departments: HashMap::new() });
        Ok(Self { first, latest: Arc::new(Statutory::latest()?), built: Arc::default() })
    }

    /// What counties without a calendar of their own are to follow.
    #[must_use]
    pub fn latest(&self) -> &Statutory {
        &self.latest
    }

    /// The calendar that holds now for a department, or for the county.
    ///
    /// # Errors
    /// When Postgres is away, or a version of the calendar cannot be read.
    pub async fn of(
        &self,
        conn: &mut AsyncPgConnection,
        county: CountyId,
        department: Option<DepartmentId>,
    ) -> Result<Arc<Calendar>, DbError> {
        Ok(self.now(conn, county).await?.of(department))
    }

    /// The calendars of a county as this transaction sees them.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub async fn now(
        &self,
        conn: &mut AsyncPgConnection,
        county: CountyId,
    ) -> Result<Arc<CountyCalendars>, DbError> {
        let revision = store::revision(conn, county).await?;
        self.at(conn, county, revision).await
    }

    /// The calendars of a county as of a revision; for whoever has read the county's revision in this transaction. No statement when
    /// they are ready, and none for a county without a version.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub async fn at(
        &self,
        conn: &mut AsyncPgConnection,
        county: CountyId,
        revision: i32,
    ) -> Result<Arc<CountyCalendars>, DbError> {
        if revision == 0 {
            return Ok(self.first.clone());
        }
        let key = (county, revision);
        if let Some(ready) = self.built.read().ok().and_then(|built| built.get(&key).cloned()) {
            return Ok(ready);
        }
        let rows = store::latest(conn, county, revision).await?;
        let calendars = Arc::new(build(rows)?);
        if let Ok(mut built) = self.built.write() {
            if built.len() >= KEPT {
                built.clear();
            }
            built.insert(key, calendars.clone());
        }
        Ok(calendars)
    }

    /// The calendar that a clock was computed by.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub async fn edition(
        &self,
        conn: &mut AsyncPgConnection,
        county: CountyId,
        edition: Edition,
    ) -> Result<Arc<Calendar>, DbError> {
        Ok(self.at(conn, county, edition.version).await?.of(edition.department))
    }
}

/// The calendars of the latest versions: one of the county at most, one of each department at most.
fn build(rows: Vec<VersionRow>) -> Result<CountyCalendars, DbError> {
    let (own, others): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.department_id.is_none());
    let own = own.into_iter().next();
    let since = own.as_ref().map_or(0, |row| row.version);
    let plan = county_plan(own.map(|row| row.definition))?;
    let mut departments = HashMap::new();
    for row in others {
        let Some(department) = row.department_id else { continue };
        let definition = read(row.definition)?;
        let own = definition.department(&plan).map_err(|faults| unreadable(&faults.into()))?;
        let edition = Edition { version: row.version.max(since), department: Some(department) };
        departments.insert(department, Arc::new(Calendar::new(own, edition)));
    }
    let county = Arc::new(Calendar::new(plan, Edition { version: since, department: None }));
    Ok(CountyCalendars { county, departments })
}

/// The plan of the county's definition; of the first statutory edition when it has none.
fn county_plan(definition: Option<serde_json::Value>) -> Result<Plan, DbError> {
    let definition = match definition {
        Some(definition) => read(definition)?,
        None => statutory::first().map_err(|error| unreadable(&error))?,
    };
    definition.county().map_err(|faults| unreadable(&faults.into()))
}

fn read(definition: serde_json::Value) -> Result<Definition, DbError> {
    serde_json::from_value(definition).map_err(|error| deserialization(error.to_string()))
}

/// What an administrator wrote was checked; only a hand in Postgres or an older binary gets here.
fn unreadable(error: &CalendarError) -> DbError {
    deserialization(format!("calendar: {error}"))
}

fn deserialization(cause: String) -> DbError {
    DbError::Query(diesel::result::Error::DeserializationError(cause.into()))
}
