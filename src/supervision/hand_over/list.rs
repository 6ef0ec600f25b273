//! Lists of hand-overs, newest first: all for the business office, those handed over for discipline.

use serde::Deserialize;
use utoipa::IntoParams;

use super::model::{HandOverId, HandOverState};
use super::view::{HandOverView, views};
use crate::identity::{Caller, Role};
use crate::platform::http::cursor::{Page, Paging};
use crate::platform::http::problem::Problem;
use crate::supervision::desk::SupervisionDesk;
use crate::supervision::store;

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HandOverQuery {
    /// Only hand-overs in this state.
    pub state: Option<HandOverState>,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many, at most 100; 20 when not given.
    pub limit: Option<u16>,
}

/// A page of hand-overs, without their evidence.
///
/// # Errors
/// 400 for a cursor of another list.
pub async fn list(
    desk: &SupervisionDesk,
    caller: &Caller,
    query: HandOverQuery,
) -> Result<Page<HandOverView>, Problem> {
    let paging = Paging { cursor: query.cursor, limit: query.limit };
    let before = paging.after::<HandOverId>("hand_overs")?;
    let states: Vec<HandOverState> = HandOverState::ALL
        .iter()
        .copied()
        .filter(|state| query.state.is_none_or(|asked| asked == *state))
        .filter(|state| caller.has(Role::BusinessOffice) || *state == HandOverState::Handed)
        .collect();
    let mut tx = desk.db.begin(caller.scope()).await?;
    let outcome = async {
        let rows = store::hand_overs::list(&mut tx, caller.county, &states, before, paging.fetch()).await?;
        Ok::<_, Problem>(views(&mut tx, caller, rows).await?)
    }
    .await;
    let views = tx.finish(outcome).await?;
    Ok(paging.page("hand_overs", views, |row| row.id, |row| row))
}
