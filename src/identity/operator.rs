//! What an operator does at the console in place of an account's owner: a token, a password. Each leaves an event in the account's
//! ledger, so that nobody acts in another's name without a trace.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::json;

use super::error::IdentityCode;
use super::keys::KeyRing;
use super::log_in::find;
use super::model::AccountId;
use super::sessions::{self, Tokens};
use super::store::accounts;
use crate::ledger::chain::Subject;
use crate::ledger::{self, Actor, Fact, SubjectKind};
use crate::organisation::CountyId;
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
        let tokens = sessions::open(&mut tx, keys, &signer, &person, now).await?;
        record(&mut tx, county, row.id, "account.token_issued", now).await?;
        Ok(tokens)
    }
    .await;
    tx.finish(outcome).await
}

/// Notes what was done to an account at the console.
pub(super) async fn record(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    account: AccountId,
    kind: &'static str,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    accounts::lock(conn, county, account).await?;
    let subject = Subject { county_id: county.0, kind: SubjectKind::Account, id: account.0 };
    let at = ledger::store::last_at(conn, account.0).await?.map_or(now, |last| last.max(now));
    let done = vec![Fact::new(kind, json!({}))];
    ledger::store::append(conn, subject, &Actor::operator(), at, done).await?;
    Ok(())
}
