//! The HTTP routes of what is owed: extract, read, answer.

use actix_web::{get, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::list::{self, OwedQuery};
use super::overdue::{self, Overdue, OverdueQuery};
use super::view::OwedView;
use crate::app::App;
use crate::identity::Staff;
use crate::platform::http::body::Json;
use crate::platform::http::cursor::Page;
use crate::platform::http::params::Query;
use crate::platform::http::problem::Problem;

/// All routes of what is owed.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(list_overdue).service(list_owed);
}

/// What is late now, counted and listed: of the county for those who supervise it, else of the department that the caller leads. The counts
/// come with the first page; the pages after it only list.
#[utoipa::path(tag = "reports", security(("bearer" = [])), params(OverdueQuery), responses((status = 200, body = Overdue)))]
#[get("/api/v1/overdue")]
pub async fn list_overdue(
    app: web::Data<App>,
    caller: Staff,
    query: Query<OverdueQuery>,
) -> Result<Json<Overdue>, Problem> {
    overdue::overdue(&app, &caller, query.0, app.clock.now()).await.map(Json)
}

/// What the caller owes today, or his department: late things first.
#[utoipa::path(tag = "reports", security(("bearer" = [])), params(OwedQuery), responses((status = 200, body = Page<OwedView>)))]
#[get("/api/v1/owed")]
pub async fn list_owed(
    app: web::Data<App>,
    caller: Staff,
    query: Query<OwedQuery>,
) -> Result<Json<Page<OwedView>>, Problem> {
    list::list(&app, &caller, query.0, app.clock.now()).await.map(Json)
}
