//! By what we know an application's platform when it calls us back: token and key, as its console shows them. Until it has called under
//! them once, the application's cards have no buttons that act at once; so nobody taps a button behind which nobody is.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::create::{fault, seal};
use super::health::open;
use super::{Administrator, lock};
use crate::ledger::Fact;
use crate::notices::channels::callback::Callback;
use crate::notices::model::ChannelId;
use crate::notices::register::callback_fault;
use crate::notices::store::callbacks;
use crate::platform::crypto::Vault;
use crate::platform::db::Db;
use crate::platform::http::problem::Problem;

/// What the platform's console shows beside the address.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeCallback {
    /// Token of WeCom, DingTalk and WeChat; Verification Token of Feishu.
    #[schema(value_type = String)]
    pub token: SecretString,
    /// EncodingAESKey of WeCom and WeChat and aes_key of DingTalk (43 characters); Encrypt Key of Feishu.
    #[schema(value_type = String)]
    pub key: SecretString,
}

/// Lets the platform call back under another token and key; none: not at all any more.
///
/// # Errors
/// 404, 422 when they cannot be a token and a key of this kind, or the kind is never called back.
pub async fn change_callback(
    db: &Db,
    vault: &Vault,
    administrator: &Administrator,
    id: ChannelId,
    given: Option<&ChangeCallback>,
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
    given: Option<&ChangeCallback>,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    let channel = lock(conn, id).await?;
    let kind = channel.kind;
    if given.is_some() && kind.calls_back_at().is_none() {
        let zh = format!("{kind} 通道的平台不会回调，不用设置");
        let en = format!("the platform of a {kind} channel never calls back; there is nothing to set up");
        return Err(fault("kind", "never_calls_back", &zh, &en));
    }
    let given = given.map(|given| (given.token.expose_secret().trim(), given.key.expose_secret().trim()));
    if let Some((token, key)) = given
        && let Some((field, zh, en)) = callback_fault(kind.as_str(), token, key)
    {
        return Err(fault(field, "malformed", zh, en));
    }
    match (open(vault, &channel), given) {
        // What was never set, or cannot be read, is as good as ended.
        (None, None) => {}
        (Some(before), None) if before.callback.is_none() => return Ok(()),
        // What cannot be opened any more is not brought back by this: that takes the channel's own secret.
        (None, Some(_)) => return Err(unreadable()),
        (Some(before), given) => {
            let callback = given.map(|(token, key)| Callback { token: token.into(), key: key.into() });
            callbacks::reseal(conn, id, &seal(vault, &before.called_back(callback))?).await?;
        }
    }
    callbacks::set_called(conn, id, None).await?;
    let fact = json!({ "set": given.is_some() });
    administrator.note_channel(conn, id, Fact::new("channel.callback_changed", fact), now).await
}

fn unreadable() -> Problem {
    fault(
        "token",
        "channel_unreadable",
        "通道的密钥已无法读取，请先重新填写通道密钥",
        "the channel's own secret cannot be read any more; give that first",
    )
}
