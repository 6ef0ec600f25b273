//! Signing in with a password. An unknown county or login, an account without password and a wrong password get the same answer
//! for the same work; too many failures lock the account for a while (DOMAIN §10), which is said openly.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use super::error::IdentityCode;
use super::password;
use super::sessions::{self, Tokens};
use super::store::accounts::{self, PasswordRow};
use super::store::{NO_COUNTY, county_of_code};
use crate::app::App;
use crate::organisation::CountyId;
use crate::platform::db::{Db, Scope};
use crate::platform::http::problem::Problem;

/// Signs in with county, login and password.
///
/// # Errors
/// `login_failed`, `account_locked` (with the time that is left), `account_disabled`.
pub async fn log_in(
    app: &App,
    county: &str,
    login: &str,
    password: &SecretString,
    now: DateTime<Utc>,
) -> Result<Tokens, Problem> {
    let found = find(&app.db, county, login).await?;
    let hash = match &found {
        Some((_, row)) => {
            refuse_locked(row, now)?;
            row.password_hash.clone()
        }
        None => None,
    };
    // No transaction is open while the hash is computed.
    let matches = password::verify(password, hash).await?;
    match found {
        Some((county, PasswordRow { id, password_hash: Some(hash), .. })) if matches => {
            let signer = app.keys.signer(&app.db, now).await?;
            let mut tx = app.db.begin(Scope::County(county.0)).await?;
            let outcome: Result<Tokens, Problem> = async {
                // Guesses that arrived together were all compared; the lock that some of them set holds for the others.
                if !accounts::clear_failures(&mut tx, county, id, &hash, now).await? {
                    return Err(IdentityCode::LoginFailed.into());
                }
                let person = accounts::person(&mut tx, county, id).await?.ok_or(IdentityCode::LoginFailed)?;
                sessions::open(&mut tx, &app.keys, &signer, &person, now).await
            }
            .await;
            tx.finish(outcome).await
        }
        Some((county, row)) => {
            count_failure(app, county, &row, now).await?;
            Err(IdentityCode::LoginFailed.into())
        }
        None => Err(IdentityCode::LoginFailed.into()),
    }
}

/// The account of a login, if county and login are known.
pub(super) async fn find(
    db: &Db,
    county: &str,
    login: &str,
) -> Result<Option<(CountyId, PasswordRow)>, Problem> {
    let mut tx = db.begin(NO_COUNTY).await?;
    let found = county_of_code(&mut tx, county).await.map_err(Problem::from);
    let Some(county) = tx.finish(found).await? else {
        return Ok(None);
    };
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let row = accounts::by_login(&mut tx, county, login).await.map_err(Problem::from);
    Ok(tx.finish(row).await?.map(|row| (county, row)))
}

fn refuse_locked(row: &PasswordRow, now: DateTime<Utc>) -> Result<(), Problem> {
    let Some(left) = row.locked_until.map(|until| until - now).filter(|left| *left > TimeDelta::zero())
    else {
        return Ok(());
    };
    let seconds = u64::try_from(left.num_seconds()).unwrap_or(0).max(1);
    let minutes = seconds.div_ceil(60);
    Err(IdentityCode::AccountLocked
        .problem()
        .detail(format!("请约 {minutes} 分钟后再试"), format!("Try again in about {minutes} minutes"))
        .retry_after(seconds))
}

/// In a transaction of its own, because the login fails and the count must stay.
async fn count_failure(
    app: &App,
    county: CountyId,
    row: &PasswordRow,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let settings = &app.config.identity;
    let limit = i32::try_from(settings.lockout_failures).unwrap_or(i32::MAX).max(1);
    let until = now + TimeDelta::minutes(settings.lockout_minutes.into());
    let mut tx = app.db.begin(Scope::County(county.0)).await?;
    let counted = accounts::count_failure(&mut tx, county, row.id, limit, until, now).await;
    tx.finish(counted.map_err(Problem::from)).await
}
