//! What is late: counted for everybody who supervises, and listed, the most overdue first.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, Utc};
use diesel_async::AsyncPgConnection;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::store::{self, Count, Filter, Shown, Whose};
use super::view::{OwedUnit, OwedView, view};
use crate::app::App;
use crate::deadlines::Clock;
use crate::identity::error::IdentityCode;
use crate::identity::{Caller, Role};
use crate::platform::http::cursor::Paging;
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// Up to how many hours late the ages are counted by; the last count is for everything older.
const AGES_H: [u32; 5] = [1, 4, 24, 72, 168];

/// Which of what is late is listed. The counts tell of all; they come with the first page alone.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OverdueQuery {
    /// Only what this department owes.
    pub department_code: Option<String>,
    pub clock: Option<Clock>,
    /// Only what stands on this rung of the ladder.
    pub rung: Option<i16>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many, at most 100; 20 when not given.
    pub limit: Option<u16>,
}

/// What is late now.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overdue {
    pub as_of: DateTime<FixedOffset>,
    #[serde(flatten)]
    pub sums: Sums,
    pub items: Vec<OwedView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// How much is late, whatever of it is listed. With the first page alone: on the pages after it (asked for with `cursor`) these members
/// are missing.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OverdueSums)]
pub struct Sums {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    /// The department with the most first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_department: Option<Vec<ByDepartment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_rung: Option<Vec<ByRung>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_clock: Option<Vec<ByClock>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_age: Option<Vec<ByAge>>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ByDepartment {
    pub department: OwedUnit,
    pub count: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ByRung {
    /// None: nobody was told yet.
    pub rung: Option<i16>,
    pub count: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ByClock {
    pub clock: Clock,
    /// What is promised, for people.
    pub name: &'static str,
    pub count: i64,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ByAge {
    /// Late for less than so many hours (and not less than the age before); none: for longer than all.
    pub under_hours: Option<u32>,
    pub count: i64,
}

/// What is late: of the county for the business office and the inspectorate, else of the department that the caller leads.
///
/// # Errors
/// 403 for anybody else, 400 for a cursor of another list.
pub async fn overdue(
    app: &App,
    caller: &Caller,
    query: OverdueQuery,
    now: DateTime<Utc>,
) -> Result<Overdue, Problem> {
    let whose = supervised(caller)?;
    let mut tx = app.db.begin(caller.scope()).await?;
    let outcome = overdue_in(&mut tx, app, caller, whose, query, now).await;
    tx.finish(outcome).await
}

/// Whose debts the caller may see: his department's, or the county's.
pub(super) fn supervised(caller: &Caller) -> Result<Whose, Problem> {
    if caller.has(Role::BusinessOffice) || caller.has(Role::Inspectorate) {
        return Ok(Whose::County);
    }
    let leads = [Role::Head, Role::Deputy, Role::Dispatcher].iter().any(|role| caller.has(*role));
    let own = caller.department.filter(|_| leads);
    own.map(Whose::Department).ok_or_else(|| IdentityCode::Forbidden.into())
}

/// How far ladders are shown to whoever may see these debts.
pub(super) const fn shown(whose: Whose) -> Shown {
    if matches!(whose, Whose::County) { Shown::ALL } else { Shown::TOLD }
}

async fn overdue_in(
    conn: &mut AsyncPgConnection,
    app: &App,
    caller: &Caller,
    whose: Whose,
    query: OverdueQuery,
    now: DateTime<Utc>,
) -> Result<Overdue, Problem> {
    let paging = Paging { cursor: query.cursor, limit: query.limit };
    let after = paging.after::<(DateTime<Utc>, Uuid)>("overdue")?;
    let shown = shown(whose);
    let sums = match after {
        Some(_) => Sums::default(),
        None => {
            let ages: Vec<f64> =
                std::iter::once(0).chain(AGES_H).map(|hours| f64::from(hours) * 3600.0).collect();
            Sums::of(&store::counts(conn, caller.county, now, whose, shown, &ages).await?)
        }
    };
    let listed = match &query.department_code {
        Some(code) => of_department(conn, caller, whose, code).await?,
        None => Some(whose),
    };
    let rows = match listed {
        Some(whose) => {
            let (clock, rung) = (query.clock, query.rung);
            let filter = Filter { whose, shown, before: now, clock, rung, after };
            store::page(conn, caller.county, &filter, paging.fetch()).await?
        }
        None => Vec::new(),
    };
    let calendars = app.calls.calendars.now(conn, caller.county).await?;
    let page = paging.page("overdue", rows, |row| (row.due_at, row.id), |row| view(row, &calendars, now));
    Ok(Overdue { as_of: china(now), sums, items: page.items, next_cursor: page.next_cursor })
}

/// One department, where the caller may see it; none: there is nothing to see.
async fn of_department(
    conn: &mut AsyncPgConnection,
    caller: &Caller,
    whose: Whose,
    code: &str,
) -> Result<Option<Whose>, Problem> {
    let asked = store::department(conn, caller.county, code.trim()).await?.map(Whose::Department);
    Ok(asked.filter(|asked| whose == Whose::County || whose == *asked))
}

impl Sums {
    fn of(counts: &[Count]) -> Self {
        let rungs = sum(counts, |count| count.rung).into_iter();
        let clocks = sum(counts, |count| count.clock).into_iter();
        Self {
            total: Some(counts.iter().map(|count| count.count).sum()),
            by_department: Some(by_department(counts)),
            by_rung: Some(rungs.map(|(rung, count)| ByRung { rung, count }).collect()),
            by_clock: Some(clocks.map(|(clock, count)| ByClock { clock, name: clock.zh(), count }).collect()),
            by_age: Some(by_age(counts)),
        }
    }
}

fn sum<K: Ord>(counts: &[Count], key: impl Fn(&Count) -> K) -> BTreeMap<K, i64> {
    let mut sums = BTreeMap::new();
    for count in counts {
        *sums.entry(key(count)).or_default() += count.count;
    }
    sums
}

fn by_department(counts: &[Count]) -> Vec<ByDepartment> {
    let unit = |count: &Count| {
        let (code, name) = (count.department_code.clone(), count.department.clone());
        (code.unwrap_or_default(), name.unwrap_or_default())
    };
    let mut sums: Vec<ByDepartment> = sum(counts, unit)
        .into_iter()
        .map(|((code, name), count)| ByDepartment { department: OwedUnit { code, name }, count })
        .collect();
    sums.sort_by_key(|sum| std::cmp::Reverse(sum.count));
    sums
}

/// One count an age, those of nothing too: a table with the same rows every day.
fn by_age(counts: &[Count]) -> Vec<ByAge> {
    let sums = sum(counts, |count| count.age);
    let under = AGES_H.into_iter().map(Some).chain([None]);
    (1..)
        .zip(under)
        .map(|(age, under_hours)| ByAge { under_hours, count: sums.get(&age).copied().unwrap_or(0) })
        .collect()
}
