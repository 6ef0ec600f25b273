//! News of one matter reaches each reader in the order in which it happened.

use chrono::TimeDelta;
use uuid::Uuid;
use yijiao::notices::admin::cancel::{WithReason, cancel};
use yijiao::notices::admin::retry::retry;
use yijiao::notices::deliver::Delivered;
use yijiao::notices::model::{NewNotice, NoticeId, NoticeState, Priority};
use yijiao::sandbox::{Fault, Mode};

use super::lease::hesitant;
use super::stage::{Row, Stage, alarm_params};

/// Posts news of the call; it asks nobody to act.
async fn tell(stage: &Stage, room: &str, event: &str) -> NoticeId {
    let row = stage.notice(NoticeId::fresh(), stage.channel(room).await, Priority::Normal, alarm_params());
    let id = row.id;
    stage.post_all(vec![NewNotice { officer_id: None, event: event.to_owned(), ..row }]).await;
    id
}

/// Works on until nothing waits any more.
async fn work_off(stage: &Stage) {
    while let Some(due) = stage.next_due().await {
        stage.clock.set(due.max(stage.now()));
        stage.work_all().await;
    }
}

/// What a system heard, in order.
fn heard(stage: &Stage, room: &str) -> Vec<String> {
    stage.sandbox.messages(room).into_iter().filter_map(|message| message.delivery_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_never_hears_that_it_was_accepted_after_it_was_resolved() {
    let stage = Stage::set().await;
    stage.sandbox.set_fault("county", Fault::times(Mode::Http500, 2));
    let accepted = tell(&stage, "county", "call.accepted").await;
    stage.work_all().await;
    assert_eq!(stage.row(accepted).await.state, NoticeState::Retry);
    let resolved = tell(&stage, "county", "call.resolved").await;
    stage.work_all().await;
    let row = stage.row(resolved).await;
    assert_eq!((row.state, row.attempt, row.reason.as_str()), (NoticeState::Held, 0, "in_order"));
    assert!(row.due_at.unwrap() <= stage.row(accepted).await.due_at.unwrap());
    // It fails once more, for five minutes; so long the other does not look again.
    stage.clock.set(stage.row(accepted).await.due_at.unwrap());
    stage.work_all().await;
    stage.pass(TimeDelta::seconds(1));
    stage.work_all().await;
    let (row, ahead) = (stage.row(resolved).await, stage.row(accepted).await);
    assert_eq!((row.state, row.due_at), (NoticeState::Held, ahead.due_at), "{row:?}");
    assert!(row.due_at.unwrap() > stage.now() + TimeDelta::minutes(4), "{row:?}");
    // Nobody else waits: not another matter, nor an alarm, nor another reader.
    let other =
        stage.notice(NoticeId::fresh(), stage.channel("county").await, Priority::Normal, alarm_params());
    let other = NewNotice { subject_id: Uuid::now_v7(), officer_id: None, ..other };
    let (alarm, elsewhere) = (stage.alarm("county").await, tell(&stage, "wecom", "call.resolved").await);
    stage.post_all(vec![other.clone()]).await;
    stage.work_all().await;
    for at_once in [other.id, alarm, elsewhere] {
        assert_eq!(stage.row(at_once).await.state, NoticeState::Sent);
    }
    work_off(&stage).await;
    assert_eq!(heard(&stage, "county")[2..], [accepted.to_string(), resolved.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_posted_at_once_arrives_one_after_the_other_in_a_system_and_together_in_a_room() {
    let stage = Stage::set().await;
    let mut told = Vec::new();
    for event in ["call.accepted", "call.arrived", "call.resolved"] {
        told.push(tell(&stage, "county", event).await.to_string());
        tell(&stage, "wecom", event).await;
    }
    stage.work_all().await;
    work_off(&stage).await;
    assert_eq!(heard(&stage, "county"), told);
    assert!(stage.states().await.into_iter().all(|state| state == NoticeState::Sent));
    let read: String = stage.sandbox.messages("wecom").into_iter().map(|message| message.text).collect();
    let places = ["已由李强接单", "已到场", "已办结"].map(|words| read.find(words));
    assert!(places[0].is_some() && places.is_sorted() && read.contains("条消息"), "{places:?} {read}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_or_under_way_keeps_the_next_waiting_no_longer() {
    let stage = Stage::set().await;
    stage.sandbox.set_fault("wecom", Fault::times(Mode::BadMessage, 1));
    let refused = tell(&stage, "wecom", "call.accepted").await;
    stage.work_all().await;
    assert_eq!(stage.row(refused).await.state, NoticeState::Dead);
    let next = tell(&stage, "wecom", "call.resolved").await;
    stage.work_all().await;
    assert_eq!(stage.row(next).await.state, NoticeState::Sent);

    let (go, asked) = hesitant(&stage, "county", "200 OK", "").await;
    let [first, second] =
        [tell(&stage, "county", "call.accepted").await, tell(&stage, "county", "call.resolved").await];
    let (sender, now) = (stage.jobs.worker.sender.clone(), stage.now());
    let sending = {
        let (sender, entry) = (sender.clone(), stage.entry(first));
        tokio::spawn(async move { sender.deliver_one(entry, now).await.unwrap() })
    };
    asked.await.unwrap();
    let waits = sender.deliver_one(stage.entry(second), now).await.unwrap();
    assert_eq!(waits, Delivered::Kept(NoticeState::Held));
    assert_eq!(stage.row(second).await.due_at, Some(now + TimeDelta::seconds(1)));
    go.send(()).unwrap();
    assert_eq!(sending.await.unwrap(), Delivered::Tried(NoticeState::Sent));
    stage.move_room("county", stage.sandbox_url("county").as_str()).await;
    stage.pass(TimeDelta::seconds(1));
    stage.work_all().await;
    assert_eq!(stage.row(second).await.state, NoticeState::Sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_administrator_sends_or_cancels_keeps_the_next_waiting_no_longer() {
    let stage = Stage::set().await;
    let administrator = stage.administrator();
    stage.sandbox.set_fault("county", Fault::times(Mode::Http500, 2));
    let [first, second, third] = [
        tell(&stage, "county", "call.accepted").await,
        tell(&stage, "county", "call.arrived").await,
        tell(&stage, "county", "call.resolved").await,
    ];
    stage.work_all().await;
    stage.clock.set(stage.row(first).await.due_at.unwrap());
    stage.work_all().await;
    stage.pass(TimeDelta::seconds(1));
    stage.work_all().await;
    let minutes = |row: Row| row.due_at.unwrap() - stage.now() > TimeDelta::minutes(4);
    for id in [first, second, third] {
        assert!(minutes(stage.row(id).await), "the receiver failed twice");
    }
    let given = WithReason { reason: "试发".to_owned() };
    cancel(stage.db(), &administrator, second, &given, stage.now()).await.unwrap();
    assert_eq!(stage.row(third).await.due_at, Some(stage.now()));
    stage.work_all().await;
    assert!(minutes(stage.row(third).await), "the first is still to come");
    retry(stage.db(), &administrator, first, stage.now()).await.unwrap();
    stage.work_all().await;
    stage.pass(TimeDelta::seconds(1));
    stage.work_all().await;
    assert_eq!(heard(&stage, "county"), [first.to_string(), third.to_string()]);
}
