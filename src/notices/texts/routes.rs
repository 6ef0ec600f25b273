//! The HTTP routes of a county's own words, for the system administrator.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, delete, get, post, put, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::change::{self, Change};
use super::preview::{self, PreviewView};
use super::view::{self, TextView, TextsView};
use super::wording::EventText;
use crate::app::App;
use crate::identity::Caller;
use crate::identity::extract::{As, SystemAdmin};
use crate::ledger::Actor;
use crate::platform::http::body::Json;
use crate::platform::http::params::Path;
use crate::platform::http::problem::Problem;
use crate::platform::http::version::{IfMatch, etag};

/// All routes of texts.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(list_texts).service(show_text).service(put_text).service(restore_text);
    routes.service(preview_text);
}

fn answer(view: &TextView) -> HttpResponse {
    HttpResponse::build(StatusCode::OK).insert_header(etag(view.version)).json(view)
}

async fn change(
    app: &App,
    caller: &Caller,
    event: &str,
    expected: IfMatch,
    own: Option<&EventText>,
) -> Result<HttpResponse, Problem> {
    let author = Actor::account(caller.account.0, caller.name.to_string());
    let (county, expected, now) = (caller.county, expected.0, app.clock.now());
    let change = Change { county, author: &author, event, expected, now };
    change::put(&app.db, &app.texts, change, own).await?;
    Ok(answer(&view::read(&app.db, &app.texts, county, event).await?))
}

/// What every event says: as shipped, and in the county's own words.
#[utoipa::path(tag = "texts", security(("bearer" = [])), responses((status = 200, body = TextsView)))]
#[get("/api/v1/admin/templates")]
pub async fn list_texts(app: web::Data<App>, caller: As<SystemAdmin>) -> Result<Json<TextsView>, Problem> {
    view::list(&app.db, &app.texts, caller.county).await.map(Json)
}

/// What one event says.
#[utoipa::path(
    tag = "texts", security(("bearer" = [])), params(("event" = String, Path)),
    responses((status = 200, body = TextView), (status = 404, description = "`event_not_found`")),
)]
#[get("/api/v1/admin/templates/{event}")]
pub async fn show_text(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    event: Path<String>,
) -> Result<HttpResponse, Problem> {
    Ok(answer(&view::read(&app.db, &app.texts, caller.county, &event.0).await?))
}

/// Puts the county's own words for an event in the place of those before; what they leave out is said as shipped. They are tried on samples
/// first, in every language and kind of channel. Notices that have not left yet are told in them.
#[utoipa::path(
    tag = "texts", security(("bearer" = [])),
    params(
        ("event" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag of the words that were changed. Left out, or `*`: whatever stands is replaced."),
    ),
    responses(
        (status = 200, body = TextView), (status = 404, description = "`event_not_found`"),
        (status = 409, description = "`stale_version`"),
        (status = 422, description = "`invalid`: every fault with its path; nothing has changed"),
    ),
)]
#[put("/api/v1/admin/templates/{event}")]
pub async fn put_text(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    event: Path<String>,
    expected: IfMatch,
    own: Json<EventText>,
) -> Result<HttpResponse, Problem> {
    change(&app, &caller, &event.0, expected, Some(&own.0)).await
}

/// Gives an event the words as shipped again.
#[utoipa::path(
    tag = "texts", security(("bearer" = [])),
    params(
        ("event" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag of the words that are given up. Left out, or `*`: whatever stands is replaced."),
    ),
    responses(
        (status = 200, body = TextView), (status = 404, description = "`event_not_found`"),
        (status = 409, description = "`stale_version`"),
    ),
)]
#[delete("/api/v1/admin/templates/{event}")]
pub async fn restore_text(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    event: Path<String>,
    expected: IfMatch,
) -> Result<HttpResponse, Problem> {
    change(&app, &caller, &event.0, expected, None).await
}

/// Shows what own words would look like in each kind of channel, with how long they are there. Keeps nothing.
#[utoipa::path(
    tag = "texts", security(("bearer" = [])), params(("event" = String, Path)),
    responses(
        (status = 200, body = PreviewView), (status = 404, description = "`event_not_found`"),
        (status = 422, description = "`invalid`: every fault with its path"),
    ),
)]
#[post("/api/v1/admin/templates/{event}/preview")]
pub async fn preview_text(
    app: web::Data<App>,
    _caller: As<SystemAdmin>,
    event: Path<String>,
    own: Json<EventText>,
) -> Result<Json<PreviewView>, Problem> {
    preview::preview(&app.texts, &event.0, &own.0, app.clock.now()).map(Json)
}
