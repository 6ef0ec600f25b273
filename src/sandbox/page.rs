//! The page that shows the rooms, its live stream, and the JSON views for scripts. Nothing is loaded from elsewhere.

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::json;

use super::Sandbox;
use super::fault::Fault;
use super::rooms::WECHAT;

/// Only our own style and script run, so no message can bring its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub fn routes(service: &mut web::ServiceConfig) {
    service
        .route("/", web::get().to(page))
        .route("/sandbox/page.css", web::get().to(style))
        .route("/sandbox/page.js", web::get().to(script))
        .route("/sandbox/rooms", web::get().to(rooms))
        .route("/sandbox/messages", web::get().to(messages))
        .route("/sandbox/messages", web::delete().to(forget))
        .route("/sandbox/stream", web::get().to(live))
        .route("/sandbox/rooms/{room}/faults", web::post().to(set_fault))
        .route("/sandbox/rooms/{room}/faults", web::delete().to(clear_fault));
}

async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .body(include_str!("page.html"))
}

async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(include_str!("page.css"))
}

async fn script() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(include_str!("page.js"))
}

async fn rooms(sandbox: web::Data<Sandbox>) -> HttpResponse {
    HttpResponse::Ok().json(sandbox.rooms().shown())
}

#[derive(Deserialize)]
struct Range {
    room: Option<String>,
    #[serde(default)]
    after: u64,
}

async fn messages(sandbox: web::Data<Sandbox>, range: web::Query<Range>) -> HttpResponse {
    let found = sandbox.rooms().since(range.room.as_deref(), range.after);
    let last = found.last().map_or(range.after, |message| message.seq);
    HttpResponse::Ok().json(json!({ "messages": found, "last": last }))
}

async fn forget(sandbox: web::Data<Sandbox>) -> HttpResponse {
    sandbox.clear();
    HttpResponse::NoContent().finish()
}

async fn set_fault(
    sandbox: web::Data<Sandbox>,
    room: web::Path<String>,
    fault: web::Json<Fault>,
) -> HttpResponse {
    known(&room, sandbox.set_fault(&room, fault.into_inner()))
}

async fn clear_fault(sandbox: web::Data<Sandbox>, room: web::Path<String>) -> HttpResponse {
    known(&room, sandbox.clear_fault(&room))
}

fn known(room: &str, known: bool) -> HttpResponse {
    if known {
        return HttpResponse::NoContent().finish();
    }
    HttpResponse::NotFound().json(json!({ "error": format!("no room {room:?} (and not {WECHAT:?})") }))
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn live(sandbox: web::Data<Sandbox>, request: HttpRequest, query: web::Query<After>) -> HttpResponse {
    let resumed = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let hello = format!("event: hello\ndata: {}\n\n", sandbox.boot);
    let events = events(sandbox.as_ref().clone(), resumed.unwrap_or(query.after));
    let all = stream::once(async { hello }).chain(events);
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(all.map(|event| Ok::<_, std::io::Error>(Bytes::from(event))))
}

/// Every message above `after`, then each new one as it comes, until the listener goes.
fn events(sandbox: Sandbox, after: u64) -> impl Stream<Item = String> {
    let news = sandbox.news.subscribe();
    stream::unfold((sandbox, news, after), |(sandbox, mut news, after)| async move {
        loop {
            news.mark_unchanged();
            let found = sandbox.rooms().since(None, after);
            if let Some(last) = found.last().map(|message| message.seq) {
                let event = |message: &super::Received| {
                    let data = serde_json::to_string(message).unwrap_or_default();
                    format!("id: {}\ndata: {data}\n\n", message.seq)
                };
                let events: String = found.iter().map(event).collect();
                return Some((events, (sandbox, news, last)));
            }
            news.changed().await.ok()?;
        }
    })
}
