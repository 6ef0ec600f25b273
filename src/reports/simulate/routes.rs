//! The HTTP route of the replay.

use actix_web::{post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::body::{Simulate, Simulation};
use super::run;
use crate::app::App;
use crate::identity::extract::{As, BusinessOffice, SystemAdmin};
use crate::platform::http::body::Json;
use crate::platform::http::problem::Problem;

/// The route of the replay.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(simulate_ladders);
}

/// Replays the calls of a past period under other limits and ladders: which would have been late on which clock, and which rungs told,
/// beside what really happened. Changes nothing. The counts come with the first page of the list; the next pages, asked for with `cursor` and
/// the same question, only list. One at a time for a county.
#[utoipa::path(
    tag = "ladders", security(("bearer" = [])),
    responses(
        (status = 200, body = Simulation),
        (status = 400, description = "`bad_cursor`"),
        (status = 422, description = "`invalid`: the period, or every fault of the rules with its path"),
        (status = 429, description = "`simulation_running`: another replay of the county is not done yet"),
    ),
)]
#[post("/api/v1/admin/ladders/simulate")]
pub async fn simulate_ladders(
    app: web::Data<App>,
    caller: As<(SystemAdmin, BusinessOffice)>,
    question: Json<Simulate>,
) -> Result<Json<Simulation>, Problem> {
    run::simulate(&app, &caller, question.0, app.clock.now()).await.map(Json)
}
