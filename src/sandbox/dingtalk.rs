//! DingTalk's custom robot: signature in the query, keyword, twenty a minute and then ten minutes of silence.

use secrecy::ExposeSecret;
use serde_json::Value;

use super::config::RoomConfig;
use super::exchange::{Call, Refused, Said};
use super::shown::{self, Shown};
use crate::notices::channels::SignatureRefusal;
use crate::notices::channels::dingtalk_bot::{BODY_MAX, verify};

pub fn says(said: Said) -> Refused {
    match said {
        Said::Taken => Refused::errcode(0, "ok"),
        Said::UnknownKey | Said::Gone => Refused::errcode(300_005, "token is not exist"),
        Said::Busy => Refused::errcode(-1, "系统繁忙"),
        Said::TooFast => Refused::errcode(130_101, "send too fast, exceed 20 times per minute"),
        Said::WrongSign => Refused::errcode(310_000, "sign not match"),
        Said::BadMessage => Refused::errcode(430_104, "不合法的内容"),
    }
}

pub fn guard(room: &RoomConfig, call: &Call<'_>) -> Result<(), Refused> {
    if !call.header("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
        return Err(Refused::errcode(43004, "无效的HTTP HEADER Content-Type"));
    }
    let given = |name: &str| call.query.get(name).map(String::as_str);
    let checks = room
        .secrets
        .iter()
        .map(|secret| verify(secret.expose_secret(), given("timestamp"), given("sign"), call.now))
        .collect::<Vec<_>>();
    match checks.first() {
        _ if checks.contains(&Ok(())) => {}
        None => {}
        Some(Err(SignatureRefusal::Mismatch)) => return Err(says(Said::WrongSign)),
        Some(_) => return Err(Refused::errcode(310_000, "invalid timestamp")),
    }
    match &room.keyword {
        Some(keyword) if !String::from_utf8_lossy(call.body).contains(keyword) => {
            Err(Refused::errcode(310_000, "keywords not in content"))
        }
        _ => Ok(()),
    }
}

pub fn read(_: &RoomConfig, call: &Call<'_>) -> Result<Shown, Refused> {
    if call.body.len() > BODY_MAX {
        return Err(Refused::errcode(40035, "message too long, exceed 20000 bytes"));
    }
    let kind = call.json.get("msgtype").and_then(Value::as_str).unwrap_or_default();
    let text = |field: &str| {
        let text = call.json.pointer(&format!("/{kind}/{field}")).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
            .ok_or_else(|| Refused::errcode(40035, &format!("缺少参数 {field}")))
    };
    let mut shown = match kind {
        "text" => Shown::text(text("content")?),
        "markdown" => Shown::markdown(text("title")?, text("text")?),
        "link" => Shown::markdown(text("title")?, text("text")?).with_link("查看", text("messageUrl")?),
        "actionCard" => action_card(call.json, Shown::markdown(text("title")?, text("text")?))?,
        "feedCard" => Shown::any(kind, call.json.get(kind).unwrap_or_default()),
        _ => return Err(Refused::errcode(400_105, "unsupported msgtype")),
    };
    // A mention only shows where the text repeats it.
    let body = String::from_utf8_lossy(call.body);
    for list in ["atMobiles", "atUserIds"] {
        let named = shown::strings(call.json.pointer(&format!("/at/{list}")));
        shown.mentions.extend(named.into_iter().filter(|name| body.contains(&format!("@{name}"))));
    }
    if call.json.pointer("/at/isAtAll") == Some(&Value::Bool(true)) {
        shown.mentions.push("所有人".to_owned());
    }
    Ok(shown)
}

fn action_card(json: &Value, shown: Shown) -> Result<Shown, Refused> {
    let card = |field: &str| json.pointer(&format!("/actionCard/{field}")).and_then(Value::as_str);
    if let (Some(title), Some(url)) = (card("singleTitle"), card("singleURL")) {
        return Ok(shown.with_link(title, url));
    }
    let buttons =
        json.pointer("/actionCard/btns").and_then(Value::as_array).filter(|buttons| !buttons.is_empty());
    let buttons = buttons.ok_or_else(|| Refused::errcode(40035, "缺少参数 btns"))?;
    Ok(buttons.iter().fold(shown, |shown, button| {
        let text = |field: &str| button.get(field).and_then(Value::as_str).unwrap_or_default();
        shown.with_link(text("title"), text("actionURL"))
    }))
}
