//! The SQL of removal: a batch a statement, oldest first, by the index of the age.

use chrono::{DateTime, Utc};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

/// Idempotency keys made before `before`.
pub async fn keys(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    batch: i64,
) -> diesel::QueryResult<usize> {
    remove(
        conn,
        "delete from idempotency_keys where (account_id, key) in
            (select account_id, key from idempotency_keys where created_at < $1 order by created_at limit $2)",
        before,
        batch,
    )
    .await
}

/// Refresh tokens that expired before `before`.
pub async fn tokens(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    batch: i64,
) -> diesel::QueryResult<usize> {
    remove(
        conn,
        "delete from refresh_tokens where id in
            (select id from refresh_tokens where expires_at < $1 order by expires_at limit $2)",
        before,
        batch,
    )
    .await
}

/// Sessions that ended, or expired, before `before`; their tokens go with them.
pub async fn sessions(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    batch: i64,
) -> diesel::QueryResult<usize> {
    remove(
        conn,
        "with leaving as (
            select id from sessions where coalesce(ended_at, expires_at) < $1
            order by coalesce(ended_at, expires_at) limit $2 for update skip locked
        ), tokens as (
            delete from refresh_tokens where session_id in (select id from leaving)
        )
        delete from sessions where id in (select id from leaving)",
        before,
        batch,
    )
    .await
}

async fn remove(
    conn: &mut AsyncPgConnection,
    statement: &str,
    before: DateTime<Utc>,
    batch: i64,
) -> diesel::QueryResult<usize> {
    sql_query(statement).bind::<Timestamptz, _>(before).bind::<BigInt, _>(batch).execute(conn).await
}
