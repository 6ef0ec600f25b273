//! The vocabulary of hand-overs.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::deadlines::model::DeadlineId;
use crate::organisation::CountyId;
use crate::{id_type, schema, text_enum};

id_type!(
    /// A hand-over to discipline.
    HandOverId
);

text_enum!(
    /// How far a hand-over is.
    HandOverState {
        Draft = "draft",
        Reviewed = "reviewed",
        Signed = "signed",
        Handed = "handed",
        Dropped = "dropped",
    }
);

impl HandOverState {
    /// The state's name for people.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Draft => "待复核",
            Self::Reviewed => "待签发",
            Self::Signed => "待移交",
            Self::Handed => "已移交",
            Self::Dropped => "不予移交",
        }
    }
}

/// A row of `hand_overs`.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::hand_overs, check_for_backend(diesel::pg::Pg))]
pub struct HandOver {
    pub id: HandOverId,
    pub county_id: CountyId,
    pub call_id: Uuid,
    pub deadline_id: Option<DeadlineId>,
    pub state: HandOverState,
    /// The frozen evidence.
    pub pack: Value,
    pub pack_hash: Vec<u8>,
    /// What the reviewer remarked.
    pub note: String,
    pub drafted_at: DateTime<Utc>,
    pub reviewed_by: Option<Uuid>,
    pub reviewed_at: Option<DateTime<Utc>>,
    pub signed_by: Option<Uuid>,
    pub signed_at: Option<DateTime<Utc>>,
    pub handed_by: Option<Uuid>,
    pub handed_at: Option<DateTime<Utc>>,
    pub dropped_by: Option<Uuid>,
    pub dropped_at: Option<DateTime<Utc>>,
    pub dropped_reason: Option<String>,
    pub version: i32,
}

/// The columns that a verb may change; the evidence is none of them.
#[derive(AsChangeset)]
#[diesel(table_name = schema::hand_overs, treat_none_as_null = true)]
pub struct HandOverChange<'a> {
    pub state: HandOverState,
    pub note: &'a str,
    pub reviewed_by: Option<Uuid>,
    pub reviewed_at: Option<DateTime<Utc>>,
    pub signed_by: Option<Uuid>,
    pub signed_at: Option<DateTime<Utc>>,
    pub handed_by: Option<Uuid>,
    pub handed_at: Option<DateTime<Utc>>,
    pub dropped_by: Option<Uuid>,
    pub dropped_at: Option<DateTime<Utc>>,
    pub dropped_reason: Option<&'a str>,
    pub version: i32,
}
