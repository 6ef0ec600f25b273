//! Subscription messages of the WeChat mini-program: one acceptance, one message; a field over its limit refuses all of it.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Letter, Read, Taken, deliver};
use crate::notices::channels::ChannelKind;
use crate::notices::channels::wechat_subscribe::{field, limit};
use crate::sandbox::Sandbox;
use crate::sandbox::config::RoomConfig;
use crate::sandbox::exchange::{Refused, Said};
use crate::sandbox::shown::Shown;
use crate::sandbox::wechat::says;

const KIND: ChannelKind = ChannelKind::WechatSubscribe;

pub fn routes(service: &mut web::ServiceConfig) {
    service.route("/cgi-bin/message/subscribe/send", web::post().to(send));
}

async fn send(
    sandbox: web::Data<Sandbox>,
    query: web::Query<HashMap<String, String>>,
    body: web::Bytes,
) -> HttpResponse {
    let token = query.get("access_token").map(String::as_str).unwrap_or_default();
    let room = bearer(&sandbox, token);
    let spends = |letter: &Letter<'_>| {
        let read = read(letter)?;
        let text = |name: &str| letter.json.get(name).and_then(Value::as_str).unwrap_or_default();
        sandbox.mini_program().spend(text("touser"), text("template_id"))?;
        Ok(read)
    };
    deliver(&sandbox, KIND, room, &body, spends, taken).await
}

/// What WeChat calls the sandbox's message of this number that came then: no other one, even after a restart.
pub fn message_id(at: DateTime<Utc>, number: u64) -> i64 {
    at.timestamp() * 1_000_000 + i64::try_from(number % 1_000_000).unwrap_or(0)
}

fn taken(taken: &Taken) -> Refused {
    Refused { status: 200, body: json!({ "errcode": 0, "errmsg": "ok", "msgid": taken.number }) }
}

fn bearer(sandbox: &Sandbox, token: &str) -> Result<RoomConfig, Refused> {
    sandbox.mini_program().check_token(token, sandbox.clock.now())?;
    sandbox
        .rooms()
        .only(KIND)
        .cloned()
        .ok_or_else(|| Refused::errcode(40037, "invalid template_id, rid: sandbox"))
}

fn read(letter: &Letter<'_>) -> Result<Read, Refused> {
    let text = |name: &str| letter.json.get(name).and_then(Value::as_str).unwrap_or_default();
    let person = text("touser").to_owned();
    if person.is_empty() || !(letter.room.people.is_empty() || letter.room.people.contains(&person)) {
        return Err(Refused::errcode(40003, "invalid openid, rid: sandbox"));
    }
    let mut templates = letter.room.app.templates.values();
    if !letter.room.app.templates.is_empty() && !templates.any(|template| template.id == text("template_id"))
    {
        return Err(Refused::errcode(40037, "invalid template_id, rid: sandbox"));
    }
    let data = letter.json.get("data").and_then(Value::as_object);
    let data = data.filter(|data| !data.is_empty()).ok_or_else(|| says(Said::BadMessage))?;
    let mut shown = Shown { title: format!("订阅消息 {}", text("template_id")), ..Shown::default() };
    for (name, part) in data {
        let value = part.get("value").and_then(Value::as_str).unwrap_or_default();
        if !is_sound(name, value) {
            let text = format!("argument invalid! data.{name}.value invalid, rid: sandbox");
            return Err(Refused::errcode(47003, &text));
        }
        shown.lines.push(format!("{name}：{value}"));
    }
    Ok(Read { shown, people: vec![person], mark: None, interactive: false })
}

fn is_sound(name: &str, value: &str) -> bool {
    let most = if name.starts_with("name") && value.is_ascii() { 20 } else { limit(name) };
    let typed = !["phrase", "number", "letter", "character_string"].iter().any(|kind| name.starts_with(kind))
        || field(name, value) == value;
    typed && !value.is_empty() && value.encode_utf16().count() <= most && !value.contains(char::is_control)
}
