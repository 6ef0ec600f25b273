//! What the one client refuses, caps and never tells.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const TOKEN: &str = "key=very-secret-token";

/// A server that reads one request and then writes `answer` for ever, once, or never.
async fn server(answer: &'static str, repeat: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let _ = socket.read(&mut buffer).await;
                if repeat == 0 {
                    // Holds the connection open without a word until the client gives up.
                    let _ = socket.read(&mut buffer).await;
                }
                for _ in 0..repeat {
                    if socket.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

fn outbound(allow: &[String]) -> Outbound {
    let settings = OutboundSettings {
        timeout_ms: 500,
        answer_limit: 1000,
        allow_private: allow.to_vec(),
        ..crate::platform::config::Config::defaults().unwrap().outbound
    };
    Outbound::new(&settings).unwrap()
}

fn to(url: &str) -> OutboundRequest {
    OutboundRequest::post_json(url.parse().unwrap(), b"{}".to_vec(), Hosts::Any)
}

async fn answer_of(answer: &'static str, repeat: usize) -> Result<OutboundResponse, OutboundError> {
    let port = server(answer, repeat).await;
    outbound(&[format!("127.0.0.1:{port}")]).send(to(&format!("http://127.0.0.1:{port}/send?{TOKEN}"))).await
}

#[tokio::test]
async fn an_allowed_host_answers_and_redirects_are_not_followed() {
    let answer = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 2\r\n\r\nok";
    let response = answer_of(answer, 1).await.unwrap();
    assert_eq!(response.status, StatusCode::FOUND);
    assert_eq!(response.body, b"ok");
    assert_eq!(response.headers["location"], "http://127.0.0.1:1/");
}

#[tokio::test]
async fn a_long_answer_is_cut_off_announced_or_not() {
    let announced = answer_of("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n", 1).await;
    assert_eq!(announced.unwrap_err(), OutboundError::TooLarge(1000));
    let port = server("HTTP/1.1 200 OK\r\n\r\n", 100_000).await;
    let endless = outbound(&["127.0.0.0/8".to_owned()]).send(to(&format!("http://127.0.0.1:{port}/"))).await;
    assert_eq!(endless.unwrap_err(), OutboundError::TooLarge(1000));
}

#[tokio::test]
async fn silence_half_an_answer_and_no_server_are_told_apart() {
    assert_eq!(answer_of("", 0).await.unwrap_err(), OutboundError::Timeout);
    let half = answer_of("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"errcode\":", 1).await;
    assert!(matches!(half, Err(OutboundError::Other(_))), "{half:?}");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let refused =
        outbound(&["127.0.0.1".to_owned()]).send(to(&format!("http://127.0.0.1:{closed}/?{TOKEN}"))).await;
    assert!(matches!(refused, Err(OutboundError::Connect(_))), "{refused:?}");
}

#[tokio::test]
async fn a_handshake_that_fails_is_a_tls_error_without_the_url() {
    let port = server("HTTP/1.1 400 no TLS here\r\n\r\n", 1).await;
    let error = outbound(&["127.0.0.1".to_owned()])
        .send(to(&format!("https://127.0.0.1:{port}/?{TOKEN}")))
        .await
        .unwrap_err();
    assert!(matches!(error, OutboundError::Tls(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[tokio::test]
async fn inside_addresses_are_refused_in_every_spelling() {
    let port = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 1).await;
    let outbound = outbound(&[]);
    for host in
        ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"]
    {
        let refused = outbound.send(to(&format!("https://{host}:{port}/{TOKEN}"))).await;
        assert_eq!(refused.unwrap_err(), OutboundError::Refused(Refusal::Address), "{host}");
    }
    let plain = outbound.send(to(&format!("http://127.0.0.1:{port}/"))).await;
    assert_eq!(plain.unwrap_err(), OutboundError::Refused(Refusal::Scheme));
    let other = outbound.send(to("ftp://example.com/")).await;
    assert_eq!(other.unwrap_err(), OutboundError::Refused(Refusal::Scheme));
    let userinfo = outbound.send(to("https://qyapi.weixin.qq.com@evil.example/")).await;
    assert_eq!(userinfo.unwrap_err(), OutboundError::Refused(Refusal::Userinfo));
}

#[tokio::test]
async fn a_pinned_request_goes_nowhere_else() {
    let outbound = outbound(&["127.0.0.0/8".to_owned()]);
    for url in [
        "https://evil.example/",
        "http://qyapi.weixin.qq.com/",
        "https://qyapi.weixin.qq.com:8443/",
        "https://127.0.0.1/",
    ] {
        let request = OutboundRequest { hosts: Hosts::Pinned(&["qyapi.weixin.qq.com"]), ..to(url) };
        assert_eq!(outbound.send(request).await.unwrap_err(), OutboundError::Refused(Refusal::Host), "{url}");
    }
}

#[tokio::test]
async fn a_stand_in_is_one_that_the_operator_listed() {
    let outbound = outbound(&["127.0.0.0/8".to_owned(), "stand-in.internal:8090".to_owned()]);
    let send = async |url: &str| {
        outbound.send(OutboundRequest { hosts: Hosts::Listed, ..to(url) }).await.unwrap_err()
    };
    for url in [
        "https://evil.example/",
        "https://qyapi.weixin.qq.com.evil.example/",
        "http://stand-in.internal:8091/",
    ] {
        assert_eq!(send(url).await, OutboundError::Refused(Refusal::Host), "{url}");
    }
    for url in ["http://127.0.0.1:1/", "http://stand-in.internal:8090/"] {
        assert!(matches!(send(url).await, OutboundError::Connect(_)), "{url}");
    }
}

#[test]
fn debug_shows_neither_path_nor_query_nor_body() {
    let request = to(&format!("https://hooks.example/services/T0/B0/abc?{TOKEN}"));
    assert_eq!(
        format!("{request:?}"),
        "OutboundRequest { method: POST, host: \"hooks.example\", body_bytes: 2, .. }"
    );
    let wrong = OutboundSettings {
        allow_private: vec!["nowhere".to_owned()],
        ..crate::platform::config::Config::defaults().unwrap().outbound
    };
    assert_eq!(Outbound::new(&wrong).unwrap_err(), OutboundSettingsError::AllowEntry("nowhere".to_owned()));
}
