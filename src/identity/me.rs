//! Who is signed in, with the names behind the ids of the token.

use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::error::IdentityCode;
use super::model::{AccountId, MemberId, Role, SessionId, Standing};
use super::store::profile;
use crate::organisation::model::Post;
use crate::organisation::{AreaId, CountyId, DepartmentId, EnterpriseId, OfficerId};
use crate::platform::db::{Db, Tx};
use crate::platform::http::problem::Problem;

/// Who is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    pub account: AccountId,
    pub session: SessionId,
    pub login: String,
    pub name: String,
    pub county: MyCounty,
    pub roles: Vec<Role>,
    pub officer: Option<MyPost>,
    pub memberships: Vec<Membership>,
}

/// The county everything belongs to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MyCounty {
    pub id: CountyId,
    pub code: String,
    pub name: String,
}

/// The officer's post, in a department or in an area.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MyPost {
    pub id: OfficerId,
    pub code: String,
    pub name: String,
    pub title: String,
    pub post: Post,
    /// The unit: a department, or the office of a park or town.
    pub department: MyDepartment,
    /// The park or town that the unit serves, if it is such an office.
    pub area: Option<MyArea>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MyDepartment {
    pub id: DepartmentId,
    pub name: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MyArea {
    pub id: AreaId,
    pub name: String,
}

/// An enterprise the account belongs to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    pub id: MemberId,
    pub standing: Standing,
    pub enterprise: MyEnterprise,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MyEnterprise {
    pub id: EnterpriseId,
    pub code: String,
    pub name: String,
}

/// The caller's own account, post and memberships as they stand now; the roles are those of the token.
///
/// # Errors
/// `token_invalid` when the account is gone.
pub async fn show_me(db: &Db, caller: &Caller) -> Result<Me, Problem> {
    let mut tx = db.begin(caller.scope()).await?;
    let me = read(&mut tx, caller).await;
    tx.finish(me).await
}

async fn read(tx: &mut Tx, caller: &Caller) -> Result<Me, Problem> {
    let account =
        profile::account(tx, caller.county, caller.account).await?.ok_or(IdentityCode::TokenInvalid)?;
    let officer = match caller.officer {
        Some(id) => profile::officer(tx, caller.county, id).await?,
        None => None,
    };
    let memberships = profile::memberships(tx, caller.county, caller.account).await?;
    Ok(Me {
        account: caller.account,
        session: caller.session,
        login: account.login,
        name: account.name,
        county: MyCounty { id: caller.county, code: account.county_code, name: account.county_name },
        roles: caller.roles.iter().collect(),
        officer: officer.map(MyPost::from),
        memberships: memberships.into_iter().map(Membership::from).collect(),
    })
}

impl From<profile::OfficerRow> for MyPost {
    fn from(row: profile::OfficerRow) -> Self {
        Self {
            id: row.id,
            code: row.code,
            name: row.name,
            title: row.title,
            post: row.post,
            department: MyDepartment { id: row.department.0, name: row.department.1 },
            area: row.area.map(|(id, name)| MyArea { id, name }),
        }
    }
}

impl From<profile::MembershipRow> for Membership {
    fn from(row: profile::MembershipRow) -> Self {
        let enterprise =
            MyEnterprise { id: row.enterprise, code: row.enterprise_code, name: row.enterprise_name };
        Self { id: row.id, standing: row.standing, enterprise }
    }
}
