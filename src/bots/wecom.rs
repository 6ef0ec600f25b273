//! WeCom's callbacks: the check of the address, taps on cards, and what somebody writes to the application.

use actix_web::{HttpRequest, HttpResponse, get, post, web};

use super::callback::{application, envelope, nonce, plain, query, refuse};
use super::tap::{Tap, lang, tap};
use crate::app::App;
use crate::identity::Public;
use crate::notices::callbacks::Application;
use crate::notices::channels::ChannelKind;
use crate::notices::channels::callback::wecom::{self, Heard};
use crate::notices::model::ChannelId;
use crate::platform::http::body::RawBody;
use crate::platform::http::lang::Lang;
use crate::platform::http::params::Path;
use crate::platform::http::problem::Problem;

const KIND: ChannelKind = ChannelKind::WecomApp;

/// What somebody reads who writes to the application.
const fn help(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "请点消息卡片上的“接单”，或打开卡片查看详情。",
        Lang::En => "Please tap “Accept” on the card, or open the card for the details.",
    }
}

/// WeCom checks the address that an administrator enters.
#[utoipa::path(
    tag = "bots", security(()), params(("channel" = ChannelId, Path)),
    responses(
        (status = 200, content_type = "text/plain"), (status = 401, description = "`callback_refused`"),
        (status = 404, description = "`callback_unknown`"),
    ),
)]
#[get("/bots/wecom/{channel}")]
pub async fn check_wecom(
    app: web::Data<App>,
    _public: Public,
    channel: Path<ChannelId>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let of = application(&app, channel.0, KIND).await?;
    let echo = wecom::check(&envelope(&of)?, &query(&request)).map_err(|refusal| refuse(&of, refusal))?;
    of.note_called(&app.db, app.clock.now()).await?;
    Ok(plain("text/plain", echo))
}

/// WeCom tells of a tap on a card, or of what somebody wrote. The answer changes the button that was tapped.
#[utoipa::path(
    tag = "bots", security(()), params(("channel" = ChannelId, Path)), request_body(content = String, content_type = "text/xml"),
    responses(
        (status = 200, content_type = "text/xml"), (status = 401, description = "`callback_refused`"),
        (status = 404, description = "`callback_unknown`"),
    ),
)]
#[post("/bots/wecom/{channel}")]
pub async fn hear_wecom(
    app: web::Data<App>,
    _public: Public,
    channel: Path<ChannelId>,
    request: HttpRequest,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    let of = application(&app, channel.0, KIND).await?;
    let sealed = wecom::open(&envelope(&of)?, &query(&request), &body.0);
    let heard = sealed.and_then(|text| wecom::read(&text)).map_err(|refusal| refuse(&of, refusal))?;
    of.note_called(&app.db, app.clock.now()).await?;
    answer(&app, &of, heard).await
}

async fn answer(app: &App, of: &Application, heard: Heard) -> Result<HttpResponse, Problem> {
    let corporation = of.settings.app_id.as_deref().unwrap_or_default();
    let at = app.clock.now().timestamp();
    let text = match heard {
        Heard::Tapped(tapped) => {
            let told = tap(
                app,
                of,
                Tap {
                    user_id: &tapped.user_id,
                    notice: &tapped.task_id,
                    verb: &tapped.key,
                    handle: Some(&tapped.response_code),
                },
            );
            let says: String = told.await?.says.chars().take(wecom::BUTTON_MAX).collect();
            wecom::new_button(corporation, &tapped.user_id, at, &says)
        }
        Heard::Text { user_id } => wecom::text(corporation, &user_id, at, help(lang(of))),
        // Nothing to say is an answer, too.
        Heard::Other => return Ok(HttpResponse::Ok().finish()),
    };
    let sealed = wecom::reply(&envelope(of)?, &text, &at.to_string(), &nonce(), rand::random());
    Ok(plain("text/xml; charset=utf-8", sealed))
}
