//! The SQL of `ledger_events`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::chain::{Actor, Event, Fact, Head, Subject, chain};
use crate::schema::ledger_events;

/// Appends facts to a subject's chain. The caller holds a lock on the subject (or makes it in the same transaction); a race that got
/// past it fails on the primary key instead of forking the chain.
pub async fn append(
    conn: &mut AsyncPgConnection,
    subject: Subject,
    actor: &Actor,
    at: DateTime<Utc>,
    facts: Vec<Fact>,
) -> QueryResult<()> {
    if facts.is_empty() {
        return Ok(());
    }
    let last: Option<(i32, Vec<u8>)> = ledger_events::table
        .filter(ledger_events::subject_id.eq(subject.id))
        .order(ledger_events::seq.desc())
        .select((ledger_events::seq, ledger_events::hash))
        .first(conn)
        .await
        .optional()?;
    let head = match last {
        Some((seq, hash)) => Head { seq, hash: whole(hash)? },
        None => Head::START,
    };
    let events = chain(head, subject, actor, at, facts);
    diesel::insert_into(ledger_events::table).values(events).execute(conn).await.map(drop)
}

/// Where the chains of several subjects end, and when their last events happened.
pub async fn heads(
    conn: &mut AsyncPgConnection,
    subjects: &[Uuid],
) -> QueryResult<HashMap<Uuid, (Head, DateTime<Utc>)>> {
    let rows: Vec<(Uuid, i32, Vec<u8>, DateTime<Utc>)> = ledger_events::table
        .filter(ledger_events::subject_id.eq_any(subjects))
        .distinct_on(ledger_events::subject_id)
        .order((ledger_events::subject_id, ledger_events::seq.desc()))
        .select((ledger_events::subject_id, ledger_events::seq, ledger_events::hash, ledger_events::at))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|(subject, seq, hash, at)| Ok((subject, (Head { seq, hash: whole(hash)? }, at))))
        .collect()
}

/// Writes events that were chained onto [`heads`]; the caller holds locks on their subjects.
pub async fn insert(conn: &mut AsyncPgConnection, events: &[Event]) -> QueryResult<()> {
    diesel::insert_into(ledger_events::table).values(events).execute(conn).await.map(drop)
}

fn whole(hash: Vec<u8>) -> QueryResult<[u8; 32]> {
    hash.try_into().map_err(|_| diesel::result::Error::DeserializationError("hash length".into()))
}

/// All events of a subject, in order.
pub async fn of_subject(conn: &mut AsyncPgConnection, subject: Uuid) -> QueryResult<Vec<Event>> {
    ledger_events::table
        .filter(ledger_events::subject_id.eq(subject))
        .order(ledger_events::seq)
        .select(Event::as_select())
        .load(conn)
        .await
}

/// The latest event of a subject.
pub async fn last(conn: &mut AsyncPgConnection, subject: Uuid) -> QueryResult<Option<Event>> {
    ledger_events::table
        .filter(ledger_events::subject_id.eq(subject))
        .order(ledger_events::seq.desc())
        .select(Event::as_select())
        .first(conn)
        .await
        .optional()
}

/// When the last event of a subject happened.
pub async fn last_at(conn: &mut AsyncPgConnection, subject: Uuid) -> QueryResult<Option<DateTime<Utc>>> {
    ledger_events::table
        .filter(ledger_events::subject_id.eq(subject))
        .order(ledger_events::seq.desc())
        .select(ledger_events::at)
        .first(conn)
        .await
        .optional()
}

/// When events of a kind happened to a subject, newest first.
pub async fn moments_of(
    conn: &mut AsyncPgConnection,
    subject: Uuid,
    kind: &str,
) -> QueryResult<Vec<DateTime<Utc>>> {
    ledger_events::table
        .filter(ledger_events::subject_id.eq(subject))
        .filter(ledger_events::kind.eq(kind))
        .order(ledger_events::seq.desc())
        .select(ledger_events::at)
        .load(conn)
        .await
}

/// A page of events across subjects in chain order, for verification: after (subject, seq).
pub async fn page(
    conn: &mut AsyncPgConnection,
    after: Option<(Uuid, i32)>,
    limit: i64,
) -> QueryResult<Vec<Event>> {
    let mut query = ledger_events::table
        .order((ledger_events::subject_id, ledger_events::seq))
        .limit(limit)
        .select(Event::as_select())
        .into_boxed();
    if let Some((subject, seq)) = after {
        query = query.filter(
            ledger_events::subject_id
                .gt(subject)
                .or(ledger_events::subject_id.eq(subject).and(ledger_events::seq.gt(seq))),
        );
    }
    query.load(conn).await
}
