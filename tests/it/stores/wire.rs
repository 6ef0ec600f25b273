//! What a test puts between the product and a store: a wire that can fall silent, a door that speaks TLS, and the authorities that
//! vouch for it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use url::Url;
use yijiao::platform::tls::provider;

/// Where a store listens.
pub fn place(url: &SecretString) -> String {
    let url = Url::parse(url.expose_secret()).unwrap();
    let port = url.port().unwrap_or(if url.scheme() == "redis" { 6379 } else { 5432 });
    format!("{}:{port}", url.host_str().unwrap())
}

/// The same address by way of `at`, under the name `host`, with `options` at its end.
pub fn via(url: &SecretString, host: &str, at: SocketAddr, options: &str) -> SecretString {
    let mut url = Url::parse(url.expose_secret()).unwrap();
    url.set_host(Some(host)).unwrap();
    url.set_port(Some(at.port())).unwrap();
    url.set_query(Some(options).filter(|options| !options.is_empty()));
    SecretString::from(url.to_string())
}

/// Hands on what it hears, until it is told to swallow it.
pub struct Wire {
    pub at: SocketAddr,
    swallow: watch::Sender<bool>,
}

impl Wire {
    pub async fn to(behind: String) -> Self {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (at, swallow) = (door.local_addr().unwrap(), watch::Sender::new(false));
        let state = swallow.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = door.accept().await {
                let far = TcpStream::connect(&behind).await.unwrap();
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::spawn(hand_on(near_in, far_out, state.subscribe()));
                tokio::spawn(hand_on(far_in, near_out, state.subscribe()));
            }
        });
        Self { at, swallow }
    }

    /// From now on every byte is taken and none handed on, on lines that stand and on new ones.
    pub fn fall_silent(&self) {
        self.swallow.send_replace(true);
    }

    /// New lines work again; what was swallowed stays so.
    pub fn speak(&self) {
        self.swallow.send_replace(false);
    }
}

async fn hand_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    swallow: watch::Receiver<bool>,
) {
    let mut heard = vec![0; 4096];
    let mut dead = false;
    while let Ok(length @ 1..) = from.read(&mut heard).await {
        // A line that was silent once has lost bytes, and stays silent.
        dead |= *swallow.borrow();
        if !dead && to.write_all(&heard[..length]).await.is_err() {
            return;
        }
    }
}

/// Which store is behind a TLS door.
#[derive(Clone, Copy)]
pub enum Store {
    /// The client asks for TLS in Postgres' own words, and is told "S".
    Postgres,
    /// TLS from the first byte.
    Redis,
}

/// Ends TLS for `names` before a store that speaks plain.
pub async fn tls_door(store: Store, behind: String, authority: &Authority, names: &[&str]) -> SocketAddr {
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = door.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(authority.server(names)));
    tokio::spawn(async move {
        while let Ok((mut near, _)) = door.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                if let Store::Postgres = store {
                    let mut request = [0; 8];
                    near.read_exact(&mut request).await.unwrap();
                    assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47], "the first words ask for TLS");
                    near.write_all(b"S").await.unwrap();
                }
                // A client that does not believe us hangs up.
                let Ok(mut near) = acceptor.accept(near).await else { return };
                let mut far = TcpStream::connect(behind).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    at
}

/// Somebody who issues certificates; its own lies in a file, for `sslrootcert`.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pub file: PathBuf,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Two of the same name would be one whose signature is wrong.
        let name = uuid::Uuid::now_v7().to_string();
        params.distinguished_name.push(DnType::CommonName, name.as_str());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pem"));
        std::fs::write(&file, issuer.pem()).unwrap();
        Self { issuer, file }
    }

    fn server(&self, names: &[&str]) -> ServerConfig {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        std::fs::remove_file(&self.file).ok();
    }
}
