//! Feishu's applications: `tenant_access_token/internal`, `im/v1/messages` and its `PATCH`; the gateway's errors are HTTP 400 and 429.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Bearer, Denied, Letter, Read, Taken, authenticate, deliver, exchange, header, redrawn};
use crate::notices::channels::ChannelKind;
use crate::notices::channels::feishu_app::BODY_MAX;
use crate::sandbox::Sandbox;
use crate::sandbox::config::RoomConfig;
use crate::sandbox::exchange::{Refused, Said};
use crate::sandbox::feishu::card;
use crate::sandbox::shown::Shown;

const KIND: ChannelKind = ChannelKind::FeishuApp;
/// Seconds for which one and the same `uuid` is one message.
const UUID_LIVES: i64 = 3600;
/// Days within which a card can be redrawn.
const CHANGED_WITHIN: i64 = 14;

pub fn says(said: Said) -> Refused {
    match said {
        Said::Taken => Refused::code(0, "success"),
        Said::UnknownKey => coded(400, 99_991_663, "Invalid access token for authorization."),
        Said::Gone => coded(400, 230_013, "Bot has NO availability to this user."),
        Said::Busy => coded(500, 2200, "internal error"),
        Said::TooFast => coded(429, 99_991_400, "request trigger frequency limit"),
        Said::WrongSign => coded(400, 99_991_672, "Access denied. One of the following scopes is required"),
        Said::BadMessage => coded(400, 230_099, "Failed to create card content"),
    }
}

fn coded(status: u16, code: i64, text: &str) -> Refused {
    Refused { status, ..Refused::code(code, text) }
}

pub fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/open-apis/auth/v3/tenant_access_token/internal", web::post().to(token))
        .route("/open-apis/im/v1/messages", web::post().to(send))
        .route("/open-apis/im/v1/messages/{id}", web::patch().to(patch));
}

async fn token(sandbox: web::Data<Sandbox>, body: web::Bytes) -> HttpResponse {
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let given = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default();
    match authenticate(&sandbox, KIND, given("app_id"), given("app_secret")) {
        Ok(room) => {
            let (token, lives) = sandbox.apps().issue(&room.name, sandbox.clock.now());
            let body = json!({ "code": 0, "msg": "ok", "tenant_access_token": token, "expire": lives });
            HttpResponse::Ok().json(body)
        }
        Err(Denied::UnknownApp) => Refused::code(10003, "invalid param").respond(),
        Err(Denied::WrongSecret) => Refused::code(10014, "app secret invalid").respond(),
    }
}

async fn send(
    sandbox: web::Data<Sandbox>,
    request: HttpRequest,
    query: web::Query<HashMap<String, String>>,
    body: web::Bytes,
) -> HttpResponse {
    let room = bearer(&sandbox, header(&request, "authorization"));
    let id_type = query.get("receive_id_type").cloned().unwrap_or_default();
    deliver(&sandbox, KIND, room, &body, |letter| read(letter, &id_type), taken).await
}

async fn patch(
    sandbox: web::Data<Sandbox>,
    request: HttpRequest,
    id: web::Path<String>,
    body: web::Bytes,
) -> HttpResponse {
    let room = bearer(&sandbox, header(&request, "authorization"));
    exchange(&sandbox, KIND, room, &body, |letter| redraw(&sandbox, letter, &id)).await
}

/// Only a card that is shared before and after, for two weeks, and not too often.
fn redraw(sandbox: &Sandbox, letter: &Letter<'_>, id: &str) -> Result<Refused, Refused> {
    let sent = sandbox.rooms().handled(&letter.room.name, id).cloned().ok_or_else(parameters)?;
    if letter.now - sent.at >= TimeDelta::days(CHANGED_WITHIN) {
        return Err(coded(400, 230_031, "Message can only be modified within 14 days after sending."));
    }
    if !sandbox.apps().admits(&letter.room, id, letter.now) {
        return Err(coded(400, 230_020, "This operation triggers the frequency limit."));
    }
    if letter.body.len() > BODY_MAX {
        return Err(coded(400, 230_025, "The length of the message content reaches its limit."));
    }
    let (before, after) = (content(&sent.raw)?, content(letter.json)?);
    if !is_card(&after) {
        return Err(says(Said::BadMessage));
    }
    let is_shared =
        |card: &Value| card.pointer("/config/update_multi").and_then(Value::as_bool) == Some(true);
    if !is_shared(&before) || !is_shared(&after) {
        return Err(parameters());
    }
    redrawn(sandbox, letter, id, card(&after));
    Ok(says(Said::Taken))
}

/// The content is JSON within JSON.
fn content(json: &Value) -> Result<Value, Refused> {
    let text = json.get("content").and_then(Value::as_str).unwrap_or_default();
    serde_json::from_str(text).map_err(|_| parameters())
}

fn is_card(content: &Value) -> bool {
    content.get("elements").is_some() || content.pointer("/body/elements").is_some()
}

fn parameters() -> Refused {
    coded(400, 230_001, "Your request contains an invalid request parameter.")
}

fn bearer(sandbox: &Sandbox, authorization: &str) -> Result<RoomConfig, Refused> {
    let Some(token) = authorization.strip_prefix("Bearer ") else {
        return Err(coded(400, 99_991_661, "Missing access token for authorization."));
    };
    match sandbox.apps().bearer(token, sandbox.clock.now()) {
        Bearer::Good(room) => sandbox.rooms().config(&room).cloned().ok_or_else(|| says(Said::UnknownKey)),
        Bearer::Expired | Bearer::Unknown => Err(says(Said::UnknownKey)),
    }
}

fn taken(taken: &Taken) -> Refused {
    if !taken.throttled.is_empty() {
        return coded(400, 230_020, "This operation triggers the frequency limit.");
    }
    if !taken.unknown.is_empty() {
        return says(Said::Gone);
    }
    let data = json!({ "message_id": taken.handle });
    Refused { status: 200, body: json!({ "code": 0, "msg": "success", "data": data }) }
}

fn read(letter: &Letter<'_>, id_type: &str) -> Result<Read, Refused> {
    let text = |name: &str| letter.json.get(name).and_then(Value::as_str).unwrap_or_default();
    if id_type != letter.room.app.user_id_type.as_deref().unwrap_or("open_id")
        || text("receive_id").is_empty()
    {
        return Err(parameters());
    }
    if letter.body.len() > BODY_MAX {
        return Err(coded(400, 230_025, "The length of the message content reaches its limit."));
    }
    let content = content(letter.json)?;
    let shown = match text("msg_type") {
        "text" => Shown::text(content.get("text").and_then(Value::as_str).ok_or_else(parameters)?),
        "interactive" if is_card(&content) => card(&content),
        "interactive" => return Err(says(Said::BadMessage)),
        _ => return Err(parameters()),
    };
    let mark = Some(text("uuid")).filter(|uuid| !uuid.is_empty()).map(|uuid| (uuid.to_owned(), UUID_LIVES));
    Ok(Read { shown, people: vec![text("receive_id").to_owned()], mark, interactive: false })
}
