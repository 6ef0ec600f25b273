//! The HTTP face: sign in, look, refresh, log out.

use actix_web::dev::ServiceResponse;
use actix_web::{App as Actix, test, web};
use serde_json::{Value, json};
use utoipa_actix_web::AppExt as _;
use yijiao::identity::routes;

use super::town::{OFFICER, OWNER, PASSWORD, Town};

async fn send(town: &Town, request: test::TestRequest) -> (u16, Value) {
    let service = test::init_service(
        Actix::new()
            .app_data(web::Data::new(town.app.clone()))
            .into_utoipa_app()
            .configure(routes::configure)
            .into_app(),
    )
    .await;
    let response: ServiceResponse = test::call_service(&service, request.to_request()).await;
    let status = response.status().as_u16();
    let body = test::read_body(response).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn post(path: &str, body: &Value) -> test::TestRequest {
    test::TestRequest::post().uri(path).set_json(body)
}

fn bearer(request: test::TestRequest, tokens: &Value) -> test::TestRequest {
    request.insert_header(("Authorization", format!("Bearer {}", tokens["accessToken"].as_str().unwrap())))
}

#[actix_web::test]
async fn an_officer_signs_in_looks_refreshes_and_logs_out() {
    let town = Town::found().await;
    let login = json!({"county": "demo", "login": OFFICER, "password": PASSWORD});
    let (status, tokens) = send(&town, post("/api/v1/auth/password", &login)).await;
    assert_eq!((status, &tokens["expiresIn"]), (200, &json!(900)));

    let (status, me) = send(&town, bearer(test::TestRequest::get().uri("/api/v1/me"), &tokens)).await;
    assert_eq!(status, 200);
    assert_eq!(me["login"], OFFICER);
    assert_eq!(me["county"]["code"], "demo");
    assert_eq!(me["roles"], json!(["officer", "business_office"]));
    assert_eq!(me["officer"]["post"], "deputy");
    assert_eq!(me["officer"]["department"]["name"], "县优化营商环境工作领导小组办公室");
    assert_eq!(me["officer"]["area"], Value::Null);
    assert_eq!(me["memberships"], json!([]));

    let refresh = json!({"refreshToken": tokens["refreshToken"]});
    let (status, next) = send(&town, post("/api/v1/auth/refresh", &refresh)).await;
    assert_eq!(status, 200);
    let (status, _) = send(&town, bearer(test::TestRequest::post().uri("/api/v1/auth/logout"), &next)).await;
    assert_eq!(status, 204);
    let refresh = json!({"refreshToken": next["refreshToken"]});
    let (status, over) = send(&town, post("/api/v1/auth/refresh", &refresh)).await;
    assert_eq!((status, &over["code"]), (401, &json!("refresh_invalid")));
}

#[actix_web::test]
async fn an_owner_sees_the_enterprise_he_belongs_to() {
    let town = Town::found().await;
    let tokens = serde_json::to_value(town.tokens(OWNER).await).unwrap();
    let (status, me) = send(&town, bearer(test::TestRequest::get().uri("/api/v1/me"), &tokens)).await;
    assert_eq!(status, 200);
    assert_eq!(me["officer"], Value::Null);
    assert_eq!(me["roles"], json!([]));
    assert_eq!(me["memberships"][0]["standing"], "owner");
    assert_eq!(me["memberships"][0]["enterprise"]["name"], "富平县岑笠祯服饰经营部");
}

#[actix_web::test]
async fn refusals_are_problems_with_a_code() {
    let town = Town::found().await;
    let login = json!({"county": "demo", "login": OFFICER, "password": "guess"});
    let (status, problem) = send(&town, post("/api/v1/auth/password", &login)).await;
    assert_eq!((status, &problem["code"]), (401, &json!("login_failed")));
    assert_eq!(problem["title"], "账号或密码不正确");
    let (status, problem) = send(&town, test::TestRequest::get().uri("/api/v1/me")).await;
    assert_eq!((status, &problem["code"]), (401, &json!("token_missing")));
}

#[actix_web::test]
async fn every_route_says_in_the_api_description_whether_it_needs_a_token() {
    let (_, api) = Actix::new().into_utoipa_app().configure(routes::configure).split_for_parts();
    let api = serde_json::to_value(api).unwrap();
    let security = |path: &str, method: &str| api["paths"][path][method]["security"].clone();
    for path in ["wechat", "password", "refresh"] {
        assert_eq!(security(&format!("/api/v1/auth/{path}"), "post"), json!([{}]));
    }
    assert_eq!(security("/api/v1/auth/logout", "post"), json!([{"bearer": []}]));
    assert_eq!(security("/api/v1/me", "get"), json!([{"bearer": []}]));
    assert_eq!(api["paths"].as_object().unwrap().len(), 5);
}
