//! Custom group bot of Feishu and Lark (飞书自定义机器人): `POST /open-apis/bot/v2/hook/<token>` with a card.
//!
//! The signature's key is `timestamp\nsecret` with seconds, its message empty, and it stands in the body: the mirror image of
//! DingTalk's. Texts go as `plain_text`, which the client never parses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::signature::within;
use super::{Mention, Message, RenderError, SignatureRefusal, Target, body_within, text};
use crate::platform::crypto;
use crate::platform::outbound::OutboundRequest;

/// Bytes of a whole body.
pub const BODY_MAX: usize = 20 * 1024;
/// Bytes of the card's text: leaves room for JSON escapes within [`BODY_MAX`], and is a screen long.
pub const TEXT_MAX: usize = 6000;
pub const TITLE_MAX: usize = 150;
const MENTIONS_MAX: usize = 20;
/// Skew the platform tolerates, either way.
const TOLERANCE: TimeDelta = TimeDelta::hours(1);

pub(super) fn request(
    target: &Target,
    message: &Message,
    now: DateTime<Utc>,
) -> Result<OutboundRequest, RenderError> {
    let url = target.endpoint(&["open-apis", "bot", "v2", "hook", target.credentials.token()?])?;
    let mut body = json!({ "msg_type": "interactive", "card": card(target, message)? });
    if let (Some(secret), Some(fields)) = (target.signing_secret(), body.as_object_mut()) {
        let timestamp = now.timestamp().to_string();
        fields.insert("sign".to_owned(), Value::String(sign(secret, &timestamp)));
        fields.insert("timestamp".to_owned(), Value::String(timestamp));
    }
    Ok(OutboundRequest::post_json(url, body_within(BODY_MAX, &body)?, target.allowed_hosts()))
}

/// The card of a bot or an application.
pub(super) fn card(target: &Target, message: &Message) -> Result<Value, RenderError> {
    let title = target.title(message, text::plain, TITLE_MAX)?;
    let plain = |content: &str| json!({ "tag": "plain_text", "content": content });
    let mut parts = text::facts(&message.lines, text::plain, |label| format!("{label}："));
    parts.extend(text::quoted(&message.body, text::plain, "│ "));
    let mut elements = Vec::new();
    let content = text::layout("\n", TEXT_MAX, "", &parts, &[])?;
    if !content.is_empty() {
        elements.push(json!({ "tag": "div", "text": plain(content.trim_start()) }));
    }
    let people = message.mentions.iter().filter_map(Mention::sound_user_id).take(MENTIONS_MAX);
    let called: String = people.map(|id| format!("<at id={id}></at>")).collect();
    if !called.is_empty() {
        elements.push(json!({ "tag": "div", "text": { "tag": "lark_md", "content": called } }));
    }
    if let Some(link) = message.sound_link()? {
        let button = json!({
            "tag": "button", "type": "primary", "url": link.url.as_str(),
            "text": plain(&text::link_text(link, text::plain)),
        });
        elements.push(json!({ "tag": "action", "actions": [button] }));
    }
    Ok(json!({
        "config": { "wide_screen_mode": true },
        "header": { "title": plain(&title), "template": "blue" },
        "elements": elements,
    }))
}

/// The sign of a bot call: base64. `timestamp` in seconds.
#[must_use]
pub fn sign(secret: &str, timestamp: &str) -> String {
    STANDARD.encode(crypto::hmac_sha256(format!("{timestamp}\n{secret}").as_bytes(), b""))
}

/// Verifies what [`sign`] made, within an hour of `now`.
pub fn verify(
    secret: &str,
    timestamp: Option<&str>,
    given: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), SignatureRefusal> {
    let (Some(timestamp), Some(given)) = (timestamp, given) else {
        return Err(SignatureRefusal::MissingHeader);
    };
    within(timestamp, 1, now, TOLERANCE)?;
    if crypto::same(sign(secret, timestamp).as_bytes(), given.as_bytes()) {
        Ok(())
    } else {
        Err(SignatureRefusal::Mismatch)
    }
}
