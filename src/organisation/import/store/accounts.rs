//! Accounts of officers and of enterprise contacts, what officers' accounts may do, and who speaks for an enterprise.
//!
//! An enterprise's account belongs to its contact person. When the files name another person, he gets an account of his own, and
//! the one before him no longer reaches the enterprise by any way he had.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::posts::offices;
use super::super::problem::{Problem, Reason};
use super::super::report::Kind;
use super::super::rows::{EnterpriseRow, OfficerRow};
use super::super::table::{Line, Row as _};
use super::super::{ImportError, Refused};
use super::diff::{Stored, diff, table_io};
use super::{Load, find};
use crate::organisation::model::{EnterpriseStatus, OfficerStatus};
use crate::schema::{account_roles, accounts, members, platform_logins, sessions};

/// Why the sessions of a former contact end; a word of `sessions.end_reason`.
const CONTACT_CHANGED: &str = "contact_changed";

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = accounts)]
struct Account {
    id: Uuid,
    county_id: Uuid,
    login: String,
    name: String,
    mobile: String,
    officer_id: Option<Uuid>,
    status: String,
    created_at: DateTime<Utc>,
}
table_io!(Account, accounts, 8, (id), { name, mobile, officer_id, status });

impl Stored for Account {
    type Key = String;
    fn key(&self) -> String {
        self.login.clone()
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
        self.created_at = stored.created_at;
        // An account may be closed by the files; opening it again is an administrator's decision.
        if stored.status == "disabled" {
            self.status.clone_from(&stored.status);
        }
    }
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = account_roles)]
struct AccountRole {
    account_id: Uuid,
    role: String,
    county_id: Uuid,
}
table_io!(AccountRole, account_roles, 3, (account_id, role), { county_id });

impl Stored for AccountRole {
    type Key = (Uuid, String);
    fn key(&self) -> Self::Key {
        (self.account_id, self.role.clone())
    }
    fn adopt(&mut self, _stored: &Self) {}
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = members)]
struct Member {
    id: Uuid,
    county_id: Uuid,
    enterprise_id: Uuid,
    account_id: Uuid,
    standing: String,
    joined_at: DateTime<Utc>,
}
table_io!(Member, members, 6, (id), { standing });

impl Stored for Member {
    type Key = (Uuid, Uuid);
    fn key(&self) -> Self::Key {
        (self.enterprise_id, self.account_id)
    }
    fn adopt(&mut self, stored: &Self) {
        // The enterprise's own people decide later who stays and who owns.
        self.clone_from(stored);
    }
}

pub async fn store(load: &mut Load<'_>) -> Result<(), ImportError> {
    let ids = store_accounts(load).await?;
    store_roles(load, &ids).await?;
    store_members(load, &ids).await?;
    Ok(())
}

/// Returns the account ids by login of the files: an officer's or enterprise's code.
async fn store_accounts(load: &mut Load<'_>) -> Result<HashMap<String, Uuid>, ImportError> {
    let mut stored = Account::load(load.conn, load.county).await?;
    retire_former_contacts(load, &mut stored).await?;
    let by_officer: HashMap<Uuid, &Account> =
        stored.iter().filter_map(|account| Some((account.officer_id?, account))).collect();
    let by_login: HashMap<&str, &Account> =
        stored.iter().map(|account| (account.login.as_str(), account)).collect();
    let mut wanted = Vec::new();
    let mut problems = Vec::new();
    // An officer whose account has been given another login keeps it.
    let mut logins: Vec<(String, String)> = Vec::new();
    for Line { line, row } in &load.source.officers.rows {
        let officer = find(&load.ids.officers, &row.code)?;
        let login = by_officer.get(&officer).map_or(&row.code, |account| &account.login);
        if by_login.get(login.as_str()).is_some_and(|account| account.officer_id != Some(officer)) {
            problems.push(held(OfficerRow::FILE, *line, login));
        }
        let open = row.status != OfficerStatus::Left;
        logins.push((row.code.clone(), login.clone()));
        wanted.push(account(load, login, &row.name, &row.mobile, Some(officer), open));
    }
    for Line { line, row } in &load.source.enterprises.rows {
        let open = row.status != EnterpriseStatus::Deregistered;
        let known = by_login.get(row.code.as_str());
        if known.is_some_and(|account| account.officer_id.is_some()) {
            problems.push(held(EnterpriseRow::FILE, *line, &row.code));
        }
        // A deregistered enterprise gets no account; one it had is closed.
        if open || known.is_some() {
            logins.push((row.code.clone(), row.code.clone()));
            wanted.push(account(load, &row.code, &row.contact_name, &row.contact_mobile, None, open));
        }
    }
    if !problems.is_empty() {
        return Err(ImportError::Refused(Refused::new(problems, load.source)));
    }
    let diff = diff(stored.clone(), wanted);
    Account::write(load.conn, &diff.write).await?;
    load.counts.push((Kind::Accounts, diff.counts));
    let by_login: HashMap<String, Uuid> = diff.rows.into_iter().map(|row| (row.login, row.id)).collect();
    Ok(logins.into_iter().filter_map(|(code, login)| Some((code, by_login.get(&login).copied()?))).collect())
}

/// Who was an enterprise's contact and is not any more leaves it: his membership, his sessions, his identities on platforms. The login
/// goes on to his successor. A contact with a new number stays, but must show that the new number is his.
async fn retire_former_contacts(load: &mut Load<'_>, stored: &mut Vec<Account>) -> Result<(), ImportError> {
    let contacts: HashMap<&str, &EnterpriseRow> =
        load.source.enterprises.rows.iter().map(|line| (line.row.code.as_str(), &line.row)).collect();
    let (mut replaced, mut renumbered) = (Vec::new(), Vec::new());
    stored.retain(|account| {
        let contact = contacts.get(account.login.as_str()).filter(|_| account.officer_id.is_none());
        let Some(contact) = contact else { return true };
        let same_person = account.name == contact.contact_name;
        if !same_person {
            replaced.push((account.id, account.login.clone()));
        } else if account.mobile != contact.contact_mobile {
            renumbered.push(account.id);
        }
        same_person
    });
    for (id, code) in &replaced {
        let own = members::account_id.eq(id).and(members::left_at.is_null());
        let enterprise = find(&load.ids.enterprises, code)?;
        diesel::update(members::table.filter(own).filter(members::enterprise_id.eq(enterprise)))
            .set(members::left_at.eq(load.now))
            .execute(load.conn)
            .await?;
        // He may belong to another enterprise as well, which keeps him.
        let stays = diesel::dsl::exists(members::table.filter(own));
        diesel::update(accounts::table.find(id).filter(diesel::dsl::not(stays)))
            .set(accounts::status.eq("disabled"))
            .execute(load.conn)
            .await?;
        diesel::update(accounts::table.find(id))
            .set(accounts::login.eq(format!("~{id}")))
            .execute(load.conn)
            .await?;
    }
    let replaced = replaced.into_iter().map(|(id, _)| id);
    let out: Vec<Uuid> = replaced.chain(renumbered).collect();
    if out.is_empty() {
        return Ok(());
    }
    diesel::update(sessions::table.filter(sessions::account_id.eq_any(&out)))
        .filter(sessions::ended_at.is_null())
        .set((sessions::ended_at.eq(load.now), sessions::end_reason.eq(CONTACT_CHANGED)))
        .execute(load.conn)
        .await?;
    let logins = platform_logins::table.filter(platform_logins::account_id.eq_any(&out));
    diesel::delete(logins).execute(load.conn).await?;
    Ok(())
}

fn account(
    load: &Load<'_>,
    login: &str,
    name: &str,
    mobile: &str,
    officer_id: Option<Uuid>,
    open: bool,
) -> Account {
    Account {
        id: Uuid::now_v7(),
        county_id: load.county,
        login: login.to_owned(),
        name: name.to_owned(),
        mobile: mobile.to_owned(),
        officer_id,
        status: if open { "active" } else { "disabled" }.to_owned(),
        created_at: load.now,
    }
}

fn held(file: &str, line: u64, login: &str) -> Problem {
    Problem {
        file: file.to_owned(),
        line,
        column: "code".to_owned(),
        value: login.to_owned(),
        reason: Reason::LoginHeldByAnother,
    }
}

/// The roles of officers follow the files, so that who changes his post loses what the old one allowed. The appointment of a special
/// supervisor is no matter of posts and stays.
async fn store_roles(load: &mut Load<'_>, ids: &HashMap<String, Uuid>) -> QueryResult<()> {
    let offices = offices(&load.source.departments);
    let mut wanted = Vec::new();
    for Line { row, .. } in &load.source.officers.rows {
        let office = offices.get(row.department.as_str()).copied();
        let mut roles = load.posts.roles(row, office);
        let admin = load.source.admins.rows.iter().filter(|line| line.row.officer == row.code);
        roles.extend(admin.map(|line| line.row.role));
        let account_id = find(ids, &row.code)?;
        wanted.extend(roles.into_iter().map(|role| AccountRole {
            account_id,
            role: role.to_owned(),
            county_id: load.county,
        }));
    }
    let officers: HashSet<Uuid> =
        load.source.officers.rows.iter().filter_map(|line| ids.get(&line.row.code).copied()).collect();
    let unmentioned = accounts_of(load, &load.unmentioned.clone()).await?;
    let mut diff = diff(AccountRole::load(load.conn, load.county).await?, wanted);
    let gone = diff.gone.iter();
    // Whom the files no longer mention stays an officer, of no post.
    let is_over = |row: &&AccountRole| match row.role.as_str() {
        "special_supervisor" => false,
        "officer" => officers.contains(&row.account_id),
        _ => officers.contains(&row.account_id) || unmentioned.contains(&row.account_id),
    };
    for gone in gone.filter(is_over) {
        let row = account_roles::table.find((gone.account_id, &gone.role));
        diff.counts.ended += diesel::delete(row).execute(load.conn).await?;
    }
    AccountRole::write(load.conn, &diff.write).await?;
    load.counts.push((Kind::AccountRoles, diff.counts));
    Ok(())
}

async fn accounts_of(load: &mut Load<'_>, officers: &HashSet<Uuid>) -> QueryResult<HashSet<Uuid>> {
    let ids = accounts::table.filter(accounts::officer_id.eq_any(officers)).select(accounts::id);
    Ok(ids.load(load.conn).await?.into_iter().collect())
}

async fn store_members(load: &mut Load<'_>, ids: &HashMap<String, Uuid>) -> QueryResult<()> {
    let mut wanted = Vec::new();
    for Line { row, .. } in &load.source.enterprises.rows {
        if let Some(account_id) = ids.get(&row.code) {
            wanted.push(Member {
                id: Uuid::now_v7(),
                county_id: load.county,
                enterprise_id: find(&load.ids.enterprises, &row.code)?,
                account_id: *account_id,
                standing: "owner".to_owned(),
                joined_at: load.now,
            });
        }
    }
    let diff = diff(Member::load(load.conn, load.county).await?, wanted);
    Member::write(load.conn, &diff.write).await?;
    load.counts.push((Kind::Members, diff.counts));
    Ok(())
}
