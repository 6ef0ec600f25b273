//! The HTTP routes of the system administrator: notices and channels.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, delete, get, post, put, web};
use chrono::{DateTime, Utc};
use utoipa_actix_web::service_config::ServiceConfig;

use super::cancel::{self, WithReason};
use super::change_callback::{self, ChangeCallback};
use super::change_secret::{self, ChangeSecret};
use super::create::{self, NewChannel};
use super::health::{self, ChannelView, ChannelsView};
use super::list::{self, NoticeDetail, NoticeQuery, NoticeView};
use super::test_send::{self, TestAnswer, TestSend};
use super::{Administrator, pause, retry};
use crate::app::App;
use crate::identity::Caller;
use crate::identity::extract::{As, SystemAdmin};
use crate::notices::model::{ChannelId, NoticeId};
use crate::platform::http::body::{Json, OptionalJson};
use crate::platform::http::cursor::Page;
use crate::platform::http::idempotency::IdempotencyKey;
use crate::platform::http::params::{Path, Query};
use crate::platform::http::problem::Problem;

/// Mounts the routes; paths are complete.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(list_notices).service(show_notice).service(retry_notice).service(cancel_notice);
    routes.service(list_channels).service(create_channel).service(test_channel);
    routes.service(pause_channel).service(resume_channel).service(change_channel_secret);
    routes.service(change_channel_callback).service(end_channel_callback);
}

/// The caller as who keeps channels, notices and their order.
pub(in crate::notices) fn administrator(caller: &Caller) -> Administrator {
    Administrator { county: caller.county, account: caller.account.0, name: caller.name.to_string() }
}

/// A channel, as it is in the list.
async fn shown(
    app: &App,
    who: &Administrator,
    id: ChannelId,
    now: DateTime<Utc>,
) -> Result<ChannelView, Problem> {
    health::read(&app.db, &app.vault, who, id, &app.config.http.public_url, now).await
}

/// Notices of the county, newest first.
#[utoipa::path(
    tag = "admin", security(("bearer" = [])), params(NoticeQuery),
    responses((status = 200, body = Page<NoticeView>), (status = 400, description = "`bad_cursor`")),
)]
#[get("/api/v1/admin/notices")]
pub async fn list_notices(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    query: Query<NoticeQuery>,
) -> Result<Json<Page<NoticeView>>, Problem> {
    list::list(&app.db, &administrator(&caller), query.0, app.clock.now()).await.map(Json)
}

/// A notice with every attempt to send it.
#[utoipa::path(
    tag = "admin", security(("bearer" = [])), params(("id" = NoticeId, Path)),
    responses((status = 200, body = NoticeDetail), (status = 404, description = "`notice_not_found`")),
)]
#[get("/api/v1/admin/notices/{id}")]
pub async fn show_notice(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    id: Path<NoticeId>,
) -> Result<Json<NoticeDetail>, Problem> {
    list::read(&app.db, &administrator(&caller), id.0).await.map(Json)
}

/// Sends a notice again that was given up, or that waits for its next attempt; one that reached nobody is addressed anew.
#[utoipa::path(
    tag = "admin", security(("bearer" = [])), params(("id" = NoticeId, Path)),
    responses(
        (status = 200, body = NoticeDetail), (status = 404, description = "`notice_not_found`"),
        (status = 409, description = "`notice_not_retriable`, `notice_answered`, `channel_not_active`, `nobody_to_address`"),
    ),
)]
#[post("/api/v1/admin/notices/{id}/retry")]
pub async fn retry_notice(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    id: Path<NoticeId>,
) -> Result<Json<NoticeDetail>, Problem> {
    let detail = retry::retry(&app.db, &administrator(&caller), id.0, app.clock.now()).await?;
    app.wake.notices();
    Ok(Json(detail))
}

/// Cancels a notice that has not left.
#[utoipa::path(
    tag = "admin", security(("bearer" = [])), params(("id" = NoticeId, Path)), request_body = WithReason,
    responses(
        (status = 200, body = NoticeDetail), (status = 404, description = "`notice_not_found`"),
        (status = 409, description = "`notice_not_cancellable`"),
    ),
)]
#[post("/api/v1/admin/notices/{id}/cancel")]
pub async fn cancel_notice(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    id: Path<NoticeId>,
    body: Json<WithReason>,
) -> Result<Json<NoticeDetail>, Problem> {
    cancel::cancel(&app.db, &administrator(&caller), id.0, &body.0, app.clock.now()).await.map(Json)
}

/// The county's channels and how they fare.
#[utoipa::path(tag = "admin", security(("bearer" = [])), responses((status = 200, body = ChannelsView)))]
#[get("/api/v1/admin/channels")]
pub async fn list_channels(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
) -> Result<Json<ChannelsView>, Problem> {
    health::list(&app.db, &app.vault, &administrator(&caller), &app.config.http.public_url, app.clock.now())
        .await
        .map(Json)
}

/// Adds a channel.
#[utoipa::path(
    tag = "admin", security(("bearer" = [])), request_body = NewChannel,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same channel.")),
    responses(
        (status = 201, body = ChannelView), (status = 409, description = "`channel_code_taken`"),
        (status = 422, description = "`invalid`: every fault by its field; `idempotency_key_reused`"),
    ),
)]
#[post("/api/v1/admin/channels")]
pub async fn create_channel(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    key: IdempotencyKey,
    body: Json<NewChannel>,
) -> Result<HttpResponse, Problem> {
    let (who, now) = (administrator(&caller), app.clock.now());
    let key = key.0.map(|key| (key, body.0.fingerprint(&app.vault)));
    let created = create::create(&app.db, &app.vault, &who, body.0, key, now).await?;
    let view = shown(&app, &who, created.id, now).await?;
    let mut response = HttpResponse::build(StatusCode::CREATED).json(view);
    if created.replayed {
        let replayed = HeaderName::from_static("idempotency-replayed");
        response.headers_mut().insert(replayed, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Sends a test text by a channel and says what the provider answered.
#[utoipa::path(
    tag = "admin", security(("bearer" = [])), params(("id" = ChannelId, Path)), request_body = TestSend,
    responses(
        (status = 200, body = TestAnswer), (status = 404, description = "`channel_not_found`"),
        (status = 422, description = "`invalid`, `channel_not_testable`"),
    ),
)]
#[post("/api/v1/admin/channels/{id}/test")]
pub async fn test_channel(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    id: Path<ChannelId>,
    body: OptionalJson<TestSend>,
) -> Result<Json<TestAnswer>, Problem> {
    let (who, now) = (administrator(&caller), app.clock.now());
    test_send::test(&app.db, &app.sender, &who, id.0, &body.0, now).await.map(Json)
}

/// Pauses a channel: what is posted to it waits, alarms go to others.
#[utoipa::path(
    tag = "admin", security(("bearer" = [])), params(("id" = ChannelId, Path)), request_body = WithReason,
    responses((status = 200, body = ChannelView), (status = 404, description = "`channel_not_found`")),
)]
#[post("/api/v1/admin/channels/{id}/pause")]
pub async fn pause_channel(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    id: Path<ChannelId>,
    body: Json<WithReason>,
) -> Result<Json<ChannelView>, Problem> {
    let (who, now) = (administrator(&caller), app.clock.now());
    pause::pause(&app.db, &who, id.0, &body.0, now).await?;
    shown(&app, &who, id.0, now).await.map(Json)
}

/// Puts a paused or dead channel to use again; what waited for it leaves.
#[utoipa::path(
    tag = "admin", security(("bearer" = [])), params(("id" = ChannelId, Path)),
    responses((status = 200, body = ChannelView), (status = 404, description = "`channel_not_found`")),
)]
#[post("/api/v1/admin/channels/{id}/resume")]
pub async fn resume_channel(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    id: Path<ChannelId>,
) -> Result<Json<ChannelView>, Problem> {
    let (who, now) = (administrator(&caller), app.clock.now());
    pause::resume(&app.db, &who, id.0, now).await?;
    app.wake.notices();
    shown(&app, &who, id.0, now).await.map(Json)
}

/// Gives a channel another secret or key. It is not shown again, by no answer.
#[utoipa::path(
    tag = "admin", security(("bearer" = [])), params(("id" = ChannelId, Path)), request_body = ChangeSecret,
    responses((status = 200, body = ChannelView), (status = 404, description = "`channel_not_found`")),
)]
#[put("/api/v1/admin/channels/{id}/secret")]
pub async fn change_channel_secret(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    id: Path<ChannelId>,
    body: Json<ChangeSecret>,
) -> Result<Json<ChannelView>, Problem> {
    let (who, now) = (administrator(&caller), app.clock.now());
    change_secret::change_secret(&app.db, &app.vault, &who, id.0, &body.0, now).await?;
    shown(&app, &who, id.0, now).await.map(Json)
}

/// Says by what the platform is known when it calls the address in `callback.url`; enter the same in its console. Neither is shown again.
#[utoipa::path(
    tag = "admin", security(("bearer" = [])), params(("id" = ChannelId, Path)), request_body = ChangeCallback,
    responses(
        (status = 200, body = ChannelView), (status = 404, description = "`channel_not_found`"),
        (status = 422, description = "`invalid`"),
    ),
)]
#[put("/api/v1/admin/channels/{id}/callback")]
pub async fn change_channel_callback(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    id: Path<ChannelId>,
    body: Json<ChangeCallback>,
) -> Result<Json<ChannelView>, Problem> {
    let (who, now) = (administrator(&caller), app.clock.now());
    change_callback::change_callback(&app.db, &app.vault, &who, id.0, Some(&body.0), now).await?;
    shown(&app, &who, id.0, now).await.map(Json)
}

/// Lets the platform call back no more; new cards only have links.
#[utoipa::path(
    tag = "admin", security(("bearer" = [])), params(("id" = ChannelId, Path)),
    responses((status = 200, body = ChannelView), (status = 404, description = "`channel_not_found`")),
)]
#[delete("/api/v1/admin/channels/{id}/callback")]
pub async fn end_channel_callback(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    id: Path<ChannelId>,
) -> Result<Json<ChannelView>, Problem> {
    let (who, now) = (administrator(&caller), app.clock.now());
    change_callback::change_callback(&app.db, &app.vault, &who, id.0, None, now).await?;
    shown(&app, &who, id.0, now).await.map(Json)
}
