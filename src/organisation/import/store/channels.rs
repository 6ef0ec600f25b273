//! Channels with their sealed credentials.

use diesel::prelude::*;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::super::report::Kind;
use super::super::rows::ChannelRow;
use super::super::table::Line;
use super::super::{ImportError, ImportOptions};
use super::diff::{Stored, diff, table_io};
use super::{Load, find_optional};
use crate::notices::register::PURPOSE;
use crate::platform::crypto::Vault;
use crate::schema::channels;

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

pub async fn store(load: &mut Load<'_>, vault: &Vault, options: &ImportOptions) -> Result<(), ImportError> {
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
    diff.keep_gone();
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
