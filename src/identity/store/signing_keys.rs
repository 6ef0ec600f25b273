//! Signing keys: rows of the deployment, not of a county.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::schema::signing_keys;

/// "yijiao" + 1: serialises the making of keys among replicas.
const LOCK: i64 = 0x7969_6a69_616f_0001;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_keys)]
pub(in crate::identity) struct KeyRow {
    pub kid: String,
    pub private_sealed: Vec<u8>,
    pub public_key: Vec<u8>,
    pub created_at: DateTime<Utc>,
    pub signs_until: DateTime<Utc>,
    pub verifies_until: DateTime<Utc>,
}

/// Waits until no other transaction makes a key; held until the transaction ends.
pub(in crate::identity) async fn lock(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    diesel::select(
        diesel::dsl::sql::<diesel::sql_types::Bool>("pg_advisory_xact_lock(")
            .bind::<diesel::sql_types::BigInt, _>(LOCK)
            .sql(") is not null"),
    )
    .get_result::<bool>(conn)
    .await
    .map(|_| ())
}

/// The keys that still verify, the one that ends first first.
pub(in crate::identity) async fn list(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
) -> QueryResult<Vec<KeyRow>> {
    signing_keys::table
        .filter(signing_keys::verifies_until.gt(now))
        .order((signing_keys::signs_until, signing_keys::kid))
        .select(KeyRow::as_select())
        .load(conn)
        .await
}

pub(in crate::identity) async fn insert(conn: &mut AsyncPgConnection, row: &KeyRow) -> QueryResult<()> {
    diesel::insert_into(signing_keys::table).values(row).execute(conn).await.map(|_| ())
}

/// Forgets the keys that verify nothing any more.
pub(in crate::identity) async fn delete_over(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::delete(signing_keys::table.filter(signing_keys::verifies_until.le(now)))
        .execute(conn)
        .await
        .map(|_| ())
}
