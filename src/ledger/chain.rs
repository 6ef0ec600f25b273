//! The hash chain, pure.

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::platform::crypto::sha256;
use crate::{schema, text_enum};

/// The hash before the first event of a subject.
pub const GENESIS: [u8; 32] = [0; 32];

text_enum!(
    /// What a chain is about.
    SubjectKind {
        Call = "call",
        Account = "account",
        Channel = "channel",
        Notice = "notice",
        County = "county",
        SupervisionOrder = "supervision_order",
        Card = "card",
        HandOver = "hand_over",
    }
);

text_enum!(
    /// Who did it: a person's account, the clock, or an operator at the console.
    ActorKind { Account = "account", Clock = "clock", Operator = "operator" }
);

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub kind: ActorKind,
    pub id: Option<Uuid>,
    pub name: String,
}

impl Actor {
    pub fn account(id: Uuid, name: impl Into<String>) -> Self {
        Self { kind: ActorKind::Account, id: Some(id), name: name.into() }
    }

    /// Whoever works at the console of the server, without an account.
    #[must_use]
    pub fn operator() -> Self {
        Self { kind: ActorKind::Operator, id: None, name: "运维人员".to_owned() }
    }

    /// What happens because its time has come.
    #[must_use]
    pub fn clock() -> Self {
        Self { kind: ActorKind::Clock, id: None, name: "时限".to_owned() }
    }
}

/// What happened, before it has a place in a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// `subject.verb`, e.g. `call.accepted`.
    pub kind: &'static str,
    pub data: Value,
}

impl Fact {
    #[must_use]
    pub const fn new(kind: &'static str, data: Value) -> Self {
        Self { kind, data }
    }
}

/// A row of `ledger_events`.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::ledger_events, check_for_backend(diesel::pg::Pg))]
pub struct Event {
    pub subject_id: Uuid,
    pub seq: i32,
    pub county_id: Uuid,
    pub subject_kind: SubjectKind,
    pub kind: String,
    pub actor_kind: ActorKind,
    pub actor_id: Option<Uuid>,
    pub actor_name: String,
    pub at: DateTime<Utc>,
    pub data: Value,
    pub prev_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

/// Where a chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub seq: i32,
    pub hash: [u8; 32],
}

impl Head {
    /// Before the first event.
    pub const START: Self = Self { seq: 0, hash: GENESIS };
}

/// The subject a chain belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    pub county_id: Uuid,
    pub kind: SubjectKind,
    pub id: Uuid,
}

/// Chains `facts` of one moment and actor onto `head`.
#[must_use]
pub fn chain(
    mut head: Head,
    subject: Subject,
    actor: &Actor,
    at: DateTime<Utc>,
    facts: Vec<Fact>,
) -> Vec<Event> {
    let mut events = Vec::with_capacity(facts.len());
    for fact in facts {
        let mut event = Event {
            subject_id: subject.id,
            seq: head.seq + 1,
            county_id: subject.county_id,
            subject_kind: subject.kind,
            kind: fact.kind.to_owned(),
            actor_kind: actor.kind,
            actor_id: actor.id,
            actor_name: actor.name.clone(),
            at,
            data: fact.data,
            prev_hash: head.hash.to_vec(),
            hash: Vec::new(),
        };
        let hash = hash_of(&event);
        event.hash = hash.to_vec();
        head = Head { seq: event.seq, hash };
        events.push(event);
    }
    events
}

/// The hash that an event ought to have: over a canonical JSON of its content and the hash before it.
#[must_use]
pub fn hash_of(event: &Event) -> [u8; 32] {
    #[derive(Serialize)]
    struct Content<'a>(
        &'a [u8],
        Uuid,
        i32,
        Uuid,
        &'a str,
        &'a str,
        &'a str,
        Option<Uuid>,
        &'a str,
        String,
        Canonical<'a>,
    );
    let content = Content(
        &event.prev_hash,
        event.subject_id,
        event.seq,
        event.county_id,
        event.subject_kind.as_str(),
        &event.kind,
        event.actor_kind.as_str(),
        event.actor_id,
        &event.actor_name,
        event.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        Canonical(&event.data),
    );
    // Serialising plain data to memory cannot fail; an empty content would simply not verify.
    sha256(&serde_json::to_vec(&content).unwrap_or_default())
}

/// A JSON value with object keys in order, whatever order Postgres or a map keeps.
struct Canonical<'a>(&'a Value);

impl Serialize for Canonical<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                serializer.collect_map(entries.into_iter().map(|(key, value)| (key, Canonical(value))))
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Canonical)),
            other => other.serialize(serializer),
        }
    }
}

/// What is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("event {seq} is missing")]
    Gap { seq: i32 },
    #[error("event {seq} does not follow the one before it")]
    Link { seq: i32 },
    #[error("event {seq} was changed")]
    Content { seq: i32 },
}

/// Verifies all events of one subject, in order of `seq`.
pub fn verify(events: &[Event]) -> Result<(), Broken> {
    let mut head = Head::START;
    for event in events {
        let seq = head.seq + 1;
        if event.seq != seq {
            return Err(Broken::Gap { seq });
        }
        if event.prev_hash != head.hash {
            return Err(Broken::Link { seq });
        }
        let hash = hash_of(event);
        if event.hash != hash {
            return Err(Broken::Content { seq });
        }
        head = Head { seq, hash };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn events() -> Vec<Event> {
        let subject = Subject { county_id: Uuid::nil(), kind: SubjectKind::Call, id: Uuid::from_u128(7) };
        let actor = Actor::account(Uuid::from_u128(1), "于甲申");
        let at = DateTime::from_timestamp(1_780_000_000, 0).unwrap();
        let facts = vec![
            Fact::new("call.raised", json!({"b": 1, "a": {"d": [1, 2], "c": "停电"}})),
            Fact::new("call.dispatched", json!({})),
            Fact::new("call.accepted", json!({})),
        ];
        chain(Head::START, subject, &actor, at, facts)
    }

    #[test]
    fn a_whole_chain_verifies_and_each_change_is_found() {
        assert_eq!(verify(&events()), Ok(()));
        let mut changed = events();
        changed[1].actor_name = "somebody else".into();
        assert_eq!(verify(&changed), Err(Broken::Content { seq: 2 }));
        let mut removed = events();
        removed.remove(1);
        assert_eq!(verify(&removed), Err(Broken::Gap { seq: 2 }));
        let mut rehashed = events();
        rehashed[0].data = json!({});
        rehashed[0].hash = hash_of(&rehashed[0]).to_vec();
        assert_eq!(verify(&rehashed), Err(Broken::Link { seq: 2 }));
    }

    #[test]
    fn the_order_of_keys_does_not_matter() {
        let mut other = events();
        other[0].data = serde_json::from_str(r#"{"a":{"c":"停电","d":[1,2]},"b":1}"#).unwrap();
        assert_eq!(verify(&other), Ok(()));
    }
}
