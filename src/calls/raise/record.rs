//! One statement that writes a slice of new calls with their keys, spans, clocks, ledger and notices.

use std::io::Write as _;

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Jsonb, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::{Value, json};

use super::body::Tap;
use crate::calls::model::{Call, CallId};
use crate::deadlines::Deadline;
use crate::ledger::Event;
use crate::notices::model::NewNotice;

/// A composed call, as rows of Postgres.
#[derive(Clone, Debug, Serialize)]
pub struct Rows<'a> {
    pub calls: Vec<&'a Call>,
    /// Ids of the calls that came without an idempotency key.
    pub unkeyed: Vec<CallId>,
    pub keys: Vec<Value>,
    /// What the empty taps stand for, in the order of their names; and what was pressed before that still counts.
    pub bare: Vec<Value>,
    pub bare_since: DateTime<Utc>,
    pub spans: Vec<Value>,
    pub deadlines: Vec<&'a Deadline>,
    pub events: Vec<Value>,
    pub notices: Vec<&'a NewNotice>,
}

/// Writes the rows; returns the calls that were written. One whose key was used before is left out with all that belongs to it, and so is
/// an empty tap whose like stands: pressed since `bare_since`, and not seen to be accepted or ended.
pub async fn write(conn: &mut AsyncPgConnection, rows: &Rows<'_>) -> QueryResult<Vec<CallId>> {
    let rows =
        serde_json::to_vec(rows).map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    // `load` reads to the end of the answer, so a late failure is never mistaken for success.
    Record(Written(rows)).load(conn).await
}

/// A row of `idempotency_keys`.
#[must_use]
pub fn key_row(tap: &Tap, call: &Call, key: &str, fingerprint: &[u8; 32]) -> Value {
    json!({
        "account_id": tap.person.account, "key": key, "county_id": call.county_id, "fingerprint": bytea(fingerprint),
        "subject_id": call.id, "created_at": tap.now,
    })
}

/// What an empty tap of somebody for an enterprise is remembered by. No caller can choose it: a key of his has no white space.
#[must_use]
pub fn bare_key(call: &Call) -> String {
    format!("tap {}", call.enterprise_id)
}

/// A row of `ledger_events`.
#[must_use]
pub fn event_row(event: &Event) -> Value {
    json!({
        "subject_id": event.subject_id, "seq": event.seq, "county_id": event.county_id, "subject_kind": event.subject_kind,
        "kind": event.kind, "actor_kind": event.actor_kind, "actor_id": event.actor_id, "actor_name": event.actor_name,
        "at": event.at, "data": event.data, "prev_hash": bytea(&event.prev_hash), "hash": bytea(&event.hash),
    })
}

/// Bytes as Postgres reads them from text.
fn bytea(bytes: &[u8]) -> String {
    format!("\\x{}", hex::encode(bytes))
}

/// JSON as text, on its way into a `jsonb`: a [`Value`] in between would cost more than the writing.
#[derive(Debug)]
struct Written(Vec<u8>);

impl ToSql<Jsonb, Pg> for Written {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        // The version of the format, then the text.
        out.write_all(&[1])?;
        out.write_all(&self.0)?;
        Ok(IsNull::No)
    }
}

struct Record(Written);

impl Query for Record {
    type SqlType = SqlUuid;
}

impl QueryId for Record {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<C> diesel::RunQueryDsl<C> for Record {}

impl QueryFragment<Pg> for Record {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("with d as materialized (select ");
        out.push_bind_param::<Jsonb, _>(&self.0)?;
        out.push_sql(
            "::jsonb as j), k as (
    insert into idempotency_keys select r.* from d, jsonb_populate_recordset(null::idempotency_keys, j->'keys') r
    on conflict do nothing returning subject_id
), b as (
    insert into idempotency_keys as held select r.* from d, jsonb_populate_recordset(null::idempotency_keys, j->'bare') r
    on conflict (account_id, key) do update set subject_id = excluded.subject_id, created_at = excluded.created_at
    where held.created_at <= (select (j->>'bare_since')::timestamptz from d)
        or exists (select from calls x where x.id = held.subject_id and x.state not in ('triage', 'dispatched'))
    returning subject_id
), ok as materialized (
    select subject_id as id from k union all select subject_id from b union all select x::uuid from d, jsonb_array_elements_text(j->'unkeyed') x
), c as (
    insert into calls select r.* from d, jsonb_populate_recordset(null::calls, j->'calls') r where r.id in (select id from ok)
    returning id
), s as (
    insert into holder_spans select r.* from d, jsonb_populate_recordset(null::holder_spans, j->'spans') r
    where r.call_id in (select id from ok)
), t as (
    insert into deadlines select r.* from d, jsonb_populate_recordset(null::deadlines, j->'deadlines') r
    where r.subject_id in (select id from ok)
), e as (
    insert into ledger_events select r.* from d, jsonb_populate_recordset(null::ledger_events, j->'events') r
    where r.subject_id in (select id from ok)
), n as (
    insert into notices select r.* from d, jsonb_populate_recordset(null::notices, j->'notices') r
    where r.subject_id in (select id from ok)
)
select id from c",
        );
        Ok(())
    }
}
