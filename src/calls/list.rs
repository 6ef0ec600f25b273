//! Lists of calls by scope, newest first, at a cost that does not depend on how deep one reads.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::desk::Desk;
use super::error::CallCode;
use super::model::{CallId, State};
use super::standing::{Person, Standing};
use super::store::{self, Filter, Whose};
use super::view::{CallView, view};
use crate::deadlines;
use crate::platform::db::Scope;
use crate::platform::http::cursor::{Page, Paging};
use crate::platform::http::problem::{FieldError, Problem};
use crate::text_enum;

text_enum!(
    /// Whose calls are asked for.
    ListScope {
        /// The enterprise's own, or those in the officer's hand.
        Mine = "mine",
        /// Of the officer's department.
        Department = "department",
        /// All of the county: for the business office and the inspectorate.
        County = "county",
    }
);

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `mine` when not given.
    pub scope: Option<ListScope>,
    /// Only calls in this state.
    pub state: Option<State>,
    /// Only calls that somebody is late with now (true), or only the others (false). An answer, however late, ends the being late.
    pub overdue: Option<bool>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many, at most 100; 20 when not given.
    pub limit: Option<u16>,
}

/// A page of calls.
///
/// # Errors
/// 403 for a scope that is not the caller's, 400 for a cursor of another list.
pub async fn list(
    desk: &Desk,
    person: &Person,
    query: ListQuery,
    now: DateTime<Utc>,
) -> Result<Page<CallView>, Problem> {
    let mut tx = desk.db.begin(Scope::County(person.county.0)).await?;
    let outcome = list_in(&mut tx, desk, person, query, now).await;
    tx.finish(outcome).await
}

async fn list_in(
    conn: &mut diesel_async::AsyncPgConnection,
    desk: &Desk,
    person: &Person,
    query: ListQuery,
    now: DateTime<Utc>,
) -> Result<Page<CallView>, Problem> {
    let paging = Paging { cursor: query.cursor, limit: query.limit };
    let enterprises = store::enterprises_of(conn, person.account).await?;
    let whose = match query.scope.unwrap_or(ListScope::Mine) {
        ListScope::Mine => match person.officer {
            Some(officer) => Whose::Officer(officer),
            None => Whose::Enterprises(enterprises.clone()),
        },
        ListScope::Department => {
            Whose::Department(person.department.ok_or_else(|| CallCode::NotYours.problem())?)
        }
        ListScope::County if person.powers.business_office || person.powers.inspectorate => {
            Whose::County(person.county)
        }
        ListScope::County => return Err(CallCode::NotYours.into()),
    };
    let filter =
        Filter { state: query.state, overdue: query.overdue, before: paging.after::<CallId>("calls")?, now };
    let rows = store::list(conn, &whose, &filter, paging.fetch()).await?;
    let ids: Vec<CallId> = rows.iter().map(|call| call.id).collect();
    let subjects: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    let mut faces = store::faces(conn, &ids).await?;
    let matters = store::matters_of(conn, &ids).await?;
    let clocks = deadlines::store::of_subjects(conn, &subjects).await?;
    let mut views = Vec::with_capacity(rows.len());
    for call in rows {
        let Some(at) = faces.iter().position(|face| face.call_id == call.id) else { continue };
        let faces = faces.swap_remove(at);
        let own: Vec<_> = matters.iter().filter(|matter| matter.call_id == call.id).cloned().collect();
        let clocks: Vec<_> = clocks.iter().filter(|clock| clock.subject_id == call.id.0).cloned().collect();
        let standing = Standing::of(person, &enterprises, &call, &own);
        views.push(view(desk, &call, faces, &own, &clocks, &standing, now));
    }
    Ok(paging.page("calls", views, |call| call.id, |call| call))
}

/// A number or an id, as it stands in an address or in `field` of a body.
pub fn reference(text: &str, field: &'static str) -> Result<Reference, Problem> {
    if let Ok(id) = text.parse() {
        return Ok(Reference::Id(CallId(id)));
    }
    match super::number::parse(text) {
        Some(number) => Ok(Reference::Number(number)),
        None if text.len() <= 12 && text.chars().all(|c| c.is_ascii_digit() || c == '-') => {
            Err(Problem::invalid(vec![FieldError::new(
                field,
                "bad_number",
                CallCode::BadNumber.def().zh,
                CallCode::BadNumber.def().en,
            )]))
        }
        None => Err(CallCode::CallNotFound.into()),
    }
}

/// How a call is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    Id(CallId),
    Number(String),
}
