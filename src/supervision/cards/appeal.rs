//! Appealing a card (申诉): the officer or the head of his department, once, within the county's days.

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
use crate::supervision::store;

/// Why the card is not deserved.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppealCard {
    pub reason: String,
    /// What proves it.
    pub evidence: Option<String>,
}

/// Appeals a card.
///
/// # Errors
/// 404, 403, 409 as [`OpenCard::lock`]; 422 for missing words.
pub async fn appeal(
    desk: &SupervisionDesk,
    caller: &Caller,
    id: CardId,
    body: AppealCard,
    now: DateTime<Utc>,
) -> Result<CardView, Problem> {
    let mut tx = desk.db.begin(caller.scope()).await?;
    let outcome = appeal_in(&mut tx, desk, caller, id, body, now).await;
    let view = tx.finish(outcome).await?;
    desk.wake.notices();
    Ok(view)
}

async fn appeal_in(
    conn: &mut AsyncPgConnection,
    desk: &SupervisionDesk,
    caller: &Caller,
    id: CardId,
    body: AppealCard,
    now: DateTime<Utc>,
) -> Result<CardView, Problem> {
    let mut open = OpenCard::lock(conn, desk, caller, id, CardVerb::Appeal, now).await?;
    let appeal = Appeal {
        card_id: id,
        county_id: open.card.county_id,
        appealed_by: caller.account.0,
        appealed_at: open.now,
        reason: open.required("reason", &body.reason)?,
        evidence: open.optional("evidence", body.evidence.as_deref())?,
        decided_by: None,
        decided_at: None,
        upheld: None,
        decision: None,
    };
    store::cards::put_appeal(conn, &appeal).await?;
    let said = json!({"reason": appeal.reason, "evidence": appeal.evidence});
    open.record(conn, "card.appealed", said).await?;
    open.call_to_decide(conn, appeal.reason.clone()).await?;
    open.appeal = Some(appeal);
    open.show(conn).await
}
