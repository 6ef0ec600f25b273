//! The HTTP routes of orders: an officer's own, and a department's for the system administrator.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, put, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::change::{self, ChannelOrder};
use super::view::OrderView;
use crate::app::App;
use crate::identity::Caller;
use crate::identity::extract::{As, Officer, SystemAdmin};
use crate::notices::admin::routes::administrator;
use crate::notices::inbox::Reader;
use crate::platform::http::body::Json;
use crate::platform::http::params::Path;
use crate::platform::http::problem::Problem;
use crate::platform::http::version::{IfMatch, etag};

/// Mounts the routes; paths are complete.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(show_my_channels).service(put_my_channels);
    routes.service(show_department_channels).service(put_department_channels);
}

fn answer(view: &OrderView) -> HttpResponse {
    HttpResponse::build(StatusCode::OK).insert_header(etag(view.version)).json(view)
}

fn reader(caller: &Caller) -> Reader {
    Reader { county: caller.county, account: caller.account.0, officer: caller.officer }
}

/// By which applications the caller is reached, in which order, and whose order that is.
#[utoipa::path(tag = "inbox", security(("bearer" = [])), responses((status = 200, body = OrderView)))]
#[get("/api/v1/me/channels")]
pub async fn show_my_channels(app: web::Data<App>, caller: As<Officer>) -> Result<HttpResponse, Problem> {
    Ok(answer(&change::own(&app.db, reader(&caller)).await?))
}

/// Puts the caller's own order in the place of the one before; an empty one gives him his department's. What he leaves out is tried after it.
#[utoipa::path(
    tag = "inbox", security(("bearer" = [])), request_body = ChannelOrder,
    params(("If-Match" = Option<String>, Header, description = "The ETag of the order that was changed.")),
    responses(
        (status = 200, body = OrderView), (status = 409, description = "`stale_version`"),
        (status = 422, description = "`invalid`: every channel that does not reach him, or stands twice"),
    ),
)]
#[put("/api/v1/me/channels")]
pub async fn put_my_channels(
    app: web::Data<App>,
    caller: As<Officer>,
    expected: IfMatch,
    order: Json<ChannelOrder>,
) -> Result<HttpResponse, Problem> {
    let (own, now) = ((reader(&caller), &*caller.name), app.clock.now());
    Ok(answer(&change::put_own(&app.db, own, &order.0, expected.0, now).await?))
}

/// In which order the officers of a department are tried who chose none themselves.
#[utoipa::path(
    tag = "admin", security(("bearer" = [])), params(("code" = String, Path)),
    responses((status = 200, body = OrderView), (status = 404, description = "`not_found`")),
)]
#[get("/api/v1/admin/departments/{code}/channels")]
pub async fn show_department_channels(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    code: Path<String>,
) -> Result<HttpResponse, Problem> {
    Ok(answer(&change::of_department(&app.db, &administrator(&caller), &code.0).await?))
}

/// Puts a department's order in the place of the one before; an empty one leaves it to the county's files.
#[utoipa::path(
    tag = "admin", security(("bearer" = [])), request_body = ChannelOrder,
    params(
        ("code" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag of the order that was changed."),
    ),
    responses(
        (status = 200, body = OrderView), (status = 404, description = "`not_found`"),
        (status = 409, description = "`stale_version`"),
        (status = 422, description = "`invalid`: every channel that reaches no officers, or stands twice"),
    ),
)]
#[put("/api/v1/admin/departments/{code}/channels")]
pub async fn put_department_channels(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    code: Path<String>,
    expected: IfMatch,
    order: Json<ChannelOrder>,
) -> Result<HttpResponse, Problem> {
    let (who, now) = (administrator(&caller), app.clock.now());
    let put = change::put_for_department(&app.db, (&who, &code.0), &order.0, expected.0, now);
    Ok(answer(&put.await?))
}
