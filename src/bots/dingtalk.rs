//! DingTalk's callbacks: subscribed events, which want nothing but a sealed `success`, and what somebody writes to the application's robot.
//! Its cards do not act: what a tap sends, or is written to the robot, proves no identity, since the signature does not cover it; so who writes is
//! answered and never obeyed.

use actix_web::{HttpRequest, HttpResponse, post, web};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::callback::{application, envelope, nonce, query, refuse};
use super::tap::lang;
use crate::app::App;
use crate::identity::Public;
use crate::notices::channels::callback::{Refusal, dingtalk};
use crate::notices::channels::{ChannelKind, dingtalk_bot};
use crate::notices::model::ChannelId;
use crate::platform::http::body::RawBody;
use crate::platform::http::lang::Lang;
use crate::platform::http::params::Path;
use crate::platform::http::problem::Problem;

/// What somebody reads who writes to the robot.
const fn help(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "请打开消息卡片里的链接接单、查看详情。",
        Lang::En => "Please open the link in the card to accept the call or to see its details.",
    }
}

/// DingTalk tells of an event, the check of the address among them, or somebody writes to the robot.
#[utoipa::path(
    tag = "bots", security(()), params(("channel" = ChannelId, Path)), request_body = Object,
    responses(
        (status = 200, body = Object), (status = 401, description = "`callback_refused`"),
        (status = 404, description = "`callback_unknown`"),
    ),
)]
#[post("/bots/dingtalk/{channel}")]
pub async fn hear_dingtalk(
    app: web::Data<App>,
    _public: Public,
    channel: Path<ChannelId>,
    request: HttpRequest,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    let of = application(&app, channel.0, ChannelKind::DingtalkApp).await?;
    let now = app.clock.now();
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let (Some(timestamp), Some(sign)) = (header("timestamp"), header("sign")) {
        let secret = of.secret.expose_secret();
        let proven = dingtalk_bot::verify(secret, Some(timestamp), Some(sign), now).is_ok();
        if secret.is_empty() || !proven {
            return Err(refuse(&of, Refusal::SignatureMismatch));
        }
        let says = json!({ "msgtype": "text", "text": { "content": help(lang(&of)) } });
        return Ok(HttpResponse::Ok().json(says));
    }
    let envelope = envelope(&of)?;
    dingtalk::open(&envelope, &query(&request), &body.0, now).map_err(|refusal| refuse(&of, refusal))?;
    of.note_called(&app.db, now).await?;
    let timestamp = now.timestamp_millis().to_string();
    let answer = dingtalk::reply(&envelope, dingtalk::TAKEN, &timestamp, &nonce(), rand::random());
    Ok(HttpResponse::Ok().json(answer))
}
