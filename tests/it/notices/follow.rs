//! A first alarm on which nobody acts: his next application, each once, at the moment the county chose.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use yijiao::notices::model::{ChannelState, NoticeId, NoticeState, Priority};
use yijiao::sandbox::{Fault, Mode};
use yijiao::schema::{channels, notices};

use super::stage::{Stage, USER, alarm_params, follow_up};

/// A stage where the officer can be reached by three applications, in this order, and by no room.
async fn three_applications() -> Stage {
    let stage = Stage::set().await;
    for room in ["wecom", "dingtalk", "feishu"] {
        stage.set_channel(room, ChannelState::Dead).await;
    }
    for (nth, app) in (1..).zip(["wecom-app", "dingtalk-app", "feishu-app"]) {
        stage.open_app(app).await;
        stage.reach(app, USER, Some(nth)).await;
    }
    stage
}

/// Where a posting went, and how its rows stand.
async fn went(stage: &Stage, posting: NoticeId) -> Vec<(String, NoticeState, String)> {
    let mut tx = stage.tx().await;
    notices::table
        .inner_join(channels::table)
        .filter(notices::posting_id.eq(posting))
        .filter(notices::officer_id.is_not_null())
        .order(notices::id)
        .select((channels::code, notices::state, notices::reason))
        .load(&mut tx)
        .await
        .unwrap()
}

fn row(code: &str, state: NoticeState, reason: &str) -> (String, NoticeState, String) {
    (code.to_owned(), state, reason.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_reacts_in_one_application_is_reached_in_the_next_until_he_acts() {
    let stage = three_applications().await;
    let posting = stage.raise().await[0].id;
    stage.work().await;
    stage.pass(TimeDelta::seconds(179));
    assert_eq!(stage.follow_up().await, 0, "he has three minutes");
    stage.pass(TimeDelta::seconds(2));
    assert_eq!(stage.follow_up().await, 1);
    stage.work().await;
    assert_eq!(
        went(&stage, posting).await,
        [row("wecom-app", NoticeState::Fallback, "unacted"), row("dingtalk-app", NoticeState::Sent, ""),]
    );
    let (first, second) = (stage.hears("wecom-app").await, stage.hears("dingtalk-app").await);
    assert_eq!(stage.sandbox.messages("dingtalk-app").len(), 1);
    assert!(second.text.contains("企业叫您：3号楼停电"), "the same event: {}", second.text);
    assert!(second.text.contains("还没有人处理"), "and why it comes again: {}", second.text);
    assert!(!first.text.contains("为何再次通知"), "{}", first.text);
    stage.pass(TimeDelta::minutes(4));
    assert_eq!(stage.follow_up().await, 1);
    stage.work().await;
    // There is no further one, and none is asked twice.
    for _ in 0..3 {
        stage.pass(TimeDelta::minutes(4));
        assert_eq!(stage.follow_up().await, 0);
        stage.work().await;
    }
    for app in ["wecom-app", "dingtalk-app", "feishu-app"] {
        assert_eq!(stage.sandbox.messages(app).len(), 1, "{app}");
    }
    stage.answer().await;
    assert_eq!(
        went(&stage, posting).await,
        [
            row("wecom-app", NoticeState::Acted, "unacted"),
            row("dingtalk-app", NoticeState::Acted, "unacted"),
            row("feishu-app", NoticeState::Acted, ""),
        ],
        "whichever of them he saw, he has acted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_follows_what_was_acted_on_nor_what_was_no_first_alarm() {
    let stage = three_applications().await;
    stage.raise().await;
    let app = stage.channel("wecom-app").await;
    let reminder = stage.notice(NoticeId::fresh(), app, Priority::Normal, alarm_params());
    stage.work().await;
    stage.answer().await;
    let other = uuid::Uuid::now_v7();
    let reminder =
        yijiao::notices::model::NewNotice { recipient: USER.to_owned(), subject_id: other, ..reminder };
    stage.post_all(vec![reminder]).await;
    stage.work().await;
    stage.pass(TimeDelta::minutes(10));
    assert_eq!(stage.follow_up().await, 0);
    stage.work().await;
    assert_eq!(stage.sandbox.messages("dingtalk-app").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_county_says_how_long_and_replicas_send_it_on_once() {
    let stage = three_applications().await;
    stage.chooses(json!({"notices": {"next_channel_minutes": 5}})).await;
    let posting = stage.raise().await[0].id;
    stage.work().await;
    stage.pass(TimeDelta::minutes(4));
    assert_eq!(stage.follow_up().await, 0);
    stage.pass(TimeDelta::minutes(2));
    // As after a restart: the moment stands in Postgres, whoever looks.
    let others = [stage.replica(), stage.replica(), stage.replica()];
    let now = stage.now();
    let looks = others.iter().map(|jobs| {
        let follow = follow_up(jobs, &stage.wake);
        async move { follow.run_once(now).await.unwrap() }
    });
    let went_on: usize = futures_util::future::join_all(looks).await.into_iter().sum();
    assert_eq!(went_on, 1);
    stage.work().await;
    assert_eq!(went(&stage, posting).await.len(), 2);
    assert_eq!(stage.sandbox.messages("dingtalk-app").len(), 1);
    assert_eq!(stage.sandbox.messages("feishu-app").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_its_rooms_heard_too_is_sent_on_once_and_a_paused_way_is_passed_over() {
    let stage = three_applications().await;
    for room in ["wecom", "dingtalk"] {
        stage.set_channel(room, ChannelState::Active).await;
    }
    stage.set_channel("dingtalk-app", ChannelState::Paused).await;
    let posting = stage.raise().await[0].id;
    stage.work().await;
    stage.pass(TimeDelta::minutes(4));
    assert_eq!(stage.follow_up().await, 1);
    stage.work().await;
    let heard = went(&stage, posting).await;
    let sent = heard.iter().filter(|(_, state, _)| *state == NoticeState::Sent).count();
    assert_eq!((heard.len(), sent), (4, 3), "{heard:?}");
    assert_eq!(heard[3], row("feishu-app", NoticeState::Sent, ""), "{heard:?}");
    for room in ["wecom", "dingtalk"] {
        assert_eq!(stage.sandbox.messages(room).len(), 1);
    }
}

/// The moments at which something follows.
async fn follows(stage: &Stage) -> Vec<chrono::DateTime<chrono::Utc>> {
    let mut tx = stage.tx().await;
    notices::table
        .filter(notices::follow_at.is_not_null())
        .order(notices::follow_at)
        .select(notices::follow_at.assume_not_null())
        .load(&mut tx)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_three_minutes_begin_when_it_leaves_not_while_its_channel_lets_it_wait() {
    let stage = Stage::set_limited().await;
    for room in ["dingtalk", "feishu"] {
        stage.set_channel(room, ChannelState::Dead).await;
    }
    for _ in 0..18 {
        stage.alarm("wecom").await;
    }
    stage.work_all().await;
    stage.answer().await;
    assert!(follows(&stage).await.is_empty(), "what was acted on is not followed");
    // The room is full: this one waits for a place.
    let id = stage.alarm("wecom").await;
    stage.work_all().await;
    let row = stage.row(id).await;
    assert_eq!((row.state, row.reason.as_str()), (NoticeState::Retry, "throttled"));
    assert!(follows(&stage).await.is_empty());
    stage.open_app("dingtalk-app").await;
    stage.reach("dingtalk-app", USER, None).await;
    stage.clock.set(row.due_at.unwrap());
    stage.work_all().await;
    let sent_at = stage.row(id).await.sent_at.unwrap();
    assert_eq!(follows(&stage).await, [sent_at + TimeDelta::minutes(3)]);
    stage.clock.set(sent_at + TimeDelta::minutes(3));
    assert_eq!(stage.follow_up().await, 1);
    stage.work_all().await;
    assert_eq!(stage.sandbox.messages("dingtalk-app").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failing_channel_keeps_is_not_followed_and_what_is_superseded_never_is() {
    let stage = Stage::set_limited().await;
    for room in ["dingtalk", "feishu"] {
        stage.set_channel(room, ChannelState::Dead).await;
    }
    stage.sandbox.set_fault("wecom", Fault::always(Mode::Http500));
    for _ in 0..6 {
        stage.alarm("wecom").await;
    }
    stage.work_all().await;
    assert!(follows(&stage).await.is_empty());
    stage.answer().await;
    stage.sandbox.clear_fault("wecom");
    stage.pass(TimeDelta::minutes(30));
    stage.work_all().await;
    assert!(stage.states().await.into_iter().all(|state| state == NoticeState::Superseded));
    assert_eq!((stage.follow_up().await, follows(&stage).await.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_that_fail_beside_an_application_do_not_keep_the_next_one_waiting() {
    for mode in [Mode::WrongSign, Mode::Http500] {
        let stage = three_applications().await;
        // His own room refuses, and so the business office's is tried, later than his application.
        stage.give_to_office("wecom").await;
        for (room, mode) in [("feishu", Mode::WrongSign), ("wecom", mode)] {
            stage.set_channel(room, ChannelState::Active).await;
            stage.sandbox.set_fault(room, Fault::always(mode));
        }
        let posting = stage.raise().await[0].id;
        stage.pass(TimeDelta::seconds(1));
        stage.work_all().await;
        let heard = went(&stage, posting).await;
        assert_eq!(heard.len(), 3, "{heard:?}");
        assert_eq!(heard[2].0, "wecom", "{heard:?}");
        stage.pass(TimeDelta::seconds(181));
        assert_eq!(stage.follow_up().await, 1, "{mode:?}");
        stage.work_all().await;
        assert_eq!(stage.sandbox.messages("dingtalk-app").len(), 1, "{mode:?}");
    }
}
