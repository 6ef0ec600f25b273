//! Refreshing: a refresh token buys the next pair of tokens once. A second use means that somebody has a copy, and ends the session.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;

use super::error::IdentityCode;
use super::keys::{Key, KeyRing};
use super::model::EndReason;
use super::sessions::{self, Refresh, Tokens};
use super::store::{accounts, sessions as store};
use crate::platform::db::{Db, Scope};
use crate::platform::http::problem::Problem;

/// Exchanges a refresh token for a new pair; roles, department and standing are read anew.
///
/// # Errors
/// `refresh_invalid` (unknown, expired, session over), `refresh_reused` (and the session is ended), `refresh_raced` (another request
/// was faster by a moment; the session goes on), `account_disabled`.
pub async fn refresh(db: &Db, keys: &KeyRing, token: &str, now: DateTime<Utc>) -> Result<Tokens, Problem> {
    let token = Refresh::parse(token).ok_or(IdentityCode::RefreshInvalid)?;
    let signer = keys.signer(db, now).await?;
    let mut tx = db.begin(Scope::County(token.county.0)).await?;
    // A refusal ends sessions, so it is committed like a success.
    let outcome = exchange(&mut tx, keys, &signer, &token, now).await;
    tx.finish(outcome).await?.map_err(Problem::from)
}

async fn exchange(
    conn: &mut AsyncPgConnection,
    keys: &KeyRing,
    signer: &Key,
    token: &Refresh,
    now: DateTime<Utc>,
) -> Result<Result<Tokens, IdentityCode>, Problem> {
    let county = token.county;
    let Some(presented) = store::presented(conn, county, &token.hash).await? else {
        return Ok(Err(IdentityCode::RefreshInvalid));
    };
    let refusal = if presented.session_ended_at.is_some() {
        Some((IdentityCode::RefreshInvalid, None))
    } else if presented.used_at.is_some() {
        Some((IdentityCode::RefreshReused, Some(EndReason::Reuse)))
    } else if presented.expires_at <= now {
        Some((IdentityCode::RefreshInvalid, Some(EndReason::Expired)))
    } else if !store::take(conn, presented.token, now).await? {
        Some((IdentityCode::RefreshRaced, None))
    } else {
        None
    };
    let person = accounts::person(conn, county, presented.account).await?.filter(|person| person.may_sign_in);
    match (refusal, person) {
        (None, Some(person)) => {
            sessions::grant(conn, keys, signer, &person, presented.session, now).await.map(Ok)
        }
        (None, None) => {
            store::end(conn, county, presented.session, EndReason::Disabled, now).await?;
            Ok(Err(IdentityCode::AccountDisabled))
        }
        (Some((code, reason)), _) => {
            if let Some(reason) = reason {
                store::end(conn, county, presented.session, reason, now).await?;
            }
            Ok(Err(code))
        }
    }
}
