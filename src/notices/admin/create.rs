//! A new channel.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Administrator;
use super::error::NoticeCode;
use crate::ledger::Fact;
use crate::notices::channels::{ChannelKind, Credentials, webhook};
use crate::notices::model::{ChannelId, ChannelLanguage, ChannelState};
use crate::notices::register::{PURPOSE, halves, holds_a_key, settings_fault};
use crate::notices::store::register::{self, Channel};
use crate::platform::crypto::{Vault, hmac_sha256};
use crate::platform::db::Db;
use crate::platform::http::idempotency::{self, Taking, fingerprint};
use crate::platform::http::problem::{CommonCode, FieldError, Problem};
use crate::platform::http::text::TextRule;
use crate::platform::outbound::Url;

const CODE: TextRule = TextRule::line(40);
const NAME: TextRule = TextRule::line(60);
/// Characters of a key or a secret.
const SECRET_MAX: usize = 500;

/// A channel to be.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewChannel {
    /// Short and unique in the county: letters, digits, `-`, `_`.
    pub code: String,
    pub kind: ChannelKind,
    pub name: String,
    /// Whose room it is; none: a channel of the county.
    pub department_code: Option<String>,
    /// Another base than the provider's own; of a webhook the whole address, of which only scheme, host and port are ever shown again.
    #[schema(value_type = Option<String>)]
    pub base_url: Option<SecretString>,
    /// The key in a robot's address.
    #[schema(value_type = Option<String>)]
    pub token: Option<SecretString>,
    /// The signing secret, or an application's.
    #[schema(value_type = Option<String>)]
    pub secret: Option<SecretString>,
    #[schema(value_type = Option<Object>)]
    pub settings: Option<Value>,
    pub language: Option<ChannelLanguage>,
}

impl NewChannel {
    /// What tells a repeated request from another one under the same key. Of a secret only a print enters, made with our own key.
    #[must_use]
    pub fn fingerprint(&self, vault: &Vault) -> [u8; 32] {
        let own = vault.derive("channel-request");
        let print = |secret: &Option<SecretString>| {
            secret.as_ref().map(|secret| hex::encode(hmac_sha256(&own, secret.expose_secret().as_bytes())))
        };
        let Self { code, kind, name, department_code, base_url, token, secret, settings, language } = self;
        let body = json!({
            "code": code, "kind": kind, "name": name, "departmentCode": department_code, "baseUrl": print(base_url),
            "token": print(token), "secret": print(secret), "settings": settings, "language": language,
        });
        fingerprint("channel", &body)
    }
}

/// A channel, and whether the same key had made it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    pub id: ChannelId,
    pub replayed: bool,
}

/// What a channel is opened with, as it was given.
pub(super) struct Given<'a> {
    pub kind: ChannelKind,
    pub token: Option<&'a SecretString>,
    pub secret: Option<&'a SecretString>,
}

/// Adds a channel; it is used from now on. `key`: idempotency key and fingerprint of the body.
///
/// # Errors
/// 422 with every fault, or when the key stands for another body; 409 when the code is taken.
pub async fn create(
    db: &Db,
    vault: &Vault,
    administrator: &Administrator,
    given: NewChannel,
    key: Option<(String, [u8; 32])>,
    now: DateTime<Utc>,
) -> Result<Created, Problem> {
    let (code, name, address) = judge(&given)?;
    let (token, secret) = (said(given.token.as_ref()), said(given.secret.as_ref()));
    let secrets: Vec<&str> = secret.into_iter().collect();
    let (base_url, credentials) = halves(given.kind.as_str(), &address, token.unwrap_or_default(), &secrets);
    let sealed = seal(vault, &credentials)?;
    let mut tx = db.begin(administrator.scope()).await?;
    let added = async {
        let id = ChannelId::fresh();
        if let Some((key, fingerprint)) = &key {
            let (county, account, subject) = (administrator.county.0, administrator.account, id.0);
            let taking = Taking { county, account, key, fingerprint, subject, now };
            if let Some(known) = idempotency::take(&mut tx, &taking).await? {
                return Ok(Created { id: ChannelId(known.same(fingerprint)?), replayed: true });
            }
        }
        let department = match given.department_code.as_deref().map(str::trim).filter(|code| !code.is_empty())
        {
            None => None,
            Some(code) => {
                Some(register::department(&mut tx, administrator.county, code).await?.ok_or_else(|| {
                    fault("departmentCode", "unknown_department", "没有这个部门", "no such department")
                })?)
            }
        };
        let channel = Channel {
            id,
            county_id: administrator.county,
            code,
            kind: given.kind,
            name,
            department_id: department,
            base_url,
            credentials_sealed: sealed,
            settings: given.settings.unwrap_or_else(|| json!({})),
            language: given.language.unwrap_or(ChannelLanguage::Chinese),
            state: ChannelState::Active,
            state_reason: String::new(),
            secret_given_at: Some(now),
            called_at: None,
            interactive_refused_at: None,
        };
        add(&mut tx, administrator, &channel, now).await?;
        Ok(Created { id, replayed: false })
    };
    let added = added.await;
    tx.finish(added).await
}

async fn add(
    conn: &mut AsyncPgConnection,
    administrator: &Administrator,
    channel: &Channel,
    now: DateTime<Utc>,
) -> Result<(), Problem> {
    if !register::add(conn, channel).await? {
        return Err(NoticeCode::ChannelTaken.into());
    }
    let fact = json!({
        "code": channel.code, "kind": channel.kind, "name": channel.name, "departmentId": channel.department_id,
        "settings": channel.settings, "language": channel.language,
    });
    administrator.note_channel(conn, channel.id, Fact::new("channel.created", fact), now).await
}

/// Code, name and address, when nothing is wrong with any part of the whole.
fn judge(given: &NewChannel) -> Result<(String, String, String), Problem> {
    let mut faults = Vec::new();
    let code = CODE.required("code", &given.code).unwrap_or_else(|error| {
        faults.push(error);
        String::new()
    });
    if !code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        faults.push(FieldError::new(
            "code",
            "malformed",
            "只能用字母、数字、- 和 _",
            "only letters, digits, - and _",
        ));
    }
    let name = NAME.required("name", &given.name).unwrap_or_else(|error| {
        faults.push(error);
        String::new()
    });
    let own = said(given.base_url.as_ref()).map(str::to_owned);
    let base = own.or_else(|| given.kind.default_base().map(Into::into)).unwrap_or_default();
    faults.extend(fault_of_address(given.kind, &base));
    let settings = given.settings.clone().unwrap_or_else(|| json!({}));
    if let Some(why) = settings_fault(given.kind.as_str(), &settings) {
        faults.push(FieldError::new("settings", "channel_settings", format!("通道设置有误：{why}"), why));
    }
    let opens = Given { kind: given.kind, token: given.token.as_ref(), secret: given.secret.as_ref() };
    faults.extend(lacks(&opens));
    faults.extend(malformed(&opens));
    if faults.is_empty() { Ok((code, name, base)) } else { Err(Problem::invalid(faults)) }
}

/// What is wrong with an address, or with what stands in it.
pub(super) fn fault_of_address(kind: ChannelKind, address: &str) -> Option<FieldError> {
    let is_http = |url: Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    let (code, zh, en) = if !address.parse::<Url>().is_ok_and(is_http) {
        ("malformed_url", "须为 http 或 https 地址", "must be an http or https address")
    } else if holds_a_key(kind.as_str(), address) {
        (
            "key_in_url",
            "这里只填平台的地址，密钥请填在 token 里",
            "the platform's address alone; its key belongs into token",
        )
    } else {
        return None;
    };
    Some(FieldError::new("baseUrl", code, zh, en))
}

/// What a channel of this kind cannot be opened without. A robot's key opens it; everything else by what it signs or asks with.
fn lacks(given: &Given<'_>) -> Option<FieldError> {
    let robot = !given.kind.is_personal() && given.kind != ChannelKind::Webhook;
    let required = |field| Some(FieldError::new(field, "required", "必填", "required"));
    match robot {
        true if said(given.token).is_none() => required("token"),
        false if said(given.secret).is_none() => required("secret"),
        _ => None,
    }
}

/// What cannot be a key or a secret of this kind.
pub(super) fn malformed(given: &Given<'_>) -> Vec<FieldError> {
    let mut faults = Vec::new();
    for (field, value) in [("token", said(given.token)), ("secret", said(given.secret))] {
        let Some(value) = value else { continue };
        if value.len() > SECRET_MAX || value.chars().any(|c| c.is_control() || c.is_whitespace()) {
            faults.push(FieldError::new(
                field,
                "malformed",
                "不是有效的密钥（不能有空白，最多 500 个字符）",
                "is no key (no white space, at most 500 characters)",
            ));
        }
    }
    let webhook = said(given.secret).filter(|_| given.kind == ChannelKind::Webhook);
    if webhook.is_some_and(|secret| webhook::sign(secret, "id", 0, b"").is_none()) {
        faults.push(FieldError::new(
            "secret",
            "malformed",
            "Webhook 的签名密钥须为 whsec_ 加 base64",
            "a webhook's secret is whsec_ and base64",
        ));
    }
    faults
}

/// What was given, if anything was.
pub(super) fn said(text: Option<&SecretString>) -> Option<&str> {
    text.map(|text| text.expose_secret().trim()).filter(|text| !text.is_empty())
}

/// Credentials as they lie in Postgres.
pub(super) fn seal(vault: &Vault, credentials: &Credentials) -> Result<Vec<u8>, Problem> {
    vault.seal(PURPOSE, credentials.reveal_json().as_bytes()).map_err(|error| {
        tracing::error!(%error, "a channel's credentials cannot be sealed");
        CommonCode::Internal.into()
    })
}

pub(super) fn fault(field: &str, code: &'static str, zh: &str, en: &str) -> Problem {
    Problem::invalid(vec![FieldError::new(field, code, zh, en)])
}
