//! A question to the calendar of a county or department: when is it due?

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::CalendarCode;
use super::{Calendars, store};
use crate::deadlines::calendar::Calendar;
use crate::deadlines::calendar::count::{Count, CountError, start};
use crate::organisation::CountyId;
use crate::platform::db::{Db, DbError, Scope};
use crate::platform::http::problem::{FieldError, Problem};
use crate::platform::time::china;

/// The question.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    // What is missing is refused like what is wrong, once it is known who asks.
    /// `wm`, `wh`, `wd`: working minutes, hours, days on; `-wd`, `-week`: working days, weeks before.
    #[serde(default)]
    #[param(example = "wd", required = true)]
    pub unit: String,
    /// How many; decimals for `wm` and `wh`; one week when not given.
    #[serde(default)]
    #[param(example = "3")]
    pub n: String,
    /// A moment with its offset, or a date.
    #[serde(default)]
    #[param(example = "2026-03-09T10:00:00+08:00", required = true)]
    pub start: String,
    /// The code of a department; the county's calendar when not given.
    pub department: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DueView {
    pub due: DateTime<FixedOffset>,
    /// It rests on a year whose holidays are not published.
    pub provisional: bool,
    /// The version of the calendar; 0: the first statutory edition.
    pub calendar_version: i32,
}

/// Answers.
///
/// # Errors
/// 404 for an unknown department, 422 with the part of the question that cannot be answered.
pub async fn ask(db: &Db, calendars: &Calendars, county: CountyId, ask: &Ask) -> Result<DueView, Problem> {
    let wrong = |error: CountError| {
        if error == CountError::Beyond {
            return CalendarCode::Beyond.problem();
        }
        Problem::invalid(vec![FieldError::new(error.field(), "wrong_value", error.zh(), error.to_string())])
    };
    let count = Count::parse(&ask.unit, &ask.n).map_err(wrong)?;
    let from = start(&ask.start).map_err(wrong)?;
    let calendar = calendar(db, calendars, county, ask.department.as_deref()).await?;
    let due = calendar.reckon(count, from).map_err(wrong)?;
    let calendar_version = calendar.edition().version;
    Ok(DueView { due: china(due.at), provisional: due.provisional, calendar_version })
}

async fn calendar(
    db: &Db,
    calendars: &Calendars,
    county: CountyId,
    department: Option<&str>,
) -> Result<std::sync::Arc<Calendar>, Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let found = async {
        let department = match department {
            None => None,
            Some(code) => {
                let found = store::department(&mut tx, county, code).await?;
                Some(found.ok_or_else(|| CalendarCode::DepartmentNotFound.problem())?.0)
            }
        };
        Ok(calendars.of(&mut tx, county, department).await?)
    }
    .await;
    tx.finish(found).await
}

/// The calendar of a county by its code, and of one of its departments; none when there is no such county or department.
///
/// # Errors
/// When Postgres is away, or a version of the calendar cannot be read.
pub async fn calendar_by_code(
    db: &Db,
    calendars: &Calendars,
    county: &str,
    department: Option<&str>,
) -> Result<Option<std::sync::Arc<Calendar>>, DbError> {
    let mut tx = db.begin(Scope::AllCounties).await?;
    let found = async {
        let Some(county) = store::county_by_code(&mut tx, county).await? else { return Ok(None) };
        let department = match department {
            None => None,
            Some(code) => match store::department(&mut tx, county, code).await? {
                Some((id, ..)) => Some(id),
                None => return Ok(None),
            },
        };
        calendars.of(&mut tx, county, department).await.map(Some)
    }
    .await;
    tx.finish(found).await
}
