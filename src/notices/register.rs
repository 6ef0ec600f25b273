//! Channels as rows: what their columns open to.

use secrecy::ExposeSecret as _;
use serde_json::Value;

pub use super::channels::Credentials;
pub use super::channels::callback::Callback;
use super::channels::callback::Envelope;
use super::channels::{ChannelKind, Settings, Target};
use crate::platform::crypto::Vault;
use crate::platform::outbound::Url;

/// What the credentials of a channel are sealed for.
pub const PURPOSE: &str = "channel-credentials";

/// Characters of a callback's token, or of a key of any length.
const CALLBACK_MAX: usize = 128;

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

/// What stands in a channel's row for its address, for everybody to see, and what is sealed: of a generic webhook the whole address is a
/// secret, and scheme, host and port alone are shown. Secrets newest first.
#[must_use]
pub fn halves(kind: &str, address: &str, token: &str, secrets: &[&str]) -> (String, Credentials) {
    let credentials = Credentials::new(token, secrets);
    match address.parse::<Url>() {
        Ok(url) if named(kind) == Some(ChannelKind::Webhook) => {
            (url.origin().ascii_serialization(), credentials.at(address))
        }
        _ => (address.to_owned(), credentials),
    }
}

/// Whether an address holds what belongs into the credentials: somebody gave a robot's whole address where its base was asked for. Only
/// a generic webhook may have any address; a stand-in for a provider may have a path.
#[must_use]
pub fn holds_a_key(kind: &str, address: &str) -> bool {
    let Some((kind, url)) = named(kind).zip(address.parse::<Url>().ok()) else { return false };
    let own_host = url.host_str().is_some_and(|host| kind.hosts().contains(&host));
    let beside = url.query().is_some() || url.fragment().is_some() || !url.username().is_empty();
    kind != ChannelKind::Webhook && (beside || url.password().is_some() || own_host && url.path() != "/")
}

/// What is wrong with what an application is to be called back by; the column of a file or the field of a request, and why.
#[must_use]
pub fn callback_fault(
    kind: &str,
    token: &str,
    key: &str,
) -> Option<(&'static str, &'static str, &'static str)> {
    if named(kind).and_then(ChannelKind::calls_back_at).is_none() {
        return Some(("token", "这类通道没有回调", "this kind of channel is not called back"));
    }
    let sound = |text: &str| {
        (1..=CALLBACK_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !sound(token) {
        return Some((
            "token",
            "请填写平台后台里的 Token",
            "give the token that the platform's console shows",
        ));
    }
    let is_key = match named(kind) {
        Some(ChannelKind::FeishuApp) => sound(key),
        _ => Envelope::new(token, key, "").is_some(),
    };
    let lacks = (
        "key",
        "请填写平台后台里的加密密钥（EncodingAESKey 为 43 个字符）",
        "give the encryption key that the platform's console shows (an EncodingAESKey has 43 characters)",
    );
    (!is_key).then_some(lacks)
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
    let credentials: Credentials =
        serde_json::from_slice(&opened).map_err(|_| "the credentials cannot be read")?;
    let address = if kind == ChannelKind::Webhook { credentials.url.expose_secret() } else { base_url };
    Ok(Target {
        kind,
        base_url: address.parse().map_err(|_| "the address is none")?,
        credentials,
        settings: serde_json::from_value(settings.clone()).map_err(|_| "the settings cannot be read")?,
        calls_back: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_webhook_only_the_host_is_shown_and_a_robots_key_is_not_taken_for_its_base() {
        let split = |kind, address| {
            let (shown, sealed) = halves(kind, address, "t", &["s"]);
            (shown, sealed.url.expose_secret().to_owned())
        };
        let whole = "https://u:p@hooks.example.org:8443/in/k?key=1";
        assert_eq!(split("webhook", whole), ("https://hooks.example.org:8443".to_owned(), whole.to_owned()));
        let base = "http://127.0.0.1:8090/stand-in";
        assert_eq!(split("slack", base), (base.to_owned(), String::new()));
        for (kind, address, expected) in [
            ("webhook", whole, false),
            ("slack", "https://hooks.slack.com/services/T0/B0/X0", true),
            ("slack", "https://hooks.slack.com", false),
            ("feishu_bot", "https://open.feishu.cn/open-apis/bot/v2/hook/key", true),
            ("wecom_bot", "https://qyapi.weixin.qq.com/?key=k", true),
            ("wecom_bot", "http://127.0.0.1:8090/?key=k", true),
            ("dingtalk_bot", "http://127.0.0.1:8090/stand-in/", false),
        ] {
            assert_eq!(holds_a_key(kind, address), expected, "{kind} {address}");
        }
    }
}
