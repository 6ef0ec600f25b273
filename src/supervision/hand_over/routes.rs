//! The HTTP routes of hand-overs: extract, one verb, answer.

use actix_web::{HttpResponse, get, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::list::{self, HandOverQuery};
use super::model::HandOverId;
use super::open::perform;
use super::view::{HandOverPack, HandOverView};
use super::{drop_draft, hand, read, review, sign};
use crate::app::App;
use crate::identity::As;
use crate::identity::extract::{BusinessOffice, Discipline};
use crate::platform::http::body::Json;
use crate::platform::http::cursor::Page;
use crate::platform::http::params::{Path, Query};
use crate::platform::http::problem::Problem;
use crate::platform::http::verb_body::{Nothing, VerbBody};
use crate::platform::http::version::{IfMatch, etag};
use crate::supervision::view::SupervisionStory;

/// All routes of hand-overs.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(list_hand_overs).service(show_hand_over).service(show_hand_over_events);
    routes.service(review_hand_over).service(sign_hand_over).service(hand_over).service(drop_hand_over);
}

/// Hand-overs without their evidence, newest first: all for the business office, those handed over for discipline.
#[utoipa::path(tag = "supervision", security(("bearer" = [])), params(HandOverQuery), responses((status = 200, body = Page<HandOverView>)))]
#[get("/api/v1/hand-overs")]
pub async fn list_hand_overs(
    app: web::Data<App>,
    caller: As<(BusinessOffice, Discipline)>,
    query: Query<HandOverQuery>,
) -> Result<Json<Page<HandOverView>>, Problem> {
    list::list(&app.supervision, &caller, query.0).await.map(Json)
}

/// A hand-over with its evidence. The look is an event of the ledger.
#[utoipa::path(tag = "supervision", security(("bearer" = [])), params(("id" = HandOverId, Path)), responses((status = 200, body = HandOverPack)))]
#[get("/api/v1/hand-overs/{id}")]
pub async fn show_hand_over(
    app: web::Data<App>,
    caller: As<(BusinessOffice, Discipline)>,
    id: Path<HandOverId>,
) -> Result<HttpResponse, Problem> {
    let pack = read::show(&app.supervision, &caller, id.0, app.clock.now()).await?;
    Ok(HttpResponse::Ok().insert_header(etag(pack.hand_over.version)).json(pack))
}

/// Who did and read what, from the hash-chained ledger.
#[utoipa::path(tag = "supervision", security(("bearer" = [])), params(("id" = HandOverId, Path)), responses((status = 200, body = SupervisionStory)))]
#[get("/api/v1/hand-overs/{id}/events")]
pub async fn show_hand_over_events(
    app: web::Data<App>,
    caller: As<(BusinessOffice, Discipline)>,
    id: Path<HandOverId>,
) -> Result<Json<SupervisionStory>, Problem> {
    read::story(&app.supervision, &caller, id.0).await.map(Json)
}

/// Declares the route of a step: address, body, what it is in one line.
macro_rules! step_route {
    ($(#[$doc:meta])* $name:ident, $path:literal, $body:ty, $step:expr) => {
        $(#[$doc])*
        #[utoipa::path(
            tag = "supervision", security(("bearer" = [])),
            params(
                ("id" = HandOverId, Path),
                ("If-Match" = Option<String>, Header, description = "The ETag of what was seen; `expectedVersion` in the body says the same."),
            ),
            request_body = Option<$body>, responses((status = 200, body = HandOverView)),
        )]
        #[post($path)]
        pub async fn $name(
            app: web::Data<App>,
            caller: As<BusinessOffice>,
            id: Path<HandOverId>,
            if_match: IfMatch,
            body: VerbBody<$body>,
        ) -> Result<HttpResponse, Problem> {
            let version = if_match.or(body.expected_version)?;
            let step: fn($body) -> _ = $step;
            let now = app.clock.now();
            let view = perform(&app.supervision, &caller, id.0, step(body.order), version, now).await?;
            Ok(HttpResponse::Ok().insert_header(etag(view.version)).json(view))
        }
    };
}

step_route!(
    /// The evidence was read by a second person of the business office.
    review_hand_over, "/api/v1/hand-overs/{id}/review", review::ReviewHandOver, |step| step);
step_route!(
    /// The head of the business office signs. No body.
    sign_hand_over, "/api/v1/hand-overs/{id}/sign", Nothing, |_| sign::Sign);
step_route!(
    /// Hand it to discipline. No body.
    hand_over, "/api/v1/hand-overs/{id}/hand", Nothing, |_| hand::Hand);
step_route!(
    /// The head of the business office decides against it.
    drop_hand_over, "/api/v1/hand-overs/{id}/drop", drop_draft::DropHandOver, |step| step);
