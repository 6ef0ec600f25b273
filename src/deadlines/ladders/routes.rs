//! The HTTP routes of a county's rules. The system administrator changes them; the business office may look.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, put, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::change;
use super::own::OwnRules;
use super::view::{self, LaddersView};
use crate::app::App;
use crate::identity::extract::{As, BusinessOffice, SystemAdmin};
use crate::ledger::Actor;
use crate::platform::http::body::Json;
use crate::platform::http::problem::Problem;
use crate::platform::http::version::{IfMatch, etag};

/// All routes of a county's rules.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(show_ladders).service(put_ladders);
}

fn answer(view: &LaddersView) -> HttpResponse {
    HttpResponse::build(StatusCode::OK).insert_header(etag(view.version)).json(view)
}

/// The county's ladders, limits and rules as they hold now, and which of them it chose itself.
#[utoipa::path(tag = "ladders", security(("bearer" = [])), responses((status = 200, body = LaddersView)))]
#[get("/api/v1/admin/ladders")]
pub async fn show_ladders(
    app: web::Data<App>,
    caller: As<(SystemAdmin, BusinessOffice)>,
) -> Result<HttpResponse, Problem> {
    Ok(answer(&view::county(&app.db, caller.county).await?))
}

/// Puts what the county chooses, as a whole, in the place of what it chose before; `{}` gives it the rules as shipped. Limits and ladders
/// hold for clocks that start from now on: what runs already keeps its due moment and climbs by the ladder it started under. All
/// other rules hold at once.
#[utoipa::path(
    tag = "ladders", security(("bearer" = [])),
    params(("If-Match" = Option<String>, Header, description = "The ETag of the rules that were changed. Left out, or `*`: whatever stands is replaced.")),
    responses(
        (status = 200, body = LaddersView),
        (status = 409, description = "`stale_version`; `too_many_ladders`: clocks still climb by twenty earlier ones"),
        (status = 422, description = "`invalid`: every fault with its path; nothing has changed"),
    ),
)]
#[put("/api/v1/admin/ladders")]
pub async fn put_ladders(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    expected: IfMatch,
    own: Json<OwnRules>,
) -> Result<HttpResponse, Problem> {
    let author = Actor::account(caller.account.0, caller.name.to_string());
    change::put(&app.db, caller.county, &author, own.0, expected.0, app.clock.now()).await?;
    Ok(answer(&view::county(&app.db, caller.county).await?))
}
