//! A database for each test: a copy of a template that holds the migrated schema, or a county as well, dropped when the test is
//! over.
//!
//! `TEST_DATABASE_URL` names a login of Postgres 15 or newer that may create databases and roles. A template's name carries a
//! hash of what it is made from, so it is made once, by whichever process comes first, and again only when that changes. What
//! killed runs left behind is removed by later ones. When that login is a superuser, to whom row-level security means nothing,
//! the server under test logs in as `yijiao_test_server` instead, which is made once and stays.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;
use yijiao::organisation::import::{ImportOptions, import};
use yijiao::platform::crypto::Vault;
use yijiao::platform::db::{Db, migrate};

/// What a server logs in as when the login of the tests is a superuser.
const SERVER_LOGIN: &str = "yijiao_test_server";

const TEST: &str = "yijiao_test_";
const TEMPLATE: &str = "yijiao_template_";

/// Databases of this login; it may neither copy nor drop those of another.
const MINE: &str = "pg_get_userbyid(datdba) = current_user";

/// Advisory locks of the maintenance database: making a template, and sweeping.
const MAKING: i64 = 0x7969_6a69_616f_1001;
const SWEEPING: i64 = 0x7969_6a69_616f_1002;

/// Seconds after which a database of ours that nobody is connected to counts as left behind.
const LEFT_BEHIND: i64 = 3600;
const TEMPLATE_LEFT_BEHIND: i64 = 7 * 24 * 3600;

/// The key of the counties that come with a template: what was sealed at their import opens with it.
pub const MASTER_KEY: &str = "a master key for tests, long enough";

/// What a template holds beside the schema.
#[derive(Clone, Copy, Debug)]
pub enum Holds {
    Schema,
    /// The county of `tests/data/clear_county`: one of each, just enough for every rule.
    ClearCounty,
    /// The county of `config/counties/demo`.
    DemoCounty,
}

impl Holds {
    const ALL: [Self; 3] = [Self::Schema, Self::ClearCounty, Self::DemoCounty];

    const fn folder(self) -> Option<&'static str> {
        match self {
            Self::Schema => None,
            Self::ClearCounty => Some("tests/data/clear_county"),
            Self::DemoCounty => Some("config/counties/demo"),
        }
    }

    /// Twelve hex digits over all files that make the template what it is.
    fn hash(self) -> String {
        match self.folder() {
            None => hash_of(&["migrations"]),
            Some(folder) => hash_of(&["migrations", "src/organisation/import", folder]),
        }
    }
}

/// One test's own database. Dropping the value drops the database, whoever is still connected.
pub struct TestDb {
    server: Url,
    /// The same, with the login of a server.
    login: Url,
    name: String,
}

impl TestDb {
    /// Makes an empty database. Blocks its thread for some tens of milliseconds; needs no runtime.
    pub fn create() -> Self {
        Self::holding(Holds::Schema)
    }

    /// Makes a database that holds a county already.
    pub fn holding(what: Holds) -> Self {
        Self::made_by(server(), what)
    }

    /// The same by another login than `TEST_DATABASE_URL` names: on a server of the test's own.
    pub fn made_by(server: Url, what: Holds) -> Self {
        let (name, login) = on_a_runtime_apart(create(server.clone(), what));
        Self { server, login, name }
    }

    /// For `DATABASE_URL`.
    pub fn url(&self) -> SecretString {
        at(&self.login, &self.name)
    }

    /// For migrations: the login that owns the tables.
    pub fn owner_url(&self) -> SecretString {
        at(&self.server, &self.name)
    }

    /// A small pool that sees what the server sees: role `yijiao_app`, one county per transaction.
    pub fn db(&self) -> Db {
        Db::lazy(&self.url(), 4).expect("a pool needs no connection to be made")
    }

    /// A connection as the owner of the tables, for what the server itself must not be able to do.
    pub async fn owner(&self) -> AsyncPgConnection {
        AsyncPgConnection::establish(self.owner_url().expose_secret())
            .await
            .expect("the test's database answers")
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = || {
            on_a_runtime_apart(async move {
                let mut admin = connect_admin(&server).await;
                drop_database(&mut admin, &name).await;
            });
        };
        // Of a test that failed the failure is what matters, and two panics at once would hide it.
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(dropping));
        if let (Err(panic), false) = (dropped, std::thread::panicking()) {
            std::panic::resume_unwind(panic);
        }
    }
}

fn server() -> Url {
    let url = std::env::var("TEST_DATABASE_URL").unwrap_or_else(|_| {
        panic!(
            "TEST_DATABASE_URL is not set. It names a Postgres 15+ login that may create databases and roles, \
             e.g. postgres://postgres@127.0.0.1:5432/postgres; `make test` sets it."
        )
    });
    Url::parse(&url).expect("TEST_DATABASE_URL is a URL")
}

/// Runs `work` on a thread and a runtime of its own: a test's runtime may be single-threaded (migrations need more), or be
/// shutting down.
fn on_a_runtime_apart<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        scope
            .spawn(|| {
                tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .enable_all()
                    .build()
                    .expect("a runtime")
                    .block_on(work)
            })
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

async fn create(server: Url, what: Holds) -> (String, Url) {
    let mut admin = connect_admin(&server).await;
    let now = number(&mut admin, "select extract(epoch from now())::bigint as value").await;
    sweep(&mut admin, now).await;
    let name = format!("{TEST}{now:x}_{:016x}", rand::random::<u64>());
    loop {
        let template = template(&mut admin, &server, now, what).await;
        let copy = format!("create database {name} template {template} strategy wal_log");
        match admin.batch_execute(&copy).await {
            Ok(()) => return (name, server_login(&mut admin, &server).await),
            // Swept between the look and the copy, by a run with other migrations.
            Err(error) if error.to_string().contains("does not exist") => continue,
            Err(error) => panic!("{copy}: {error}"),
        }
    }
}

/// The login for a server under test.
async fn server_login(admin: &mut AsyncPgConnection, server: &Url) -> Url {
    let superuser = "select rolsuper as value from pg_roles where rolname = current_user";
    if !flag(admin, superuser).await {
        return server.clone();
    }
    // Known to whoever knows the superuser's, and to nobody else; the same for all processes of a run.
    let secret = Sha256::digest(format!("{SERVER_LOGIN} {server}"));
    let password = secret.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let present = format!("select exists (select from pg_roles where rolname = '{SERVER_LOGIN}') as value");
    if !flag(admin, &present).await {
        // Another process may be making it at this moment.
        let make = format!(
            "do $$ begin
                create role {SERVER_LOGIN} login password '{password}' in role yijiao_app;
            exception when duplicate_object or unique_violation then null; end $$"
        );
        run(admin, &make).await;
    }
    let mut login = server.clone();
    login.set_username(SERVER_LOGIN).expect("a URL with a host");
    login.set_password(Some(&password)).expect("a URL with a host");
    login
}

/// The template that holds `what`, made if it is missing. It takes its final name only when complete.
async fn template(admin: &mut AsyncPgConnection, server: &Url, now: i64, what: Holds) -> String {
    let hash = what.hash();
    let find = format!(
        "select datname as value from pg_database where datname like '{TEMPLATE}%\\_{hash}' and {MINE}"
    );
    if let Some(found) = texts(admin, &find).await.pop() {
        return found;
    }
    run(admin, &format!("select pg_advisory_lock({MAKING})")).await;
    let name = match texts(admin, &find).await.pop() {
        Some(found) => found,
        None => {
            let draft = format!("yijiao_draft_{hash}");
            let name = format!("{TEMPLATE}{now:x}_{hash}");
            drop_database(admin, &draft).await;
            run(admin, &format!("create database {draft}")).await;
            fill(&at(server, &draft), what).await;
            // The filling connections may still be saying good-bye; a database in use is neither renamed nor copied.
            run(
                admin,
                &format!(
                    "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '{draft}'"
                ),
            )
            .await;
            run(admin, &format!("alter database {draft} rename to {name}")).await;
            name
        }
    };
    run(admin, &format!("select pg_advisory_unlock({MAKING})")).await;
    name
}

async fn fill(database: &SecretString, what: Holds) {
    migrate(database).await.expect("the migrations run");
    let Some(folder) = what.folder() else { return };
    let db = Db::lazy(database, 1).expect("a pool needs no connection to be made");
    let vault = Vault::new(&SecretString::from(MASTER_KEY));
    let options =
        ImportOptions { sandbox_url: Some("http://127.0.0.1:8090".to_owned()), ..ImportOptions::default() };
    let founded = chrono::DateTime::from_timestamp(1_767_225_600, 0).expect("a moment");
    let loaded = import(&db, &vault, &project(folder), options, founded).await;
    loaded.unwrap_or_else(|error| panic!("{folder}: {error}"));
}

/// Drops what killed runs left: old, and nobody connected. One process at a time; the others have better things to do.
async fn sweep(admin: &mut AsyncPgConnection, now: i64) {
    let unused = format!(
        "select datname as value from pg_database d where (datname like '{TEST}%' or datname like '{TEMPLATE}%') \
         and {MINE} and not exists (select from pg_stat_activity a where a.datid = d.oid)"
    );
    let present = Holds::ALL.map(Holds::hash);
    let left: Vec<String> = texts(admin, &unused)
        .await
        .into_iter()
        .filter(|name| is_left_behind(name, now) && !present.iter().any(|hash| name.ends_with(hash)))
        .collect();
    if left.is_empty() || !flag(admin, &format!("select pg_try_advisory_lock({SWEEPING}) as value")).await {
        return;
    }
    for name in left {
        // Somebody may just have connected; then it is not left behind after all.
        if let Err(error) = admin.batch_execute(&format!("drop database if exists {name}")).await {
            eprintln!("{name} stays: {error}");
        }
    }
    run(admin, &format!("select pg_advisory_unlock({SWEEPING})")).await;
}

/// Judges by the time in the name.
fn is_left_behind(name: &str, now: i64) -> bool {
    let (rest, limit) = match (name.strip_prefix(TEST), name.strip_prefix(TEMPLATE)) {
        (Some(rest), _) => (rest, LEFT_BEHIND),
        (None, Some(rest)) => (rest, TEMPLATE_LEFT_BEHIND),
        (None, None) => return false,
    };
    let born = rest.split('_').next().and_then(|hex| i64::from_str_radix(hex, 16).ok());
    born.is_some_and(|born| now - born > limit)
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Twelve hex digits over names and contents of all files below these folders.
fn hash_of(folders: &[&str]) -> String {
    let mut files = Vec::new();
    for folder in folders {
        files_below(&project(folder), &mut files);
    }
    files.sort();
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update(file.to_string_lossy().as_bytes());
        hasher.update(std::fs::read(&file).expect("a file"));
    }
    hasher.finalize().iter().take(6).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files_below(&path, files) } else { files.push(path) }
    }
}

fn at(server: &Url, database: &str) -> SecretString {
    let mut url = server.clone();
    url.set_path(database);
    SecretString::from(url.to_string())
}

async fn connect_admin(server: &Url) -> AsyncPgConnection {
    AsyncPgConnection::establish(server.as_str()).await.expect("TEST_DATABASE_URL answers")
}

/// Ends who is still connected under our own name only: `with (force)` would also want to end Postgres' own vacuum, which it may not.
/// (Postgres sends that one away by itself.)
async fn drop_database(admin: &mut AsyncPgConnection, name: &str) {
    let others = "usename = current_user and pid <> pg_backend_pid()";
    let end = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}' and {others}"
    );
    run(admin, &end).await;
    run(admin, &format!("drop database if exists {name}")).await;
}

async fn run(connection: &mut AsyncPgConnection, sql: &str) {
    if let Err(error) = connection.batch_execute(sql).await {
        panic!("{sql}: {error}");
    }
}

#[derive(QueryableByName)]
struct OneText {
    #[diesel(sql_type = Text)]
    value: String,
}

#[derive(QueryableByName)]
struct OneNumber {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[derive(QueryableByName)]
struct OneFlag {
    #[diesel(sql_type = Bool)]
    value: bool,
}

async fn texts(connection: &mut AsyncPgConnection, sql: &str) -> Vec<String> {
    let rows: Vec<OneText> = diesel::sql_query(sql).load(connection).await.expect(sql);
    rows.into_iter().map(|row| row.value).collect()
}

async fn number(connection: &mut AsyncPgConnection, sql: &str) -> i64 {
    diesel::sql_query(sql).get_result::<OneNumber>(connection).await.expect(sql).value
}

async fn flag(connection: &mut AsyncPgConnection, sql: &str) -> bool {
    diesel::sql_query(sql).get_result::<OneFlag>(connection).await.expect(sql).value
}

#[test]
fn only_old_databases_of_ours_count_as_left_behind() {
    let now = 0x7000_0000;
    assert!(is_left_behind("yijiao_test_6fff0000_00112233", now));
    assert!(!is_left_behind("yijiao_test_6fffff00_00112233", now));
    assert!(!is_left_behind("yijiao_template_6fff0000_00112233aabb", now));
    assert!(is_left_behind("yijiao_template_6f000000_00112233aabb", now));
    assert!(!is_left_behind("yijiao_template_strange", now));
    assert!(!is_left_behind("postgres", now));
}
