//! A hand-over as the API shows it.

use chrono::{DateTime, FixedOffset};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::model::{HandOver, HandOverId, HandOverState};
use super::state::{HandOverStanding, HandOverVerb, allowed};
use crate::deadlines::model::DeadlineId;
use crate::identity::Caller;
use crate::platform::time::china;
use crate::supervision::store::faces;
use crate::supervision::view::{CallRef, name_of};

/// A hand-over, without its evidence.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HandOverView {
    pub id: HandOverId,
    pub state: HandOverState,
    pub call: CallRef,
    pub deadline_id: Option<DeadlineId>,
    /// SHA-256 of the frozen evidence as canonical JSON, hex.
    pub pack_hash: String,
    /// What the reviewer remarked.
    pub note: String,
    pub drafted_at: DateTime<FixedOffset>,
    pub reviewed_by: Option<String>,
    pub reviewed_at: Option<DateTime<FixedOffset>>,
    pub signed_by: Option<String>,
    pub signed_at: Option<DateTime<FixedOffset>>,
    pub handed_by: Option<String>,
    pub handed_at: Option<DateTime<FixedOffset>>,
    pub dropped_by: Option<String>,
    pub dropped_at: Option<DateTime<FixedOffset>>,
    pub dropped_reason: Option<String>,
    pub version: i32,
    /// The steps that the caller may take now.
    pub allowed: Vec<HandOverVerb>,
}

/// A hand-over with its evidence. Every look at it is an event of the ledger.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HandOverPack {
    #[serde(flatten)]
    pub hand_over: HandOverView,
    /// The evidence as it was frozen.
    #[schema(value_type = Object)]
    pub pack: Value,
    /// Whether the evidence still has the hash it was frozen with.
    pub verified: bool,
}

/// Hand-overs as the caller sees them, in the order given.
pub async fn views(
    conn: &mut AsyncPgConnection,
    caller: &Caller,
    rows: Vec<HandOver>,
) -> QueryResult<Vec<HandOverView>> {
    let calls: Vec<_> = rows.iter().map(|row| row.call_id).collect();
    let people: Vec<_> = rows
        .iter()
        .flat_map(|row| [row.reviewed_by, row.signed_by, row.handed_by, row.dropped_by])
        .flatten()
        .collect();
    let calls = faces::calls(conn, &calls).await?;
    let names = faces::names(conn, &people).await?;
    let view = |row: HandOver| HandOverView {
        id: row.id,
        state: row.state,
        call: CallRef::of(row.call_id, &calls),
        deadline_id: row.deadline_id,
        pack_hash: hex::encode(&row.pack_hash),
        drafted_at: china(row.drafted_at),
        reviewed_by: name_of(row.reviewed_by, &names),
        reviewed_at: row.reviewed_at.map(china),
        signed_by: name_of(row.signed_by, &names),
        signed_at: row.signed_at.map(china),
        handed_by: name_of(row.handed_by, &names),
        handed_at: row.handed_at.map(china),
        dropped_by: name_of(row.dropped_by, &names),
        dropped_at: row.dropped_at.map(china),
        version: row.version,
        allowed: allowed(row.state, HandOverStanding::of(caller, &row)),
        note: row.note,
        dropped_reason: row.dropped_reason,
    };
    Ok(rows.into_iter().map(view).collect())
}
