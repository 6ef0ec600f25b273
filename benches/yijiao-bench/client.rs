//! A client that costs next to nothing, so that the machine's time goes to what is measured: one keep-alive connection, one
//! request at a time, the answer read by its length and thrown away.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::Outcome;

/// A connection. After an error it is of no more use.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(8192) })
    }

    /// Sends a whole request; the status of the whole answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Outcome<u16> {
        self.stream.write_all(request).await?;
        let head = read_message(&mut self.stream, &mut self.buffer).await?.ok_or("the server hung up")?;
        let status = head.first_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        self.buffer.clear();
        status.ok_or_else(|| format!("no answer of HTTP: {}", head.first_line).into())
    }
}

/// The head of a message whose body has been read as well.
pub struct Head {
    pub first_line: String,
    /// Where the body begins, and where it ends.
    pub body: std::ops::Range<usize>,
}

/// Reads one message, request or answer, into an empty buffer; none when the other side is done.
pub async fn read_message(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Outcome<Option<Head>> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() {
                Ok(None)
            } else {
                Err("the connection ended within a message".into())
            };
        }
    };
    let (first_line, length) = {
        let head = std::str::from_utf8(buffer.get(..end).unwrap_or_default())?;
        let length = head.lines().filter_map(|line| line.split_once(':'));
        let mut length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length: usize = length.next().map_or(Ok(0), |(_, value)| value.trim().parse())?;
        (head.lines().next().unwrap_or_default().to_owned(), length)
    };
    while buffer.len() < end + length {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the connection ended within a body".into());
        }
    }
    Ok(Some(Head { first_line, body: end..end + length }))
}
