//! What `GET /api/v1/me` shows beyond the token: rows of the organisation, read only.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::identity::model::{AccountId, MemberId, Standing};
use crate::organisation::model::Post;
use crate::organisation::{AreaId, CountyId, DepartmentId, EnterpriseId, OfficerId};
use crate::schema::{accounts, areas, counties, departments, enterprises, members, officers};

#[derive(Queryable)]
pub(in crate::identity) struct AccountRow {
    pub login: String,
    pub name: String,
    pub county_code: String,
    pub county_name: String,
}

pub(in crate::identity) async fn account(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    account: AccountId,
) -> QueryResult<Option<AccountRow>> {
    accounts::table
        .inner_join(counties::table.on(counties::id.eq(accounts::county_id)))
        .filter(accounts::county_id.eq(county).and(accounts::id.eq(account)))
        .select((accounts::login, accounts::name, counties::code, counties::name))
        .first(conn)
        .await
        .optional()
}

#[derive(Queryable)]
pub(in crate::identity) struct OfficerRow {
    pub id: OfficerId,
    pub code: String,
    pub name: String,
    pub title: String,
    pub post: Post,
    pub department: (DepartmentId, String),
    pub area: Option<(AreaId, String)>,
}

pub(in crate::identity) async fn officer(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    officer: OfficerId,
) -> QueryResult<Option<OfficerRow>> {
    officers::table
        .inner_join(departments::table)
        .left_join(areas::table.on(areas::id.nullable().eq(departments::area_id)))
        .filter(officers::county_id.eq(county).and(officers::id.eq(officer)))
        .select((
            officers::id,
            officers::code,
            officers::name,
            officers::title,
            officers::post,
            (departments::id, departments::name),
            (areas::id, areas::name).nullable(),
        ))
        .first(conn)
        .await
        .optional()
}

#[derive(Queryable)]
pub(in crate::identity) struct MembershipRow {
    pub id: MemberId,
    pub standing: Standing,
    pub enterprise: EnterpriseId,
    pub enterprise_code: String,
    pub enterprise_name: String,
}

/// The enterprises an account belongs to now, oldest membership first.
pub(in crate::identity) async fn memberships(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    account: AccountId,
) -> QueryResult<Vec<MembershipRow>> {
    members::table
        .inner_join(enterprises::table)
        .filter(members::county_id.eq(county).and(members::account_id.eq(account)))
        .filter(members::left_at.is_null())
        .order((members::joined_at, members::id))
        .select((members::id, members::standing, enterprises::id, enterprises::code, enterprises::name))
        .load(conn)
        .await
}
