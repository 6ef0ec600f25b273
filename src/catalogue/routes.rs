//! The HTTP routes of the catalogue.

use actix_web::{get, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::read::{self, CardView, CatalogueView};
use super::suggest::{Ask, Suggested};
use crate::app::App;
use crate::identity::Caller;
use crate::platform::http::body::Json;
use crate::platform::http::cursor::{Page, Paging};
use crate::platform::http::params::Query;
use crate::platform::http::problem::Problem;

/// All routes of the catalogue.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(list_items).service(suggest).service(list_cards);
}

/// The county's list of services for enterprises.
#[utoipa::path(tag = "catalogue", security(("bearer" = [])), responses((status = 200, body = CatalogueView)))]
#[get("/api/v1/catalogue")]
pub async fn list_items(app: web::Data<App>, caller: Caller) -> Result<Json<CatalogueView>, Problem> {
    read::items(&app.db, caller.county).await.map(Json)
}

/// The items that the words may mean, and whether they are clear enough to dispatch.
#[utoipa::path(tag = "catalogue", security(("bearer" = [])), responses((status = 200, body = Suggested)))]
#[post("/api/v1/catalogue/suggest")]
pub async fn suggest(
    app: web::Data<App>,
    caller: Caller,
    ask: Json<Ask>,
) -> Result<Json<Suggested>, Problem> {
    app.catalogue.suggest(&app.db, caller.county, &ask.0.text).await.map(Json)
}

/// The contact cards of the caller's enterprise, or those on which the officer stands.
#[utoipa::path(tag = "catalogue", security(("bearer" = [])), params(Paging), responses((status = 200, body = Page<CardView>)))]
#[get("/api/v1/contact-cards")]
pub async fn list_cards(
    app: web::Data<App>,
    caller: Caller,
    paging: Query<Paging>,
) -> Result<Json<Page<CardView>>, Problem> {
    read::cards(&app.db, caller.county, caller.account.0, caller.officer, paging.0).await.map(Json)
}
