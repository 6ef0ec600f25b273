//! The page behind the link of a reachability drill: one button, 收到. Opening it changes nothing, because chat apps fetch links to
//! preview them.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use minijinja::context;
use utoipa_actix_web::service_config::ServiceConfig;

use super::act::{refused, render, time};
use crate::app::App;
use crate::identity::Public;
use crate::platform::http::params::Path;
use crate::platform::http::problem::Problem;
use crate::platform::time::china;

/// The page and its button.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(show_drill_link).service(answer_drill_link);
}

/// The page of whom the message was for.
#[utoipa::path(
    tag = "links", security(()), params(("token" = String, Path)),
    responses(
        (status = 200, content_type = "text/html"),
        (status = 404, content_type = "text/html", description = "the link is over"),
    ),
)]
#[get("/a/drill/{token}")]
pub async fn show_drill_link(
    app: web::Data<App>,
    _public: Public,
    token: Path<String>,
) -> Result<HttpResponse, Problem> {
    page(&app, &token.0, None).await.or_else(refused)
}

/// He has it.
#[utoipa::path(
    tag = "links", security(()), params(("token" = String, Path)),
    responses(
        (status = 200, content_type = "text/html"),
        (status = 404, content_type = "text/html", description = "the link is over"),
    ),
)]
#[post("/a/drill/{token}")]
pub async fn answer_drill_link(
    app: web::Data<App>,
    _public: Public,
    token: Path<String>,
) -> Result<HttpResponse, Problem> {
    page(&app, &token.0, Some(app.clock.now())).await.or_else(refused)
}

async fn page(app: &App, token: &str, heard: Option<DateTime<Utc>>) -> Result<HttpResponse, Problem> {
    let drills = app.drills();
    let asking = drills.open(token, app.clock.now())?;
    let asked = drills.ask(asking, heard).await?;
    let answered = asked.answered_at.map(|at| time(&china(at)));
    render("heard.html", &context! { token, officer => asked.name, answered })
}
