//! WeChat's pushes: the check of the address, and what the people of enterprises do with their subscriptions.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use secrecy::ExposeSecret as _;

use super::callback::{application, envelope, plain, query, refuse};
use crate::app::App;
use crate::identity::Public;
use crate::notices::callbacks::NotTaken;
use crate::notices::channels::ChannelKind;
use crate::notices::channels::callback::wechat;
use crate::notices::model::ChannelId;
use crate::platform::http::body::RawBody;
use crate::platform::http::params::Path;
use crate::platform::http::problem::{CommonCode, Problem};

const KIND: ChannelKind = ChannelKind::WechatSubscribe;

/// WeChat checks the address that an administrator enters. Choose the safe mode (安全模式) there: nothing else is read.
#[utoipa::path(
    tag = "bots", security(()), params(("channel" = ChannelId, Path)),
    responses(
        (status = 200, content_type = "text/plain"), (status = 401, description = "`callback_refused`"),
        (status = 404, description = "`callback_unknown`"),
    ),
)]
#[get("/bots/wechat/{channel}")]
pub async fn check_wechat(
    app: web::Data<App>,
    _public: Public,
    channel: Path<ChannelId>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let of = application(&app, channel.0, KIND).await?;
    let echo = wechat::check(of.callback.token.expose_secret(), &query(&request));
    echo.map(|echo| plain("text/plain", echo)).map_err(|refusal| refuse(&of, refusal))
}

/// WeChat tells who allowed or refused messages, and which could not be delivered.
#[utoipa::path(
    tag = "bots", security(()), params(("channel" = ChannelId, Path)), request_body = Object,
    responses(
        (status = 200, content_type = "text/plain"), (status = 401, description = "`callback_refused`"),
        (status = 404, description = "`callback_unknown`"),
        (status = 503, description = "`unavailable`: also for news of a message whose sending is not settled yet; WeChat tells again"),
    ),
)]
#[post("/bots/wechat/{channel}")]
pub async fn hear_wechat(
    app: web::Data<App>,
    _public: Public,
    channel: Path<ChannelId>,
    request: HttpRequest,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    let of = application(&app, channel.0, KIND).await?;
    let sealed = wechat::open(&envelope(&of)?, &query(&request), &body.0);
    let pushed = sealed.and_then(|text| wechat::read(&text)).map_err(|refusal| refuse(&of, refusal))?;
    let now = app.clock.now();
    // The check of the address covers no content: that the platform pushes is known only from here on.
    let taken = match pushed {
        Some(pushed) => of.pushed(&app.db, &pushed, now).await,
        None => of.note_called(&app.db, now).await.map_err(NotTaken::from),
    };
    match taken {
        Ok(()) => Ok(plain("text/plain", "success".to_owned())),
        Err(NotTaken::Db(error)) => Err(error.into()),
        Err(NotTaken::TooEarly) => {
            tracing::info!(channel = %of.channel, "WeChat tells of a message that is still being sent, and is asked to tell again");
            Err(CommonCode::Unavailable.into())
        }
    }
}
