//! The rows of `idempotency_keys`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::problem::{CommonCode, Problem};
use crate::schema::idempotency_keys as keys;

/// What a key of an account is to stand for from now on.
#[derive(Clone, Copy, Debug)]
pub struct Taking<'a> {
    pub county: Uuid,
    pub account: Uuid,
    pub key: &'a str,
    pub fingerprint: &'a [u8; 32],
    /// What is about to be written.
    pub subject: Uuid,
    pub now: DateTime<Utc>,
}

/// What a key stands for.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Known {
    pub subject: Uuid,
    pub fingerprint: Vec<u8>,
}

impl Known {
    /// The subject, when the request is the same.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`
    pub fn same(&self, fingerprint: &[u8; 32]) -> Result<Uuid, Problem> {
        if self.fingerprint == fingerprint { Ok(self.subject) } else { Err(CommonCode::KeyReused.into()) }
    }
}

/// Remembers what a key stands for; when it stood for something already, that. Who comes second at the same moment waits for the first.
pub async fn take(conn: &mut AsyncPgConnection, taking: &Taking<'_>) -> QueryResult<Option<Known>> {
    let taken = diesel::insert_into(keys::table)
        .values((
            keys::account_id.eq(taking.account),
            keys::key.eq(taking.key),
            keys::county_id.eq(taking.county),
            keys::fingerprint.eq(taking.fingerprint.as_slice()),
            keys::subject_id.eq(taking.subject),
            keys::created_at.eq(taking.now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    if taken == 1 { Ok(None) } else { known(conn, taking.account, taking.key).await }
}

/// What a key of an account stands for.
pub async fn known(conn: &mut AsyncPgConnection, account: Uuid, key: &str) -> QueryResult<Option<Known>> {
    let row = keys::table.find((account, key)).select((keys::subject_id, keys::fingerprint));
    row.first(conn).await.optional()
}
