//! Accounts: looking them up, counting failed passwords, binding a platform identity.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::identity::model::{AccountId, AccountStatus, Platform, Role, RoleSet};
use crate::organisation::model::OfficerStatus;
use crate::organisation::{CountyId, DepartmentId, OfficerId};
use crate::schema::{account_roles, accounts, members, officers, platform_logins};

/// What a password login needs of an account.
#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(in crate::identity) struct PasswordRow {
    pub id: AccountId,
    pub password_hash: Option<String>,
    pub locked_until: Option<DateTime<Utc>>,
}

pub(in crate::identity) async fn by_login(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    login: &str,
) -> QueryResult<Option<PasswordRow>> {
    accounts::table
        .filter(accounts::county_id.eq(county).and(accounts::login.eq(login)))
        .select(PasswordRow::as_select())
        .first(conn)
        .await
        .optional()
}

/// The active accounts with this mobile number, as id, login and name.
pub(in crate::identity) async fn by_mobile(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    mobile: &str,
) -> QueryResult<Vec<(AccountId, String, String)>> {
    accounts::table
        .filter(accounts::county_id.eq(county).and(accounts::mobile.eq(mobile)))
        .filter(accounts::status.eq(AccountStatus::Active))
        .order(accounts::login)
        .select((accounts::id, accounts::login, accounts::name))
        .load(conn)
        .await
}

/// The account of an officer.
pub(in crate::identity) async fn of_officer(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    officer: OfficerId,
) -> QueryResult<Option<AccountId>> {
    accounts::table
        .filter(accounts::county_id.eq(county).and(accounts::officer_id.eq(officer)))
        .select(accounts::id)
        .first(conn)
        .await
        .optional()
}

/// Counts a wrong password and locks the account at the limit. A lock that is over starts a new count; one that stands is left.
pub(in crate::identity) async fn count_failure(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    account: AccountId,
    limit: i32,
    locked_until: DateTime<Utc>,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    use diesel::dsl::{case_when, sql};
    use diesel::sql_types::{Integer, Nullable, Timestamptz};
    // In SET the names mean the old values; a locked_until in the past stands for a count that starts again.
    let failures = || {
        case_when::<_, _, Integer>(accounts::locked_until.is_null(), accounts::failed_logins + 1).otherwise(1)
    };
    diesel::update(accounts::table.filter(accounts::county_id.eq(county).and(accounts::id.eq(account))))
        .filter(accounts::locked_until.is_null().or(accounts::locked_until.le(now)))
        .set((
            accounts::failed_logins.eq(failures()),
            accounts::locked_until.eq(case_when::<_, _, Nullable<Timestamptz>>(
                failures().ge(limit),
                locked_until.into_sql::<Nullable<Timestamptz>>(),
            )
            .otherwise(sql::<Nullable<Timestamptz>>("null"))),
        ))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Forgets failed passwords; false when the account is locked, or its password has changed since it was compared.
pub(in crate::identity) async fn clear_failures(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    account: AccountId,
    compared_hash: &str,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    diesel::update(accounts::table.filter(accounts::county_id.eq(county).and(accounts::id.eq(account))))
        .filter(accounts::password_hash.eq(compared_hash))
        .filter(accounts::locked_until.is_null().or(accounts::locked_until.le(now)))
        .set((accounts::failed_logins.eq(0), accounts::locked_until.eq(None::<DateTime<Utc>>)))
        .execute(conn)
        .await
        .map(|rows| rows == 1)
}

/// Keeps others from appending to the account's ledger until the end of the transaction.
pub(in crate::identity) async fn lock(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    account: AccountId,
) -> QueryResult<()> {
    accounts::table
        .filter(accounts::county_id.eq(county).and(accounts::id.eq(account)))
        .select(accounts::id)
        .for_no_key_update()
        .execute(conn)
        .await
        .map(|_| ())
}

/// Replaces the password and lifts a lock.
pub(in crate::identity) async fn set_password_hash(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    account: AccountId,
    hash: &str,
) -> QueryResult<()> {
    diesel::update(accounts::table.filter(accounts::county_id.eq(county).and(accounts::id.eq(account))))
        .set((
            accounts::password_hash.eq(hash),
            accounts::failed_logins.eq(0),
            accounts::locked_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Whoever an account stands for, and whether he may sign in now.
pub(in crate::identity) struct Person {
    pub account: AccountId,
    pub county: CountyId,
    pub name: String,
    pub officer: Option<OfficerId>,
    pub department: Option<DepartmentId>,
    pub roles: RoleSet,
    /// The account is active, and behind it is an active officer, a role without an officer, or a membership.
    pub may_sign_in: bool,
}

pub(in crate::identity) async fn person(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    account: AccountId,
) -> QueryResult<Option<Person>> {
    let belongs = diesel::dsl::exists(
        members::table.filter(members::account_id.eq(account).and(members::left_at.is_null())),
    );
    let row = accounts::table
        .left_join(officers::table)
        .filter(accounts::county_id.eq(county).and(accounts::id.eq(account)))
        .select((
            accounts::name,
            accounts::status,
            (officers::id, officers::department_id, officers::status).nullable(),
            belongs,
        ))
        .first::<(String, AccountStatus, Option<(OfficerId, DepartmentId, OfficerStatus)>, bool)>(conn)
        .await
        .optional()?;
    let Some((name, status, officer, is_member)) = row else {
        return Ok(None);
    };
    let roles: RoleSet = account_roles::table
        .filter(account_roles::account_id.eq(account))
        .select(account_roles::role)
        .load::<Role>(conn)
        .await?
        .into_iter()
        .collect();
    let stands = match officer {
        Some((_, _, status)) => status == OfficerStatus::Active,
        None => is_member || !roles.is_empty(),
    };
    Ok(Some(Person {
        account,
        county,
        name,
        officer: officer.map(|(id, _, _)| id),
        department: officer.map(|(_, department, _)| department),
        roles,
        may_sign_in: stands && status == AccountStatus::Active,
    }))
}

/// An identity on a platform.
#[derive(Clone, Copy, Debug)]
pub(in crate::identity) struct External<'a> {
    pub platform: Platform,
    pub app_id: &'a str,
    pub id: &'a str,
}

pub(in crate::identity) async fn by_external(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    external: External<'_>,
) -> QueryResult<Option<AccountId>> {
    platform_logins::table
        .filter(platform_logins::county_id.eq(county))
        .filter(platform_logins::platform.eq(external.platform))
        .filter(platform_logins::app_id.eq(external.app_id))
        .filter(platform_logins::external_id.eq(external.id))
        .select(platform_logins::account_id)
        .first(conn)
        .await
        .optional()
}

/// Binds an identity to an account; when it is bound already, nothing changes.
pub(in crate::identity) async fn bind(
    conn: &mut AsyncPgConnection,
    county: CountyId,
    external: External<'_>,
    account: AccountId,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(platform_logins::table)
        .values((
            platform_logins::id.eq(Uuid::now_v7()),
            platform_logins::county_id.eq(county),
            platform_logins::account_id.eq(account),
            platform_logins::platform.eq(external.platform),
            platform_logins::app_id.eq(external.app_id),
            platform_logins::external_id.eq(external.id),
            platform_logins::bound_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await
        .map(|_| ())
}
