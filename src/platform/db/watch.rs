//! A connection that gives up on a server which owes an answer and is silent.
//!
//! Postgres ends a statement that takes too long, so an answer is due within the time of a statement. A server that is frozen, or
//! behind a network that swallows packets, would be waited for by every query, by commit and by rollback. Here the protocol's own
//! frames are counted: a query or a sync asks for one "ready for query". While one is owed and nothing comes for the limit, reading
//! fails, and with it everything that waits on the connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// A stream whose peer speaks Postgres' protocol, from the first message of the client on.
#[derive(Debug)]
pub struct Watched<S> {
    stream: S,
    limit: Duration,
    asked: Frames,
    answered: Frames,
    /// Answers that are still to come; the welcome at the start is one.
    owed: u64,
    /// The last sign of life, or since when an answer is owed.
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl<S> Watched<S> {
    /// Gives up after `limit` without a byte while an answer is owed. Needs a running tokio runtime.
    pub fn new(stream: S, limit: Duration) -> Self {
        Self {
            stream,
            limit,
            asked: Frames::of_client(),
            answered: Frames::default(),
            owed: 1,
            since: Instant::now(),
            timer: Box::pin(sleep(limit)),
        }
    }

    /// The stream itself.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Fails when the silence has lasted too long; else sees to being woken then.
    fn judge(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        while self.owed > 0 && self.timer.as_mut().poll(cx).is_ready() {
            // The timer is not moved with each byte: it rings early, and is set anew then.
            let end = self.since + self.limit;
            if Instant::now() >= end {
                tracing::warn!(
                    seconds = self.limit.as_secs_f32(),
                    "Postgres is silent; the connection is given up"
                );
                let silent = "Postgres owes an answer and is silent";
                return Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, silent));
            }
            self.timer.as_mut().reset(end);
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        let before = buf.filled().len();
        match Pin::new(&mut me.stream).poll_read(cx, buf) {
            Poll::Ready(outcome) => {
                let new = buf.filled().get(before..).unwrap_or_default();
                me.owed = me.owed.saturating_sub(me.answered.count(new, |kind| kind == b'Z'));
                me.since = Instant::now();
                Poll::Ready(outcome)
            }
            Poll::Pending => me.judge(cx).map(Err),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let Poll::Ready(outcome) = Pin::new(&mut me.stream).poll_write(cx, bytes) else {
            // A peer that does not read is silent too.
            return me.judge(cx).map(Err);
        };
        let written = outcome?;
        let idle = me.owed == 0;
        let sent = bytes.get(..written).unwrap_or_default();
        // A simple query, and the end of an extended one.
        me.owed = me.owed.saturating_add(me.asked.count(sent, |kind| kind == b'Q' || kind == b'S'));
        if idle {
            me.since = Instant::now();
        }
        match me.judge(cx) {
            Poll::Ready(silent) => Poll::Ready(Err(silent)),
            Poll::Pending => Poll::Ready(Ok(written)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// Tells message from message in one direction: a kind (1 byte), a length (4 bytes, itself included), a body.
#[derive(Debug, Default)]
struct Frames {
    kind: u8,
    length: u32,
    /// Bytes of the head seen so far.
    head: u8,
    /// Bytes of the body to come.
    body: usize,
}

impl Frames {
    /// A client's first message has no kind.
    fn of_client() -> Self {
        Self { head: 1, ..Self::default() }
    }

    /// How many messages of a kind begin in `bytes`.
    fn count(&mut self, mut bytes: &[u8], wanted: impl Fn(u8) -> bool) -> u64 {
        let mut seen = 0;
        while let Some((byte, rest)) = bytes.split_first() {
            if self.body > 0 {
                let step = self.body.min(bytes.len());
                self.body -= step;
                bytes = bytes.get(step..).unwrap_or_default();
                continue;
            }
            bytes = rest;
            if self.head == 0 {
                self.kind = *byte;
            } else {
                self.length = self.length << 8 | u32::from(*byte);
            }
            self.head += 1;
            if self.head == 5 {
                seen += u64::from(wanted(self.kind));
                self.body = usize::try_from(self.length).unwrap_or(usize::MAX).saturating_sub(4);
                self.head = 0;
                self.length = 0;
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const READY: &[u8] = b"Z\0\0\0\x05I";

    #[test]
    fn messages_are_told_apart_however_they_are_cut() {
        let mut said = b"\0\0\0\x08\0\x03\0\0".to_vec();
        for _ in 0..3 {
            said.extend_from_slice(b"Q\0\0\0\x09SSSZ\0P\0\0\0\x05QS\0\0\0\x04");
        }
        let count = |size: usize| {
            let mut frames = Frames::of_client();
            said.chunks(size).map(|part| frames.count(part, |kind| kind == b'Q' || kind == b'S')).sum::<u64>()
        };
        for size in [1, 2, 3, 5, 7, 1000] {
            assert_eq!(count(size), 6, "cut every {size}");
        }
    }

    #[tokio::test]
    async fn silence_is_borne_while_nothing_is_owed_and_not_when_something_is() {
        let (near, mut far) = tokio::io::duplex(1024);
        let mut watched = Watched::new(near, Duration::from_millis(30));
        far.write_all(READY).await.unwrap();
        let mut welcome = [0; 6];
        watched.read_exact(&mut welcome).await.unwrap();
        let idle = tokio::time::timeout(Duration::from_millis(90), watched.read_u8()).await;
        assert!(idle.is_err(), "nobody is owed anything, so silence is no fault");
        watched.write_all(b"\0\0\0\x08\0\x03\0\0S\0\0\0\x04S\0\0\0\x04").await.unwrap();
        far.write_all(READY).await.unwrap();
        watched.read_exact(&mut welcome).await.unwrap();
        let error = watched.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "of two answers one is missing");
    }
}
