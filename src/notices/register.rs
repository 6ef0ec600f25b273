//! Channels as rows: what their columns open to.

use serde_json::Value;

use super::channels::{ChannelKind, Target};
use crate::platform::crypto::Vault;

/// What the credentials of a channel are sealed for.
pub const PURPOSE: &str = "channel-credentials";

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
