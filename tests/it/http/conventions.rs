//! What every answer has in common.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Server, header, problem};

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_is_404_in_the_callers_language() {
    let server = Server::start(|_| {});
    for path in ["/", "/api/v1/nothing", "/api/test/things", "/nothing/at/all"] {
        let (status, code, body) = problem(server.get(path)).await;
        assert_eq!((status, code.as_str()), (StatusCode::NOT_FOUND, "not_found"), "{path}");
        assert_eq!(body["title"], "没有找到");
    }
    let english = server.get("/").header("accept-language", "en-GB, zh;q=0.5").send().await.unwrap();
    assert_eq!(header(&english, "content-language"), "en");
    assert_eq!(english.json::<Value>().await.unwrap()["title"], "Not found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_address_with_a_wrong_method_says_which_are_right() {
    let server = Server::start(|_| {});
    let thing = format!("/api/test/things/{}", Uuid::now_v7());
    for (method, path, allow) in [
        (Method::DELETE, thing.as_str(), "GET, PUT"),
        (Method::GET, "/api/test/echo", "POST"),
        (Method::POST, "/healthz", "GET"),
        (Method::POST, "/openapi.json", "GET"),
        (Method::OPTIONS, "/api/test/echo", "POST"),
    ] {
        let response = server.request(method, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(header(&response, "allow"), allow, "{path}");
        assert_eq!(response.json::<Value>().await.unwrap()["code"], "method_not_allowed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn path_and_query_are_read_strictly() {
    let server = Server::start(|_| {});
    assert_eq!(problem(server.get("/api/test/things/not-an-id")).await.1, "not_found");
    let (status, code, body) = problem(server.get("/api/test/list?limit=many")).await;
    assert_eq!((status, code.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
    assert_eq!(body["errors"][0]["field"], "limit");
    let (status, code, _) = problem(server.get("/api/test/list?cursor=x")).await;
    assert_eq!((status, code.as_str()), (StatusCode::BAD_REQUEST, "bad_cursor"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_walked_by_its_cursors() {
    let server = Server::start(|_| {});
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get("/api/test/list").query(&[("cursor", &cursor)]).send().await.unwrap();
        let page: Value = page.json().await.unwrap();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item.as_u64().unwrap()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, (1..=45).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_on_an_old_version_is_refused() {
    let server = Server::start(|_| {});
    let thing = format!("/api/test/things/{}", Uuid::now_v7());
    let shown = server.get(&thing).send().await.unwrap();
    assert_eq!(header(&shown, "etag"), "\"7\"");
    let change = || server.request(Method::PUT, &thing).json(&json!({}));
    let fresh = change().header("if-match", header(&shown, "etag"));
    assert_eq!(fresh.send().await.unwrap().status(), StatusCode::OK);
    let (status, code, body) = problem(change().header("if-match", "\"6\"")).await;
    assert_eq!((status, code.as_str()), (StatusCode::CONFLICT, "stale_version"));
    assert_eq!(body["version"], 7);
    let stale = server.request(Method::PUT, &thing).json(&json!({"expectedVersion": 6}));
    assert_eq!(problem(stale).await.1, "stale_version");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_short_and_visible() {
    let server = Server::start(|_| {});
    let with = |key: &str| server.post("/api/test/keyed").header("idempotency-key", key);
    let answer: Value = with("tap-1").send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["key"], "tap-1");
    for bad in ["a b", &"x".repeat(129)] {
        assert_eq!(problem(with(bad)).await.1, "idempotency_key_invalid");
    }
    assert_eq!(problem(with("a").header("idempotency-key", "b")).await.1, "idempotency_key_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_problem_and_the_server_lives() {
    let server = Server::start(|_| {});
    for path in ["/api/test/panics", "/api/test/fails", "/api/test/panics"] {
        let response = server.get(path).header("accept-language", "en").send().await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert!(!header(&response, "x-request-id").is_empty());
        let body = response.text().await.unwrap();
        assert!(body.contains("\"internal\"") && body.contains("on our side"), "{body}");
        assert!(!body.contains("secret"), "{body}");
    }
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
    let own = server.get("/api/test/bare").send().await.unwrap();
    assert_eq!((own.status(), own.text().await.unwrap().as_str()), (StatusCode::BAD_REQUEST, "mine"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_keeps_its_id_or_gets_one() {
    let server = Server::start(|_| {});
    let own = server.get("/healthz").header("x-request-id", "trace-42").send().await.unwrap();
    assert_eq!(header(&own, "x-request-id"), "trace-42");
    let odd = server.get("/nothing").header("x-request-id", "a b\"c").send().await.unwrap();
    assert_eq!(header(&odd, "x-request-id").parse::<Uuid>().unwrap().get_version_num(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_carry_the_headers_that_keep_browsers_careful() {
    let server = Server::start(|config| config.http.public_url = "https://yijiao.example".into());
    let api = server.get("/api/v1/nothing").send().await.unwrap();
    assert_eq!(header(&api, "x-content-type-options"), "nosniff");
    assert_eq!(header(&api, "x-frame-options"), "DENY");
    assert_eq!(header(&api, "referrer-policy"), "no-referrer");
    assert_eq!(header(&api, "content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    assert_eq!(header(&api, "strict-transport-security"), "max-age=31536000");
    assert_eq!(header(&api, "cache-control"), "no-store");
    let docs = server.get("/docs/").send().await.unwrap();
    assert!(header(&docs, "content-security-policy").starts_with("default-src 'self'"));
    let plain = Server::start(|_| {});
    let plain = plain.get("/healthz").send().await.unwrap();
    assert_eq!(header(&plain, "strict-transport-security"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_listed_origins_may_read_answers() {
    let home = "https://yijiao.example";
    let server = Server::start(|config| config.http.cors_origins = vec![home.into()]);
    let from = |origin: &str| server.get("/api/test/list").header("origin", origin).send();
    assert_eq!(header(&from(home).await.unwrap(), "access-control-allow-origin"), home);
    assert_eq!(header(&from("https://evil.example").await.unwrap(), "access-control-allow-origin"), "");
    let preflight = server
        .request(Method::OPTIONS, "/api/test/echo")
        .header("origin", home)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,idempotency-key");
    let preflight = preflight.send().await.unwrap();
    assert_eq!(preflight.status(), StatusCode::OK);
    assert_eq!(header(&preflight, "access-control-allow-origin"), home);
    let broken = server.get("/api/test/panics").header("origin", home).send().await.unwrap();
    assert_eq!(broken.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let none = Server::start(|_| {});
    let none = none.get("/api/test/list").header("origin", home).send().await.unwrap();
    assert_eq!(header(&none, "access-control-allow-origin"), "");
}
