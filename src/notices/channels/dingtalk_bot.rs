//! Custom group robot of DingTalk (钉钉自定义机器人): `POST /robot/send?access_token=[&timestamp=&sign=]`.
//!
//! The signature's key is the secret, its message `timestamp\nsecret` with milliseconds, and it stands in the query: the mirror
//! image of Feishu's. It covers no byte of the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::signature::within;
use super::{Mention, Message, RenderError, SignatureRefusal, Target, body_within, text};
use crate::platform::crypto;
use crate::platform::outbound::OutboundRequest;

/// Bytes of a whole body ("message too long, exceed 20000 bytes" in the vendor's SDK).
pub const BODY_MAX: usize = 20_000;
/// Bytes of the Markdown text: leaves room for JSON escapes within [`BODY_MAX`], and is a screen long.
pub const TEXT_MAX: usize = 6000;
const TITLE_MAX: usize = 150;
const MENTIONS_MAX: usize = 50;
/// Skew the platform tolerates, either way.
const TOLERANCE: TimeDelta = TimeDelta::hours(1);
/// Two blanks before the break, or the client joins the lines.
const NEWLINE: &str = "  \n";

pub(super) fn request(
    target: &Target,
    message: &Message,
    now: DateTime<Utc>,
) -> Result<OutboundRequest, RenderError> {
    let mut url = target.endpoint(&["robot", "send"])?;
    url.query_pairs_mut().append_pair("access_token", target.credentials.token()?);
    if let Some(secret) = target.signing_secret() {
        let timestamp = now.timestamp_millis().to_string();
        let sign = sign(secret, &timestamp);
        url.query_pairs_mut().append_pair("timestamp", &timestamp).append_pair("sign", &sign);
    }
    let title = target.title(message, text::markdown, TITLE_MAX)?;
    let mut parts = text::facts(&message.lines, text::markdown, |label| format!("**{label}**："));
    parts.extend(text::quoted(&message.body, text::markdown, "> "));
    let link = message.sound_link()?;

    let people: Vec<&Mention> = message.mentions.iter().take(MENTIONS_MAX).collect();
    let mobiles: Vec<&str> = people.iter().filter_map(|mention| mention.sound_mobile()).collect();
    let by_id = people.iter().filter(|mention| mention.sound_mobile().is_none());
    let ids: Vec<&str> = by_id.filter_map(|mention| mention.sound_user_id()).collect();
    let called: String = mobiles.iter().chain(&ids).map(|name| format!("@{name} ")).collect();

    let head = format!("### {title}");
    let body = match link {
        // A button is easier to hit than a link, but only Markdown is sure to mention people.
        Some(link) if called.is_empty() => {
            let text = text::layout(NEWLINE, TEXT_MAX, &head, &parts, &[])?;
            let button = text::link_text(link, text::plain);
            json!({ "msgtype": "actionCard", "actionCard": {
                "title": title, "text": text, "singleTitle": button, "singleURL": link.url.as_str(),
            } })
        }
        link => {
            let mut tail: Vec<String> = link.map(text::markdown_link).into_iter().collect();
            if !called.is_empty() {
                tail.push(called.trim_end().to_owned());
            }
            let text = text::layout(NEWLINE, TEXT_MAX, &head, &parts, &tail)?;
            let at = json!({ "atMobiles": mobiles, "atUserIds": ids, "isAtAll": false });
            json!({ "msgtype": "markdown", "markdown": { "title": title, "text": text }, "at": at })
        }
    };
    Ok(OutboundRequest::post_json(url, body_within(BODY_MAX, &body)?, target.allowed_hosts()))
}

/// The sign of a robot call, and of an outgoing robot's callback: base64, not yet percent-encoded. `timestamp` in milliseconds.
#[must_use]
pub fn sign(secret: &str, timestamp: &str) -> String {
    STANDARD.encode(crypto::hmac_sha256(secret.as_bytes(), format!("{timestamp}\n{secret}").as_bytes()))
}

/// Verifies what [`sign`] made, within an hour of `now`. The body stays unproven: anyone who saw one pair may reuse it.
pub fn verify(
    secret: &str,
    timestamp: Option<&str>,
    given: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), SignatureRefusal> {
    let (Some(timestamp), Some(given)) = (timestamp, given) else {
        return Err(SignatureRefusal::MissingHeader);
    };
    within(timestamp, 1000, now, TOLERANCE)?;
    if crypto::same(sign(secret, timestamp).as_bytes(), given.as_bytes()) {
        Ok(())
    } else {
        Err(SignatureRefusal::Mismatch)
    }
}
