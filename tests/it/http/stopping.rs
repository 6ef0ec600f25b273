//! Stopping: what is in hand ends, what idles does not hold it up.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{Server, until_closed};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_hand_is_answered_and_an_idle_connection_does_not_hold_the_server() {
    let mut server = Server::start(|_| {});
    let mut idle = server.raw(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut said = [0; 12];
    idle.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"HTTP/1.1 200");

    let head = "POST /api/test/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 15\r\nexpect: 100-continue\r\n\r\n";
    let mut in_hand = server.raw(head.as_bytes()).await;
    let mut said = [0; 25];
    // The server has the request and waits for its body.
    in_hand.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.stop.request();
    in_hand.write_all(b"{\"text\":\"last\"").await.unwrap();
    in_hand.write_all(b"}").await.ok();
    let said = until_closed(in_hand).await;
    assert!(said.starts_with("HTTP/1.1 200 ") && said.contains("last"), "{said}");

    let running = &mut server.running;
    tokio::time::timeout(Duration::from_secs(10), running).await.expect("stops in time").unwrap().unwrap();
    until_closed(idle).await;
}
