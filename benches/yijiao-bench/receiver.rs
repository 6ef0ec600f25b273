//! The chat platforms and the county's other system in one: takes every message at once and notes when it came.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::client::read_message;
use crate::stage::Outcome;

/// What all four kinds of channels take for "delivered".
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 52\r\n\r\n\
    {\"errcode\":0,\"errmsg\":\"ok\",\"code\":0,\"msg\":\"success\"}";
/// Stands in a tap's place before its number of six digits, and so in its messages.
pub const TAG: &str = "BENCHTAP";

#[derive(Default)]
struct Seen {
    arrivals: Vec<Instant>,
    /// When the first message about a tap reached a room.
    tagged: HashMap<u32, Instant>,
}

/// A receiver on a loopback port, for as long as the process lives.
#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Receiver {
    pub async fn open() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let receiver = Self { address: listener.local_addr()?, seen: Arc::default() };
        tokio::spawn(receiver.clone().listen(listener));
        Ok(receiver)
    }

    async fn listen(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let receiver = self.clone();
            tokio::spawn(async move {
                if let Err(error) = receiver.receive(stream).await {
                    eprintln!("the receiver: {error}");
                }
            });
        }
    }

    async fn receive(&self, mut stream: TcpStream) -> Outcome<()> {
        stream.set_nodelay(true)?;
        let mut buffer = Vec::with_capacity(8192);
        while let Some(head) = read_message(&mut stream, &mut buffer).await? {
            let now = Instant::now();
            let body = buffer.get(head.body).unwrap_or_default();
            let tag = if head.first_line.contains("/hooks/") { None } else { tag(body) };
            {
                let mut seen = self.seen();
                seen.arrivals.push(now);
                if let Some(tag) = tag {
                    seen.tagged.entry(tag).or_insert(now);
                }
            }
            tokio::io::AsyncWriteExt::write_all(&mut stream, ANSWER).await?;
            buffer.clear();
        }
        Ok(())
    }

    /// When the messages came since the last [`Receiver::forget`].
    #[must_use]
    pub fn arrivals(&self) -> Vec<Instant> {
        self.seen().arrivals.clone()
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.seen().arrivals.len()
    }

    /// When the room of this tap heard of it first.
    #[must_use]
    pub fn heard(&self, tap: u32) -> Option<Instant> {
        self.seen().tagged.get(&tap).copied()
    }

    pub fn forget(&self) {
        *self.seen() = Seen::default();
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number behind the tag.
fn tag(body: &[u8]) -> Option<u32> {
    let at = body.windows(TAG.len()).position(|window| window == TAG.as_bytes())? + TAG.len();
    std::str::from_utf8(body.get(at..at + 6)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tap_is_told_by_its_tag() {
        assert_eq!(tag("地点：BENCHTAP000042，请接单".as_bytes()), Some(42));
        assert_eq!(tag(b"BENCHTAP00"), None);
        assert_eq!(tag(b"nothing"), None);
    }

    #[test]
    fn the_answer_says_its_length() {
        let text = std::str::from_utf8(ANSWER).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())));
    }
}
