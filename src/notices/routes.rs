//! The HTTP routes of notices: a person's inbox and subscriptions.

use actix_web::{get, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::inbox::{self, InboxPage, Reader, Unread};
use super::model::NoticeId;
use super::subscriptions::{self, SubscribeResult, Subscriptions};
use crate::app::App;
use crate::identity::Caller;
use crate::platform::http::body::Json;
use crate::platform::http::cursor::Paging;
use crate::platform::http::idempotency::IdempotencyKey;
use crate::platform::http::params::{Path, Query};
use crate::platform::http::problem::Problem;

/// Mounts the routes; paths are complete.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(show_inbox).service(read_notice).service(show_subscriptions).service(subscribe);
}

fn reader(caller: &Caller) -> Reader {
    Reader { county: caller.county, account: caller.account.0, officer: caller.officer }
}

/// What was posted to the caller, newest first, and how much of it he has not read.
#[utoipa::path(
    tag = "inbox", security(("bearer" = [])), params(Paging),
    responses((status = 200, body = InboxPage), (status = 400, description = "`bad_cursor`")),
)]
#[get("/api/v1/inbox")]
pub async fn show_inbox(
    app: web::Data<App>,
    caller: Caller,
    paging: Query<Paging>,
) -> Result<Json<InboxPage>, Problem> {
    inbox::list(&app.db, &app.texts, reader(&caller), paging.0, app.clock.now()).await.map(Json)
}

/// Marks a notice as read.
#[utoipa::path(
    tag = "inbox", security(("bearer" = [])), params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Unread), (status = 404, description = "`not_found`: not in the caller's inbox")),
)]
#[post("/api/v1/inbox/{id}/read")]
pub async fn read_notice(
    app: web::Data<App>,
    caller: Caller,
    id: Path<NoticeId>,
) -> Result<Json<Unread>, Problem> {
    inbox::read(&app.db, reader(&caller), id.0, app.clock.now()).await.map(Json)
}

/// The mini-program's subscription templates, and how many messages of each the caller still takes.
#[utoipa::path(tag = "inbox", security(("bearer" = [])), responses((status = 200, body = Subscriptions)))]
#[get("/api/v1/me/subscriptions")]
pub async fn show_subscriptions(app: web::Data<App>, caller: Caller) -> Result<Json<Subscriptions>, Problem> {
    subscriptions::show(&app.db, reader(&caller)).await.map(Json)
}

/// Enters what `wx.requestSubscribeMessage` answered: each `accept` buys one message. The same `Idempotency-Key` counts once.
#[utoipa::path(
    tag = "inbox", security(("bearer" = [])), request_body = SubscribeResult,
    params(("Idempotency-Key" = Option<String>, Header)),
    responses((status = 200, body = Subscriptions), (status = 422, description = "`invalid`: no such template; `idempotency_key_reused`")),
)]
#[post("/api/v1/me/subscriptions")]
pub async fn subscribe(
    app: web::Data<App>,
    caller: Caller,
    key: IdempotencyKey,
    given: Json<SubscribeResult>,
) -> Result<Json<Subscriptions>, Problem> {
    subscriptions::grant(&app.db, reader(&caller), given.0, key.0, app.clock.now()).await.map(Json)
}
