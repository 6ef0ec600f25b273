//! Another secret. A webhook signs with the new one and the one before, so that its receiver can change over (Standard Webhooks);
//! everything else knows one. The whole address of a webhook is a secret too and is changed here. From then on the county's files do not say what opens the channel: an old one does not bring back a secret
//! that was replaced.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::create::{Given, fault, fault_of_address, malformed, said, seal};
use super::health::open;
use super::{Administrator, lock};
use crate::ledger::Fact;
use crate::notices::channels::ChannelKind;
use crate::notices::model::ChannelId;
use crate::notices::register::halves;
use crate::notices::store::{callbacks, register};
use crate::platform::crypto::Vault;
use crate::platform::db::Db;
use crate::platform::http::problem::Problem;

/// What opens the channel from now on. What is not given stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeSecret {
    /// The key in a robot's address.
    #[schema(value_type = Option<String>)]
    pub token: Option<SecretString>,
    /// The signing secret, or an application's.
    #[schema(value_type = Option<String>)]
    pub secret: Option<SecretString>,
    /// The whole address of a webhook.
    #[schema(value_type = Option<String>)]
    pub base_url: Option<SecretString>,
    /// The secret before is no longer good: a webhook does not sign with it any more.
    #[serde(default)]
    pub revoke_old: bool,
}

/// Gives a channel another secret, key or, to a webhook, address.
///
/// # Errors
/// 404, 422 when nothing is given or it cannot be a secret.
pub async fn change_secret(
    db: &Db,
    vault: &Vault,
    administrator: &Administrator,
    id: ChannelId,
    given: &ChangeSecret,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let mut tx = db.begin(administrator.scope()).await?;
    let changed = change_in(&mut tx, vault, administrator, id, given, now).await;
    tx.finish(changed).await
}

async fn change_in(
    conn: &mut AsyncPgConnection,
    vault: &Vault,
    administrator: &Administrator,
    id: ChannelId,
    given: &ChangeSecret,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let channel = lock(conn, id).await?;
    let opens = Given { kind: channel.kind, token: given.token.as_ref(), secret: given.secret.as_ref() };
    let (token, secret, address) = (said(opens.token), said(opens.secret), said(given.base_url.as_ref()));
    if token.is_none() && secret.is_none() && address.is_none() {
        return Err(fault("secret", "required", "请填写新的密钥", "give a new secret or key"));
    }
    let mut faults = malformed(&opens);
    if let Some(address) = address {
        faults.extend(fault_of_address(channel.kind, address));
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    let is_webhook = channel.kind == ChannelKind::Webhook;
    if address.is_some() && !is_webhook {
        return Err(fault(
            "baseUrl",
            "no_webhook",
            "只有 Webhook 的地址可以更换",
            "only a webhook's address is changed",
        ));
    }
    // What cannot be opened any more is replaced altogether.
    let before = open(vault, &channel).unwrap_or_default();
    let url = address.unwrap_or(before.url.expose_secret());
    if is_webhook && url.is_empty() {
        return Err(fault("baseUrl", "required", "请填写完整地址", "give the whole address"));
    }
    let live = if is_webhook && !given.revoke_old { 2 } else { 1 };
    let old = before.secrets.iter().map(ExposeSecret::expose_secret);
    let secrets: Vec<&str> = match secret {
        Some(secret) => std::iter::once(secret).chain(old.filter(|old| *old != secret)).take(live).collect(),
        None => old.collect(),
    };
    let address_now = if is_webhook { url } else { channel.base_url.as_str() };
    let token_now = token.unwrap_or(before.token.expose_secret());
    let (base_url, credentials) = halves(channel.kind.as_str(), address_now, token_now, &secrets);
    let credentials = credentials.called_back(before.callback.clone());
    register::reseal(conn, id, &base_url, &seal(vault, &credentials)?, now).await?;
    if credentials.callback.is_none() {
        // It could not be read any more, or there was none.
        callbacks::set_called(conn, id, None).await?;
    }
    let fact = json!({
        "token": token.is_some(), "secret": secret.is_some(), "address": address.is_some(), "liveSecrets": secrets.len(),
    });
    administrator.note_channel(conn, id, Fact::new("channel.secret_changed", fact), now).await
}
