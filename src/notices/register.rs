//! Channels as rows: what their columns open to.

use serde_json::Value;

use super::channels::{ChannelKind, Settings, Target};
use crate::platform::crypto::Vault;

/// What the credentials of a channel are sealed for.
pub const PURPOSE: &str = "channel-credentials";

/// What is wrong with the settings that somebody gave a channel; `kind` is one of [`ChannelKind`]'s words.
#[must_use]
pub fn settings_fault(kind: &str, settings: &Value) -> Option<String> {
    let settings: Settings = match serde_json::from_value(settings.clone()) {
        Ok(settings) => settings,
        Err(error) => return Some(error.to_string()),
    };
    let kind = named(kind)?;
    let lacks = |name: &str| Some(format!("{name} is missing"));
    match kind {
        _ if kind.is_personal() && settings.app_id.is_none() => lacks("appId"),
        ChannelKind::WecomApp if settings.agent_id.is_none() => lacks("agentId"),
        ChannelKind::WechatSubscribe if settings.templates.is_empty() => lacks("templates"),
        _ => None,
    }
}

fn named(kind: &str) -> Option<ChannelKind> {
    ChannelKind::ALL.iter().copied().find(|known| known.as_str() == kind)
}

/// Whether a channel of this kind reaches single officers.
#[must_use]
pub fn reaches_officers(kind: &str) -> bool {
    named(kind).is_some_and(|kind| kind.is_personal() && kind != ChannelKind::WechatSubscribe)
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
