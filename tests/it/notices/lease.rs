//! The lease: nobody sends twice at a time, nobody's late answer counts, nothing answered is sent, and who dies is replaced.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use yijiao::notices::admin::retry::retry;
use yijiao::notices::deliver::Delivered;
use yijiao::notices::model::{ChannelState, Entry, NewNotice, NoticeId, NoticeState, Priority};
use yijiao::notices::outbox::{self, Done};
use yijiao::organisation::CountyId;
use yijiao::platform::db::DbError;
use yijiao::sandbox::{Fault, Mode};
use yijiao::schema::notices;

use super::crash::until_so_many_wait;
use super::stage::{Stage, USER, alarm_params, subject};

/// Somebody has accepted.
fn accepted(stage: &Stage) -> Done<'static> {
    Done {
        event: "call.accepted",
        at: stage.now(),
        actor: "王芳",
        officer: None,
        facts: serde_json::Map::new(),
    }
}

const LEASE: TimeDelta = TimeDelta::seconds(30);

/// As a sender leaves it that died after its lease: sending, for the first time, until the lease ends.
async fn die_sending(stage: &Stage, id: NoticeId) {
    let mut tx = stage.tx().await;
    let leased = diesel::update(notices::table.find(id))
        .set((
            notices::state.eq(NoticeState::Sending),
            notices::attempt.eq(notices::attempt + 1),
            notices::due_at.eq(Some(stage.now() + LEASE)),
        ))
        .execute(&mut tx)
        .await;
    tx.finish(leased.map_err(DbError::from)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_senders_one_sends() {
    let stage = Stage::set().await;
    let id = stage.alarm("county").await;
    let tries = (0..8).map(|_| stage.jobs.worker.sender.deliver_one(stage.entry(id), stage.now()));
    let results = futures_util::future::join_all(tries).await;
    let sent =
        results.iter().filter(|result| *result.as_ref().unwrap() == Delivered::Tried(NoticeState::Sent));
    assert_eq!(sent.count(), 1);
    assert_eq!(stage.sandbox.messages("county").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_names_another_county_finds_nothing() {
    let stage = Stage::set().await;
    let id = stage.alarm("county").await;
    let forged = Entry { county: CountyId::fresh(), notice: id };
    let delivered = stage.jobs.worker.sender.deliver_one(forged, stage.now()).await.unwrap();
    assert_eq!(delivered, Delivered::NothingToDo);
    assert_eq!(stage.row(id).await.state, NoticeState::Queued);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dies_while_sending_is_replaced_and_the_receiver_sees_the_same_id() {
    let stage = Stage::set().await;
    let id = stage.alarm("county").await;
    die_sending(&stage, id).await;
    assert_eq!(stage.work().await, 0, "the lease still runs");
    stage.pass(LEASE);
    assert_eq!(stage.work().await, 1);
    let row = stage.row(id).await;
    assert_eq!((row.state, row.attempt), (NoticeState::Sent, 2));
    let attempts = stage.attempts(id).await;
    assert_eq!(attempts, [(1, "lapsed".to_owned(), None), (2, "delivered".to_owned(), Some(204))]);
    assert_eq!(stage.hears("county").await.delivery_id, Some(id.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_means_once_more_with_the_same_id() {
    let stage = Stage::set().await;
    stage.sandbox.set_fault("county", Fault::times(Mode::LostAnswer, 1));
    let id = stage.alarm("county").await;
    stage.work().await;
    let row = stage.row(id).await;
    assert_eq!((row.state, row.attempt), (NoticeState::Retry, 1));
    assert_eq!(stage.work().await, 0, "not before its moment");
    stage.clock.set(row.due_at.unwrap());
    stage.work().await;
    assert_eq!(stage.row(id).await.state, NoticeState::Sent);
    let ids: Vec<_> =
        stage.sandbox.messages("county").into_iter().map(|message| message.delivery_id).collect();
    assert_eq!(ids, [Some(id.to_string()), Some(id.to_string())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_of_an_attempt_whose_lease_ended_does_not_count() {
    let stage = Stage::set().await;
    let id = stage.alarm("county").await;
    // The receiver takes its time; meanwhile the lease ends and another sender takes over.
    let (go, _) = hesitant(&stage, "county", "200 OK", "").await;
    let slow = {
        let (sender, entry, now) = (stage.jobs.worker.sender.clone(), stage.entry(id), stage.now());
        tokio::spawn(async move { sender.deliver_one(entry, now).await.unwrap() })
    };
    while stage.row(id).await.state != NoticeState::Sending {}
    stage.move_room("county", stage.sandbox_url("county").as_str()).await;
    stage.pass(LEASE);
    assert_eq!(stage.work().await, 1);
    let settled = stage.row(id).await;
    assert_eq!((settled.state, settled.attempt), (NoticeState::Sent, 2));
    go.send(()).unwrap();
    assert_eq!(slow.await.unwrap(), Delivered::TooLate);
    assert_eq!(stage.row(id).await, settled);
    let outcomes: Vec<String> = stage.attempts(id).await.into_iter().map(|(_, outcome, _)| outcome).collect();
    assert_eq!(outcomes, ["lapsed", "delivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_under_a_lease_that_a_crash_took_away_does_not_count_either() {
    let stage = Stage::set().await;
    let id = stage.alarm("county").await;
    let send = || {
        let (sender, entry, now) = (stage.jobs.worker.sender.clone(), stage.entry(id), stage.now());
        tokio::spawn(async move { sender.deliver_one(entry, now).await.unwrap() })
    };
    let (refuse, asked) = hesitant(&stage, "county", "503 Later", "").await;
    let forgotten = send();
    asked.await.unwrap();
    // Postgres comes back without the lease, and counts the next one by the same number.
    let mut tx = stage.tx().await;
    let back = (notices::state.eq(NoticeState::Queued), notices::attempt.eq(0));
    let back = diesel::update(notices::table.find(id)).set(back).execute(&mut tx).await;
    tx.finish(back.map_err(DbError::from)).await.unwrap();
    stage.pass(TimeDelta::seconds(1));
    let (take, asked) = hesitant(&stage, "county", "200 OK", "").await;
    let present = send();
    asked.await.unwrap();
    refuse.send(()).unwrap();
    assert_eq!(forgotten.await.unwrap(), Delivered::TooLate);
    take.send(()).unwrap();
    assert_eq!(present.await.unwrap(), Delivered::Tried(NoticeState::Sent));
    assert_eq!(stage.attempts(id).await, [(1, "delivered".to_owned(), Some(200))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_before_it_left_is_not_sent() {
    let stage = Stage::set().await;
    let (queued, relayed) = (stage.alarm("wecom").await, stage.alarm("wecom").await);
    let _ = stage.relay().await;
    stage.answer().await;
    assert_eq!(stage.jobs.worker.run_once(stage.now()).await.unwrap(), 2);
    for id in [queued, relayed] {
        let row = stage.row(id).await;
        assert_eq!((row.state, row.attempt, row.due_at), (NoticeState::Superseded, 0, None));
    }
    assert_eq!(stage.sandbox.messages("wecom").len(), 0);
    stage.pass(TimeDelta::hours(1));
    assert_eq!(stage.work().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_after_it_left_was_acted_on() {
    let stage = Stage::set().await;
    let id = stage.alarm("wecom").await;
    stage.work().await;
    stage.answer().await;
    assert_eq!(stage.row(id).await.state, NoticeState::Acted);
}

/// A receiver in the place of a room that is asked once, says when it was, and answers this (status and headers, body) once it is told to.
pub async fn hesitant(
    stage: &Stage,
    room: &str,
    head: &'static str,
    body: &'static str,
) -> (oneshot::Sender<()>, oneshot::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    stage.move_room(room, &format!("http://{}/hook", listener.local_addr().unwrap())).await;
    let ((go, told), (heard, asked)) = (oneshot::channel(), oneshot::channel());
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 64 * 1024];
        let _ = connection.read(&mut request).await.unwrap();
        let _ = heard.send(());
        told.await.unwrap();
        let length = body.len();
        let answer =
            format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        connection.write_all(answer.as_bytes()).await.unwrap();
    });
    (go, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_while_its_token_is_fetched_does_not_leave() {
    let stage = Stage::set().await;
    stage.open_app("feishu-app").await;
    let token = r#"{"code":0,"tenant_access_token":"t-1","expire":7200}"#;
    let (go, asked) = hesitant(&stage, "feishu-app", "200 OK\r\ncontent-type: application/json", token).await;
    let id = stage.alarm_to("feishu-app", USER).await;
    let began = std::time::Instant::now();
    let sending = {
        let (sender, entry, now) = (stage.jobs.worker.sender.clone(), stage.entry(id), stage.now());
        tokio::spawn(async move { sender.deliver_one(entry, now).await.unwrap() })
    };
    asked.await.unwrap();
    stage.answer().await;
    while began.elapsed() < std::time::Duration::from_millis(200) {
        assert_eq!(stage.row(id).await.state, NoticeState::Sending);
    }
    go.send(()).unwrap();
    assert_eq!(sending.await.unwrap(), Delivered::Kept(NoticeState::Superseded));
    let row = stage.row(id).await;
    assert_eq!((row.state, row.attempt, row.due_at), (NoticeState::Superseded, 0, None));
    assert_eq!(stage.attempts(id).await, [], "nothing was tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_on_the_wire_ends_acted_or_is_not_sent_again() {
    for (status, ends) in [("200 OK", NoticeState::Acted), ("503 Later", NoticeState::Superseded)] {
        let stage = Stage::set().await;
        let (go, _) = hesitant(&stage, "county", status, "").await;
        let id = stage.alarm("county").await;
        let sending = {
            let (sender, entry, now) = (stage.jobs.worker.sender.clone(), stage.entry(id), stage.now());
            tokio::spawn(async move { sender.deliver_one(entry, now).await.unwrap() })
        };
        while stage.row(id).await.state != NoticeState::Sending {}
        stage.answer().await;
        assert_eq!(stage.row(id).await.state, NoticeState::Sending);
        go.send(()).unwrap();
        assert_eq!(sending.await.unwrap(), Delivered::Tried(ends));
        assert_eq!(stage.row(id).await.due_at, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dies_while_sending_what_was_answered_is_not_replaced() {
    let stage = Stage::set().await;
    let id = stage.alarm("wecom").await;
    die_sending(&stage, id).await;
    stage.answer().await;
    stage.pass(LEASE);
    stage.work().await;
    assert_eq!(stage.row(id).await.state, NoticeState::Superseded);
    assert_eq!(stage.sandbox.messages("wecom").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_over_which_senders_die_again_and_again_is_given_up() {
    let stage = Stage::set().await;
    let id = stage.alarm("wecom").await;
    for _ in 1..=5 {
        die_sending(&stage, id).await;
        stage.pass(LEASE);
        assert_eq!(stage.relay().await.moved, 1);
        assert_eq!(stage.row(id).await.state, NoticeState::Queued);
    }
    stage.jobs.worker.run_once(stage.now()).await.unwrap();
    let row = stage.row(id).await;
    assert_eq!(
        (row.state, row.due_at, row.reason.as_str()),
        (NoticeState::Fallback, None, "lapsed_too_often")
    );
    assert_eq!(stage.sandbox.messages("wecom").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_so_leaves_when_an_administrator_has_it_sent_again() {
    let stage = Stage::set().await;
    for room in ["dingtalk", "feishu"] {
        stage.set_channel(room, ChannelState::Dead).await;
    }
    let id = stage.alarm("wecom").await;
    for _ in 1..=5 {
        die_sending(&stage, id).await;
        stage.pass(LEASE);
        assert_eq!(stage.relay().await.moved, 1);
    }
    stage.jobs.worker.run_once(stage.now()).await.unwrap();
    let row = stage.row(id).await;
    assert_eq!((row.state, row.reason.as_str()), (NoticeState::Dead, "nobody_to_address: lapsed_too_often"));
    retry(stage.db(), &stage.administrator(), id, stage.now()).await.unwrap();
    stage.work().await;
    assert_eq!(stage.row(id).await.state, NoticeState::Sent);
    assert_eq!(stage.follow_up().await, 0, "and nothing climbs");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_accepts_and_who_sends_never_wait_for_each_other() {
    let stage = Stage::set().await;
    // One posting, in two rooms; the second can take nothing, so that its lease decides about the posting.
    let (first, second) = (stage.alarm("wecom").await, NoticeId::fresh());
    let row = stage.notice(second, stage.channel("dingtalk").await, Priority::FirstAlarm, alarm_params());
    stage.post_all(vec![NewNotice { posting_id: first, ..row }]).await;
    stage.set_channel("dingtalk", ChannelState::Paused).await;
    let mut verb = stage.tx().await;
    let lock = format!("set local lock_timeout = '5s'; select from notices where id = '{first}' for update");
    verb.batch_execute(&lock).await.unwrap();
    let sending = {
        let (sender, entry, now) = (stage.jobs.worker.sender.clone(), stage.entry(second), stage.now());
        tokio::spawn(async move { sender.deliver_one(entry, now).await.unwrap() })
    };
    until_so_many_wait(&stage, 1).await;
    outbox::settle_alarms(&mut verb, subject(), &accepted(&stage))
        .await
        .expect("who waits holds nothing that comes later");
    verb.finish(Ok::<_, DbError>(())).await.unwrap();
    assert_eq!(sending.await.unwrap(), Delivered::NothingToDo);
    assert_eq!(stage.row(second).await.state, NoticeState::Superseded);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_accepts_takes_the_alarms_in_the_order_of_their_ids() {
    let stage = Stage::set().await;
    let (first, second) = (NoticeId::fresh(), NoticeId::fresh());
    let channel = stage.channel("wecom").await;
    // In the table and by their time they stand the other way round.
    for (id, age) in [(second, 2), (first, 1)] {
        let row = stage.notice(id, channel, Priority::FirstAlarm, alarm_params());
        let created_at = row.created_at - TimeDelta::seconds(age);
        stage.post_all(vec![NewNotice { created_at, ..row }]).await;
    }
    let mut holder = stage.tx().await;
    let lock = |id| format!("select from notices where id = '{id}' for update nowait");
    holder.batch_execute(&lock(first)).await.unwrap();
    let accepting = async {
        let mut verb = stage.tx().await;
        let settled = outbox::settle_alarms(&mut verb, subject(), &accepted(&stage)).await;
        verb.finish(settled.map_err(DbError::from)).await.unwrap();
    };
    let looking = async {
        until_so_many_wait(&stage, 1).await;
        holder.batch_execute(&lock(second)).await.expect("nobody has the second who has not the first");
        drop(holder);
    };
    tokio::join!(accepting, looking);
    for id in [first, second] {
        assert_eq!(stage.row(id).await.state, NoticeState::Superseded);
    }
}
