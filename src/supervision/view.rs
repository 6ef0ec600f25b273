//! What cards, orders and hand-overs show alike.

use std::collections::HashMap;

use chrono::{DateTime, FixedOffset};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::store::faces::{CallFace, UnitFace};
use crate::ledger::{self, Event};
use crate::organisation::DepartmentId;
use crate::platform::time::china;

/// A unit by its names.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct UnitRef {
    pub id: DepartmentId,
    pub code: String,
    pub name: String,
}

impl UnitRef {
    /// The unit of an id, from those that were read.
    #[must_use]
    pub fn of(id: DepartmentId, units: &[UnitFace]) -> Self {
        let found = units.iter().find(|unit| unit.id == id);
        found.map_or_else(
            || Self { id, ..Self::default() },
            |unit| Self { id, code: unit.code.clone(), name: unit.name.clone() },
        )
    }
}

/// A call in short.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct CallRef {
    pub id: Uuid,
    pub number: String,
    pub title: String,
    pub enterprise: String,
}

impl CallRef {
    /// The call of an id, from those that were read.
    #[must_use]
    pub fn of(id: Uuid, calls: &[CallFace]) -> Self {
        let found = calls.iter().find(|call| call.id == id);
        found.map_or_else(
            || Self { id, ..Self::default() },
            |call| Self {
                id,
                number: call.number.clone(),
                title: call.title.clone(),
                enterprise: call.enterprise.clone(),
            },
        )
    }
}

/// The name of an account, from those that were read.
#[must_use]
pub fn name_of(account: Option<Uuid>, names: &HashMap<Uuid, String>) -> Option<String> {
    account.map(|account| names.get(&account).cloned().unwrap_or_default())
}

/// One event of the ledger.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SupervisionEvent {
    pub seq: i32,
    /// `order.…`, `card.…`, `hand_over.…`
    pub kind: String,
    pub at: DateTime<FixedOffset>,
    /// Who did it.
    pub actor: String,
    #[schema(value_type = Object)]
    pub data: Value,
}

/// The whole story of an order, a card or a hand-over.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SupervisionStory {
    pub items: Vec<SupervisionEvent>,
    /// Whether the chain of hashes holds.
    pub verified: bool,
}

impl SupervisionStory {
    /// The story that a chain tells.
    #[must_use]
    pub fn of(events: Vec<Event>) -> Self {
        let verified = ledger::chain::verify(&events).is_ok();
        let items = events
            .into_iter()
            .map(|event| SupervisionEvent {
                seq: event.seq,
                kind: event.kind,
                at: china(event.at),
                actor: event.actor_name,
                data: event.data,
            })
            .collect();
        Self { items, verified }
    }
}
