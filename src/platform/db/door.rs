//! What stands between the socket and the protocol: the watch on silence, below it TLS or nothing.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::watch::Watched;

impl<S: TlsStream + Unpin> TlsStream for Watched<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.get_ref().channel_binding()
    }
}

/// No TLS. To the driver it looks like some.
#[derive(Clone, Copy)]
pub struct Bare {
    pub silence: Duration,
}

impl MakeTlsConnect<Socket> for Bare {
    type Stream = Watched<Plain>;
    type TlsConnect = Self;
    type Error = Infallible;

    fn make_tls_connect(&mut self, _host: &str) -> Result<Self, Infallible> {
        Ok(*self)
    }
}

impl TlsConnect<Socket> for Bare {
    type Stream = Watched<Plain>;
    type Error = Infallible;
    type Future = Ready<Result<Watched<Plain>, Infallible>>;

    fn connect(self, stream: Socket) -> Self::Future {
        ready(Ok(Watched::new(Plain(stream), self.silence)))
    }
}

/// TLS, either to be made for a host or made for one.
pub struct Sealed<T> {
    pub tls: T,
    pub silence: Duration,
}

type Encrypted = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;
type Sealing = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;

impl MakeTlsConnect<Socket> for Sealed<MakeRustlsConnect> {
    type Stream = Watched<Encrypted>;
    type TlsConnect = Sealed<Sealing>;
    type Error = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Self::TlsConnect, Self::Error> {
        let tls = MakeTlsConnect::<Socket>::make_tls_connect(&mut self.tls, host)?;
        Ok(Sealed { tls, silence: self.silence })
    }
}

impl TlsConnect<Socket> for Sealed<Sealing> {
    type Stream = Watched<Encrypted>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Stream>>;

    fn connect(self, stream: Socket) -> Self::Future {
        let handshake = self.tls.connect(stream);
        async move { Ok(Watched::new(handshake.await?, self.silence)) }.boxed()
    }
}

/// A socket as it stands.
#[derive(Debug)]
pub struct Plain(Socket);

impl TlsStream for Plain {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Plain {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}
