//! The product as a process of its own, killed outright while it holds a notice at every step; and a receiver whose certificate is old.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use chrono::TimeDelta;
use diesel_async::RunQueryDsl as _;
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use yijiao::notices::admin::words;
use yijiao::notices::model::{NoticeId, NoticeState};
use yijiao::platform::clock::Clock;
use yijiao::platform::http::lang::Lang;

use super::stage::Stage;
use crate::stores::wire::Authority;

/// A sender that is about to die.
struct Doomed(Child);

impl Doomed {
    /// `yijiao serve --only work` over the stage's Postgres and Redis, believing whom this file names.
    fn start(stage: &Stage, authority: Option<&Authority>) -> Self {
        let settings = stage.settings();
        let mut command = Command::new(env!("CARGO_BIN_EXE_yijiao"));
        command
            .args(["serve", "--only", "work"])
            .env("DATABASE_URL", settings.database.url.expose_secret())
            .env("REDIS_URL", settings.redis.url.expose_secret())
            .env("YIJIAO_REDIS__PREFIX", &settings.redis.prefix)
            .env("YIJIAO_SECRETS__MASTER_KEY", settings.secrets.master_key.expose_secret())
            .env("YIJIAO_HTTP__HOST", "127.0.0.1")
            .env("YIJIAO_HTTP__PORT", "0")
            .env("YIJIAO_NOTICES__THROTTLE", "false")
            .env("YIJIAO_NOTICES__CONSUMER", "doomed")
            .env("YIJIAO_OUTBOUND__ALLOW_PRIVATE", "[\"127.0.0.1\"]")
            .env("YIJIAO_OUTBOUND__CONNECT_TIMEOUT_MS", "10000")
            .env("YIJIAO_OUTBOUND__TIMEOUT_MS", "15000")
            .env("YIJIAO_LOG__FILTER", "error")
            .stdout(Stdio::null());
        if let Some(authority) = authority {
            command.env("SSL_CERT_FILE", &authority.file);
        }
        Self(command.spawn().unwrap())
    }

    /// SIGKILL.
    fn dies(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Doomed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A receiver in the test's own hands; the channel of this name goes there.
async fn receiver(stage: &Stage, hook: &str, scheme: &str) -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    stage.open_hook(hook).await;
    stage.move_room(hook, &format!("{scheme}://{}/hook", listener.local_addr().unwrap())).await;
    listener
}

/// Reads a whole request; the connection, and the id under which the notice came.
async fn hears(receiver: &TcpListener) -> (TcpStream, String) {
    let (mut line, _) = receiver.accept().await.unwrap();
    let mut request = String::new();
    let mut piece = [0; 4096];
    while !request.ends_with('}') {
        let length = line.read(&mut piece).await.unwrap();
        assert_ne!(length, 0, "{request}");
        request.push_str(std::str::from_utf8(&piece[..length]).unwrap());
    }
    let id = request.lines().find_map(|line| line.strip_prefix("webhook-id: ")).unwrap();
    (line, id.to_owned())
}

/// Waits until somebody in this database waits for a row that another holds.
pub async fn until_somebody_waits(stage: &Stage) {
    let waits = "(select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    // Whose transaction acts for a county sees nothing of the others.
    let mut onlooker = stage.onlooker().await;
    let began = std::time::Instant::now();
    loop {
        let query = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(waits));
        if query.get_result::<i64>(&mut onlooker).await.unwrap() > 0 {
            return;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(15), "nobody waits");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_at_every_step_loses_nothing_and_tells_at_most_twice_under_one_id() {
    let stage = Stage::set_with(Clock::manual(Clock::System.now())).await;
    // Leased, and not sent: who would be told says no word when the line is to be secured.
    let before = receiver(&stage, "before", "https").await;
    // Sent, and not answered.
    let under_way = receiver(&stage, "under-way", "http").await;
    // Answered, and not settled: somebody holds its row.
    let after = receiver(&stage, "after", "http").await;
    let mut ids = Vec::new();
    for hook in ["before", "under-way", "after"] {
        ids.push(stage.alarm(hook).await);
    }
    let doomed = Doomed::start(&stage, None);
    let ((mut silent, _), (_unanswered, second), (mut answered, third)) = {
        let all = async {
            tokio::join!(async { before.accept().await.unwrap() }, hears(&under_way), hears(&after))
        };
        tokio::time::timeout(std::time::Duration::from_secs(15), all).await.expect("it sends")
    };
    // The first words of a handshake, none of the message.
    assert_eq!(silent.read_u8().await.unwrap(), 0x16);
    assert_eq!([&second, &third], [&ids[1].to_string(), &ids[2].to_string()]);
    let mut holder = stage.tx().await;
    let hold = format!("select 1::int8 from notices where id = '{}' for update", ids[2]);
    assert_eq!(diesel::sql_query(hold).execute(&mut holder).await.unwrap(), 1);
    answered.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.unwrap();
    until_somebody_waits(&stage).await;
    for id in &ids {
        assert_eq!(stage.row(*id).await.state, NoticeState::Sending);
    }
    doomed.dies();
    drop(holder);

    for hook in ["before", "under-way", "after"] {
        stage.move_room(hook, stage.sandbox_url("county").as_str()).await;
    }
    stage.clock.set(Clock::System.now());
    stage.work_all().await;
    assert_eq!(stage.sandbox.messages("county").len(), 0, "their leases still run");
    stage.pass(TimeDelta::seconds(31));
    stage.work_all().await;
    for id in &ids {
        let row = stage.row(*id).await;
        assert_eq!((row.state, row.attempt), (NoticeState::Sent, 2));
        let outcomes: Vec<String> = stage.attempts(*id).await.into_iter().map(|attempt| attempt.1).collect();
        assert_eq!(outcomes, ["lapsed", "delivered"]);
    }
    // Once more each, under the id by which the receiver may know what it has heard already.
    let mut told: Vec<_> =
        stage.sandbox.messages("county").into_iter().map(|message| message.delivery_id.unwrap()).collect();
    told.sort();
    let mut ids: Vec<String> = ids.iter().map(NoticeId::to_string).collect();
    ids.sort();
    assert_eq!(told, ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_over_is_named_and_its_receiver_tried_again() {
    let stage = Stage::set_with(Clock::manual(Clock::System.now())).await;
    let authority = Authority::new();
    let listener = receiver(&stage, "old", "https").await;
    let acceptor = TlsAcceptor::from(Arc::new(authority.server_until(&["127.0.0.1"], Some(2024))));
    tokio::spawn(async move {
        while let Ok((line, _)) = listener.accept().await {
            assert!(acceptor.accept(line).await.is_err(), "nobody believes it");
        }
    });
    let id = stage.alarm("old").await;
    let sender = Doomed::start(&stage, Some(&authority));
    let began = std::time::Instant::now();
    let row = loop {
        let row = stage.row(id).await;
        if row.attempt > 0 && row.state == NoticeState::Retry {
            break row;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(15), "{row:?}");
    };
    sender.dies();
    assert!(row.reason.starts_with("retry: TLS: invalid peer certificate: certificate expired"), "{row:?}");
    assert!(words::reason(&row.reason, Lang::Zh).unwrap().contains("证书过期"), "{row:?}");
    assert!(row.due_at.is_some());
}
