//! Signing in from the mini-program: by a bound openid, or by binding it to the account that has the person's phone number.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::error::{IdentityCode, fault};
use super::keys::Key;
use super::model::{AccountId, Platform};
use super::sessions::{self, Tokens};
use super::store::accounts::{self, External};
use super::store::{NO_COUNTY, county_of_code};
use crate::app::App;
use crate::organisation::CountyId;
use crate::platform::db::{Scope, Tx};
use crate::platform::http::problem::Problem;

/// What the mini-program sends.
#[derive(Clone, Copy, Debug)]
pub struct Codes<'a> {
    /// From `wx.login`.
    pub code: &'a str,
    /// From `getPhoneNumber`, when the person is to be bound.
    pub phone_code: Option<&'a str>,
    /// Which account, when several have the number.
    pub login: Option<&'a str>,
}

/// Signs in with codes of the mini-program.
///
/// # Errors
/// Those of [`super::wechat::Wechat`]; `account_not_bound` (send a phone code), `phone_not_registered`, `account_ambiguous` (with the
/// accounts to choose from), `account_disabled`.
pub async fn wechat_log_in(app: &App, codes: Codes<'_>, now: DateTime<Utc>) -> Result<Tokens, Problem> {
    let openid = app.wechat.openid(codes.code).await?;
    let external = External { platform: Platform::Wechat, app_id: app.wechat.app_id(), id: &openid };
    let signer = app.keys.signer(&app.db, now).await?;
    let county = county(app).await?;

    let mut tx = app.db.begin(Scope::County(county.0)).await?;
    let bound = accounts::by_external(&mut tx, county, external).await.map_err(Problem::from);
    match (bound, codes.phone_code) {
        (Ok(Some(account)), _) => {
            let tokens = open(&mut tx, app, &signer, county, account, now).await;
            tx.finish(tokens).await
        }
        (Ok(None), None) => tx.finish(Err(IdentityCode::AccountNotBound.into())).await,
        (Err(problem), _) => tx.finish(Err(problem)).await,
        (Ok(None), Some(phone_code)) => {
            // No transaction is open while WeChat is asked.
            tx.finish(Ok::<_, Problem>(())).await?;
            let mobile = app.wechat.phone(phone_code).await?;
            let mut tx = app.db.begin(Scope::County(county.0)).await?;
            let tokens: Result<Tokens, Problem> = async {
                let account = by_mobile(&mut tx, county, &mobile, codes.login).await?;
                accounts::bind(&mut tx, county, external, account, now).await?;
                // Another request may have bound the same person a moment earlier; what stands in the row counts.
                let account = accounts::by_external(&mut tx, county, external)
                    .await?
                    .ok_or_else(|| fault("a binding is gone"))?;
                open(&mut tx, app, &signer, county, account, now).await
            }
            .await;
            tx.finish(tokens).await
        }
    }
}

async fn open(
    tx: &mut Tx,
    app: &App,
    signer: &Key,
    county: CountyId,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<Tokens, Problem> {
    let person = accounts::person(tx, county, account).await?.ok_or(IdentityCode::AccountDisabled)?;
    sessions::open(tx, &app.keys, signer, &person, now).await
}

async fn by_mobile(
    tx: &mut Tx,
    county: CountyId,
    mobile: &str,
    login: Option<&str>,
) -> Result<AccountId, Problem> {
    let mut found = accounts::by_mobile(tx, county, mobile).await?;
    if let Some(login) = login {
        found.retain(|(_, known, _)| known == login);
    }
    match found.as_slice() {
        [] => Err(IdentityCode::PhoneNotRegistered.into()),
        [(account, ..)] => Ok(*account),
        several => {
            let accounts: Vec<_> =
                several.iter().map(|(_, login, name)| json!({"login": login, "name": name})).collect();
            Err(IdentityCode::AccountAmbiguous.problem().with("accounts", accounts))
        }
    }
}

/// The county whose mini-program this is.
async fn county(app: &App) -> Result<CountyId, Problem> {
    let mut tx = app.db.begin(NO_COUNTY).await?;
    let found = county_of_code(&mut tx, &app.config.wechat.county).await.map_err(Problem::from);
    tx.finish(found).await?.ok_or_else(|| fault("wechat.county names no county"))
}
