//! DingTalk's applications: `accessToken`, `batchSend`, and interactive cards (`createAndDeliver`, `deliver`, and their `PUT`); errors are HTTP 400 with
//! a named code.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::{Bearer, Letter, Read, Taken, authenticate, deliver, exchange, header, redrawn};
use crate::notices::channels::ChannelKind;
use crate::notices::channels::dingtalk_card::{SPACE, TEMPLATE, VALUE_MAX};
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
        .route("/v1.0/robot/oToMessages/batchSend", web::post().to(send))
        .route("/v1.0/card/instances/createAndDeliver", web::post().to(send_card))
        .route("/v1.0/card/instances/deliver", web::post().to(deliver_card))
        .route("/v1.0/card/instances", web::put().to(redraw_card));
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

async fn send_card(sandbox: web::Data<Sandbox>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let room = bearer(&sandbox, header(&request, "x-acs-dingtalk-access-token"));
    let read = |letter: &Letter<'_>| {
        may_send_cards(letter)?;
        let read = read_card(letter)?;
        let id = letter.json.get("outTrackId").and_then(Value::as_str).unwrap_or_default();
        match sandbox.rooms().handled(&letter.room.name, id) {
            Some(_) => Err(named(400, "param.cardAlreadyExist", "param.cardAlreadyExist")),
            None => Ok(read),
        }
    };
    deliver(&sandbox, KIND, room, &body, read, card_taken).await
}

/// The card as it was made, once more.
async fn deliver_card(sandbox: web::Data<Sandbox>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let room = bearer(&sandbox, header(&request, "x-acs-dingtalk-access-token"));
    let read = |letter: &Letter<'_>| {
        may_send_cards(letter)?;
        let (id, person) = addressed(letter)?;
        let made = sandbox.rooms().handled(&letter.room.name, &id).cloned();
        let made = made.ok_or_else(|| named(400, "param.cardNotExist", "param.cardNotExist"))?;
        Ok(Read { shown: card(&made.raw)?, people: vec![person], mark: Some((id, 0)), interactive: false })
    };
    let taken = |taken: &Taken| Refused {
        status: 200,
        body: json!({ "success": true, "result": [delivered(taken)] }),
    };
    deliver(&sandbox, KIND, room, &body, read, taken).await
}

async fn redraw_card(sandbox: web::Data<Sandbox>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let room = bearer(&sandbox, header(&request, "x-acs-dingtalk-access-token"));
    let judge = |letter: &Letter<'_>| {
        may_send_cards(letter)?;
        let id = letter.json.get("outTrackId").and_then(Value::as_str).unwrap_or_default();
        let shown = card(letter.json)?;
        if sandbox.rooms().handled(&letter.room.name, id).is_none() {
            return Err(named(400, "param.cardNotExist", "param.cardNotExist"));
        }
        redrawn(&sandbox, letter, id, shown);
        Ok(Refused { status: 200, body: json!({ "success": true, "result": true }) })
    };
    exchange(&sandbox, KIND, room, &body, judge).await
}

/// The permission that an application is given in the console.
fn may_send_cards(letter: &Letter<'_>) -> Result<(), Refused> {
    if letter.room.app.interactive == Some(false) { Err(says(Said::WrongSign)) } else { Ok(()) }
}

fn read_card(letter: &Letter<'_>) -> Result<Read, Refused> {
    let text = |at: &str| letter.json.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let param = |code: &str| named(400, code, code);
    let (id, person) = addressed(letter)?;
    if text("/cardTemplateId") != letter.room.app.card_template.as_deref().unwrap_or(TEMPLATE) {
        return Err(param("param.templateNotExist"));
    }
    if !letter.json.pointer("/imRobotOpenSpaceModel/supportForward").is_some_and(Value::is_boolean) {
        return Err(param("param.openSpaceModelInvalid"));
    }
    let shown = card(letter.json)?;
    Ok(Read { shown, people: vec![person], mark: Some((id, 0)), interactive: false })
}

/// Which card, and to whom.
fn addressed(letter: &Letter<'_>) -> Result<(String, String), Refused> {
    let text = |at: &str| letter.json.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let param = |code: &str| named(400, code, code);
    let id = text("/outTrackId");
    if id.is_empty() {
        return Err(param("param.outTrackIdEmpty"));
    }
    let robot = letter.room.app.robot_code.as_deref().unwrap_or(&letter.room.key);
    let delivers = (text("/imRobotOpenDeliverModel/spaceType"), text("/imRobotOpenDeliverModel/robotCode"));
    if delivers != ("IM_ROBOT", robot) {
        return Err(param("param.openDeliverModelError"));
    }
    let person = text("/openSpaceId").strip_prefix(SPACE).filter(|person| !person.is_empty());
    let person = person.ok_or_else(|| param("param.openSpaceIdInvalid"))?;
    if !letter.room.people.is_empty() && !letter.room.people.iter().any(|known| known == person) {
        return Err(param("param.userIdNotExist"));
    }
    Ok((id.to_owned(), person.to_owned()))
}

/// The words of the template, of which none may be too long.
fn card(json: &Value) -> Result<Shown, Refused> {
    let empty = || named(400, "param.cardPublicDataEmpty", "param.cardPublicDataEmpty");
    let invalid = || named(400, "param.invalid", "param.invalid");
    let words = json.pointer("/cardData/cardParamMap").and_then(Value::as_object).ok_or_else(empty)?;
    if !words.values().all(|word| word.as_str().is_some_and(|word| word.len() <= VALUE_MAX)) {
        return Err(invalid());
    }
    let word = |name: &str| words.get(name).and_then(Value::as_str).unwrap_or_default();
    let buttons: Value = serde_json::from_str(word("sys_full_json_obj")).map_err(|_| invalid())?;
    let buttons = buttons.get("msgButtons").and_then(Value::as_array).cloned().unwrap_or_default();
    let shown = Shown::markdown(word("title"), word("markdown"));
    Ok(buttons.iter().fold(shown, |shown, button| {
        let part = |name: &str| button.get(name).and_then(Value::as_str).unwrap_or_default();
        shown.with_link(part("text"), part("url"))
    }))
}

/// Whoever is over his limit is said so in his own line.
fn card_taken(taken: &Taken) -> Refused {
    let result = json!({ "outTrackId": taken.handle, "deliverResults": [delivered(taken)] });
    Refused { status: 200, body: json!({ "success": true, "result": result }) }
}

fn delivered(taken: &Taken) -> Value {
    match taken.throttled.first() {
        Some(person) => {
            json!({ "spaceType": "IM_ROBOT", "spaceId": person, "success": false, "errorMsg": "flow control" })
        }
        None => {
            json!({ "spaceType": "IM_ROBOT", "success": true, "carrierId": taken.message_id, "errorMsg": "" })
        }
    }
}
