//! Slack's incoming webhook: the path is the key, the answer a word, one message a second.

use actix_web::{HttpResponse, web};
use serde_json::Value;

use super::Sandbox;
use super::exchange::{Said, answer};
use super::fault::Mode;
use super::rooms::KnownAs;
use super::shown::Shown;
use crate::notices::channels::ChannelKind;
use crate::notices::channels::slack::{HEADER_MAX, SECTION_MAX};

const KIND: ChannelKind = ChannelKind::Slack;

pub fn says(said: Said) -> HttpResponse {
    match said {
        Said::Taken => HttpResponse::Ok().body("ok"),
        Said::UnknownKey => HttpResponse::NotFound().body("no_service"),
        Said::Gone => HttpResponse::Gone().body("channel_is_archived"),
        Said::Busy => HttpResponse::InternalServerError().body("rollup_error"),
        Said::TooFast => HttpResponse::TooManyRequests().insert_header(("retry-after", "1")).finish(),
        Said::WrongSign => HttpResponse::Forbidden().body("action_prohibited"),
        Said::BadMessage => HttpResponse::BadRequest().body("invalid_payload"),
    }
}

pub fn routes(service: &mut web::ServiceConfig) {
    service.route("/services/{team}/{app}/{key}", web::post().to(send));
}

async fn send(
    sandbox: web::Data<Sandbox>,
    path: web::Path<(String, String, String)>,
    body: web::Bytes,
) -> HttpResponse {
    let key = format!("{}/{}/{}", path.0, path.1, path.2);
    let Some(room) = sandbox.rooms().keyed(KIND, &key).map(|room| room.name.clone()) else {
        return says(Said::UnknownKey);
    };
    let fault = sandbox.rooms().take_fault(&room);
    if let Some(fault) = fault.as_ref().filter(|fault| fault.mode != Mode::LostAnswer) {
        return fault.mode.answer(KIND, fault.seconds).await;
    }
    let said = take(&sandbox, &room, &body);
    match fault {
        Some(fault) => fault.mode.answer(KIND, fault.seconds).await,
        None => answer(KIND, said),
    }
}

fn take(sandbox: &Sandbox, room: &str, body: &[u8]) -> Said {
    let now = sandbox.clock.now();
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(shown) = read(&json) else { return Said::BadMessage };
    if !sandbox.rooms().admits(room, now) {
        return Said::TooFast;
    }
    let seq = sandbox.rooms().keep(room, now, shown, json, KnownAs::default());
    sandbox.news.send_modify(|last| *last = (*last).max(seq.unwrap_or(0)));
    Said::Taken
}

/// `text` must be there; blocks are shown in its place.
fn read(json: &Value) -> Option<Shown> {
    let text = json.get("text").and_then(Value::as_str).filter(|text| !text.is_empty())?;
    let mut shown = Shown { title: text.to_owned(), ..Shown::default() };
    for block in json.get("blocks").and_then(Value::as_array).into_iter().flatten() {
        let content = block.pointer("/text/text").and_then(Value::as_str)?;
        match block.get("type").and_then(Value::as_str)? {
            "header" if content.chars().count() <= HEADER_MAX => content.clone_into(&mut shown.title),
            "section" if content.chars().count() <= SECTION_MAX => {
                for line in content.lines() {
                    match line.strip_prefix('<').and_then(|line| line.strip_suffix('>')?.split_once('|')) {
                        Some((url, name)) => shown = shown.with_link(name, &url.replace("&amp;", "&")),
                        None => shown.lines.push(line.to_owned()),
                    }
                }
            }
            _ => return None,
        }
    }
    Some(shown)
}
