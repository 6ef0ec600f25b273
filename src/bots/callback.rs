//! What all callbacks begin with: whose application it is, and whether the request is its platform's.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{dingtalk, feishu, wechat, wecom};
use crate::app::App;
use crate::notices::callbacks::Application;
use crate::notices::channels::ChannelKind;
use crate::notices::channels::callback::{Envelope, Query, Refusal};
use crate::notices::model::ChannelId;
use crate::platform::http::problem::Problem;
use crate::problem_codes;

problem_codes! {
    /// Why a callback is not heard.
    BotsCode {
        CallbackUnknown = 404 "callback_unknown" "没有这个回调地址，或该通道还没有设置回调" "There is no such callback address, or its channel is not set up to be called back",
        CallbackRefused = 401 "callback_refused" "回调没有通过验证" "The callback is not taken for the platform's",
    }
}

/// The four platforms.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(wecom::check_wecom).service(wecom::hear_wecom);
    routes.service(wechat::check_wechat).service(wechat::hear_wechat);
    routes.service(dingtalk::hear_dingtalk).service(feishu::hear_feishu);
}

/// The application of an address.
pub(super) async fn application(app: &App, id: ChannelId, kind: ChannelKind) -> Result<Application, Problem> {
    let found = Application::find(&app.db, &app.vault, id, kind).await?;
    found.ok_or_else(|| BotsCode::CallbackUnknown.problem())
}

/// The envelope of its requests.
pub(super) fn envelope(application: &Application) -> Result<Envelope, Problem> {
    application.envelope().ok_or_else(|| BotsCode::CallbackUnknown.problem())
}

pub(super) fn query(request: &HttpRequest) -> Query {
    Query::read(request.query_string())
}

/// A request that is not the platform's, or nothing that it describes.
pub(super) fn refuse(application: &Application, refusal: Refusal) -> Problem {
    let (channel, reason) = (application.channel, refusal.as_str());
    tracing::warn!(%channel, reason, "a callback is refused");
    metrics::counter!("callbacks_refused_total", "reason" => reason).increment(1);
    BotsCode::CallbackRefused
        .problem()
        .detail(format!("回调没有通过验证（{reason}）"), format!("not taken for the platform's: {reason}"))
}

/// A sealed answer's random parts.
pub(super) fn nonce() -> String {
    hex::encode(rand::random::<[u8; 8]>())
}

/// An answer in text, as it is.
pub(super) fn plain(kind: &'static str, text: String) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, kind)).body(text)
}
