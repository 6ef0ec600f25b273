//! Reading one order: as it stands, its whole story, and the sum behind a due moment.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Order, OrderId};
use super::state::OrderStanding;
use super::view::{OrderClock, OrderView, clock_view, views};
use crate::deadlines::{self, explain};
use crate::identity::Caller;
use crate::ledger;
use crate::platform::http::problem::{CommonCode, Problem};
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

/// Why a clock of an order is due when it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderExplanation {
    pub clock: OrderClock,
    /// The sum, line by line, in Chinese.
    pub lines: Vec<String>,
    /// The same lines in English.
    pub lines_en: Vec<String>,
}

/// Explains the latest clock of that name.
///
/// # Errors
/// 404 when the order or the clock does not exist for the caller.
pub async fn explain_clock(
    desk: &SupervisionDesk,
    caller: &Caller,
    id: OrderId,
    clock: &str,
    now: DateTime<Utc>,
) -> Result<OrderExplanation, Problem> {
    let mut tx = desk.db.begin(caller.scope()).await?;
    let outcome = async {
        let order = find(&mut tx, caller, id).await?;
        let clocks = deadlines::store::of_subject(&mut tx, order.id.0).await?;
        let row = clocks.into_iter().rev().find(|row| row.clock.as_str() == clock);
        let row = row.ok_or_else(|| CommonCode::NotFound.problem())?;
        let calendar = desk.calendars.edition(&mut tx, order.county_id, row.edition()).await?;
        let lines = explain::explain(&calendar, &row, &[], now).into_iter();
        let (lines, lines_en) = lines.map(|line| (line.zh, line.en)).unzip();
        Ok(OrderExplanation { clock: clock_view(&row, now), lines, lines_en })
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
