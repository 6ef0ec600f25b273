//! The product as a process of its own, killed outright while it holds a notice at every step; and a receiver whose certificate is old.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel_async::RunQueryDsl as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use yijiao::notices::admin::words;
use yijiao::notices::deliver::Delivered;
use yijiao::notices::model::{Lane, NoticeId, NoticeState, Priority};
use yijiao::platform::clock::Clock;
use yijiao::platform::db::Tx;
use yijiao::platform::http::lang::Lang;

use super::stage::{Stage, alarm_params};
use crate::stores::wire::{Authority, Wire, place, via};

/// For what must happen by itself.
const PATIENCE: Duration = Duration::from_secs(15);

/// A sender that is about to die.
struct Doomed(Child);

impl Doomed {
    /// `yijiao serve --only work` over the stage's Postgres and this way to Redis, believing whom this file names.
    fn start(stage: &Stage, redis: SecretString, authority: Option<&Authority>) -> Self {
        let settings = stage.settings();
        let mut command = Command::new(env!("CARGO_BIN_EXE_yijiao"));
        command
            .args(["serve", "--only", "work"])
            .env("DATABASE_URL", settings.database.url.expose_secret())
            .env("REDIS_URL", redis.expose_secret())
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

/// Waits until so many in this database wait for a row that another holds.
pub async fn until_so_many_wait(stage: &Stage, count: i64) {
    until(stage, "wait_event_type = 'Lock'", |found| found >= count).await;
}

/// Waits until there are enough, or few enough, connections like this in this database.
async fn until(stage: &Stage, like: &str, enough: impl Fn(i64) -> bool) {
    let found = format!(
        "(select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() \
         and backend_type = 'client backend' and {like})"
    );
    // Whose transaction acts for a county sees nothing of the others.
    let mut onlooker = stage.onlooker().await;
    let began = Instant::now();
    loop {
        let query = diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(&found));
        let found: i64 = query.get_result(&mut onlooker).await.unwrap();
        if enough(found) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{found} {like}");
    }
}

/// Somebody else has the row of a notice in his hand.
async fn hold(stage: &Stage, id: NoticeId) -> Tx {
    let mut holder = stage.tx().await;
    let hold = format!("select 1::int8 from notices where id = '{id}' for update");
    assert_eq!(diesel::sql_query(hold).execute(&mut holder).await.unwrap(), 1);
    holder
}

const TAKEN: &[u8] = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_at_every_step_loses_nothing_and_tells_at_most_twice_under_one_id() {
    let stage = Stage::set_with(Clock::manual(Clock::System.now())).await;
    let wire = Wire::to(place(&stage.settings().redis.url)).await;
    // Read from the queue, and not leased: somebody holds its row. What is read together is leased together, so it has a lane of its own.
    stage.open_hook("read").await;
    let read = stage.post("read", Priority::Normal, alarm_params()).await;
    assert_eq!(stage.relay().await.moved, 1);
    let lease_waits = hold(&stage, read).await;
    // Leased, and not sent: who would be told says no word when the line is to be secured.
    let before = receiver(&stage, "before", "https").await;
    // Sent, and not answered.
    let under_way = receiver(&stage, "under-way", "http").await;
    // Answered, and not settled: somebody holds its row.
    let after = receiver(&stage, "after", "http").await;
    // Settled, and not acknowledged in the queue: Redis has fallen silent.
    let settled = receiver(&stage, "settled", "http").await;
    let mut ids = Vec::new();
    for hook in ["before", "under-way", "after", "settled"] {
        ids.push(stage.alarm(hook).await);
    }
    let doomed = Doomed::start(&stage, via(&stage.settings().redis.url, "127.0.0.1", wire.at, ""), None);
    let (mut silent, (_unanswered, second), (mut answered, third), (mut done, fourth)) = {
        let handshake = async { before.accept().await.unwrap().0 };
        let all = async { tokio::join!(handshake, hears(&under_way), hears(&after), hears(&settled)) };
        tokio::time::timeout(PATIENCE, all).await.expect("it sends")
    };
    // The first words of a handshake, none of the message.
    assert_eq!(silent.read_u8().await.unwrap(), 0x16);
    assert_eq!([&second, &third, &fourth], [&ids[1].to_string(), &ids[2].to_string(), &ids[3].to_string()]);
    until_so_many_wait(&stage, 1).await;
    let settlement_waits = hold(&stage, ids[2]).await;
    answered.write_all(TAKEN).await.unwrap();
    until_so_many_wait(&stage, 2).await;
    wire.fall_silent();
    done.write_all(TAKEN).await.unwrap();
    let began = Instant::now();
    while stage.row(ids[3]).await.state != NoticeState::Sent {
        assert!(began.elapsed() < PATIENCE, "it is settled without Redis");
    }
    for id in &ids[..3] {
        assert_eq!(stage.row(*id).await.state, NoticeState::Sending);
    }
    let row = stage.row(read).await;
    assert_eq!((row.state, row.attempt), (NoticeState::Queued, 0));
    doomed.dies();
    drop((lease_waits, settlement_waits));
    // Its connections find out when they have what they waited for.
    until(&stage, "state <> 'idle'", |found| found == 0).await;

    for hook in ["before", "under-way", "after", "settled"] {
        stage.move_room(hook, stage.sandbox_url("county").as_str()).await;
    }
    stage.clock.set(Clock::System.now());
    // Somebody takes over what the dead one had in hand: nothing of it was acknowledged.
    let (queue, sender) = (&stage.jobs.relay.queue, &stage.jobs.worker.sender);
    let mut left = Vec::new();
    for lane in Lane::ALL {
        for taken in queue.reclaim(lane, "heir", Duration::ZERO).await.unwrap() {
            let entry = taken.entry.unwrap();
            left.push((entry.notice, sender.deliver_one(entry, stage.now()).await.unwrap()));
            queue.lane(lane).done(&[taken.id]).await.unwrap();
        }
    }
    left.sort_by_key(|(id, _)| *id);
    let nothing = ids.iter().map(|id| (*id, Delivered::NothingToDo));
    let expected: Vec<_> =
        std::iter::once((read, Delivered::Tried(NoticeState::Sent))).chain(nothing).collect();
    assert_eq!(left, expected);
    stage.work_all().await;
    assert_eq!(stage.sandbox.messages("county").len(), 1, "the leases of the others still run");
    stage.pass(TimeDelta::seconds(31));
    stage.work_all().await;
    for (id, outcomes) in [
        (read, &["delivered"][..]),
        (ids[0], &["lapsed", "delivered"]),
        (ids[1], &["lapsed", "delivered"]),
        (ids[2], &["lapsed", "delivered"]),
        (ids[3], &["delivered"]),
    ] {
        let row = stage.row(id).await;
        assert_eq!((row.state, row.attempt), (NoticeState::Sent, i32::try_from(outcomes.len()).unwrap()));
        let came: Vec<String> = stage.attempts(id).await.into_iter().map(|attempt| attempt.1).collect();
        assert_eq!(came, outcomes);
    }
    // Once more at most, under the id by which the receiver may know what it has heard already.
    let mut told: Vec<_> =
        stage.sandbox.messages("county").into_iter().map(|message| message.delivery_id.unwrap()).collect();
    told.sort();
    let expected = [read, ids[0], ids[1], ids[2]].map(|id| id.to_string());
    assert_eq!(told, expected);
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
    let sender = Doomed::start(&stage, stage.settings().redis.url.clone(), Some(&authority));
    let began = Instant::now();
    let row = loop {
        let row = stage.row(id).await;
        if row.attempt > 0 && row.state == NoticeState::Retry {
            break row;
        }
        assert!(began.elapsed() < PATIENCE, "{row:?}");
    };
    sender.dies();
    assert!(row.reason.starts_with("retry: TLS: invalid peer certificate: certificate expired"), "{row:?}");
    assert!(words::reason(&row.reason, Lang::Zh).unwrap().contains("证书过期"), "{row:?}");
    assert!(row.due_at.is_some());
}
