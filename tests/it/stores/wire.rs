//! What a test puts between the product and a store: a wire that can fall silent, a door that speaks TLS, and the authorities that
//! vouch for it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
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

/// What a wire does with what it hears.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    HandOn,
    Swallow,
    HangUp,
}

/// Hands on what it hears, until it is told to swallow it or to hang up.
pub struct Wire {
    pub at: SocketAddr,
    does: watch::Sender<Does>,
}

impl Wire {
    pub async fn to(behind: String) -> Self {
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (at, does) = (door.local_addr().unwrap(), watch::Sender::new(Does::HandOn));
        let state = does.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = door.accept().await {
                if *state.borrow() == Does::HangUp {
                    continue;
                }
                let far = TcpStream::connect(&behind).await.unwrap();
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::spawn(hand_on(near_in, far_out, state.subscribe()));
                tokio::spawn(hand_on(far_in, near_out, state.subscribe()));
            }
        });
        Self { at, does }
    }

    /// From now on every byte is taken and none handed on, on lines that stand and on new ones.
    pub fn fall_silent(&self) {
        self.does.send_replace(Does::Swallow);
    }

    /// All lines end at once, and new ones as soon as they stand.
    pub fn hang_up(&self) {
        self.does.send_replace(Does::HangUp);
    }

    /// New lines work again; what was swallowed stays so.
    pub fn speak(&self) {
        self.does.send_replace(Does::HandOn);
    }
}

async fn hand_on(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut does: watch::Receiver<Does>,
) {
    let mut cut = does.clone();
    let handing_on = async {
        let mut heard = vec![0; 4096];
        let mut dead = false;
        while let Ok(length @ 1..) = from.read(&mut heard).await {
            // A line that was silent once has lost bytes, and stays silent.
            dead |= *does.borrow_and_update() == Does::Swallow;
            if !dead && to.write_all(&heard[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = handing_on => {}
        _ = cut.wait_for(|does| *does == Does::HangUp) => {}
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
        self.server_until(names, None)
    }

    /// With a certificate that is good until the end of this year, or for long.
    pub fn server_until(&self, names: &[&str], year: Option<i32>) -> ServerConfig {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(names).unwrap();
        if let Some(year) = year {
            params.not_after = date_time_ymd(year, 12, 31);
        }
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
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
