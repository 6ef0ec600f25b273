//! Setting somebody's password, by an operator.

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::error::IdentityCode;
use super::log_in::find;
use super::model::EndReason;
use super::store::{accounts, sessions};
use super::{operator, password};
use crate::platform::db::{Db, Scope};
use crate::platform::http::problem::Problem;

/// Sets the password of an account, lifts a lock, and ends the sessions that were opened with the old one.
///
/// # Errors
/// `password_weak`, `account_unknown`.
pub async fn set_password(
    db: &Db,
    county: &str,
    login: &str,
    password: &SecretString,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    password::require_strength(password)?;
    let (county, row) = find(db, county, login).await?.ok_or(IdentityCode::AccountUnknown)?;
    let hash = password::hash(password).await?;
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let outcome: Result<(), Problem> = async {
        accounts::set_password_hash(&mut tx, county, row.id, &hash).await?;
        sessions::end_all(&mut tx, county, row.id, EndReason::PasswordChanged, now).await?;
        operator::record(&mut tx, county, row.id, "account.password_set", now).await
    }
    .await;
    tx.finish(outcome).await
}
