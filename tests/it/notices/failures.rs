//! Providers that refuse, hurry, answer nonsense or nothing: each ends in the right state with a reason.

use chrono::TimeDelta;
use yijiao::notices::model::{ChannelState, NewNotice, NoticeId, NoticeState, Priority};
use yijiao::sandbox::{Fault, Mode};

use super::lease::hesitant;
use super::stage::{Stage, USER, alarm_params};

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_ends_in_its_state_with_its_reason() {
    let stage = Stage::set().await;
    for (room, mode, state, outcome) in [
        ("wecom", Mode::Busy, NoticeState::Retry, "retry"),
        ("wecom", Mode::RateLimited, NoticeState::Fallback, "rate_limited"),
        ("wecom", Mode::BadMessage, NoticeState::Fallback, "bad_message"),
        ("wecom", Mode::Html200, NoticeState::Retry, "retry"),
        ("wecom", Mode::Garbage, NoticeState::Retry, "retry"),
        ("dingtalk", Mode::WrongSign, NoticeState::Fallback, "needs_admin"),
        ("dingtalk", Mode::Redirect, NoticeState::Fallback, "rate_limited"),
        ("feishu", Mode::Http500, NoticeState::Retry, "retry"),
        ("feishu", Mode::WrongSign, NoticeState::Fallback, "needs_admin"),
        ("county", Mode::Half, NoticeState::Retry, "retry"),
        ("county", Mode::Huge, NoticeState::Retry, "retry"),
        ("county", Mode::Http429, NoticeState::Fallback, "rate_limited"),
    ] {
        // Whatever was addressed anew has left, and no channel is blocked.
        stage.forget_blocks().await;
        stage.work().await;
        stage.forget_blocks().await;
        stage.sandbox.set_fault(room, Fault::times(mode, 1));
        let id = stage.alarm(room).await;
        stage.work().await;
        let row = stage.row(id).await;
        assert_eq!(row.state, state, "{room} {mode:?}: {row:?}");
        assert!(row.reason.starts_with(outcome), "{room} {mode:?}: {row:?}");
        assert_eq!(row.due_at.is_some(), state == NoticeState::Retry, "{room} {mode:?}");
        assert_eq!(stage.attempts(id).await[0].1, outcome, "{room} {mode:?}");
        assert!(!row.reason.contains("key-") && !row.reason.contains("http://"), "{row:?}");
    }
    stage.pass(TimeDelta::hours(1));
    stage.work().await;
    let left: Vec<_> =
        stage.states().await.into_iter().filter(|state| *state == NoticeState::Retry).collect();
    assert_eq!(left, [], "what was to be sent again was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_says_when_is_left_alone_until_then() {
    let stage = Stage::set().await;
    stage.sandbox.set_fault("county", Fault::times(Mode::Http429, 1).seconds(90));
    let id = stage.post("county", Priority::Normal, alarm_params()).await;
    stage.work().await;
    let due = stage.row(id).await.due_at.unwrap();
    assert!(due >= stage.now() + TimeDelta::seconds(90), "{due}");
    assert!(due <= stage.now() + TimeDelta::seconds(114), "{due}");
    // An old entry of the queue brings nothing forward.
    let delivered = stage.jobs.worker.sender.deliver_one(stage.entry(id), stage.now()).await.unwrap();
    assert_eq!(delivered, yijiao::notices::deliver::Delivered::NothingToDo);
    stage.clock.set(due);
    stage.work().await;
    assert_eq!(stage.row(id).await.state, NoticeState::Sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_cannot_be_made_is_given_up_aloud() {
    let stage = Stage::set().await;
    let mut news = stage.notice(
        NoticeId::fresh(),
        stage.channel("wecom").await,
        Priority::Normal,
        serde_json::json!({"actPath": "elsewhere"}),
    );
    news.officer_id = None;
    let id = news.id;
    stage.post_all(vec![news]).await;
    stage.work().await;
    let row = stage.row(id).await;
    assert_eq!((row.state, row.due_at), (NoticeState::Dead, None));
    assert_eq!(row.reason, "unrenderable: the action path makes no address");
    assert_eq!(stage.attempts(id).await, [(1, "unrenderable".to_owned(), None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_alarm_does_not_sleep_as_long_as_a_gateway_asks() {
    let stage = Stage::set().await;
    stage.set_channel("dingtalk", ChannelState::Dead).await;
    let (go, _) = hesitant(&stage, "wecom", "503 Later\r\nretry-after: 86400", "").await;
    go.send(()).unwrap();
    let id = stage.alarm("wecom").await;
    stage.work().await;
    let row = stage.row(id).await;
    assert_eq!((row.state, row.reason.as_str()), (NoticeState::Fallback, "retry: HTTP 503"));
    stage.work().await;
    assert_eq!(stage.sandbox.messages("feishu").len(), 1, "at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_that_one_channel_never_takes_goes_to_the_next_while_its_officer_could_still_act() {
    let stage = Stage::set().await;
    for room in ["wecom", "dingtalk", "feishu"] {
        stage.set_channel(room, ChannelState::Dead).await;
    }
    for app in ["wecom-app", "dingtalk-app"] {
        stage.open_app(app).await;
        stage.reach(app, USER, None).await;
    }
    stage.alarm_to("wecom-app", USER).await;
    stage.work().await;
    // From now on it answers him with a code that says nothing.
    stage.sandbox.set_fault("wecom-app", Fault::always(Mode::Busy));
    stage.answer().await;
    let app = stage.channel("wecom-app").await;
    for (nth, priority) in (1..).zip([Priority::FirstAlarm, Priority::Normal]) {
        let row = stage.notice(NoticeId::fresh(), app, priority, alarm_params());
        let (id, began) = (row.id, stage.now());
        stage.post_all(vec![NewNotice { recipient: USER.to_owned(), ..row }]).await;
        stage.work().await;
        assert_eq!(stage.row(id).await.state, NoticeState::Retry);
        while let Some(due) = stage.row(id).await.due_at {
            // It serves others, so it is not blocked.
            stage.forget_blocks().await;
            stage.clock.set(due);
            stage.work().await;
        }
        assert!(stage.row(id).await.reason.starts_with("retry"));
        assert_eq!(stage.row(id).await.state, NoticeState::Fallback);
        assert!(stage.now() - began < TimeDelta::minutes(3), "{}", stage.now() - began);
        stage.work().await;
        assert_eq!(stage.sandbox.messages("dingtalk-app").len(), nth);
    }
}
