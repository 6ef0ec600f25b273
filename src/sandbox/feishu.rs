//! Feishu's custom bot: signature and timestamp in the body, `code` in the answer, five a second and a hundred a minute.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::config::RoomConfig;
use super::exchange::{Call, Refused, Said};
use super::shown::{Shown, ShownButton};
use crate::notices::channels::feishu_bot::{BODY_MAX, verify};

pub fn says(said: Said) -> Refused {
    match said {
        Said::Taken => {
            let body = json!({
                "code": 0, "msg": "success", "data": {}, "StatusCode": 0, "StatusMessage": "success", "Extra": null,
            });
            Refused { status: 200, body }
        }
        Said::UnknownKey | Said::Gone => {
            Refused::code(19001, "param invalid: incoming webhook access token invalid")
        }
        Said::Busy => Refused::code(2200, "internal error"),
        Said::TooFast => {
            Refused::code(11232, "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]")
        }
        Said::WrongSign => {
            Refused::code(19021, "sign match fail or timestamp is not within one hour from current time")
        }
        Said::BadMessage => Refused::code(9499, "Bad Request"),
    }
}

pub fn guard(room: &RoomConfig, call: &Call<'_>) -> Result<(), Refused> {
    if !call.json.is_object() {
        return Err(says(Said::BadMessage));
    }
    let given = |name: &str| call.json.get(name).and_then(Value::as_str);
    let signed = |secret: &secrecy::SecretString| {
        verify(secret.expose_secret(), given("timestamp"), given("sign"), call.now).is_ok()
    };
    if !room.secrets.is_empty() && !room.secrets.iter().any(signed) {
        return Err(says(Said::WrongSign));
    }
    match &room.keyword {
        Some(keyword) if !String::from_utf8_lossy(call.body).contains(keyword) => {
            Err(Refused::code(19024, "Key Words Not Found"))
        }
        _ => Ok(()),
    }
}

pub fn read(_: &RoomConfig, call: &Call<'_>) -> Result<Shown, Refused> {
    let kind = call.json.get("msg_type").and_then(Value::as_str).unwrap_or_default();
    let content = call.json.get("content").unwrap_or_default();
    let bad = || says(Said::BadMessage);
    if call.body.len() > BODY_MAX {
        return Err(bad());
    }
    match kind {
        "text" => {
            let text = content
                .get("text")
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .ok_or_else(bad)?;
            Ok(Shown::markdown("", text))
        }
        "interactive" => call.json.get("card").filter(|card| card.is_object()).map(card).ok_or_else(bad),
        "post" | "image" | "share_chat" if content.is_object() => Ok(Shown::any(kind, content)),
        _ => Err(bad()),
    }
}

/// Cards of both versions: `elements` at the top, or inside `body`.
pub fn card(card: &Value) -> Shown {
    let text =
        |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut shown = Shown { title: text(card, "/header/title/content"), ..Shown::default() };
    let elements = card.get("elements").or_else(|| card.pointer("/body/elements")).and_then(Value::as_array);
    for element in elements.into_iter().flatten() {
        match text(element, "/tag").as_str() {
            "action" => {
                for button in element.get("actions").and_then(Value::as_array).into_iter().flatten() {
                    let says = text(button, "/text/content");
                    match button.get("value") {
                        Some(value) => shown.buttons.push(ShownButton { text: says, value: value.clone() }),
                        None => shown = shown.with_link(&says, &text(button, "/url")),
                    }
                }
            }
            "button" => {
                let url = text(element, "/behaviors/0/default_url");
                shown = shown.with_link(&text(element, "/text/content"), &url);
            }
            _ if text(element, "/text/tag") == "plain_text" => {
                shown.lines.extend(text(element, "/text/content").lines().map(str::to_owned));
            }
            _ => {
                let content = element.get("content").and_then(Value::as_str).map(str::to_owned);
                let content = content.unwrap_or_else(|| text(element, "/text/content"));
                shown.add_markdown(&content);
            }
        }
    }
    shown
}
