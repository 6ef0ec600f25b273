//! Tokens for operators and tests: `yijiao token --account <login>`.

use chrono::{DateTime, Utc};

use super::error::IdentityCode;
use super::keys::KeyRing;
use super::log_in::find;
use super::sessions::{self, Tokens};
use super::store::accounts;
use crate::platform::db::{Db, Scope};
use crate::platform::http::problem::Problem;

/// Opens a session for an existing account without its password; the session is a row like any other and can be ended.
///
/// # Errors
/// `account_unknown`, `account_disabled`.
pub async fn issue_for(
    db: &Db,
    keys: &KeyRing,
    county: &str,
    login: &str,
    now: DateTime<Utc>,
) -> Result<Tokens, Problem> {
    let (county, row) = find(db, county, login).await?.ok_or(IdentityCode::AccountUnknown)?;
    let signer = keys.signer(db, now).await?;
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let outcome: Result<Tokens, Problem> = async {
        let person = accounts::person(&mut tx, county, row.id).await?.ok_or(IdentityCode::AccountUnknown)?;
        sessions::open(&mut tx, keys, &signer, &person, now).await
    }
    .await;
    tx.finish(outcome).await
}
