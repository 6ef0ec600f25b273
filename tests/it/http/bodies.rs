//! Bodies: what is refused, how, and what it costs.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Server, problem, until_closed};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_body_has_its_status_and_code() {
    let server = Server::start(|_| {});
    let send = |body: &'static [u8]| server.post("/api/test/echo").header(JSON.0, JSON.1).body(body);

    let (status, code, body) = problem(send(b"{\"text\": \"a\", ")).await;
    assert_eq!((status, code.as_str()), (StatusCode::BAD_REQUEST, "bad_json"));
    assert!(body["detail"].as_str().unwrap().contains("第 1 行"), "{body}");

    let (status, code, body) = problem(send(b"{\"text\": \"\xff\xfe\"}")).await;
    assert_eq!((status, code.as_str()), (StatusCode::BAD_REQUEST, "bad_json"));
    assert!(body["detail"].as_str().unwrap().contains("UTF-8"), "{body}");

    let (status, code, body) = problem(send(b"{\"text\": \"a\", \"place\": {\"name\": 7}}")).await;
    assert_eq!((status, code.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
    assert_eq!(body["errors"][0]["field"], "place.name");

    let (status, _, body) = problem(send(b"{\"texts\": \"a\"}")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        body["errors"][0],
        json!({"field": "texts", "code": "unknown_field", "message": "没有这一项"})
    );

    let (status, code, _) = problem(send(b"")).await;
    assert_eq!((status, code.as_str()), (StatusCode::BAD_REQUEST, "bad_json"));

    for (name, value) in [
        ("content-type", "text/plain"),
        ("x-none", ""),
        ("content-type", "application/x-www-form-urlencoded"),
    ] {
        let request = server.post("/api/test/echo").header(name, value).body("{\"text\":\"a\"}");
        let (status, code, _) = problem(request).await;
        assert_eq!((status, code.as_str()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"));
    }
    let squeezed = send(b"\x1f\x8b").header("content-encoding", "gzip");
    assert_eq!(problem(squeezed).await.1, "unsupported_media_type");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_body_arrives_whole_in_one_piece_or_many() {
    let server = Server::start(|_| {});
    let words = json!({"text": "停电了👨‍👩‍👧".repeat(2000), "place": {"name": "东门"}});
    let answer = server.post("/api/test/echo").json(&words).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap(), words);
    let utf8 = server.post("/api/test/echo").header(JSON.0, "application/json; charset=utf-8");
    assert_eq!(utf8.body(words.to_string()).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_body_is_a_valid_tap_and_a_broken_one_is_not() {
    let server = Server::start(|_| {});
    let answer = server.post("/api/test/tap").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"visit": false}));
    let typed = server.post("/api/test/tap").header(JSON.0, JSON.1).body("");
    assert_eq!(typed.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(problem(server.post("/api/test/tap").body("{}")).await.1, "unsupported_media_type");
    let broken = server.post("/api/test/tap").header(JSON.0, JSON.1).body("{");
    assert_eq!(problem(broken).await.1, "bad_json");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_announced_as_too_large_is_refused_unread_and_the_connection_closed() {
    let server = Server::start(|_| {});
    let head = "POST /api/test/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10485760\r\n\r\n";
    let said = until_closed(server.raw(head.as_bytes()).await).await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
    assert!(said.contains("\"code\":\"body_too_large\"") && said.contains("\"limit\":262144"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_grows_too_large_is_refused_before_its_end() {
    let server = Server::start(|_| {});
    let head = "POST /api/test/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    // Five chunks of 64 KiB are above the limit; the end never comes.
    let sent = format!("{head}{}", chunk.repeat(5));
    let said = until_closed(server.raw(sent.as_bytes()).await).await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_from_an_ordinary_client_are_answered_and_the_server_goes_on() {
    let server = Server::start(|_| {});
    let huge = server.post("/api/test/echo").header(JSON.0, JSON.1).body(vec![b' '; 10 << 20]);
    assert_eq!(problem(huge).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_comes_is_not_waited_for() {
    let server = Server::start(|config| config.http.request_timeout_seconds = 1);
    let head = "POST /api/test/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{";
    let said = until_closed(server.raw(head.as_bytes()).await).await;
    assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("request_timeout"), "{said}");
    // Nor is a head.
    let said = until_closed(server.raw(b"GET /healthz HTT").await).await;
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
}
