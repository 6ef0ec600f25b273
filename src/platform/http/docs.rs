//! `/openapi.json`, and `/docs` to browse it; everything is served from the binary.

use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, get, web};
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The printed description, set once with `app_data`.
#[derive(Clone, Debug)]
pub struct Document(pub Bytes);

pub fn configure(routes: &mut ServiceConfig) {
    routes
        .service(openapi_json)
        .service(docs)
        .map(|routes| routes.service(SwaggerUi::new("/docs/{_:.*}").config(Config::new(["/openapi.json"]))));
}

/// This description
#[utoipa::path(tag = "operation", security(()), responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
#[get("/openapi.json")]
pub async fn openapi_json(document: web::Data<Document>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(document.0.clone())
}

/// This description as a page
#[utoipa::path(tag = "operation", security(()), responses((status = 308, description = "To the page")))]
#[get("/docs")]
pub async fn docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "/docs/")).finish()
}
