//! Sessions: opening one, and ending one by logging out.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::caller::Caller;
use super::error::IdentityCode;
use super::keys::{Key, KeyRing};
use super::model::{EndReason, SessionId};
use super::store::accounts::Person;
use super::store::sessions;
use crate::organisation::CountyId;
use crate::platform::crypto::sha256;
use crate::platform::db::Db;
use crate::platform::http::problem::Problem;

/// What a client gets for signing in or refreshing.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// Works once, at `POST /api/v1/auth/refresh`; using it a second time ends the session.
    pub refresh_token: String,
    /// Seconds that the access token lives.
    pub expires_in: i64,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// A refresh token: the county (16 bytes) and 32 random bytes, base64url. The county says where to look, and nothing more.
pub(super) struct Refresh {
    pub county: CountyId,
    pub hash: [u8; 32],
}

impl Refresh {
    fn fresh(county: CountyId) -> (String, Self) {
        let random: [u8; 32] = rand::random();
        let text = URL_SAFE_NO_PAD.encode([county.0.as_bytes().as_slice(), &random].concat());
        let hash = sha256(text.as_bytes());
        (text, Self { county, hash })
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() != 64 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (county, _) = bytes.split_first_chunk::<16>()?;
        Some(Self { county: CountyId(Uuid::from_bytes(*county)), hash: sha256(text.as_bytes()) })
    }
}

/// Opens a session for `person`, inside the caller's transaction.
///
/// # Errors
/// `account_disabled` when the person may not sign in.
pub(super) async fn open(
    conn: &mut AsyncPgConnection,
    keys: &KeyRing,
    signer: &Key,
    person: &Person,
    now: DateTime<Utc>,
) -> Result<Tokens, Problem> {
    if !person.may_sign_in {
        return Err(IdentityCode::AccountDisabled.into());
    }
    let session = SessionId::fresh();
    sessions::insert(conn, person.county, session, person.account, now, now + keys.refresh_life()).await?;
    grant(conn, keys, signer, person, session, now).await
}

/// Gives an open session its next pair of tokens.
pub(super) async fn grant(
    conn: &mut AsyncPgConnection,
    keys: &KeyRing,
    signer: &Key,
    person: &Person,
    session: SessionId,
    now: DateTime<Utc>,
) -> Result<Tokens, Problem> {
    let (refresh_token, refresh) = Refresh::fresh(person.county);
    let expires_at = now + keys.refresh_life();
    sessions::insert_refresh(conn, person.county, session, &refresh.hash, now, expires_at).await?;
    let caller = Caller {
        account: person.account,
        county: person.county,
        session,
        officer: person.officer,
        department: person.department,
        name: person.name.as_str().into(),
        roles: person.roles,
    };
    let access_token = keys.issue(signer, &caller, now)?;
    Ok(Tokens { access_token, refresh_token, expires_in: keys.access_life().num_seconds() })
}

/// Ends the caller's session: it cannot be refreshed any more. Logging out twice is no error. The access token itself, known to
/// every replica by its signature alone, runs out within `access_token_seconds`.
pub async fn log_out(db: &Db, caller: &Caller, now: DateTime<Utc>) -> Result<(), Problem> {
    let mut tx = db.begin(caller.scope()).await?;
    let ended = sessions::end(&mut tx, caller.county, caller.session, EndReason::Logout, now).await;
    tx.finish(ended.map_err(Problem::from)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_names_its_county_and_hashes_as_a_whole() {
        let county = CountyId::fresh();
        let (text, made) = Refresh::fresh(county);
        let read = Refresh::parse(&text).unwrap();
        assert_eq!((read.county, read.hash), (county, made.hash));
        assert_ne!(Refresh::fresh(county).0, text);
        assert!(Refresh::parse(&text[..63]).is_none());
        assert!(Refresh::parse(&"!".repeat(64)).is_none());
    }
}
