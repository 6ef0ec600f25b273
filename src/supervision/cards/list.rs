//! Lists of cards, newest first: an officer's own, those of the department he leads, or the county's.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::model::CardId;
use super::view::{CardView, views};
use crate::deadlines::ladder::CardColour;
use crate::identity::{Caller, Role};
use crate::organisation::{CountyId, DepartmentId, OfficerId};
use crate::platform::http::cursor::{Page, Paging};
use crate::platform::http::problem::Problem;
use crate::supervision::desk::SupervisionDesk;
use crate::supervision::error::SupervisionCode;
use crate::supervision::store;
use crate::text_enum;

text_enum!(
    /// Whose cards are asked for.
    CardScope {
        /// The officer's own.
        Mine = "mine",
        /// Of the department that the caller leads.
        Department = "department",
        /// All of the county: for the business office and the inspectorate.
        County = "county",
    }
);

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CardQuery {
    /// `mine` when not given.
    pub scope: Option<CardScope>,
    pub colour: Option<CardColour>,
    /// Only cards of this call.
    pub call_id: Option<Uuid>,
    /// Only cards that were struck (true), or only those that count (false).
    pub struck: Option<bool>,
    /// Only cards with an appeal that waits for a decision (true), or only the others (false).
    pub appealed: Option<bool>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many, at most 100; 20 when not given.
    pub limit: Option<u16>,
}

/// Whose cards a list shows.
#[derive(Clone, Copy, Debug)]
pub enum Whose {
    Officer(OfficerId),
    Department(DepartmentId),
    County(CountyId),
}

/// Which of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub colour: Option<CardColour>,
    pub call: Option<Uuid>,
    pub struck: Option<bool>,
    pub appealed: Option<bool>,
    /// Only cards older than this one.
    pub before: Option<CardId>,
}

/// A page of cards.
///
/// # Errors
/// 403 for a scope that is not the caller's, 400 for a cursor of another list.
pub async fn list(
    desk: &SupervisionDesk,
    caller: &Caller,
    query: CardQuery,
    now: DateTime<Utc>,
) -> Result<Page<CardView>, Problem> {
    let mut tx = desk.db.begin(caller.scope()).await?;
    let outcome = list_in(&mut tx, desk, caller, query, now).await;
    tx.finish(outcome).await
}

async fn list_in(
    conn: &mut AsyncPgConnection,
    desk: &SupervisionDesk,
    caller: &Caller,
    query: CardQuery,
    now: DateTime<Utc>,
) -> Result<Page<CardView>, Problem> {
    let paging = Paging { cursor: query.cursor, limit: query.limit };
    let whose = whose(caller, query.scope.unwrap_or(CardScope::Mine))?;
    let filter = Filter {
        colour: query.colour,
        call: query.call_id,
        struck: query.struck,
        appealed: query.appealed,
        before: paging.after::<CardId>("cards")?,
    };
    let rows = store::cards::list(conn, whose, filter, paging.fetch()).await?;
    let (rules, calendars) = desk.county(conn, caller.county).await?;
    let views = views(conn, caller, &calendars, &rules, rows, now).await?;
    Ok(paging.page("cards", views, |card| card.id, |card| card))
}

fn whose(caller: &Caller, scope: CardScope) -> Result<Whose, Problem> {
    let leads = caller.has(Role::Head) || caller.has(Role::Deputy);
    let supervises = caller.has(Role::BusinessOffice) || caller.has(Role::Inspectorate);
    let whose = match scope {
        CardScope::Mine => caller.officer.map(Whose::Officer),
        CardScope::Department => caller.department.filter(|_| leads).map(Whose::Department),
        CardScope::County => supervises.then_some(Whose::County(caller.county)),
    };
    whose.ok_or_else(|| SupervisionCode::CardNotYours.into())
}
