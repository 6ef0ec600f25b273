//! Calendars as an administrator sees them.

use chrono::{DateTime, FixedOffset};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::CalendarCode;
use super::store::{self, RecomputeRow, VersionRow};
use super::{deserialization, read};
use crate::deadlines::calendar::definition::Definition;
use crate::deadlines::calendar::statutory;
use crate::organisation::{CountyId, DepartmentId};
use crate::platform::db::{Db, Scope};
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// The county's calendar, and who has another.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CalendarsView {
    /// Counts every change of a calendar of the county; for `If-Match`.
    pub version: i32,
    /// True when it is the statutory calendar with the usual hours, and follows it by itself when a further edition is published.
    pub statutory: bool,
    /// To be changed and put back whole.
    pub definition: Definition,
    /// The departments with something of their own.
    pub departments: Vec<DepartmentCalendar>,
    pub recompute: Option<RecomputeView>,
}

/// In what a department differs from its county.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DepartmentCalendar {
    pub department: CalendarDepartment,
    pub version: i32,
    pub definition: Definition,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CalendarDepartment {
    pub id: DepartmentId,
    pub code: String,
    pub name: String,
}

/// How far the open deadlines have been computed anew after the latest change.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecomputeView {
    pub version: i32,
    pub requested_at: DateTime<FixedOffset>,
    /// 1, then 2 for what was being written meanwhile.
    pub pass: i16,
    /// Deadlines moved so far.
    pub moved: i32,
    pub done_at: Option<DateTime<FixedOffset>>,
}

/// The county's calendar.
pub async fn county(db: &Db, county: CountyId) -> Result<CalendarsView, Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let view = async {
        let (version, rows) = rows(&mut tx, county).await?;
        let own = rows.iter().find(|row| row.department_id.is_none());
        let ids: Vec<_> = rows.iter().filter_map(|row| row.department_id).collect();
        let mut departments = Vec::new();
        for named in store::names(&mut tx, &ids).await? {
            let one = department_view(named, version, &rows)?;
            if !one.definition.is_empty() {
                departments.push(one);
            }
        }
        Ok(CalendarsView {
            version,
            statutory: own.is_none_or(|row| row.statutory.is_some()),
            definition: match own {
                Some(row) => read(row.definition.clone())?,
                None => statutory::first().map_err(|error| deserialization(error.to_string()))?,
            },
            departments,
            recompute: store::progress(&mut tx, county).await?.map(recompute_view),
        })
    }
    .await;
    tx.finish(view).await
}

/// A department's, by its code; empty when it has its county's.
///
/// # Errors
/// 404 for an unknown department.
pub async fn department(db: &Db, county: CountyId, code: &str) -> Result<DepartmentCalendar, Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let view = async {
        let named = store::department(&mut tx, county, code).await?;
        let named = named.ok_or_else(|| CalendarCode::DepartmentNotFound.problem())?;
        let (version, rows) = rows(&mut tx, county).await?;
        department_view(named, version, &rows)
    }
    .await;
    tx.finish(view).await
}

async fn rows(
    conn: &mut diesel_async::AsyncPgConnection,
    county: CountyId,
) -> Result<(i32, Vec<VersionRow>), Problem> {
    let version = store::revision(conn, county).await?;
    Ok((version, store::latest(conn, county, version).await?))
}

fn department_view(
    (id, code, name): (DepartmentId, String, String),
    version: i32,
    rows: &[VersionRow],
) -> Result<DepartmentCalendar, Problem> {
    let own = rows.iter().find(|row| row.department_id == Some(id)).map(|row| row.definition.clone());
    let definition = own.map(read).transpose()?.unwrap_or_default();
    Ok(DepartmentCalendar { department: CalendarDepartment { id, code, name }, version, definition })
}

fn recompute_view(row: RecomputeRow) -> RecomputeView {
    RecomputeView {
        version: row.version,
        requested_at: china(row.requested_at),
        pass: row.pass,
        moved: row.moved,
        done_at: row.done_at.map(china),
    }
}
