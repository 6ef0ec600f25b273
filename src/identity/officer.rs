//! The caller behind an officer, for doors where the officer proved himself otherwise than by a token (a link in his chat).

use super::caller::Caller;
use super::error::IdentityCode;
use super::model::SessionId;
use super::store::accounts;
use crate::organisation::{CountyId, OfficerId};
use crate::platform::db::{Db, Scope};
use crate::platform::http::problem::Problem;

/// The officer's account with its roles as they are now; it has no session.
///
/// # Errors
/// `account_unknown`, `account_disabled`.
pub async fn caller_of(db: &Db, county: CountyId, officer: OfficerId) -> Result<Caller, Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let found = async {
        let account = accounts::of_officer(&mut tx, county, officer).await?;
        let account = account.ok_or(IdentityCode::AccountUnknown)?;
        let person = accounts::person(&mut tx, county, account).await?.ok_or(IdentityCode::AccountUnknown)?;
        if !person.may_sign_in {
            return Err(IdentityCode::AccountDisabled.into());
        }
        Ok(Caller {
            account,
            county,
            session: SessionId::default(),
            officer: person.officer,
            department: person.department,
            name: person.name.into(),
            roles: person.roles,
        })
    }
    .await;
    tx.finish(found).await
}
