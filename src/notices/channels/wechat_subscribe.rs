//! One-time subscription message of the WeChat mini-program (订阅消息): `POST /cgi-bin/message/subscribe/send?access_token=`.
//!
//! A template has typed fields with limits of their own; which word of ours fills which field stands in the channel's settings. A field
//! that breaks its limit makes the platform refuse the whole message (47003), so everything is cut before.

use chrono::{DateTime, Utc};
use chrono_tz::Asia::Shanghai;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::{Message, Person, RenderError, Target, text};
use crate::platform::outbound::OutboundRequest;

/// Stands where there is nothing to say: an empty field is refused.
const NOTHING: &str = "无";

pub(super) fn token_request(target: &Target) -> Result<OutboundRequest, RenderError> {
    let url = target.endpoint(&["cgi-bin", "stable_token"])?;
    let body = json!({
        "grant_type": "client_credential", "appid": target.app_id()?, "secret": target.app_secret()?,
        "force_refresh": false,
    });
    Ok(OutboundRequest::post_json(url, body.to_string().into_bytes(), target.allowed_hosts()))
}

pub(super) fn request(
    target: &Target,
    message: &Message,
    person: &Person<'_>,
) -> Result<OutboundRequest, RenderError> {
    let mut url = target.endpoint(&["cgi-bin", "message", "subscribe", "send"])?;
    url.query_pairs_mut().append_pair("access_token", person.token()?.expose_secret());
    let template =
        target.settings.templates.get(&message.event).ok_or(RenderError::MissingSetting("templates"))?;
    let mut data = Map::new();
    for (field_name, word) in &template.data {
        let value = message.words.get(word.as_str()).map(String::as_str).unwrap_or_default();
        data.insert(field_name.clone(), json!({ "value": field(field_name, value) }));
    }
    let mut body = json!({
        "touser": person.user_id()?, "template_id": template.id, "lang": "zh_CN", "data": Value::Object(data),
        "miniprogram_state": target.settings.program_state.as_deref().unwrap_or("formal"),
    });
    let page = template.page.as_ref().or(target.settings.page.as_ref());
    if let (Some(page), Some(body)) = (page, body.as_object_mut()) {
        let call = message.words.get("call_id").map(String::as_str).unwrap_or_default();
        body.insert("page".to_owned(), page.replace("{callId}", call).into());
    }
    Ok(OutboundRequest::post_json(url, body.to_string().into_bytes(), target.allowed_hosts()))
}

/// A moment as the fields `time` and `date` take it.
#[must_use]
pub fn moment(at: DateTime<Utc>) -> String {
    at.with_timezone(&Shanghai).format("%Y-%m-%d %H:%M").to_string()
}

/// The longest that a field may be, in UTF-16 units: the platform does not say how it counts, and this is never too long.
#[must_use]
pub fn limit(field: &str) -> usize {
    match kind(field) {
        "thing" => 20,
        "number" | "letter" | "character_string" => 32,
        "symbol" | "phrase" => 5,
        "phone_number" => 17,
        "car_number" => 8,
        "name" => 10,
        "amount" => 12,
        _ => 40,
    }
}

/// `thing23` → `thing`.
fn kind(field: &str) -> &str {
    field.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// A value as its field takes it.
#[must_use]
pub fn field(name: &str, value: &str) -> String {
    let value = text::plain(value);
    let only = |sound: fn(char) -> bool| value.chars().filter(|c| sound(*c)).collect::<String>();
    let sound = match kind(name) {
        "number" => only(|c| c.is_ascii_digit() || c == '.'),
        "letter" => only(|c| c.is_ascii_alphabetic()),
        "symbol" => only(|c| c.is_ascii_punctuation()),
        "character_string" => only(|c| c.is_ascii_graphic()),
        "phone_number" => only(|c| c.is_ascii_digit() || "+-".contains(c)),
        "phrase" => only(is_han),
        "name" if value.is_ascii() && !value.is_empty() => return first_units(&value, 20),
        _ => value,
    };
    let most = limit(name);
    let cut = match kind(name) {
        "thing" => cut_units(&sound, most),
        _ => first_units(&sound, most),
    };
    match (cut.is_empty(), kind(name)) {
        (false, _) => cut,
        (true, "number" | "amount") => "0".to_owned(),
        (true, "character_string" | "letter" | "symbol" | "phone_number") => "-".to_owned(),
        (true, _) => NOTHING.to_owned(),
    }
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}')
}

/// The text, or its beginning with `…`.
fn cut_units(text: &str, most: usize) -> String {
    if text.encode_utf16().count() <= most {
        return text.to_owned();
    }
    let kept = first_units(text, most.saturating_sub(1));
    format!("{}…", kept.trim_end_matches(|c: char| c == '\u{200d}' || c == '\u{fe0f}' || c.is_whitespace()))
}

/// As many whole characters as fit.
fn first_units(text: &str, most: usize) -> String {
    let mut units = 0;
    text.chars()
        .take_while(|c| {
            units += c.len_utf16();
            units <= most
        })
        .collect()
}
