//! One request of a robot or webhook sender, judged in the platforms' order: key, switched-on failure, signature, rate, content.

use std::collections::HashMap;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::config::RoomConfig;
use super::fault::Mode;
use super::rooms::KnownAs;
use super::shown::Shown;
use super::{Sandbox, apps, dingtalk, feishu, hooks, slack, wechat, wecom};
use crate::notices::channels::ChannelKind;

/// What a platform's file looks at.
pub struct Call<'a> {
    pub query: &'a HashMap<String, String>,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    /// The body as JSON; null when it is none.
    pub json: &'a Value,
    pub now: DateTime<Utc>,
}

impl Call<'_> {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A refusal in a platform's own words.
#[derive(Debug)]
pub struct Refused {
    pub status: u16,
    pub body: Value,
}

impl Refused {
    /// `errcode`/`errmsg`, HTTP 200: WeCom, DingTalk, WeChat.
    pub fn errcode(code: i64, text: &str) -> Self {
        Self { status: 200, body: json!({ "errcode": code, "errmsg": text }) }
    }

    /// `code`/`msg`, HTTP 200: Feishu.
    pub fn code(code: i64, text: &str) -> Self {
        Self { status: 200, body: json!({ "code": code, "msg": text, "data": {} }) }
    }

    pub fn respond(self) -> HttpResponse {
        let status = actix_web::http::StatusCode::from_u16(self.status).unwrap_or_default();
        HttpResponse::build(status).json(self.body)
    }
}

/// What every platform can say, each in its own way.
#[derive(Clone, Copy, Debug)]
pub enum Said {
    Taken,
    UnknownKey,
    Busy,
    TooFast,
    Gone,
    WrongSign,
    BadMessage,
}

/// The platform's words.
pub fn answer(kind: ChannelKind, said: Said) -> HttpResponse {
    let refused = match kind {
        ChannelKind::DingtalkBot => dingtalk::says(said),
        ChannelKind::FeishuBot => feishu::says(said),
        ChannelKind::Webhook => return hooks::says(said),
        ChannelKind::WechatSubscribe => wechat::says(said),
        ChannelKind::WecomApp => apps::wecom::says(said),
        ChannelKind::DingtalkApp => apps::dingtalk::says(said),
        ChannelKind::FeishuApp => apps::feishu::says(said),
        ChannelKind::Slack => return slack::says(said),
        ChannelKind::WecomBot => wecom::says(said),
    };
    refused.respond()
}

struct Platform {
    guard: fn(&RoomConfig, &Call<'_>) -> Result<(), Refused>,
    read: fn(&RoomConfig, &Call<'_>) -> Result<Shown, Refused>,
}

fn platform(kind: ChannelKind) -> Platform {
    match kind {
        ChannelKind::DingtalkBot => Platform { guard: dingtalk::guard, read: dingtalk::read },
        ChannelKind::FeishuBot => Platform { guard: feishu::guard, read: feishu::read },
        ChannelKind::Webhook => Platform { guard: hooks::guard, read: hooks::read },
        _ => Platform { guard: wecom::guard, read: wecom::read },
    }
}

pub fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/cgi-bin/webhook/send", web::route().to(wecom_send))
        .route("/robot/send", web::route().to(dingtalk_send))
        .route("/open-apis/bot/v2/hook/{token}", web::route().to(feishu_send))
        .route("/hooks/{name}", web::post().to(hook_send));
}

type Query = web::Query<HashMap<String, String>>;

async fn wecom_send(
    sandbox: web::Data<Sandbox>,
    request: HttpRequest,
    query: Query,
    body: web::Bytes,
) -> HttpResponse {
    let key = query.get("key").cloned().unwrap_or_default();
    exchange(&sandbox, ChannelKind::WecomBot, &key, &request, &query, &body).await
}

async fn dingtalk_send(
    sandbox: web::Data<Sandbox>,
    request: HttpRequest,
    query: Query,
    body: web::Bytes,
) -> HttpResponse {
    let token = query.get("access_token").cloned().unwrap_or_default();
    exchange(&sandbox, ChannelKind::DingtalkBot, &token, &request, &query, &body).await
}

async fn feishu_send(
    sandbox: web::Data<Sandbox>,
    token: web::Path<String>,
    request: HttpRequest,
    query: Query,
    body: web::Bytes,
) -> HttpResponse {
    exchange(&sandbox, ChannelKind::FeishuBot, &token, &request, &query, &body).await
}

async fn hook_send(
    sandbox: web::Data<Sandbox>,
    name: web::Path<String>,
    request: HttpRequest,
    query: Query,
    body: web::Bytes,
) -> HttpResponse {
    exchange(&sandbox, ChannelKind::Webhook, &name, &request, &query, &body).await
}

async fn exchange(
    sandbox: &Sandbox,
    kind: ChannelKind,
    key: &str,
    request: &HttpRequest,
    query: &HashMap<String, String>,
    body: &[u8],
) -> HttpResponse {
    let now = sandbox.clock.now();
    if request.method() != "POST" {
        return Refused::errcode(43002, "require POST method").respond();
    }
    let room = sandbox.rooms().keyed(kind, key).cloned();
    let Some(room) = room else { return answer(kind, Said::UnknownKey) };
    let fault = sandbox.rooms().take_fault(&room.name);
    if let Some(fault) = fault.as_ref().filter(|fault| fault.mode != Mode::LostAnswer) {
        return fault.mode.answer(kind, fault.seconds).await;
    }
    let json = serde_json::from_slice(body).unwrap_or_default();
    let call = Call { query, headers: request.headers(), body, json: &json, now };
    let response = match take(sandbox, &room, &call) {
        Ok(()) => answer(kind, Said::Taken),
        Err(refused) => refused.respond(),
    };
    match fault {
        Some(fault) => fault.mode.answer(kind, fault.seconds).await,
        None => response,
    }
}

/// The rest of the checks, then the message is in the room.
fn take(sandbox: &Sandbox, room: &RoomConfig, call: &Call<'_>) -> Result<(), Refused> {
    let platform = platform(room.kind);
    (platform.guard)(room, call)?;
    if !sandbox.rooms().admits(&room.name, call.now) {
        return Err(match room.kind {
            ChannelKind::DingtalkBot => dingtalk::says(Said::TooFast),
            ChannelKind::FeishuBot => feishu::says(Said::TooFast),
            _ => wecom::says(Said::TooFast),
        });
    }
    let shown = (platform.read)(room, call)?;
    let delivery_id = match room.kind {
        ChannelKind::Webhook => call.header("webhook-id").map(str::to_owned),
        _ => None,
    };
    let seq = sandbox.rooms().keep(
        &room.name,
        call.now,
        shown,
        call.json.clone(),
        KnownAs { delivery_id, handle: None },
    );
    // Two requests may finish in either order; the highest number wakes everybody for both.
    sandbox.news.send_modify(|last| *last = (*last).max(seq.unwrap_or(0)));
    Ok(())
}
