//! Drafting a hand-over, in the transaction of the firing that asks for it. Nothing is sent to discipline by it.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::model::{HandOver, HandOverId, HandOverState};
use super::open::{self, Asked};
use super::pack;
use crate::deadlines::model::DeadlineId;
use crate::ledger::{self, Actor, Fact};
use crate::organisation::CountyId;
use crate::supervision::store;

/// Freezes the evidence and drafts a hand-over, and tells the business office. None when one of this call is open already.
pub async fn draft(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    call: Uuid,
    deadline: Option<DeadlineId>,
    pack: Value,
    now: DateTime<Utc>,
) -> QueryResult<Option<HandOverId>> {
    let pack_hash = pack::hash(&pack);
    let row = HandOver {
        id: HandOverId::fresh(),
        county_id: county,
        call_id: call,
        deadline_id: deadline,
        state: HandOverState::Draft,
        pack,
        pack_hash: pack_hash.to_vec(),
        note: String::new(),
        drafted_at: now,
        reviewed_by: None,
        reviewed_at: None,
        signed_by: None,
        signed_at: None,
        handed_by: None,
        handed_at: None,
        dropped_by: None,
        dropped_at: None,
        dropped_reason: None,
        version: 1,
    };
    if !store::hand_overs::insert(conn, &row).await? {
        return Ok(None);
    }
    let fact = Fact::new(
        "hand_over.drafted",
        json!({"callId": call, "deadlineId": deadline, "packHash": hex::encode(pack_hash)}),
    );
    ledger::store::append(conn, open::subject(&row), &Actor::clock(), now, vec![fact]).await?;
    open::ask(conn, &row, "hand_over.drafted", Asked::Reviewer, now).await?;
    Ok(Some(row.id))
}
