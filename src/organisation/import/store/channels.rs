//! Channels with their sealed credentials, and whom they reach.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::report::Kind;
use super::super::table::Line;
use super::super::{ImportError, ImportOptions};
use super::diff::{Stored, diff, table_io};
use super::{Load, find, find_optional};
use crate::notices::register::{Callback, Credentials, PURPOSE, halves};
use crate::platform::crypto::Vault;
use crate::schema::{channels, department_channels, officer_addresses};

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = channels)]
struct Channel {
    id: Uuid,
    county_id: Uuid,
    code: String,
    kind: String,
    name: String,
    department_id: Option<Uuid>,
    base_url: String,
    /// Sealed in Postgres; open while two rows are compared, because sealing twice gives different bytes. What an administrator gave stays
    /// sealed.
    credentials_sealed: Vec<u8>,
    settings: Value,
    secret_given_at: Option<DateTime<Utc>>,
}
// Whether a channel works is not for the files to say: its state stays. Nor is what opens it, once an administrator has said that.
table_io!(Channel, channels, 10, (id), { kind, name, department_id, base_url, credentials_sealed, settings });

impl Stored for Channel {
    type Key = String;
    fn key(&self) -> String {
        self.code.clone()
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
        if self.settings.is_null() {
            self.settings.clone_from(&stored.settings);
        }
        self.secret_given_at = stored.secret_given_at;
        if stored.secret_given_at.is_some() {
            self.credentials_sealed.clone_from(&stored.credentials_sealed);
            if self.kind == "webhook" {
                self.base_url.clone_from(&stored.base_url);
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = officer_addresses)]
struct Address {
    id: Uuid,
    county_id: Uuid,
    officer_id: Uuid,
    channel_id: Uuid,
    user_id: String,
    preference: Option<i32>,
    chosen_at: Option<DateTime<Utc>>,
}
// In which order he is tried the files do not say any more once he has chosen himself.
table_io!(Address, officer_addresses, 7, (id), { user_id, preference });

impl Stored for Address {
    type Key = (Uuid, Uuid);
    fn key(&self) -> Self::Key {
        (self.officer_id, self.channel_id)
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
        self.chosen_at = stored.chosen_at;
        if stored.chosen_at.is_some() {
            self.preference = stored.preference;
        }
    }
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = department_channels)]
struct Preferred {
    id: Uuid,
    county_id: Uuid,
    department_id: Uuid,
    channel_id: Uuid,
    preference: i32,
    given_at: Option<DateTime<Utc>>,
}
table_io!(Preferred, department_channels, 6, (id), { preference });

impl Stored for Preferred {
    type Key = (Uuid, Uuid);
    fn key(&self) -> Self::Key {
        (self.department_id, self.channel_id)
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
    }
}

pub async fn store(load: &mut Load<'_>, vault: &Vault, options: &ImportOptions) -> Result<(), ImportError> {
    let mut stored = Channel::load(load.conn, load.county).await?;
    for channel in stored.iter_mut().filter(|channel| channel.secret_given_at.is_none()) {
        // Sealed with another key: opens to nothing, so the row counts as changed and is sealed anew.
        channel.credentials_sealed = vault.open(PURPOSE, &channel.credentials_sealed).unwrap_or_default();
    }
    let known: HashMap<String, Option<Callback>> =
        stored.iter().map(|channel| (channel.code.clone(), callback(&channel.credentials_sealed))).collect();
    let mut wanted = Vec::new();
    let mut reset = Vec::new();
    for Line { row, .. } in &load.source.channels.rows {
        let before = known.get(&row.code).cloned().flatten();
        // What the file leaves out stays as an administrator has set it.
        let callback = row.callback.clone().or_else(|| before.clone());
        if !same_callback(callback.as_ref(), before.as_ref()) {
            reset.push(row.code.clone());
        }
        let address = row.address(options.sandbox_url.as_deref());
        let secrets: Vec<&str> = row.secrets.iter().map(|secret| secret.expose_secret()).collect();
        let (base_url, credentials) = halves(row.kind, &address, row.token.expose_secret(), &secrets);
        let credentials = credentials.called_back(callback);
        wanted.push(Channel {
            id: Uuid::now_v7(),
            county_id: load.county,
            code: row.code.clone(),
            kind: row.kind.to_owned(),
            name: row.name.clone(),
            department_id: find_optional(&load.ids.departments, row.department.as_deref())?,
            base_url,
            credentials_sealed: credentials.reveal_json().into_bytes(),
            settings: row.settings.clone().unwrap_or_default(),
            secret_given_at: None,
        });
    }
    let mut diff = diff(stored, wanted);
    diff.keep_gone();
    for channel in &mut diff.write {
        if channel.settings.is_null() {
            channel.settings = json!({});
        }
        if channel.secret_given_at.is_none() {
            channel.credentials_sealed = vault.seal(PURPOSE, &channel.credentials_sealed)?;
        }
    }
    Channel::write(load.conn, &diff.write).await?;
    // What its platform refused, a channel that is changed may take.
    let written: Vec<Uuid> = diff.write.iter().map(|channel| channel.id).collect();
    let refused = channels::table.filter(channels::id.eq_any(written));
    let refused = refused.filter(channels::interactive_refused_at.is_not_null());
    let forgotten = channels::interactive_refused_at.eq(None::<DateTime<Utc>>);
    diesel::update(refused).set(forgotten).execute(load.conn).await?;
    // Under another token and key its platform must prove anew that it can call.
    let changed: Vec<Uuid> = diff
        .write
        .iter()
        .filter(|channel| channel.secret_given_at.is_none() && reset.contains(&channel.code))
        .map(|channel| channel.id)
        .collect();
    let changed = channels::table.filter(channels::id.eq_any(changed));
    let unproven = channels::called_at.eq(None::<DateTime<Utc>>);
    diesel::update(changed).set(unproven).execute(load.conn).await?;
    load.counts.push((Kind::Channels, diff.counts));
    let ids: HashMap<String, Uuid> = diff.rows.into_iter().map(|row| (row.code, row.id)).collect();
    store_addresses(load, &ids).await?;
    store_preferred(load, &ids).await?;
    Ok(())
}

/// By what a platform is known that calls back, in opened credentials; none when they are still sealed.
fn callback(opened: &[u8]) -> Option<Callback> {
    serde_json::from_slice::<Credentials>(opened).ok()?.callback
}

fn same_callback(one: Option<&Callback>, other: Option<&Callback>) -> bool {
    let plain = |callback: &Callback| {
        (callback.token.expose_secret().to_owned(), callback.key.expose_secret().to_owned())
    };
    one.map(plain) == other.map(plain)
}

async fn store_addresses(load: &mut Load<'_>, channels: &HashMap<String, Uuid>) -> QueryResult<()> {
    let stored = Address::load(load.conn, load.county).await?;
    let chose: HashSet<Uuid> =
        stored.iter().filter(|row| row.chosen_at.is_some()).map(|row| row.officer_id).collect();
    let mut wanted = Vec::with_capacity(load.source.addresses.rows.len());
    for Line { row, .. } in &load.source.addresses.rows {
        let officer = find(&load.ids.officers, &row.officer)?;
        wanted.push(Address {
            id: Uuid::now_v7(),
            county_id: load.county,
            officer_id: officer,
            channel_id: find(channels, &row.channel)?,
            user_id: row.user_id.clone(),
            preference: row.preference.filter(|_| !chose.contains(&officer)),
            chosen_at: None,
        });
    }
    let mut diff = diff(stored, wanted);
    Address::write(load.conn, &diff.write).await?;
    // A county that leaves the file out keeps what it has.
    if load.source.addresses.present && !diff.gone.is_empty() {
        let gone: Vec<Uuid> = diff.gone.iter().map(|row| row.id).collect();
        let gone = officer_addresses::table.filter(officer_addresses::id.eq_any(gone));
        diff.counts.ended = diesel::delete(gone).execute(load.conn).await?;
    }
    load.counts.push((Kind::Addresses, diff.counts));
    Ok(())
}

async fn store_preferred(load: &mut Load<'_>, channels: &HashMap<String, Uuid>) -> QueryResult<()> {
    let mut stored = Preferred::load(load.conn, load.county).await?;
    // An order that an administrator gave is not the files' to change.
    let given: HashSet<Uuid> =
        stored.iter().filter(|row| row.given_at.is_some()).map(|row| row.department_id).collect();
    stored.retain(|row| !given.contains(&row.department_id));
    let mut wanted = Vec::with_capacity(load.source.department_channels.rows.len());
    for Line { row, .. } in &load.source.department_channels.rows {
        let department = find(&load.ids.departments, &row.department)?;
        if given.contains(&department) {
            continue;
        }
        wanted.push(Preferred {
            id: Uuid::now_v7(),
            county_id: load.county,
            department_id: department,
            channel_id: find(channels, &row.channel)?,
            preference: row.preference,
            given_at: None,
        });
    }
    let mut diff = diff(stored, wanted);
    Preferred::write(load.conn, &diff.write).await?;
    if load.source.department_channels.present && !diff.gone.is_empty() {
        let gone: Vec<Uuid> = diff.gone.iter().map(|row| row.id).collect();
        let gone = department_channels::table.filter(department_channels::id.eq_any(gone));
        diff.counts.ended = diesel::delete(gone).execute(load.conn).await?;
    }
    load.counts.push((Kind::DepartmentChannels, diff.counts));
    Ok(())
}
