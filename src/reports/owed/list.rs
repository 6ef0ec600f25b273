//! What an officer owes, or a department: everything late and everything due until the end of a day.

use chrono::{DateTime, Days, NaiveTime, Utc};
use chrono_tz::Asia::Shanghai;
use diesel_async::AsyncPgConnection;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::overdue::{shown, supervised};
use super::store::{self, Filter, Shown, Whose};
use super::view::{OwedView, view};
use crate::app::App;
use crate::identity::Staff;
use crate::platform::http::cursor::{Page, Paging};
use crate::platform::http::problem::{FieldError, Problem};
use crate::text_enum;

text_enum!(
    /// Whose debts are asked for.
    OwedScope {
        /// The officer's own.
        Mine = "mine",
        /// Of the department that the caller leads; of the county for those who supervise it.
        Department = "department",
    }
);

/// How far ahead somebody may look.
const MOST_DAYS: u16 = 31;

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OwedQuery {
    /// `mine` when not given.
    pub scope: Option<OwedScope>,
    /// Until the end of which day: 0 (when not given) today, 1 tomorrow, at most 31.
    pub days: Option<u16>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many, at most 100; 20 when not given.
    pub limit: Option<u16>,
}

/// What is owed, the most overdue first.
///
/// # Errors
/// 403 for a scope that is not the caller's, 400 for a cursor of another list, 422 for more days than 31.
pub async fn list(
    app: &App,
    caller: &Staff,
    query: OwedQuery,
    now: DateTime<Utc>,
) -> Result<Page<OwedView>, Problem> {
    let days = query.days.unwrap_or(0);
    if days > MOST_DAYS {
        let (zh, en) = ("请给 0 到 31 之间的天数", "a number of days from 0 to 31");
        return Err(Problem::invalid(vec![FieldError::new("days", "out_of_range", zh, en)]));
    }
    let (whose, shown) = match query.scope.unwrap_or(OwedScope::Mine) {
        OwedScope::Mine => (Whose::Officer(caller.officer), Shown::TOLD),
        OwedScope::Department => {
            let whose = supervised(caller)?;
            (whose, shown(whose))
        }
    };
    let paging = Paging { cursor: query.cursor, limit: query.limit };
    let after = paging.after::<(DateTime<Utc>, Uuid)>("owed")?;
    let filter = Filter { whose, shown, before: end_of_day(now, days), clock: None, rung: None, after };
    let mut tx = app.db.begin(caller.scope()).await?;
    let outcome = list_in(&mut tx, app, caller, &filter, &paging, now).await;
    tx.finish(outcome).await
}

async fn list_in(
    conn: &mut AsyncPgConnection,
    app: &App,
    caller: &Staff,
    filter: &Filter,
    paging: &Paging,
    now: DateTime<Utc>,
) -> Result<Page<OwedView>, Problem> {
    let rows = store::page(conn, caller.county, filter, paging.fetch()).await?;
    let calendars = app.calls.calendars.now(conn, caller.county).await?;
    Ok(paging.page("owed", rows, |row| (row.due_at, row.id), |row| view(row, &calendars, now)))
}

/// Midnight after the day that lies `days` ahead, in China.
fn end_of_day(now: DateTime<Utc>, days: u16) -> DateTime<Utc> {
    let day = now.with_timezone(&Shanghai).date_naive() + Days::new(u64::from(days) + 1);
    day.and_time(NaiveTime::MIN).and_local_timezone(Shanghai).earliest().map_or(now, |at| at.to_utc())
}
