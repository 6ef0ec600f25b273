//! The HTTP routes of reachability drills, for the system administrator.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::DrillId;
use super::report::{self, DrillReport, DrillsView};
use crate::app::App;
use crate::identity::extract::{As, SystemAdmin};
use crate::ledger::Actor;
use crate::platform::http::body::Json;
use crate::platform::http::params::Path;
use crate::platform::http::problem::Problem;

/// All routes of drills.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(list_drills).service(start_drill).service(show_drill);
}

/// The latest drills, newest first.
#[utoipa::path(tag = "drills", security(("bearer" = [])), responses((status = 200, body = DrillsView)))]
#[get("/api/v1/admin/drills")]
pub async fn list_drills(app: web::Data<App>, caller: As<SystemAdmin>) -> Result<Json<DrillsView>, Problem> {
    report::list(&app.db, caller.county).await.map(Json)
}

/// Calls everybody who stands on a contact card, to see whom nothing reaches. Once a day at most; once a month it happens by itself.
#[utoipa::path(
    tag = "drills", security(("bearer" = [])),
    responses((status = 201, body = DrillReport), (status = 409, description = "`drill_too_soon`")),
)]
#[post("/api/v1/admin/drills")]
pub async fn start_drill(app: web::Data<App>, caller: As<SystemAdmin>) -> Result<HttpResponse, Problem> {
    let (now, author) = (app.clock.now(), Actor::account(caller.account.0, caller.name.to_string()));
    let id = app.drills().start(caller.county, &author, now).await?;
    app.wake.notices();
    let report = report::read(&app.db, caller.county, id, now).await?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(report))
}

/// What a drill has found so far: whom nothing reaches, what failed and why, who has not answered in three working days.
#[utoipa::path(
    tag = "drills", security(("bearer" = [])), params(("id" = DrillId, Path)),
    responses((status = 200, body = DrillReport), (status = 404, description = "`drill_not_found`")),
)]
#[get("/api/v1/admin/drills/{id}")]
pub async fn show_drill(
    app: web::Data<App>,
    caller: As<SystemAdmin>,
    id: Path<DrillId>,
) -> Result<Json<DrillReport>, Problem> {
    report::read(&app.db, caller.county, id.0, app.clock.now()).await.map(Json)
}
