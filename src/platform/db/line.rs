//! The line to Postgres: what `database.url` says of it, how it is opened, plain or by TLS, and when it counts as dead.
//!
//! `sslmode` means what it means to libpq: `disable`, `prefer`, `require`, `verify-ca`, `verify-full`; so does `sslrootcert`, but
//! without it the machine's own authorities are believed. Without `sslmode`, this machine is called in plain, any other by `prefer`.

use std::error::Error;
use std::time::Duration;

use diesel::ConnectionError;
use diesel_async::AsyncPgConnection;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::door::{Bare, Sealed};
use crate::platform::address::{is_local, take_options};
use crate::platform::config::Database;
use crate::platform::tls::{self, Proof, Roots, TlsError};

/// How long a connection may take to stand, within the pool's own limit.
const CONNECT: Duration = Duration::from_secs(4);

/// How long Postgres is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For one statement; Postgres itself ends it then. None: for ever.
    pub statement: Option<Duration>,
    /// For a sign of life while an answer is owed; longer than a statement may take.
    pub silence: Duration,
    /// For a quiet connection to be probed by TCP.
    pub keepalive: Duration,
}

impl Patience {
    /// As the settings say.
    #[must_use]
    pub fn of(settings: &Database) -> Self {
        Self {
            statement: Some(Duration::from_millis(settings.statement_timeout_ms.into())),
            silence: Duration::from_millis(settings.silence_ms.into()),
            keepalive: Duration::from_secs(settings.keepalive_seconds.into()),
        }
    }

    /// For migrations, imports and checks: statements take as long as they take.
    #[must_use]
    pub fn long() -> Self {
        Self { statement: None, silence: Duration::from_secs(24 * 3600), ..Self::default() }
    }
}

/// As `config/default.toml` has it.
impl Default for Patience {
    fn default() -> Self {
        Self {
            statement: Some(Duration::from_secs(10)),
            silence: Duration::from_secs(12),
            keepalive: Duration::from_secs(10),
        }
    }
}

/// What is wrong with an address. Never holds a password.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error("the address of Postgres is malformed: {0}")]
    Malformed(String),
    #[error("sslmode is one of disable, prefer, require, verify-ca, verify-full")]
    Mode,
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// How to reach Postgres. Cheap to clone.
#[derive(Clone)]
pub struct Line {
    config: Config,
    security: Security,
    patience: Patience,
    warning: Option<&'static str>,
}

#[derive(Clone)]
enum Security {
    Plain,
    /// By TLS when Postgres speaks it, else plain.
    Opportunistic(MakeRustlsConnect),
    Tls(MakeRustlsConnect),
}

impl Line {
    /// Reads an address; opens nothing.
    pub fn read(url: &SecretString, patience: Patience) -> Result<Self, AddressError> {
        let (rest, [mode, root]) = take_options(url.expose_secret(), ["sslmode", "sslrootcert"]);
        let mut config: Config =
            rest.parse().map_err(|error| AddressError::Malformed(with_causes(&error)))?;
        name_hosts(&mut config);
        config.connect_timeout(config.get_connect_timeout().copied().map_or(CONNECT, |own| own.min(CONNECT)));
        config.keepalives_idle(patience.keepalive);
        config.keepalives_interval(patience.keepalive / 3);
        config.keepalives_retries(3);
        config.tcp_user_timeout(patience.keepalive * 2);
        let local = config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => is_local(name),
            Host::Unix(_) => true,
        });
        let roots = match root.as_deref() {
            None | Some("" | "system") => Roots::System,
            Some(path) => Roots::File(path.into()),
        };
        let secured = |proof| Ok::<_, TlsError>(MakeRustlsConnect::new(tls::client(proof, &roots)?));
        let mode = mode.unwrap_or_else(|| if local { "disable" } else { "prefer" }.to_owned());
        let (security, warning) = match mode.as_str() {
            "disable" => (Security::Plain, "is not encrypted"),
            "allow" | "prefer" => (Security::Opportunistic(secured(Proof::Nothing)?), "may not be encrypted"),
            // With a file of authorities it means verify-ca, as it does to libpq.
            "require" if matches!(roots, Roots::File(_)) => (Security::Tls(secured(Proof::Authority)?), ""),
            "require" => {
                (Security::Tls(secured(Proof::Nothing)?), "is encrypted, but whoever answers is believed")
            }
            "verify-ca" => (Security::Tls(secured(Proof::Authority)?), ""),
            "verify-full" => (Security::Tls(secured(Proof::Name)?), ""),
            _ => return Err(AddressError::Mode),
        };
        let warning = Some(warning).filter(|words| !local && !words.is_empty());
        Ok(Self { config, security, patience, warning })
    }

    /// What an operator should know: words that complete "the connection …".
    #[must_use]
    pub const fn warning(&self) -> Option<&'static str> {
        self.warning
    }

    pub(super) const fn patience(&self) -> Patience {
        self.patience
    }

    /// Opens a connection, as the login of the address.
    pub async fn open(&self) -> Result<AsyncPgConnection, ConnectionError> {
        let silence = self.patience.silence;
        match &self.security {
            Security::Plain => self.open_plain().await,
            Security::Tls(tls) => {
                self.open_by(Sealed { tls: tls.clone(), silence }, SslNegotiation::Postgres).await
            }
            Security::Opportunistic(tls) => {
                match self.open_by(Sealed { tls: tls.clone(), silence }, SslNegotiation::Postgres).await {
                    Ok(connection) => Ok(connection),
                    Err(_) => self.open_plain().await,
                }
            }
        }
    }

    async fn open_plain(&self) -> Result<AsyncPgConnection, ConnectionError> {
        if self.config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_))) {
            // A socket in the file system has no name to call and no network to swallow packets.
            let mut config = self.config.clone();
            config.ssl_mode(SslMode::Disable);
            let (client, connection) = config.connect(NoTls).await.map_err(bad)?;
            return AsyncPgConnection::try_from_client_and_connection(client, connection).await;
        }
        // "Direct" hands the stream over as it stands, where TLS would begin at once: we begin to watch it.
        self.open_by(Bare { silence: self.patience.silence }, SslNegotiation::Direct).await
    }

    async fn open_by<T>(&self, door: T, way: SslNegotiation) -> Result<AsyncPgConnection, ConnectionError>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let mut config = self.config.clone();
        config.ssl_mode(SslMode::Require).ssl_negotiation(way);
        let (client, connection) = config.connect(door).await.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }
}

/// A host given as an address only is its own name.
fn name_hosts(config: &mut Config) {
    if config.get_hosts().is_empty() {
        for address in config.get_hostaddrs().to_vec() {
            config.host(address.to_string());
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn bad(error: tokio_postgres::Error) -> ConnectionError {
    ConnectionError::BadConnection(with_causes(&error))
}

/// An error with what lies below it: "error performing TLS handshake: invalid peer certificate: UnknownIssuer".
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(url: &str) -> Result<Line, AddressError> {
        Line::read(&SecretString::from(url), Patience::default())
    }

    fn name(line: &Line) -> &'static str {
        match line.security {
            Security::Plain => "plain",
            Security::Opportunistic(_) => "opportunistic",
            Security::Tls(_) => "tls",
        }
    }

    #[test]
    fn the_address_says_how_and_what_is_not_safe_is_said() {
        for (url, security, warned) in [
            ("postgres://u:p@127.0.0.1:1/d", "plain", false),
            ("postgres://u:p@localhost/d?sslmode=prefer", "opportunistic", false),
            ("postgres:///d?host=/run/postgresql", "plain", false),
            ("postgres://u:p@db.example/d", "opportunistic", true),
            ("postgres://u:p@db.example/d?sslmode=disable", "plain", true),
            ("postgres://u:p@db.example/d?sslmode=require", "tls", true),
            ("host=db.example user=u sslmode=require", "tls", true),
            ("postgres://u:p@localhost:1,db.example:2/d", "opportunistic", true),
        ] {
            let line = line(url).unwrap();
            assert_eq!((name(&line), line.warning().is_some()), (security, warned), "{url}");
        }
    }

    #[test]
    fn a_wrong_address_is_refused_without_its_password() {
        for (url, words) in [
            ("postgres://u:secret@h/d?sslmode=strict", "verify-full"),
            ("postgres://u:secret@h/d?sslmode=verify-ca&sslrootcert=/no/such/file.pem", "/no/such/file.pem"),
            ("postgres://u:secret@h/d?no_such_option=1", "no_such_option"),
        ] {
            let error = line(url).err().unwrap().to_string();
            assert!(error.contains(words) && !error.contains("secret"), "{error}");
        }
    }
}
