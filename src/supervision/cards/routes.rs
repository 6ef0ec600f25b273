//! The HTTP routes of cards: extract, one verb, answer.

use actix_web::{get, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::appeal::{self, AppealCard};
use super::decide::{self, DecideAppeal};
use super::list::{self, CardQuery};
use super::model::CardId;
use super::view::CardView;
use crate::app::App;
use crate::identity::Staff;
use crate::platform::http::body::Json;
use crate::platform::http::cursor::Page;
use crate::platform::http::params::{Path, Query};
use crate::platform::http::problem::Problem;

/// All routes of cards.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(list_given_cards).service(appeal_card).service(decide_appeal);
}

/// The caller's cards, those of the department he leads, or the county's; newest first.
#[utoipa::path(tag = "supervision", security(("bearer" = [])), params(CardQuery), responses((status = 200, body = Page<CardView>)))]
#[get("/api/v1/cards")]
pub async fn list_given_cards(
    app: web::Data<App>,
    caller: Staff,
    query: Query<CardQuery>,
) -> Result<Json<Page<CardView>>, Problem> {
    list::list(&app.supervision, &caller, query.0, app.clock.now()).await.map(Json)
}

/// Appeal a card: whose it is, or the head of his department; once.
#[utoipa::path(
    tag = "supervision", security(("bearer" = [])), params(("id" = CardId, Path)), request_body = AppealCard,
    responses((status = 200, body = CardView)),
)]
#[post("/api/v1/cards/{id}/appeal")]
pub async fn appeal_card(
    app: web::Data<App>,
    caller: Staff,
    id: Path<CardId>,
    body: Json<AppealCard>,
) -> Result<Json<CardView>, Problem> {
    appeal::appeal(&app.supervision, &caller, id.0, body.0, app.clock.now()).await.map(Json)
}

/// Decide an appeal: the business office (of its own cards the inspectorate), a second person; upheld, it strikes the card.
#[utoipa::path(
    tag = "supervision", security(("bearer" = [])), params(("id" = CardId, Path)), request_body = DecideAppeal,
    responses((status = 200, body = CardView)),
)]
#[post("/api/v1/cards/{id}/decide")]
pub async fn decide_appeal(
    app: web::Data<App>,
    caller: Staff,
    id: Path<CardId>,
    body: Json<DecideAppeal>,
) -> Result<Json<CardView>, Problem> {
    decide::decide(&app.supervision, &caller, id.0, body.0, app.clock.now()).await.map(Json)
}
