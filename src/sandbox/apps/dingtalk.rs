//! DingTalk's applications: `accessToken` and `batchSend`; errors are HTTP 400 with a named code.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::{Bearer, Letter, Read, Taken, authenticate, deliver, header};
use crate::notices::channels::ChannelKind;
use crate::sandbox::Sandbox;
use crate::sandbox::config::RoomConfig;
use crate::sandbox::exchange::{Refused, Said};
use crate::sandbox::shown::{self, Shown};

const KIND: ChannelKind = ChannelKind::DingtalkApp;

pub fn says(said: Said) -> Refused {
    match said {
        Said::Taken => Refused { status: 200, body: json!({ "processQueryKey": "sandbox" }) },
        Said::UnknownKey => named(400, "InvalidAuthentication", "不合法的access_token"),
        Said::Gone => named(400, "staffId.notExisted", "员工不存在"),
        Said::Busy => named(503, "ServiceUnavailable", "系统繁忙"),
        Said::TooFast => named(403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "调用过于频繁"),
        Said::WrongSign => named(403, "Forbidden.AccessDenied.AccessTokenPermissionDenied", "没有权限"),
        Said::BadMessage => named(400, "param.error", "参数错误"),
    }
}

fn named(status: u16, code: &str, text: &str) -> Refused {
    Refused { status, body: json!({ "code": code, "message": text, "requestid": "sandbox" }) }
}

pub fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/v1.0/oauth2/accessToken", web::post().to(token))
        .route("/v1.0/robot/oToMessages/batchSend", web::post().to(send));
}

async fn token(sandbox: web::Data<Sandbox>, body: web::Bytes) -> HttpResponse {
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let given = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default();
    match authenticate(&sandbox, KIND, given("appKey"), given("appSecret")) {
        Ok(room) => {
            let (token, lives) = sandbox.apps().issue(&room.name, sandbox.clock.now());
            HttpResponse::Ok().json(json!({ "accessToken": token, "expireIn": lives }))
        }
        Err(_) => named(400, "invalidClientIdOrSecret", "无效的clientId或者clientSecret").respond(),
    }
}

async fn send(sandbox: web::Data<Sandbox>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let room = bearer(&sandbox, header(&request, "x-acs-dingtalk-access-token"));
    deliver(&sandbox, KIND, room, &body, read, taken).await
}

fn bearer(sandbox: &Sandbox, token: &str) -> Result<RoomConfig, Refused> {
    match sandbox.apps().bearer(token, sandbox.clock.now()) {
        Bearer::Good(room) => sandbox.rooms().config(&room).cloned().ok_or_else(|| says(Said::UnknownKey)),
        Bearer::Expired | Bearer::Unknown => Err(says(Said::UnknownKey)),
    }
}

fn taken(taken: &Taken) -> Refused {
    let body = json!({
        "processQueryKey": taken.message_id, "invalidStaffIdList": taken.unknown,
        "flowControlledStaffIdList": taken.throttled,
    });
    Refused { status: 200, body }
}

fn read(letter: &Letter<'_>) -> Result<Read, Refused> {
    let bad = || says(Said::BadMessage);
    let text = |name: &str| letter.json.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("robotCode") != letter.room.app.robot_code.as_deref().unwrap_or(&letter.room.key) {
        return Err(named(400, "robot.notExist", "机器人不存在"));
    }
    let people = shown::strings(letter.json.get("userIds"));
    if !(1..=20).contains(&people.len()) {
        return Err(bad());
    }
    // The parameters are JSON within JSON.
    let param: Value = serde_json::from_str(text("msgParam")).map_err(|_| bad())?;
    let part = |name: &str| match param.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(bad()),
    };
    let shown = match text("msgKey") {
        "sampleText" => Shown::text(part("content")?),
        "sampleMarkdown" => Shown::markdown(part("title")?, part("text")?),
        "sampleActionCard" => {
            Shown::markdown(part("title")?, part("text")?).with_link(part("singleTitle")?, part("singleURL")?)
        }
        "sampleLink" => Shown::markdown(part("title")?, part("text")?).with_link("查看", part("messageUrl")?),
        _ => return Err(bad()),
    };
    Ok(Read { shown, people, mark: None, interactive: false })
}
