//! WeCom's applications: `gettoken`, `message/send` and `message/update_template_card`; always HTTP 200.

use std::collections::HashMap;

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::{Bearer, Denied, Letter, Read, Taken, authenticate, deliver, exchange, redrawn};
use crate::notices::channels::ChannelKind;
use crate::notices::channels::wecom_app::{ROWS_MAX, TEXT_MAX};
use crate::sandbox::Sandbox;
use crate::sandbox::config::RoomConfig;
use crate::sandbox::exchange::{Refused, Said};
use crate::sandbox::shown::{self, Shown, ShownButton};

const KIND: ChannelKind = ChannelKind::WecomApp;
/// The cards that the sandbox knows: one that tells, and one with buttons, which alone can be redrawn.
const NOTICE: &str = "text_notice";
const BUTTONS: &str = "button_interaction";

pub fn says(said: Said) -> Refused {
    match said {
        Said::Taken => Refused::errcode(0, "ok"),
        Said::UnknownKey => Refused::errcode(40014, "invalid access_token"),
        Said::Gone => Refused::errcode(60111, "userid not found"),
        Said::Busy => Refused::errcode(-1, "system busy"),
        Said::TooFast => Refused::errcode(45009, "api freq out of limit"),
        Said::WrongSign => Refused::errcode(60020, "not allow to access from your ip"),
        Said::BadMessage => Refused::errcode(45002, "content size out of limit"),
    }
}

pub fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/cgi-bin/gettoken", web::get().to(token))
        .route("/cgi-bin/message/send", web::post().to(send))
        .route("/cgi-bin/message/update_template_card", web::post().to(update));
}

type Query = web::Query<HashMap<String, String>>;

async fn token(sandbox: web::Data<Sandbox>, query: Query) -> HttpResponse {
    let given = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    match authenticate(&sandbox, KIND, given("corpid"), given("corpsecret")) {
        Ok(room) => {
            let (token, lives) = sandbox.apps().issue(&room.name, sandbox.clock.now());
            let body = json!({ "errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": lives });
            HttpResponse::Ok().json(body)
        }
        Err(Denied::UnknownApp) => Refused::errcode(40013, "invalid corpid").respond(),
        Err(Denied::WrongSecret) => Refused::errcode(40001, "invalid credential").respond(),
    }
}

async fn send(sandbox: web::Data<Sandbox>, query: Query, body: web::Bytes) -> HttpResponse {
    let room = bearer(&sandbox, query.get("access_token").map(String::as_str).unwrap_or_default());
    deliver(&sandbox, KIND, room, &body, read, taken).await
}

async fn update(sandbox: web::Data<Sandbox>, query: Query, body: web::Bytes) -> HttpResponse {
    let room = bearer(&sandbox, query.get("access_token").map(String::as_str).unwrap_or_default());
    exchange(&sandbox, KIND, room, &body, |letter| redraw(&sandbox, letter)).await
}

/// A code is good once; it is spent only on a request that is sound.
fn redraw(sandbox: &Sandbox, letter: &Letter<'_>) -> Result<Refused, Refused> {
    agent(letter)?;
    let (people, to_all) = (shown::strings(letter.json.get("userids")), letter.json.get("atall"));
    if people.is_empty() && to_all.and_then(Value::as_i64) != Some(1) {
        return Err(Refused::errcode(82001, "All touser & toparty & totag is empty"));
    }
    let shown = card(
        letter.json.get("template_card").ok_or_else(|| bad("template_card"))?,
        Moment::Later,
        letter.room.callback_url.is_some(),
    )?;
    let code = letter.json.get("response_code").and_then(Value::as_str).unwrap_or_default();
    // Which number the platform gives here is not written down.
    let person = sandbox.apps().spend_code(&letter.room.name, code, letter.now);
    let person = person.ok_or_else(|| bad("response_code"))?;
    let (own, others): (Vec<String>, Vec<String>) = people.into_iter().partition(|id| *id == person);
    if to_all.is_some() || !own.is_empty() {
        redrawn(sandbox, letter, code, shown);
    }
    Ok(Refused { status: 200, body: json!({ "errcode": 0, "errmsg": "ok", "invaliduser": others }) })
}

fn agent(letter: &Letter<'_>) -> Result<(), Refused> {
    let agent = letter.json.get("agentid").and_then(Value::as_i64);
    if agent == letter.room.app.agent_id { Ok(()) } else { Err(Refused::errcode(40056, "invalid agentid")) }
}

fn bearer(sandbox: &Sandbox, token: &str) -> Result<RoomConfig, Refused> {
    if token.is_empty() {
        return Err(Refused::errcode(41001, "access_token missing"));
    }
    match sandbox.apps().bearer(token, sandbox.clock.now()) {
        Bearer::Good(room) => sandbox.rooms().config(&room).cloned().ok_or_else(|| says(Said::UnknownKey)),
        Bearer::Expired => Err(Refused::errcode(42001, "access_token expired")),
        Bearer::Unknown => Err(says(Said::UnknownKey)),
    }
}

/// The excess over a member's limit is dropped without a word.
fn taken(taken: &Taken) -> Refused {
    let mut body = json!({
        "errcode": 0, "errmsg": "ok", "invaliduser": taken.unknown.join("|"), "invalidparty": "", "invalidtag": "",
        "msgid": taken.message_id,
    });
    if let (Some(code), Some(body)) = (&taken.handle, body.as_object_mut()) {
        body.insert("response_code".to_owned(), code.as_str().into());
    }
    Refused { status: 200, body }
}

fn read(letter: &Letter<'_>) -> Result<Read, Refused> {
    let json = letter.json;
    let text = |at: &str| json.pointer(at).and_then(Value::as_str).unwrap_or_default();
    agent(letter)?;
    let people: Vec<String> =
        text("/touser").split('|').filter(|id| !id.is_empty()).map(str::to_owned).collect();
    if people.is_empty() {
        return Err(Refused::errcode(82001, "All touser & toparty & totag is empty"));
    }
    let known = |id: &String| letter.room.people.is_empty() || letter.room.people.contains(id);
    if !people.iter().any(known) {
        return Err(Refused::errcode(81013, "user & party & tag all invalid"));
    }
    let shown = match text("/msgtype") {
        "text" => Shown::text(bounded(text("/text/content"), TEXT_MAX)?),
        "markdown" => Shown::markdown("", bounded(text("/markdown/content"), TEXT_MAX)?),
        "textcard" => {
            let title = bounded(text("/textcard/title"), 128)?;
            let words = bounded(text("/textcard/description"), 512)?;
            Shown::markdown(title, words).with_link("详情", text("/textcard/url"))
        }
        "template_card" => card(
            json.get("template_card").unwrap_or_default(),
            Moment::First,
            letter.room.callback_url.is_some(),
        )?,
        _ => return Err(Refused::errcode(40008, "invalid message type")),
    };
    let interval = json.get("duplicate_check_interval").and_then(Value::as_i64).unwrap_or(1800);
    let mark = match text("/template_card/task_id") {
        "" => String::from_utf8_lossy(letter.body).into_owned(),
        task => task.to_owned(),
    };
    let checks = json.get("enable_duplicate_check").and_then(Value::as_i64) == Some(1);
    let mark = Some((mark, if checks { interval.clamp(0, 14_400) } else { 0 }));
    Ok(Read { shown, people, mark, interactive: text("/template_card/card_type") == BUTTONS })
}

fn bounded(content: &str, most: usize) -> Result<&str, Refused> {
    match content.len() {
        0 => Err(Refused::errcode(44004, "text content empty")),
        length if length > most => Err(says(Said::BadMessage)),
        _ => Ok(content),
    }
}

fn bad(what: &str) -> Refused {
    Refused::errcode(40058, &format!("invalid Request Parameter: {what}"))
}

/// When a card is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    First,
    Later,
}

fn card(card: &Value, moment: Moment, calls_back: bool) -> Result<Shown, Refused> {
    let text = |at: &str| card.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let list = |name: &str| card.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let has_buttons = match text("/card_type") {
        NOTICE => false,
        BUTTONS => true,
        _ => return Err(bad("card_type")),
    };
    if text("/main_title/title").is_empty() && text("/sub_title_text").is_empty() {
        return Err(bad("main_title"));
    }
    let task = text("/task_id");
    if has_buttons && moment == Moment::First && task.is_empty()
        || task.len() > 128
        || !task.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-@".contains(&byte))
    {
        return Err(bad("task_id"));
    }
    let url = text("/card_action/url");
    let acts = card.pointer("/card_action/type").and_then(Value::as_i64) == Some(1) && !url.is_empty();
    let needs_none = has_buttons && card.get("card_action").is_none();
    if !acts && !needs_none {
        return Err(bad("card_action"));
    }
    let (rows, jumps, buttons) = (list("horizontal_content_list"), list("jump_list"), list("button_list"));
    if rows.len() > ROWS_MAX || jumps.len() > 3 || buttons.len() > 6 || has_buttons == buttons.is_empty() {
        return Err(bad("list too long"));
    }
    // Without a callback address a button can but open a page.
    let kind = |button: &Value| button.get("type").and_then(Value::as_i64);
    let (acting, opening): (Vec<_>, Vec<_>) = buttons.iter().partition(|button| kind(button) == Some(0));
    if !acting.is_empty() && !calls_back || !opening.iter().all(|button| kind(button) == Some(1)) {
        return Err(bad("button_list"));
    }
    let mut shown = Shown { title: text("/main_title/title").to_owned(), ..Shown::default() };
    for row in rows {
        let part = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        if part("keyname").is_empty() {
            return Err(bad("keyname"));
        }
        shown.lines.push(format!("{}：{}", part("keyname"), part("value")));
    }
    shown.lines.extend(text("/sub_title_text").lines().map(str::to_owned));
    for button in acting {
        let part = |name: &str| button.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        if part("text").is_empty() || part("key").is_empty() || part("key").len() > 1024 {
            return Err(bad("button_list"));
        }
        shown.buttons.push(ShownButton { text: part("text"), value: part("key").into() });
    }
    let links = opening.into_iter().map(|one| (one, "text"));
    for (link, says) in links.chain(jumps.iter().map(|one| (one, "title"))) {
        let part = |name: &str| link.get(name).and_then(Value::as_str).unwrap_or_default();
        if part(says).is_empty() || part("url").is_empty() {
            return Err(bad(says));
        }
        shown = shown.with_link(part(says), part("url"));
    }
    Ok(if shown.links.is_empty() { shown.with_link("查看", url) } else { shown })
}
