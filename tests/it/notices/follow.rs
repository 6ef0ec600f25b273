//! A first alarm on which nobody acts: his next application, each once, at the moment the county chose.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use yijiao::notices::model::{ChannelState, NoticeId, NoticeState, Priority};
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
    assert_eq!(stage.sandbox.messages("dingtalk-app").len(), 1);
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
