//! Deciding an appeal: the business office (of its own cards the inspectorate), by somebody who did not make it and is not of that
//! department. Upheld, it strikes the card: shown ever after, counted never more.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::model::{Appeal, CardId};
use super::open::OpenCard;
use super::state::CardVerb;
use super::view::CardView;
use crate::identity::Caller;
use crate::platform::http::problem::Problem;
use crate::supervision::desk::SupervisionDesk;
use crate::supervision::error::SupervisionCode;
use crate::supervision::store;

/// What was decided, and why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecideAppeal {
    /// True: the card is struck.
    pub upheld: bool,
    pub decision: String,
}

/// Decides the appeal of a card.
///
/// # Errors
/// 404, 403, 409 as [`OpenCard::lock`]; 422 for missing words.
pub async fn decide(
    desk: &SupervisionDesk,
    caller: &Caller,
    id: CardId,
    body: DecideAppeal,
    now: DateTime<Utc>,
) -> Result<CardView, Problem> {
    let mut tx = desk.db.begin(caller.scope()).await?;
    let outcome = decide_in(&mut tx, desk, caller, id, body, now).await;
    let view = tx.finish(outcome).await?;
    desk.wake.notices();
    Ok(view)
}

async fn decide_in(
    conn: &mut AsyncPgConnection,
    desk: &SupervisionDesk,
    caller: &Caller,
    id: CardId,
    body: DecideAppeal,
    now: DateTime<Utc>,
) -> Result<CardView, Problem> {
    let mut open = OpenCard::lock(conn, desk, caller, id, CardVerb::Decide, now).await?;
    let decision = open.required("decision", &body.decision)?;
    let asked = open.appeal.take().ok_or_else(|| SupervisionCode::CardNoAppeal.problem())?;
    let appeal = Appeal {
        decided_by: Some(caller.account.0),
        decided_at: Some(open.now),
        upheld: Some(body.upheld),
        decision: Some(decision.clone()),
        ..asked
    };
    store::cards::put_appeal(conn, &appeal).await?;
    if body.upheld {
        store::cards::strike(conn, id).await?;
        open.card.struck = true;
    }
    open.record(conn, "card.appeal_decided", json!({"upheld": body.upheld, "decision": decision})).await?;
    open.tell_decided(conn, body.upheld, decision).await?;
    open.appeal = Some(appeal);
    open.show(conn).await
}
