//! Law 6: the extractors let in whom they name.

use actix_web::http::StatusCode;
use actix_web::http::header::WWW_AUTHENTICATE;
use actix_web::{App as Actix, HttpResponse, get, test, web};
use serde_json::Value;
use yijiao::identity::extract::{BusinessOffice, Inspectorate};
use yijiao::identity::{As, Caller, Public, Staff};

use super::town::{OFFICER, OWNER, Town};

#[get("/public")]
async fn public(_: Public) -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[get("/caller")]
async fn caller(caller: Caller) -> String {
    caller.name.to_string()
}

#[get("/staff")]
async fn staff(staff: Staff) -> String {
    format!("{} {}", staff.officer, staff.name)
}

#[get("/office")]
async fn office(office: As<BusinessOffice>) -> String {
    office.account.to_string()
}

#[get("/inspectorate")]
async fn inspectorate(_: As<Inspectorate>) -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[get("/either")]
async fn either(_: As<(Inspectorate, BusinessOffice)>) -> HttpResponse {
    HttpResponse::Ok().finish()
}

/// The status and code that `path` answers to this `Authorization` header.
async fn ask(town: &Town, path: &str, authorization: Option<&str>) -> (StatusCode, String) {
    let service = test::init_service(
        Actix::new()
            .app_data(web::Data::new(town.app.clone()))
            .service(public)
            .service(caller)
            .service(staff)
            .service(office)
            .service(inspectorate)
            .service(either),
    )
    .await;
    let mut request = test::TestRequest::get().uri(path);
    if let Some(value) = authorization {
        request = request.insert_header(("Authorization", value));
    }
    let response = test::call_service(&service, request.to_request()).await;
    let status = response.status();
    assert_eq!(response.headers().contains_key(WWW_AUTHENTICATE), status == StatusCode::UNAUTHORIZED);
    let body = test::read_body(response).await;
    let code =
        serde_json::from_slice::<Value>(&body).ok().and_then(|body| body["code"].as_str().map(str::to_owned));
    (status, code.unwrap_or_default())
}

#[actix_web::test]
async fn each_door_opens_for_its_own() {
    let town = Town::found().await;
    let officer = format!("Bearer {}", town.tokens(OFFICER).await.access_token);
    let owner = format!("bearer {}", town.tokens(OWNER).await.access_token);
    for (path, nobody, by_officer, by_owner) in [
        ("/public", 200, 200, 200),
        ("/caller", 401, 200, 200),
        ("/staff", 401, 200, 403),
        ("/office", 401, 200, 403),
        ("/inspectorate", 401, 403, 403),
        ("/either", 401, 200, 403),
    ] {
        assert_eq!(ask(&town, path, None).await.0, nobody, "{path} without a token");
        assert_eq!(ask(&town, path, Some(&officer)).await.0, by_officer, "{path} as the officer");
        assert_eq!(ask(&town, path, Some(&owner)).await.0, by_owner, "{path} as the owner");
    }
}

#[actix_web::test]
async fn what_is_wrong_with_the_token_has_a_code() {
    let town = Town::found().await;
    let token = town.tokens(OFFICER).await.access_token;
    assert_eq!(ask(&town, "/caller", None).await.1, "token_missing");
    assert_eq!(ask(&town, "/caller", Some("Bearer")).await.1, "token_invalid");
    assert_eq!(ask(&town, "/caller", Some("Basic b2s6b2s=")).await.1, "token_invalid");
    assert_eq!(ask(&town, "/caller", Some("Bearer nonsense")).await.1, "token_invalid");
    assert_eq!(ask(&town, "/inspectorate", Some(&format!("Bearer {token}"))).await.1, "forbidden");
    assert_eq!(ask(&town, &format!("/caller?access_token={token}"), None).await.1, "token_missing");
    town.pass(chrono::TimeDelta::minutes(15));
    assert_eq!(ask(&town, "/caller", Some(&format!("Bearer {token}"))).await.1, "token_expired");
}
