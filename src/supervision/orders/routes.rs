//! The HTTP routes of supervision orders: extract, one verb, answer.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, get, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::issue_by_hand::{self, IssueOrder};
use super::list::{self, OrderQuery};
use super::model::OrderId;
use super::open::perform;
use super::view::OrderView;
use super::{close, read, reply, send_back, sign};
use crate::app::App;
use crate::identity::extract::{BusinessOffice, Inspectorate};
use crate::identity::{As, Staff};
use crate::platform::http::body::Json;
use crate::platform::http::cursor::Page;
use crate::platform::http::idempotency::{IdempotencyKey, fingerprint};
use crate::platform::http::params::{Path, Query};
use crate::platform::http::problem::Problem;
use crate::platform::http::verb_body::{Nothing, VerbBody};
use crate::platform::http::version::{IfMatch, etag};
use crate::supervision::view::SupervisionStory;

/// All routes of supervision orders.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(issue_order).service(list_orders).service(show_order).service(show_order_events);
    routes.service(explain_order_clock);
    routes.service(sign_order).service(reply_to_order).service(send_order_back).service(close_order);
}

fn answer(status: StatusCode, view: &OrderView) -> HttpResponse {
    HttpResponse::build(status).insert_header(etag(view.version)).json(view)
}

/// Order a department to answer, for a call or in general.
#[utoipa::path(
    tag = "supervision", security(("bearer" = [])), request_body = IssueOrder,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body give the same order.")),
    responses((status = 201, body = OrderView)),
)]
#[post("/api/v1/supervision-orders")]
pub async fn issue_order(
    app: web::Data<App>,
    caller: As<(BusinessOffice, Inspectorate)>,
    key: IdempotencyKey,
    body: Json<IssueOrder>,
) -> Result<HttpResponse, Problem> {
    let key = key.0.map(|key| (key, fingerprint("supervision-order", &body.0)));
    let issued =
        issue_by_hand::issue_by_hand(&app.supervision, &caller, body.0, key, app.clock.now()).await?;
    let mut response = answer(StatusCode::CREATED, &issued.view);
    if issued.replayed {
        let replayed = HeaderName::from_static("idempotency-replayed");
        response.headers_mut().insert(replayed, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Orders, newest first: all for the business office and the inspectorate, their own for a department.
#[utoipa::path(tag = "supervision", security(("bearer" = [])), params(OrderQuery), responses((status = 200, body = Page<OrderView>)))]
#[get("/api/v1/supervision-orders")]
pub async fn list_orders(
    app: web::Data<App>,
    caller: Staff,
    query: Query<OrderQuery>,
) -> Result<Json<Page<OrderView>>, Problem> {
    list::list(&app.supervision, &caller, query.0, app.clock.now()).await.map(Json)
}

/// One order.
#[utoipa::path(tag = "supervision", security(("bearer" = [])), params(("id" = OrderId, Path)), responses((status = 200, body = OrderView)))]
#[get("/api/v1/supervision-orders/{id}")]
pub async fn show_order(
    app: web::Data<App>,
    caller: Staff,
    id: Path<OrderId>,
) -> Result<HttpResponse, Problem> {
    let view = read::show(&app.supervision, &caller, id.0, app.clock.now()).await?;
    Ok(answer(StatusCode::OK, &view))
}

/// The whole story of an order, from the hash-chained ledger.
#[utoipa::path(tag = "supervision", security(("bearer" = [])), params(("id" = OrderId, Path)), responses((status = 200, body = SupervisionStory)))]
#[get("/api/v1/supervision-orders/{id}/events")]
pub async fn show_order_events(
    app: web::Data<App>,
    caller: Staff,
    id: Path<OrderId>,
) -> Result<Json<SupervisionStory>, Problem> {
    read::story(&app.supervision, &caller, id.0).await.map(Json)
}

/// Why a clock of an order is due when it is, line by line.
#[utoipa::path(
    tag = "supervision", security(("bearer" = [])), params(("id" = OrderId, Path), ("name" = String, Path)),
    responses((status = 200, body = read::OrderExplanation)),
)]
#[get("/api/v1/supervision-orders/{id}/clocks/{name}/explain")]
pub async fn explain_order_clock(
    app: web::Data<App>,
    caller: Staff,
    at: Path<(OrderId, String)>,
) -> Result<Json<read::OrderExplanation>, Problem> {
    let (order, clock) = at.0;
    read::explain_clock(&app.supervision, &caller, order, &clock, app.clock.now()).await.map(Json)
}

/// Declares the route of a step: address, body, what it is in one line.
macro_rules! step_route {
    ($(#[$doc:meta])* $name:ident, $path:literal, $body:ty, $step:expr) => {
        $(#[$doc])*
        #[utoipa::path(
            tag = "supervision", security(("bearer" = [])),
            params(
                ("id" = OrderId, Path),
                ("If-Match" = Option<String>, Header, description = "The ETag of what was seen; `expectedVersion` in the body says the same."),
            ),
            request_body = Option<$body>, responses((status = 200, body = OrderView)),
        )]
        #[post($path)]
        pub async fn $name(
            app: web::Data<App>,
            caller: Staff,
            id: Path<OrderId>,
            if_match: IfMatch,
            body: VerbBody<$body>,
        ) -> Result<HttpResponse, Problem> {
            let version = if_match.or(body.expected_version)?;
            let step: fn($body) -> _ = $step;
            let now = app.clock.now();
            let view = perform(&app.supervision, &caller, id.0, step(body.order), version, now).await?;
            Ok(answer(StatusCode::OK, &view))
        }
    };
}

step_route!(
    /// Sign for it (签收): the head or a deputy of the ordered department. No body.
    sign_order, "/api/v1/supervision-orders/{id}/sign", Nothing, |_| sign::Sign);
step_route!(
    /// Answer it.
    reply_to_order, "/api/v1/supervision-orders/{id}/reply", reply::ReplyToOrder, |step| step);
step_route!(
    /// The reply is not enough: answer again.
    send_order_back, "/api/v1/supervision-orders/{id}/send-back", send_back::SendOrderBack, |step| step);
step_route!(
    /// The reply is sufficient; by somebody outside the ordered department.
    close_order, "/api/v1/supervision-orders/{id}/close", close::CloseOrder, |step| step);
