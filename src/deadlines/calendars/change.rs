//! Changing a calendar: the whole of it is checked before anything changes, then a further version is written, an event in the
//! county's ledger, and the wish to compute open deadlines anew.

use chrono::{DateTime, Datelike as _, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::CalendarCode;
use super::store::{self, RecomputeRow, VersionRow};
use super::{county_plan, read};
use crate::deadlines::calendar::definition::Definition;
use crate::ledger::chain::Subject;
use crate::ledger::{self, Actor, ActorKind, Fact};
use crate::organisation::{CountyId, DepartmentId};
use crate::platform::db::{Db, DbError, Scope};
use crate::platform::http::problem::{CommonCode, FieldError, Problem};
use crate::platform::time::china;

/// Who changes it.
#[derive(Clone, Debug)]
pub struct Author {
    /// None: the binary.
    pub account: Option<Uuid>,
    pub name: String,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Change {
    /// The code of a department; none: the county's own calendar.
    pub department: Option<String>,
    pub definition: Definition,
    /// The revision of the county's calendars that it was made on.
    pub expected: Option<i32>,
}

/// Puts a calendar in the place of the one before. The same one again changes nothing.
///
/// # Errors
/// 404 for an unknown department, 409 when somebody else was faster, 422 with the path of every fault.
pub async fn put(
    db: &Db,
    county: CountyId,
    author: &Author,
    change: Change,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let done = put_in(&mut tx, county, author, change, now).await;
    tx.finish(done).await
}

async fn put_in(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    author: &Author,
    change: Change,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let revision = store::lock_revision(conn, county).await?;
    if change.expected.is_some_and(|expected| expected != revision) {
        return Err(Problem::from(CommonCode::StaleVersion).with("version", revision));
    }
    let rows = store::latest(conn, county, revision).await?;
    let department = match &change.department {
        None => None,
        Some(code) => Some(
            store::department(conn, county, code)
                .await?
                .ok_or_else(|| CalendarCode::DepartmentNotFound.problem())?
                .0,
        ),
    };
    check(conn, &rows, department, &change.definition, now).await?;
    let definition = serde_json::to_value(&change.definition).map_err(|error| broken(&error))?;
    let same = rows.iter().find(|row| row.department_id == department);
    // The statutory days written by hand follow no further edition.
    if same.is_some_and(|row| row.statutory.is_none() && row.definition == definition) {
        return Ok(());
    }
    if same.is_none() && department.is_some() && change.definition.is_empty() {
        return Ok(());
    }
    let version = Version {
        department,
        published_through: change.definition.published_through,
        definition,
        statutory: None,
    };
    write(conn, county, revision, version, author, now).await?;
    Ok(())
}

/// Everything that would not fit any more after the change, with its path.
async fn check(
    conn: &mut AsyncPgConnection,
    rows: &[VersionRow],
    department: Option<DepartmentId>,
    definition: &Definition,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    if department.is_some() {
        let own = rows.iter().find(|row| row.department_id.is_none());
        let county = county_plan(own.map(|row| row.definition.clone()))?;
        return definition.department(&county).map(drop).map_err(Problem::invalid);
    }
    let plan = definition.county().map_err(Problem::invalid)?;
    // Far from its years there is nothing to count with.
    definition.require_year(&plan, china(now).year()).map_err(Problem::invalid)?;
    let mut faults = Vec::new();
    let ids: Vec<DepartmentId> = rows.iter().filter_map(|row| row.department_id).collect();
    let names = store::names(conn, &ids).await?;
    for row in rows.iter().filter(|row| row.department_id.is_some()) {
        let Err(found) = read(row.definition.clone())?.department(&plan) else {
            continue;
        };
        let code =
            names.iter().find(|(id, ..)| Some(*id) == row.department_id).map_or("", |(_, code, _)| code);
        faults.extend(
            found
                .into_iter()
                .map(|fault| FieldError { field: format!("departments.{code}.{}", fault.field), ..fault }),
        );
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid(faults)) }
}

/// A version to be.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub department: Option<DepartmentId>,
    pub published_through: Option<i32>,
    pub definition: Value,
    /// The edition of the statutory calendar that it is.
    pub statutory: Option<i32>,
}

/// Writes a version after `revision`, whose lock the caller holds.
pub(super) async fn write(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    revision: i32,
    version: Version,
    author: &Author,
    now: DateTime<Utc>,
) -> Result<i32, DbError> {
    let next = revision + 1;
    let told = json!({
        "version": next,
        "departmentId": version.department,
        "publishedThrough": version.published_through,
        "definition": version.definition,
        "statutory": version.statutory,
    });
    let row = VersionRow {
        id: Uuid::now_v7(),
        county_id: county,
        department_id: version.department,
        version: next,
        published_through: version.published_through,
        definition: version.definition,
        statutory: version.statutory,
        created_at: now,
        created_by: author.account,
    };
    let recompute = RecomputeRow {
        county_id: county,
        version: next,
        requested_at: now,
        pass: 1,
        due_at: now,
        after_subject: Uuid::nil(),
        moved: 0,
        failure: None,
        done_at: None,
    };
    store::add(conn, &row, &recompute).await?;
    let kind = if author.account.is_some() { ActorKind::Account } else { ActorKind::Clock };
    let actor = Actor { kind, id: author.account, name: author.name.clone() };
    let subject = Subject { county_id: county.0, kind: ledger::SubjectKind::County, id: county.0 };
    let at = ledger::store::last_at(conn, county.0).await?.map_or(now, |last| last.max(now));
    ledger::store::append(conn, subject, &actor, at, vec![Fact::new("county.calendar_changed", told)])
        .await?;
    Ok(next)
}

fn broken(error: &serde_json::Error) -> Problem {
    tracing::error!(%error, "a calendar cannot be written as JSON");
    CommonCode::Internal.into()
}
