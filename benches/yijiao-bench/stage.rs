//! What every measurement stands on: a fresh database, the demo county, its members signed in, a receiver of messages.

use std::error::Error;
use std::path::{Path, PathBuf};

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;
use yijiao::identity::{KeyRing, operator};
use yijiao::notices::model::Lane;
use yijiao::notices::queue::Queue;
use yijiao::organisation::import::{ImportOptions, import};
use yijiao::platform::clock::Clock;
use yijiao::platform::config::Config;
use yijiao::platform::crypto::Vault;
use yijiao::platform::db::{self, Db};
use yijiao::platform::redis::Redis;

use crate::receiver::Receiver;

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const DATABASE: &str = "yijiao_bench";
const FOLDER: &str = "config/counties/demo";
/// Members who tap; enough that neighbours in a batch rarely share an enterprise.
const MEMBERS: i64 = 256;
/// Longer than any run.
const TOKEN_SECONDS: u32 = 4 * 3600;

/// The stage; [`Stage::strike`] takes it down.
pub struct Stage {
    pub config: Config,
    pub receiver: Receiver,
    /// `yijiao`, beside this program.
    pub binary: PathBuf,
    /// Where databases are made.
    maintenance: SecretString,
}

/// A county and who taps in it.
pub struct County {
    pub members: Vec<Member>,
    /// Codes of the service items.
    pub items: Vec<String>,
}

pub struct Member {
    pub token: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Stage {
    /// Makes the database and brings it to the schema of this build.
    pub async fn set() -> Outcome<Self> {
        let mut config = Config::load()?;
        config.require_secrets()?;
        let binary = std::env::current_exe()?.with_file_name("yijiao");
        let maintenance = config.database.owner().clone();
        execute(
            &maintenance,
            &[
                &format!("drop database if exists {DATABASE} with (force)"),
                &format!("create database {DATABASE}"),
            ],
        )
        .await?;
        config.database.owner_url = named(&maintenance)?;
        config.database.url = named(&config.database.url)?;
        config.identity.access_token_seconds = TOKEN_SECONDS;
        config.redis.prefix = format!("{}:bench", config.redis.prefix);
        db::migrate(config.database.owner()).await?;
        Ok(Self { config, receiver: Receiver::open().await?, binary, maintenance })
    }

    /// Brings the demo county in under a code of its own and signs its members in.
    pub async fn county(&self, code: &str) -> Outcome<County> {
        let (clock, vault) = (Clock::System, Vault::new(&self.config.secrets.master_key));
        let db = Db::lazy(&self.config.database.url, 2)?;
        let copy = Copy::of(Path::new(FOLDER), code)?;
        let options = ImportOptions {
            sandbox_url: Some(format!("http://{}", self.receiver.address)),
            ..ImportOptions::default()
        };
        import(&db, &vault, &copy.0, options, clock.now()).await?;
        self.execute(&["vacuum analyze"]).await?;
        let logins = format!(
            "select a.login as text from accounts a join counties k on k.id = a.county_id join members m on m.account_id = a.id \
             where k.code = '{code}' and m.left_at is null group by a.login having count(*) = 1 order by 1 limit {MEMBERS}"
        );
        let keys = KeyRing::new(vault, &self.config.identity);
        let mut members = Vec::new();
        for login in self.lines(&logins).await? {
            let tokens = operator::issue_for(&db, &keys, code, &login, clock.now()).await?;
            members.push(Member { token: tokens.access_token });
        }
        let items = format!(
            "select i.code as text from service_items i join counties k on k.id = i.county_id \
             where k.code = '{code}' and i.active order by 1"
        );
        let items = self.lines(&items).await?;
        if members.is_empty() || items.is_empty() {
            return Err("the county has nobody who could tap, or nothing to ask for".into());
        }
        Ok(County { members, items })
    }

    /// Settings of the server, as its environment.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("DATABASE_URL", self.config.database.url.expose_secret().to_owned()),
            ("YIJIAO_REDIS__PREFIX", self.config.redis.prefix.clone()),
            ("YIJIAO_HTTP__RATE_PER_SECOND", "0".to_owned()),
            ("YIJIAO_OUTBOUND__ALLOW_PRIVATE", format!("[\"{}\"]", self.receiver.address)),
            ("YIJIAO_LOG__FILTER", "warn".to_owned()),
        ]
    }

    /// Runs statements as the owner of the tables, each by itself.
    pub async fn execute(&self, statements: &[&str]) -> Outcome<()> {
        execute(self.config.database.owner(), statements).await
    }

    /// The column `text` of a query, as the owner.
    pub async fn lines(&self, query: &str) -> Outcome<Vec<String>> {
        let mut connection = connect(self.config.database.owner()).await?;
        let lines: Vec<Line> = diesel::sql_query(query).load(&mut connection).await?;
        Ok(lines.into_iter().map(|line| line.text).collect())
    }

    /// Notices that are not yet settled.
    pub async fn open_notices(&self) -> Outcome<usize> {
        self.count("select count(*) as count from notices where due_at is not null").await
    }

    /// The column `count` of a query of one row, as the owner.
    pub async fn count(&self, query: &str) -> Outcome<usize> {
        let mut connection = connect(self.config.database.owner()).await?;
        let count: Count = diesel::sql_query(query).get_result(&mut connection).await?;
        Ok(usize::try_from(count.count)?)
    }

    /// Forgets what is still on its way, so that no measurement carries the load of the one before.
    pub async fn let_go(&self) -> Outcome<()> {
        let forget = "update notices set state = 'superseded', due_at = null where due_at is not null";
        self.execute(&[forget, "vacuum analyze", "checkpoint"])
            .await
            .or(self.execute(&["vacuum analyze"]).await)?;
        let redis = Redis::lazy(&self.config.redis)?;
        let queue = Queue::new(redis.clone());
        let mut delete = redis::cmd("DEL");
        delete.arg(&Lane::ALL.map(|lane| queue.key(lane)));
        redis.query::<i64>(&delete).await?;
        self.receiver.forget();
        Ok(())
    }

    /// What all of this ran on, in a line.
    pub async fn machine(&self) -> Outcome<String> {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let cpu = read("/proc/cpuinfo");
        let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        let cpu = cpu.map_or(std::env::consts::ARCH, |(_, name)| name.trim());
        let load = read("/proc/loadavg");
        let load = load.split(' ').next().unwrap_or("?");
        let cores = std::thread::available_parallelism()?;
        let postgres = self.lines("select split_part(version(), ' ', 2) as text").await?.concat();
        let fsync = self
            .lines("select current_setting('fsync') || '/' || current_setting('synchronous_commit') as text");
        let fsync = fsync.await?.concat();
        Ok(format!(
            "{cores} × {cpu}, load before {load}; Postgres {postgres}, fsync/synchronous_commit {fsync}"
        ))
    }

    /// Drops the database.
    pub async fn strike(self) -> Outcome<()> {
        self.let_go().await?;
        execute(&self.maintenance, &[&format!("drop database {DATABASE} with (force)")]).await
    }
}

/// A connection of the owner, who is under county isolation as well and here sees all of them.
pub async fn connect(owner: &SecretString) -> Outcome<AsyncPgConnection> {
    let mut connection = AsyncPgConnection::establish(owner.expose_secret()).await?;
    connection.batch_execute("set yijiao.across_counties = 'on'").await?;
    Ok(connection)
}

async fn execute(owner: &SecretString, statements: &[&str]) -> Outcome<()> {
    let mut connection = connect(owner).await?;
    for statement in statements {
        connection.batch_execute(statement).await?;
    }
    Ok(())
}

/// The same server and login, our database.
fn named(url: &SecretString) -> Outcome<SecretString> {
    let mut url = Url::parse(url.expose_secret())?;
    url.set_path(DATABASE);
    Ok(String::from(url).into())
}

/// A county's folder with another code, gone when dropped.
struct Copy(PathBuf);

impl Copy {
    fn of(folder: &Path, code: &str) -> Outcome<Self> {
        let copy = Self(std::env::temp_dir().join(format!("yijiao-bench-{}-{code}", std::process::id())));
        std::fs::create_dir_all(&copy.0)?;
        let files = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for file in files {
            let file = file?;
            // What is measured is one message to a room a tap; the receiver hands out no tokens of applications.
            if file.file_name() == "officer_addresses.csv" {
                continue;
            }
            std::fs::copy(file.path(), copy.0.join(file.file_name()))?;
        }
        let about = copy.0.join("county.toml");
        let text = std::fs::read_to_string(&about)?;
        std::fs::write(&about, text.replace("code = \"demo\"", &format!("code = \"{code}\"")))?;
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}
