//! Postgres: the pool, and transactions that carry the county they work for.
//!
//! Every connection takes the role `yijiao_app`, which owns nothing and bypasses nothing; every transaction says which county it
//! is for, so row-level security also holds for a query that forgets it.

mod door;
mod line;
mod watch;

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::ConnectionError;
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use diesel::sql_types::{Nullable, Text};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, TransactionManager,
};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use futures_util::FutureExt as _;
use secrecy::SecretString;
use uuid::Uuid;

pub use self::line::{AddressError, Line, Patience};
use super::config::Database;

/// Every step of the schema, compiled in.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The role that the server works as.
pub const ROLE: &str = "yijiao_app";

/// How long Postgres may take to begin a transaction.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a transaction may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The rows of one county.
    County(Uuid),
    /// All rows: for queue sweeps, due deadlines and checks only.
    AllCounties,
}

impl Scope {
    fn begin(self) -> String {
        match self {
            Self::County(county) => format!("begin; set local yijiao.county = '{county}'"),
            Self::AllCounties => "begin; set local yijiao.across_counties = 'on'".to_owned(),
        }
    }
}

/// What a transaction is for, as far as Postgres can make use of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tuning {
    /// What a crash of Postgres undoes is simply done again: the commit does not wait for the disk.
    Loose,
    /// Its statements find rows by their keys. They are planned once, however many keys there are (planning takes longer than
    /// they do), and never by scanning a table that happened to be short at that moment.
    ByKeys,
    /// The same, for what is looked for in the order of an index: walking it is never slower here than a bitmap of it, and a
    /// bitmap never tidies dead entries away.
    InOrder,
}

impl Tuning {
    const fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Loose => &["synchronous_commit = off"],
            Self::ByKeys => &["plan_cache_mode = force_generic_plan", "enable_seqscan = off"],
            Self::InOrder => {
                &["plan_cache_mode = force_generic_plan", "enable_seqscan = off", "enable_bitmapscan = off"]
            }
        }
    }
}

/// Whether a connection plans its statements anew before this use. A plan that was made while a table was nearly empty is kept until
/// Postgres renews the statistics, a minute later at the earliest, and a burst of taps fills tables faster than that. At doubling
/// distances a plan was never made for much less than half of what is there now, and the planning is not felt.
const fn plans_are_stale(uses: usize) -> bool {
    uses >= 4 && uses.is_power_of_two()
}

/// Why Postgres did not answer as asked.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Away, restarting, or out of connections: worth trying again.
    #[error("Postgres is not reachable: {0}")]
    Unavailable(String),
    /// The setting cannot be used; no use trying again.
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Query(QueryError),
}

impl From<QueryError> for DbError {
    fn from(error: QueryError) -> Self {
        if is_disconnect(&error) { Self::Unavailable(error.to_string()) } else { Self::Query(error) }
    }
}

/// True when the error says that the connection is gone rather than that the statement was wrong.
#[must_use]
pub fn is_disconnect(error: &QueryError) -> bool {
    match error {
        QueryError::DatabaseError(
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
            _,
        )
        | QueryError::BrokenTransactionManager => true,
        // Postgres going down ends sessions with class 57P; the driver gives the text only.
        QueryError::DatabaseError(DatabaseErrorKind::Unknown, info) => {
            let message = info.message();
            message.contains("terminating connection")
                || message.contains("the database system is")
                || message.contains("connection closed")
                // What waited too long for a lock or a disk is worth trying again.
                || message.contains("statement timeout")
        }
        _ => false,
    }
}

/// Connections of one pool: the most it may open, those open, those of them idle, and the requests that wait for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUsage {
    pub limit: usize,
    pub open: usize,
    pub idle: usize,
    pub waiting: usize,
}

/// A pool of connections. Clones share it; each HTTP worker has its own, which is faster under light load.
#[derive(Clone)]
pub struct Db {
    pool: Pool<AsyncPgConnection>,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Db({:?})", self.pool.status())
    }
}

impl Db {
    /// A pool of at most `size` connections; none is opened before it is needed.
    pub fn lazy(url: &SecretString, size: usize) -> Result<Self, DbError> {
        Self::over(Line::read(url, Patience::default())?, size)
    }

    /// The same, as patient as the settings say.
    pub fn of(settings: &Database, size: usize) -> Result<Self, DbError> {
        Self::over(Line::read(&settings.url, Patience::of(settings))?, size)
    }

    /// For a role of the binary that works alone, however long it takes.
    pub fn unhurried(settings: &Database) -> Result<Self, DbError> {
        Self::over(Line::read(&settings.url, Patience::long())?, 2)
    }

    fn over(line: Line, size: usize) -> Result<Self, DbError> {
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        let line = Arc::new(line);
        config.custom_setup = Box::new(move |_| {
            let line = Arc::clone(&line);
            async move { connect_as_role(&line).await }.boxed()
        });
        // The line knows the address; nothing else needs it.
        let manager = AsyncDieselConnectionManager::new_with_config("", config);
        let pool = Pool::builder(manager)
            .max_size(size)
            .runtime(deadpool::Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .build()
            .map_err(|error| DbError::Unavailable(error.to_string()))?;
        Ok(Self { pool })
    }

    /// How the pool is used at this moment.
    #[must_use]
    pub fn usage(&self) -> PoolUsage {
        let status = self.pool.status();
        PoolUsage {
            limit: status.max_size,
            open: status.size,
            idle: status.available,
            waiting: status.waiting,
        }
    }

    /// Opens a transaction that sees `scope` and nothing else. A connection that died while idle is replaced on the way.
    pub async fn begin(&self, scope: Scope) -> Result<Tx, DbError> {
        self.begin_tuned(scope, &[]).await
    }

    /// The same for work of a kind; what it sets holds until the end of the transaction and costs no round trip.
    pub async fn begin_tuned(&self, scope: Scope, tuning: &[Tuning]) -> Result<Tx, DbError> {
        let settings = tuning.iter().flat_map(|tuning| tuning.settings());
        let settings: String = settings.map(|setting| format!("; set local {setting}")).collect();
        self.begin_by(&format!("{}{settings}", scope.begin())).await
    }

    async fn begin_by(&self, begin: &str) -> Result<Tx, DbError> {
        let mut tries = self.pool.status().max_size;
        loop {
            let mut connection =
                self.pool.get().await.map_err(|error| DbError::Unavailable(error.to_string()))?;
            let anew = plans_are_stale(Object::metrics(&connection).recycle_count);
            let begin =
                if anew { Cow::Owned(format!("{begin}; discard plans")) } else { Cow::Borrowed(begin) };
            let begun = AnsiTransactionManager::begin_transaction_sql(&mut *connection, &begin);
            // A server that has gone silent would keep us waiting until the network gives up.
            let Ok(begun) = tokio::time::timeout(PATIENCE, begun).await else {
                drop(Object::take(connection));
                return Err(DbError::Unavailable("no answer".to_owned()));
            };
            match begun {
                Ok(()) => {
                    let made = Object::metrics(&connection).created;
                    let unended = Unended(Some((self.pool.clone(), made)));
                    return Ok(Tx { connection, unended });
                }
                Err(error) if tries > 0 && is_disconnect(&error) => {
                    tries -= 1;
                    drop(Object::take(connection));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Refuses a login for which row-level security would not hold: neither the role that works here, nor the login behind it, nor
    /// any role the login may become is a superuser or has BYPASSRLS. One stray `reset role` would undo the isolation otherwise.
    /// The owner of the tables may log in: the policies are forced on him too.
    ///
    /// # Errors
    /// `Unavailable` when Postgres is away, `Query` with the reason when isolation can be bypassed.
    pub async fn require_isolation(&self) -> Result<(), DbError> {
        let mut tx = self.begin(Scope::AllCounties).await?;
        let above: Option<String> = diesel::select(diesel::dsl::sql::<Nullable<Text>>(
            "(select session_user || case when rolname = session_user then ' is ' else ' may become ' || rolname || ', ' end
                || case when rolsuper then 'a superuser' else 'a role with BYPASSRLS' end
            from pg_roles where (rolsuper or rolbypassrls) and (rolname = current_user or pg_has_role(session_user, oid, 'member'))
            order by rolname = session_user desc, rolname limit 1)",
        ))
        .get_result(&mut tx)
        .await?;
        let answer = above.map_or(Ok(()), |words| {
            let refusal = format!(
                "{words}, for whom row-level security does not hold, so counties would see each other; \
                 let the server log in as a plain role that is a member of {ROLE} (dev/roles.sql makes one)"
            );
            Err(DbError::Query(QueryError::QueryBuilderError(refusal.into())))
        });
        tx.finish(answer).await
    }
}

/// An open transaction. [`Tx::finish`] ends it; dropped unfinished, its connection is closed and Postgres rolls it back.
pub struct Tx {
    connection: Object<AsyncPgConnection>,
    /// Dropped after the connection, which is in the pool by then.
    unended: Unended,
}

/// Sees to a connection whose transaction nobody ended. The pool would look at it only when it is wanted again, and until then its locks
/// would stay: whoever hung up in the middle of his request would keep others from his call.
struct Unended(Option<(Pool<AsyncPgConnection>, Instant)>);

impl Drop for Unended {
    fn drop(&mut self) {
        if let Some((pool, made)) = self.0.take() {
            // Known by its birth. Should another be as old to the nanosecond, it is replaced as well.
            pool.retain(|_, other| other.created != made);
        }
    }
}

impl Tx {
    /// Commits on `Ok`, rolls back on `Err`, and hands the outcome on.
    pub async fn finish<T, E: From<DbError>>(mut self, outcome: Result<T, E>) -> Result<T, E> {
        match outcome {
            Ok(value) => {
                AnsiTransactionManager::commit_transaction(&mut *self.connection)
                    .await
                    .map_err(DbError::from)?;
                self.unended.0 = None;
                Ok(value)
            }
            Err(error) => {
                match AnsiTransactionManager::rollback_transaction(&mut *self.connection).await {
                    Ok(()) => self.unended.0 = None,
                    Err(rollback) => {
                        tracing::debug!(%rollback, "rollback failed; the connection is dropped");
                    }
                }
                Err(error)
            }
        }
    }
}

impl Deref for Tx {
    type Target = AsyncPgConnection;
    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

async fn connect_as_role(line: &Line) -> Result<AsyncPgConnection, ConnectionError> {
    let mut connection = line.open().await?;
    let statement = line.patience().statement.map_or(0, |limit| limit.as_millis());
    // Should this process vanish within a transaction, its locks shall not stay for long.
    let setup = format!(
        "set role {ROLE}; set statement_timeout = {statement}; set idle_in_transaction_session_timeout = '60s'; set jit = off; \
         set timezone = 'UTC'"
    );
    connection
        .batch_execute(&setup)
        .await
        .map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
    Ok(connection)
}

/// Runs all pending migrations with the login of `url` and returns their names. Needs a multi-threaded runtime.
pub async fn migrate(url: &SecretString) -> Result<Vec<String>, DbError> {
    use diesel_async::AsyncMigrationHarness;
    use diesel_migrations::MigrationHarness as _;
    let connection = Line::read(url, Patience::long())?
        .open()
        .await
        .map_err(|error| DbError::Unavailable(error.to_string()))?;
    let run = move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        harness
            .run_pending_migrations(MIGRATIONS)
            .map(|versions| versions.iter().map(ToString::to_string).collect::<Vec<_>>())
            .map_err(|error| DbError::Query(QueryError::QueryBuilderError(error)))
    };
    tokio::task::spawn_blocking(run).await.map_err(|error| DbError::Unavailable(error.to_string()))?
}
