//! Channels with their sealed credentials, and the days of the calendar.

use std::collections::HashSet;

use chrono::{Datelike as _, NaiveDate};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::super::report::{Counts, Kind};
use super::super::rows::ChannelRow;
use super::super::table::Line;
use super::super::{ImportError, ImportOptions};
use super::diff::{Stored, diff, table_io};
use super::{Load, find_optional};
use crate::platform::crypto::Vault;
use crate::schema::{calendar_days, channels};

/// What the credentials of a channel are sealed for.
const PURPOSE: &str = "channel-credentials";

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
    /// Sealed in Postgres; open while two rows are compared, because sealing twice gives different bytes.
    credentials_sealed: Vec<u8>,
}
// Whether a channel works is not for the files to say: its state stays.
table_io!(Channel, channels, 8, (id), { kind, name, department_id, base_url, credentials_sealed });

impl Stored for Channel {
    type Key = String;
    fn key(&self) -> String {
        self.code.clone()
    }
    fn adopt(&mut self, stored: &Self) {
        self.id = stored.id;
    }
}

#[derive(Clone, Debug, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = calendar_days)]
struct CalendarDay {
    county_id: Uuid,
    day: NaiveDate,
    kind: String,
    name: String,
}
table_io!(CalendarDay, calendar_days, 4, (county_id, day), { kind, name });

impl Stored for CalendarDay {
    type Key = NaiveDate;
    fn key(&self) -> NaiveDate {
        self.day
    }
    fn adopt(&mut self, _stored: &Self) {}
}

pub async fn store(load: &mut Load<'_>, vault: &Vault, options: &ImportOptions) -> Result<(), ImportError> {
    store_channels(load, vault, options).await?;
    store_calendar(load).await?;
    Ok(())
}

async fn store_channels(
    load: &mut Load<'_>,
    vault: &Vault,
    options: &ImportOptions,
) -> Result<(), ImportError> {
    let mut stored = Channel::load(load.conn, load.county).await?;
    for channel in &mut stored {
        // Sealed with another key: opens to nothing, so the row counts as changed and is sealed anew.
        channel.credentials_sealed = vault.open(PURPOSE, &channel.credentials_sealed).unwrap_or_default();
    }
    let mut wanted = Vec::new();
    for Line { row, .. } in &load.source.channels.rows {
        wanted.push(Channel {
            id: Uuid::now_v7(),
            county_id: load.county,
            code: row.code.clone(),
            kind: row.kind.to_owned(),
            name: row.name.clone(),
            department_id: find_optional(&load.ids.departments, row.department.as_deref())?,
            base_url: row.address(options.sandbox_url.as_deref()),
            credentials_sealed: credentials(row).into_bytes(),
        });
    }
    let mut diff = diff(stored, wanted);
    for channel in &mut diff.write {
        channel.credentials_sealed = vault.seal(PURPOSE, &channel.credentials_sealed)?;
    }
    Channel::write(load.conn, &diff.write).await?;
    load.counts.push((Kind::Channels, diff.counts));
    Ok(())
}

/// The JSON that the channels read: `{"token": …, "secrets": […]}`, secrets newest first.
fn credentials(row: &ChannelRow) -> String {
    let secrets: Vec<&str> = row.secrets.iter().map(|secret| secret.expose_secret()).collect();
    serde_json::json!({ "token": row.token.expose_secret(), "secrets": secrets }).to_string()
}

/// A year that the file lists is listed whole: days of it that the file no longer names are removed.
async fn store_calendar(load: &mut Load<'_>) -> QueryResult<()> {
    let rows = load.source.calendar.rows.iter();
    let wanted: Vec<CalendarDay> = rows
        .filter_map(|Line { row, .. }| {
            Some(CalendarDay {
                county_id: load.county,
                day: row.day?,
                kind: row.kind.to_owned(),
                name: row.name.clone(),
            })
        })
        .collect();
    let years: HashSet<i32> = wanted.iter().map(|row| row.day.year()).collect();
    let mut diff = diff(CalendarDay::load(load.conn, load.county).await?, wanted);
    let gone = diff.gone.iter().map(|row| row.day).filter(|day| years.contains(&day.year()));
    let gone = calendar_days::table
        .filter(calendar_days::county_id.eq(load.county))
        .filter(calendar_days::day.eq_any(gone.collect::<Vec<_>>()));
    let removed = diesel::delete(gone).execute(load.conn).await?;
    CalendarDay::write(load.conn, &diff.write).await?;
    diff.counts = Counts { removed, ..diff.counts };
    load.counts.push((Kind::Calendar, diff.counts));
    Ok(())
}
