//! Reading one order: as it stands, and its whole story.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;

use super::model::{Order, OrderId};
use super::state::OrderStanding;
use super::view::{OrderView, views};
use crate::identity::Caller;
use crate::ledger;
use crate::platform::http::problem::Problem;
use crate::supervision::desk::SupervisionDesk;
use crate::supervision::error::SupervisionCode;
use crate::supervision::store;
use crate::supervision::view::SupervisionStory;

/// An order as the caller sees it.
///
/// # Errors
/// 404 when it does not exist for the caller.
pub async fn show(
    desk: &SupervisionDesk,
    caller: &Caller,
    id: OrderId,
    now: DateTime<Utc>,
) -> Result<OrderView, Problem> {
    let mut tx = desk.db.begin(caller.scope()).await?;
    let outcome = async {
        let order = find(&mut tx, caller, id).await?;
        let mut views = views(&mut tx, caller, vec![order], now).await?;
        views.pop().ok_or_else(|| SupervisionCode::OrderNotFound.problem())
    }
    .await;
    tx.finish(outcome).await
}

/// All events of an order, in order, with the chain verified.
///
/// # Errors
/// 404 when it does not exist for the caller.
pub async fn story(
    desk: &SupervisionDesk,
    caller: &Caller,
    id: OrderId,
) -> Result<SupervisionStory, Problem> {
    let mut tx = desk.db.begin(caller.scope()).await?;
    let outcome = async {
        find(&mut tx, caller, id).await?;
        Ok(SupervisionStory::of(ledger::store::of_subject(&mut tx, id.0).await?))
    }
    .await;
    tx.finish(outcome).await
}

async fn find(conn: &mut AsyncPgConnection, caller: &Caller, id: OrderId) -> Result<Order, Problem> {
    let order = store::orders::find(conn, id).await?;
    order
        .filter(|order| OrderStanding::of(caller, order).sees())
        .ok_or_else(|| SupervisionCode::OrderNotFound.into())
}
