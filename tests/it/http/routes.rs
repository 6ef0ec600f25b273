//! Routes that do as little as possible, each to show one convention.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, get, post, put};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use yijiao::platform::http::body::{Json, OptionalJson};
use yijiao::platform::http::cursor::{Page, Paging};
use yijiao::platform::http::idempotency::IdempotencyKey;
use yijiao::platform::http::params::{Path, Query};
use yijiao::platform::http::problem::Problem;
use yijiao::platform::http::version::{self, IfMatch};

pub fn configure(routes: &mut ServiceConfig) {
    yijiao::router::configure(routes);
    routes.service(echo).service(tap).service(show).service(change).service(list).service(keyed);
    routes.service(panics).service(fails).service(bare);
}

#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Words {
    text: String,
    place: Option<Place>,
}

#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    name: String,
}

#[utoipa::path(security(()), responses((status = 200)))]
#[post("/api/test/echo")]
async fn echo(words: Json<Words>) -> Json<Words> {
    words
}

#[derive(Default, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tap {
    visit: bool,
}

#[utoipa::path(security(()), request_body = Option<Tap>, responses((status = 200)))]
#[post("/api/test/tap")]
async fn tap(tap: OptionalJson<Tap>) -> Json<Tap> {
    Json(tap.0)
}

#[utoipa::path(security(()), params(("id" = Uuid, Path)), responses((status = 200)))]
#[get("/api/test/things/{id}")]
async fn show(id: Path<Uuid>) -> HttpResponse {
    HttpResponse::Ok().insert_header(version::etag(7)).json(json!({"id": id.0}))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    expected_version: Option<i32>,
}

#[utoipa::path(security(()), params(("id" = Uuid, Path)), responses((status = 200)))]
#[put("/api/test/things/{id}")]
async fn change(_id: Path<Uuid>, seen: IfMatch, change: Json<Change>) -> Result<Json<Value>, Problem> {
    version::check(seen.or(change.0.expected_version)?, 7)?;
    Ok(Json(json!({"version": 8})))
}

#[utoipa::path(security(()), params(Paging), responses((status = 200)))]
#[get("/api/test/list")]
async fn list(paging: Query<Paging>) -> Result<Json<Page<u32>>, Problem> {
    let after: u32 = paging.0.after("test")?.unwrap_or_default();
    let rows = (after + 1..=45).take(usize::try_from(paging.0.fetch()).unwrap()).collect();
    Ok(Json(paging.0.page("test", rows, |row| *row, |row| row)))
}

#[utoipa::path(security(()), responses((status = 200)))]
#[post("/api/test/keyed")]
async fn keyed(key: IdempotencyKey) -> Json<Value> {
    Json(json!({"key": key.0}))
}

#[utoipa::path(security(()), responses((status = 200)))]
#[get("/api/test/panics")]
async fn panics() -> HttpResponse {
    panic!("a secret cause");
}

#[utoipa::path(security(()), responses((status = 200)))]
#[get("/api/test/fails")]
async fn fails() -> Result<HttpResponse, actix_web::Error> {
    Err(actix_web::error::ErrorInternalServerError("a secret cause"))
}

/// An error that the route means, in a form of its own: left alone.
#[utoipa::path(security(()), responses((status = 400)))]
#[get("/api/test/bare")]
async fn bare() -> HttpResponse {
    HttpResponse::BadRequest().insert_header((CONTENT_TYPE, "text/plain")).body("mine")
}
