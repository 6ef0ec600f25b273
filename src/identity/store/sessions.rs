//! Sessions and refresh tokens.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::identity::model::{AccountId, EndReason, SessionId};
use crate::organisation::CountyId;
use crate::schema::{refresh_tokens, sessions};

pub(in crate::identity) async fn insert(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    session: SessionId,
    account: AccountId,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(session),
            sessions::county_id.eq(county),
            sessions::account_id.eq(account),
            sessions::started_at.eq(now),
            sessions::expires_at.eq(expires_at),
        ))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Adds a session's next refresh token and lets the session live as long as the token.
pub(in crate::identity) async fn insert_refresh(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    session: SessionId,
    hash: &[u8; 32],
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::id.eq(Uuid::now_v7()),
            refresh_tokens::county_id.eq(county),
            refresh_tokens::session_id.eq(session),
            refresh_tokens::hash.eq(hash.as_slice()),
            refresh_tokens::issued_at.eq(now),
            refresh_tokens::expires_at.eq(expires_at),
        ))
        .execute(conn)
        .await?;
    diesel::update(sessions::table.filter(sessions::county_id.eq(county).and(sessions::id.eq(session))))
        .set(sessions::expires_at.eq(expires_at))
        .execute(conn)
        .await
        .map(|_| ())
}

/// A refresh token as it stands when somebody presents it.
#[derive(Queryable)]
pub(in crate::identity) struct Presented {
    pub token: Uuid,
    pub session: SessionId,
    pub account: AccountId,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
    pub session_ended_at: Option<DateTime<Utc>>,
}

pub(in crate::identity) async fn presented(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    hash: &[u8; 32],
) -> QueryResult<Option<Presented>> {
    refresh_tokens::table
        .inner_join(sessions::table)
        .filter(refresh_tokens::county_id.eq(county).and(refresh_tokens::hash.eq(hash.as_slice())))
        .select((
            refresh_tokens::id,
            sessions::id,
            sessions::account_id,
            refresh_tokens::expires_at,
            refresh_tokens::used_at,
            sessions::ended_at,
        ))
        .first(conn)
        .await
        .optional()
}

/// Takes a refresh token; false when somebody was faster.
pub(in crate::identity) async fn take(
    conn: &mut AsyncPgConnection,
    token: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    diesel::update(refresh_tokens::table.find(token))
        .filter(refresh_tokens::used_at.is_null())
        .set(refresh_tokens::used_at.eq(now))
        .execute(conn)
        .await
        .map(|rows| rows == 1)
}

/// Ends a session and with it all its refresh tokens; one that is over stays as it is.
pub(in crate::identity) async fn end(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    session: SessionId,
    reason: EndReason,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(sessions::table.filter(sessions::county_id.eq(county).and(sessions::id.eq(session))))
        .filter(sessions::ended_at.is_null())
        .set((sessions::ended_at.eq(now), sessions::end_reason.eq(reason)))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Ends all of an account's sessions.
pub(in crate::identity) async fn end_all(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    account: AccountId,
    reason: EndReason,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(
        sessions::table.filter(sessions::county_id.eq(county).and(sessions::account_id.eq(account))),
    )
    .filter(sessions::ended_at.is_null())
    .set((sessions::ended_at.eq(now), sessions::end_reason.eq(reason)))
    .execute(conn)
    .await
    .map(|_| ())
}
