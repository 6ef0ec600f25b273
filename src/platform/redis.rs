//! Redis: one multiplexed connection that opens when first needed, never holds a request up for long, and comes back by itself.
//!
//! Redis is the queue, not the truth: whoever calls must be able to go on without it. While it is away every call fails at once;
//! one caller per [`PAUSE`] looks whether it is back.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, FromRedisValue, IntoConnectionInfo as _,
    Pipeline, RedisResult, ScriptInvocation, TlsCertificates,
};
use secrecy::ExposeSecret as _;

use crate::platform::address::{is_local, take_options};
use crate::platform::{config, tls};

pub use redis::RedisError;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_millis(500);
/// Longest wait for an answer to a command that does not block.
const ANSWER: Duration = Duration::from_millis(500);
/// Quiet after which TCP probes a connection, so that one that waits for work notices a dead network.
const PROBE: Duration = Duration::from_secs(10);
/// How long nobody asks again after Redis did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Numbers the connections, so that one that broke is told from its successor.
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

/// A handle; clones share its connection.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    prefix: Arc<str>,
    link: Arc<Link>,
    /// Shared by the handles of all workers: when one finds Redis away, the others need not find out by waiting.
    away: Arc<Mutex<Option<Instant>>>,
}

#[derive(Default)]
struct Link {
    open: Mutex<Option<Opened>>,
    /// Held while connecting, so that one caller connects and the others wait for him.
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Opened {
    number: u64,
    connection: MultiplexedConnection,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may carry a password.
        write!(f, "Redis(prefix {})", self.prefix)
    }
}

impl Redis {
    /// A handle that connects when first used. Fails only on an address that cannot be read.
    pub fn lazy(settings: &config::Redis) -> Result<Self, RedisError> {
        Ok(Self {
            client: open(settings)?,
            prefix: settings.prefix.as_str().into(),
            link: Arc::default(),
            away: Arc::default(),
        })
    }

    /// Whether what goes to Redis and back can be read on the way: it leaves the machine in plain.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        match self.client.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, _) => !is_local(host),
            _ => false,
        }
    }

    /// The same Redis by a connection of its own: a connection lives on the runtime that opened it, and crossing threads
    /// costs more than the command.
    #[must_use]
    pub fn for_worker(&self) -> Self {
        Self { link: Arc::default(), ..self.clone() }
    }

    /// The full key of `name`: every key of this installation begins with its prefix.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// Runs one command that does not block.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let mut opened = self.connect().await?;
        let answer = command.query_async(&mut opened.connection).await;
        self.look_at(opened.number, answer)
    }

    /// Runs commands in one round trip.
    pub async fn pipeline<T: FromRedisValue>(&self, commands: &Pipeline) -> RedisResult<T> {
        let mut opened = self.connect().await?;
        let answer = commands.query_async(&mut opened.connection).await;
        self.look_at(opened.number, answer)
    }

    /// Runs a script by its hash; loads it when Redis has forgotten it.
    pub async fn script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> RedisResult<T> {
        let mut opened = self.connect().await?;
        let answer = script.invoke_async(&mut opened.connection).await;
        self.look_at(opened.number, answer)
    }

    /// Whether Redis answers at this moment.
    pub async fn answers(&self) -> bool {
        self.query::<String>(&redis::cmd("PING")).await.is_ok()
    }

    /// A fresh connection for commands that wait, e.g. `XREADGROUP … BLOCK`: it has no limit on the time of an answer. It does
    /// not come back by itself; ask for another one when it breaks.
    pub async fn blocking(&self) -> RedisResult<MultiplexedConnection> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(None);
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }

    async fn connect(&self) -> RedisResult<Opened> {
        if let Some(opened) = self.opened() {
            return Ok(opened);
        }
        // Known to be away, nobody queues behind the one who looks.
        let _one_at_a_time = match self.link.connecting.try_lock() {
            Ok(alone) => alone,
            Err(_) if lock(&self.away).is_some() => return Err(away()),
            Err(_) => self.link.connecting.lock().await,
        };
        if let Some(opened) = self.opened() {
            return Ok(opened);
        }
        self.ask_leave()?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        match self.client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(connection) => {
                let mut slot = lock(&self.link.open);
                let opened = Opened { number: CONNECTIONS.fetch_add(1, Ordering::Relaxed), connection };
                *slot = Some(opened.clone());
                if lock(&self.away).take().is_some() {
                    tracing::info!("Redis is back");
                }
                Ok(opened)
            }
            Err(error) => {
                self.went_away(&error);
                Err(error)
            }
        }
    }

    /// While Redis is away, one caller per [`PAUSE`] may try; whoever he is, the others fail at once.
    fn ask_leave(&self) -> RedisResult<()> {
        let mut since = lock(&self.away);
        match *since {
            None => Ok(()),
            Some(at) if at.elapsed() < PAUSE => Err(away()),
            Some(_) => {
                *since = Some(Instant::now());
                Ok(())
            }
        }
    }

    fn opened(&self) -> Option<Opened> {
        lock(&self.link.open).clone()
    }

    /// Lets go of a connection that broke or fell silent; an error reply to a command is no reason.
    fn look_at<T>(&self, number: u64, answer: RedisResult<T>) -> RedisResult<T> {
        if let Err(error) = &answer
            && (error.is_unrecoverable_error() || error.is_io_error())
        {
            let broke = lock(&self.link.open).take_if(|opened| opened.number == number).is_some();
            // A connection that Redis closed may be opened again at once; silence is worth a pause.
            if broke && error.is_timeout() {
                self.went_away(error);
            }
        }
        answer
    }

    fn went_away(&self, error: &RedisError) {
        if lock(&self.away).replace(Instant::now()).is_none() {
            tracing::warn!(%error, "Redis is away; going on without it");
        }
    }
}

/// The address, with the authorities of `sslrootcert` if it names any; `rediss` always asks for a good certificate.
fn open(settings: &config::Redis) -> RedisResult<Client> {
    let (url, [root]) = take_options(settings.url.expose_secret(), ["sslrootcert"]);
    let info = url.as_str().into_connection_info()?;
    let keepalive = TcpKeepalive::new().with_time(PROBE).with_interval(PROBE / 3);
    let info = info.set_tcp_settings(TcpSettings::default().set_keepalive(keepalive));
    if !matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
        return Client::open(info);
    }
    // The library looks for the process' provider.
    tls::provider();
    let Some(root) = root else { return Client::open(info) };
    let root_cert = tls::pem(Path::new(&root)).map_err(|error| {
        RedisError::from((ErrorKind::InvalidClientConfig, "sslrootcert", error.to_string()))
    })?;
    Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: Some(root_cert) })
}

fn away() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::NotConnected).into()
}

/// What the locks guard is replaced whole, so a panic elsewhere leaves it sound.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Redis {
        Redis::lazy(&config::Redis { url: url.into(), prefix: "p".into() }).unwrap()
    }

    #[test]
    fn every_key_begins_with_the_prefix_and_the_address_is_never_printed() {
        let redis = at("redis://:secret@127.0.0.1:1/0");
        assert_eq!(redis.key("stream"), "p:stream");
        assert!(!format!("{redis:?}").contains("secret"));
    }

    #[test]
    fn plain_words_to_another_machine_are_noticed_and_a_missing_authority_is_named() {
        assert!(at("redis://cache.example/0").is_exposed());
        assert!(!at("redis://localhost/0").is_exposed() && !at("rediss://cache.example/0").is_exposed());
        let settings = config::Redis {
            url: "rediss://:secret@cache.example/0?sslrootcert=/no/such.pem".into(),
            prefix: "p".into(),
        };
        let error = Redis::lazy(&settings).unwrap_err().to_string();
        assert!(error.contains("/no/such.pem") && !error.contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn a_closed_port_fails_at_once_and_then_without_being_asked() {
        let redis = at("redis://127.0.0.1:1/0");
        assert!(!redis.answers().await);
        assert!(lock(&redis.away).is_some());
        assert!(redis.for_worker().query::<String>(&redis::cmd("PING")).await.unwrap_err().is_io_error());
    }
}
