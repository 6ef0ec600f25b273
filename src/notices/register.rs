//! Channels as rows: how a room or webhook is entered, and how its secrets are kept.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;

use super::channels::{ChannelKind, Credentials, Settings, Target};
use super::model::{ChannelId, ChannelLanguage, ChannelState};
use crate::organisation::{CountyId, DepartmentId};
use crate::platform::crypto::{SealError, Vault};
use crate::schema::channels;

/// What the credentials are sealed for.
pub const PURPOSE: &str = "channel-credentials";

/// A channel to enter. Its code is its name within the county.
#[derive(Clone, Debug)]
pub struct NewChannel<'a> {
    pub county: CountyId,
    pub code: &'a str,
    pub kind: ChannelKind,
    pub name: &'a str,
    /// Whose room it is; none: a channel of the county, which hears everything.
    pub department: Option<DepartmentId>,
    /// The provider's base; of a webhook the whole URL.
    pub base_url: &'a str,
    pub credentials: &'a Credentials,
    pub settings: &'a Settings,
    pub language: ChannelLanguage,
}

/// Why a channel cannot be entered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

/// Enters a channel, or brings the one of this code up to date and into use.
pub async fn put(
    conn: &mut AsyncPgConnection,
    vault: &Vault,
    channel: &NewChannel<'_>,
) -> Result<ChannelId, RegisterError> {
    let sealed = vault.seal(PURPOSE, channel.credentials.reveal_json().as_bytes())?;
    let changing = (
        channels::kind.eq(channel.kind),
        channels::name.eq(channel.name),
        channels::department_id.eq(channel.department),
        channels::base_url.eq(channel.base_url),
        channels::credentials_sealed.eq(sealed),
        channels::settings.eq(serde_json::to_value(channel.settings).unwrap_or_default()),
        channels::language.eq(channel.language),
        channels::state.eq(ChannelState::Active),
        channels::state_reason.eq(""),
    );
    Ok(diesel::insert_into(channels::table)
        .values((
            channels::id.eq(ChannelId::fresh()),
            channels::county_id.eq(channel.county),
            channels::code.eq(channel.code),
            changing.clone(),
        ))
        .on_conflict((channels::county_id, channels::code))
        .do_update()
        .set(changing)
        .returning(channels::id)
        .get_result(conn)
        .await?)
}

/// Opens a row's columns into something that can be sent to.
///
/// # Errors
/// A sentence for the administrator, without any secret.
pub fn target(
    vault: &Vault,
    kind: ChannelKind,
    base_url: &str,
    credentials_sealed: &[u8],
    settings: &Value,
) -> Result<Target, &'static str> {
    let opened = vault.open(PURPOSE, credentials_sealed).map_err(|_| "the credentials cannot be opened")?;
    Ok(Target {
        kind,
        base_url: base_url.parse().map_err(|_| "the address is none")?,
        credentials: serde_json::from_slice(&opened).map_err(|_| "the credentials cannot be read")?,
        settings: serde_json::from_value(settings.clone()).map_err(|_| "the settings cannot be read")?,
    })
}
