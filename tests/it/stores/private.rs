//! Stores of a test's own, for tests that kill them: a Postgres that falls as in a crash and a Redis that forgets everything, each on
//! its own port, started again where it was.
//!
//! Their programs are those that `make test` runs (`TEST_PG_BIN`, a folder, and `TEST_REDIS_SERVER`); without it, those that it would run.

use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

use crate::kit_db::{Holds, TestDb};

/// Of both, in a place that nobody else can reach.
const PASSWORD: &str = "of-this-test-alone";

/// A Postgres that writes what nobody waits for only every ten seconds.
pub struct PrivatePostgres {
    /// Of the server and of whoever it runs as.
    folder: PathBuf,
    programs: PathBuf,
    /// Postgres refuses root: user and group of another.
    user: Option<(u32, u32)>,
    port: u16,
    server: Child,
    /// The process that writes what nobody waits for, while it is held.
    held: Option<i32>,
}

impl PrivatePostgres {
    pub fn start() -> Self {
        let programs = PathBuf::from(program("TEST_PG_BIN", "find_postgres && printf %s \"$PG_BIN\""));
        let below = std::env::var_os("TEST_PG_HOME").map_or_else(std::env::temp_dir, PathBuf::from);
        let folder = below.join(format!("yijiao-pg-{}", Uuid::now_v7().simple()));
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        let user = (std::fs::metadata(&folder).unwrap().uid() == 0).then(unprivileged);
        let password = folder.join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        for path in [&folder, &password] {
            chown(path, user.map(|user| user.0), user.map(|user| user.1)).unwrap();
        }
        let mut initdb = by(user, &programs.join("initdb"), &folder);
        initdb.args([
            "-U",
            "yijiao_owner",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ]);
        initdb.arg(folder.join("data")).arg("--pwfile").arg(&password);
        let made = initdb.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let server = Self::serve(&folder, &programs, user, port);
        Self { folder, programs, user, port, server, held: None }
    }

    /// A database in it with the product's schema.
    pub fn database(&self) -> TestDb {
        let server = format!("postgres://yijiao_owner:{PASSWORD}@127.0.0.1:{}/postgres", self.port);
        TestDb::made_by(Url::parse(&server).unwrap(), Holds::Schema)
    }

    /// From now on nothing is written but what somebody waits for, and what was committed before that.
    pub async fn keep_to_itself(&mut self, onlooker: &mut AsyncPgConnection) {
        let writer = "(select pid from pg_stat_activity where backend_type = 'walwriter')";
        let writer = diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>(writer));
        let writer: i32 = writer.get_result(onlooker).await.unwrap();
        signal(&format!("kill -STOP {writer}"));
        self.held = Some(writer);
    }

    /// Falls as `pg_ctl -m immediate` lets it fall, without a last word to the disk, and is there again after its recovery.
    pub fn crash(&mut self) {
        self.fall();
        self.server = Self::serve(&self.folder, &self.programs, self.user, self.port);
    }

    fn fall(&mut self) {
        signal(&format!("kill -QUIT {}", self.server.id()));
        if let Some(writer) = self.held.take() {
            signal(&format!("kill -CONT {writer}"));
        }
        self.server.wait().unwrap();
    }

    fn serve(folder: &Path, programs: &Path, user: Option<(u32, u32)>, port: u16) -> Child {
        let mut server = by(user, &programs.join("postgres"), folder);
        server.arg("-D").arg(folder.join("data"));
        let port = format!("port={port}");
        // A process that dies leaves to the disk what it wrote, synced or not; what it kept to itself is lost.
        for setting in [
            port.as_str(),
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "synchronous_commit=on",
            "wal_writer_delay=10s",
            "autovacuum=off",
            "wal_level=minimal",
            "max_wal_senders=0",
            "shared_buffers=64MB",
        ] {
            server.args(["-c", setting]);
        }
        let mut server = server.stderr(Stdio::piped()).spawn().unwrap();
        until_said(server.stderr.take().unwrap(), "ready to accept connections");
        server
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        self.fall();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// A Redis that keeps nothing on a disk.
pub struct PrivateRedis {
    program: String,
    port: u16,
    server: Child,
}

impl PrivateRedis {
    pub fn start() -> Self {
        let program = program("TEST_REDIS_SERVER", "find_redis && printf %s \"$REDIS_SERVER\"");
        let port = free_port();
        let server = Self::serve(&program, port);
        Self { program, port, server }
    }

    pub fn url(&self) -> SecretString {
        format!("redis://default:{PASSWORD}@127.0.0.1:{}/0", self.port).into()
    }

    /// SIGKILL.
    pub fn dies(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    /// Is there again, empty.
    pub fn returns(&mut self) {
        self.server = Self::serve(&self.program, self.port);
    }

    fn serve(program: &str, port: u16) -> Child {
        let mut server = Command::new(program);
        server.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--requirepass", PASSWORD]);
        server.args(["--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", ""]);
        let mut server = server.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        until_said(server.stdout.take().unwrap(), "eady to accept connections");
        server
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// What the environment names, or what `make test` would find on this machine.
fn program(variable: &str, find: &str) -> String {
    if let Ok(named) = std::env::var(variable) {
        return named;
    }
    let find = format!(". dev/lib.sh && . dev/packages.sh && {find}");
    let found = Command::new("bash").args(["-c", &find]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let found = found.ok().filter(|found| found.status.success());
    let found = found.and_then(|found| String::from_utf8(found.stdout).ok());
    found.unwrap_or_else(|| {
        panic!("{variable} is not set, and nothing fitting is installed; `make test` sets it")
    })
}

fn signal(kill: &str) {
    assert!(Command::new("sh").args(["-c", kill]).status().unwrap().success(), "{kill}");
}

/// A program as another user, in a folder that he may enter.
fn by(user: Option<(u32, u32)>, program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null());
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

/// As `dev/postgres.sh` chooses it.
fn unprivileged() -> (u32, u32) {
    let asked = |of: &str, name: &str| -> Option<u32> {
        let id = Command::new("id").args([of, name]).output().ok()?;
        String::from_utf8(id.stdout).ok()?.trim().parse().ok()
    };
    let ids = |name: &str| asked("-u", name).zip(asked("-g", name));
    ids("postgres").or_else(|| ids("nobody")).expect("a user that is not root")
}

/// Below those that the system hands out by itself: it must still be free when its server comes back.
fn free_port() -> u16 {
    let mut tries = std::iter::repeat_with(|| 20_000 + rand::random::<u16>() % 10_000);
    tries.find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

/// Waits until a server says so, and lets it talk on.
fn until_said(talk: impl Read + Send + 'static, wanted: &str) {
    let mut lines = BufReader::new(talk).lines().map_while(Result::ok);
    let mut said = Vec::new();
    for line in lines.by_ref() {
        if line.contains(wanted) {
            std::thread::spawn(move || lines.for_each(drop));
            return;
        }
        said.push(line);
    }
    panic!("it does not start: {said:#?}");
}
