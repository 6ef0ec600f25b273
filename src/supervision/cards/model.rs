//! The vocabulary of cards.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::deadlines::Clock;
use crate::deadlines::ladder::CardColour;
use crate::deadlines::model::DeadlineId;
use crate::organisation::{CountyId, DepartmentId, OfficerId};
use crate::{id_type, schema};

id_type!(
    /// A card.
    CardId
);

/// A card to be issued.
#[derive(Clone, Debug)]
pub struct NewCard {
    pub county: CountyId,
    pub call: Uuid,
    pub deadline: DeadlineId,
    pub clock: Clock,
    /// Which rung of the ladder gave it; 0: the enterprise's second "not solved".
    pub rung: i16,
    pub colour: CardColour,
    /// Who held the call then.
    pub officer: OfficerId,
    pub department: DepartmentId,
    pub due_at: DateTime<Utc>,
    pub issued_at: DateTime<Utc>,
    /// In working minutes (critical calls: minutes); zero when nothing was late yet.
    pub late_minutes: i32,
}

/// A row of `cards`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::cards, check_for_backend(diesel::pg::Pg))]
pub struct Card {
    pub id: CardId,
    pub county_id: CountyId,
    pub call_id: Uuid,
    pub deadline_id: DeadlineId,
    pub clock: Clock,
    pub rung: i16,
    pub colour: CardColour,
    pub officer_id: OfficerId,
    pub department_id: DepartmentId,
    pub due_at: DateTime<Utc>,
    pub issued_at: DateTime<Utc>,
    pub late_minutes: i32,
    pub struck: bool,
}

/// A row of `card_appeals`.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = schema::card_appeals, primary_key(card_id), check_for_backend(diesel::pg::Pg))]
pub struct Appeal {
    pub card_id: CardId,
    pub county_id: CountyId,
    pub appealed_by: Uuid,
    pub appealed_at: DateTime<Utc>,
    pub reason: String,
    pub evidence: String,
    pub decided_by: Option<Uuid>,
    pub decided_at: Option<DateTime<Utc>>,
    pub upheld: Option<bool>,
    pub decision: Option<String>,
}
