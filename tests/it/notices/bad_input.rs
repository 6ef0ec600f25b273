//! Everything a receiver can do wrong: each ends in its state, and an administrator reads what he can do about it.

use chrono::TimeDelta;
use yijiao::notices::admin::words;
use yijiao::notices::model::{ChannelState, NewNotice, NoticeId, NoticeState, Priority};
use yijiao::platform::http::lang::Lang;
use yijiao::sandbox::{Fault, Mode};

use super::stage::{Jobs, Row, Stage, alarm_params};

/// One attempt at an officer's reminder, and how its row stands then.
async fn attempted(stage: &Stage, jobs: &Jobs, room: &str) -> Row {
    stage.forget_blocks().await;
    let id = stage.post(room, Priority::Normal, alarm_params()).await;
    let _ = jobs.worker.sender.deliver_one(stage.entry(id), stage.now()).await.unwrap();
    let row = stage.row(id).await;
    stage.answer().await;
    row
}

/// Its reason, in words that say this in Chinese; it names no secret and no address.
fn understood(row: &Row, code: &str, said: &str, name: &str) {
    assert!(row.reason.starts_with(code), "{name}: {row:?}");
    let told = words::reason(&row.reason, Lang::Zh).unwrap_or_else(|| panic!("{name}: {row:?}"));
    assert!(told.contains(said), "{name}: {told}");
    assert!(words::reason(&row.reason, Lang::En).is_some_and(|words| words.is_ascii()), "{name}");
    assert!(!row.reason.contains("key-") && !row.reason.contains("http://"), "{row:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_failure_ends_in_its_state_with_a_reason_that_an_administrator_understands() {
    use NoticeState::{Fallback, Retry};
    let stage = Stage::set().await;
    let hasty = stage.jobs_with(|config| {
        config.outbound.connect_timeout_ms = 400;
        config.outbound.timeout_ms = 400;
    });
    for (name, room, fault, state, code, said) in [
        ("dead robot", "wecom", Fault::always(Mode::Dead), Fallback, "dead_target", "重新创建后更换密钥"),
        ("wrong secret", "dingtalk", Fault::always(Mode::WrongSign), Fallback, "needs_admin", "核对密钥"),
        ("429 and when", "county", Fault::always(Mode::Http429).seconds(90), Retry, "rate_limited", "限流"),
        ("429", "county", Fault::always(Mode::Http429), Retry, "rate_limited", "限流"),
        ("302", "county", Fault::always(Mode::Redirect), Retry, "retry: HTTP 302", "跳转"),
        ("302 of a robot", "wecom", Fault::always(Mode::Redirect), Retry, "retry: HTTP 302", "跳转"),
        ("a page", "feishu", Fault::always(Mode::Html200), Retry, "retry: HTTP 200", "登录页"),
        ("no JSON", "wecom", Fault::always(Mode::Garbage), Retry, "retry: HTTP 200", "不是平台应有的内容"),
        ("errcode, busy", "wecom", Fault::always(Mode::Busy), Retry, "retry", "自动重试"),
        ("errcode, bad", "wecom", Fault::always(Mode::BadMessage), Fallback, "bad_message", "内容"),
        ("half", "county", Fault::always(Mode::Half), Retry, "retry: the exchange", "一半"),
        ("silence", "feishu", Fault::always(Mode::Timeout), Retry, "retry: no answer in time", "时限"),
        ("1 GB", "county", Fault::always(Mode::Huge), Retry, "retry: the answer is longer", "过长"),
    ] {
        stage.set_channel(room, ChannelState::Active).await;
        stage.sandbox.set_fault(room, fault);
        let row = attempted(&stage, &hasty, room).await;
        stage.sandbox.clear_fault(room);
        assert_eq!(row.state, state, "{name}: {row:?}");
        understood(&row, code, said, name);
        assert_eq!(row.due_at.is_some(), state == Retry, "{name}: {row:?}");
        let wait = row.due_at.map_or(TimeDelta::zero(), |due| due - stage.now());
        let least = match name {
            "429 and when" => TimeDelta::seconds(90),
            "429" => TimeDelta::seconds(60),
            _ => TimeDelta::zero(),
        };
        assert!(wait >= least && wait < TimeDelta::minutes(3), "{name}: {wait}");
        let dead = stage.channel_state(room).await.0 == "dead";
        assert_eq!(dead, name == "dead robot", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_wrong_is_given_up_after_an_hour_at_least_and_an_alarm_goes_another_way_long_before() {
    let stage = Stage::set().await;
    let hasty = stage.jobs_with(|config| {
        config.outbound.connect_timeout_ms = 100;
        config.outbound.timeout_ms = 100;
    });
    for (room, mode, said) in [
        ("wecom", Mode::Busy, "多次"),
        ("wecom", Mode::Redirect, "跳转"),
        ("feishu", Mode::Html200, "登录页"),
        ("dingtalk", Mode::Garbage, "不是平台应有的内容"),
        ("feishu", Mode::Half, "一半"),
        ("dingtalk", Mode::Timeout, "时限"),
        ("wecom", Mode::Huge, "过长"),
    ] {
        stage.sandbox.set_fault(room, Fault::always(mode));
        let (alarm, news) = (NoticeId::fresh(), NoticeId::fresh());
        let channel = stage.channel(room).await;
        for (id, officer_id) in [(alarm, Some(stage.officer)), (news, None)] {
            let row = stage.notice(id, channel, Priority::Normal, alarm_params());
            stage.post_all(vec![NewNotice { officer_id, ..row }]).await;
        }
        let mut ended = Vec::new();
        for id in [alarm, news] {
            let began = stage.now();
            let row = loop {
                stage.forget_blocks().await;
                let _ = hasty.worker.sender.deliver_one(stage.entry(id), stage.now()).await.unwrap();
                let row = stage.row(id).await;
                match row.due_at {
                    Some(due) => stage.pass(due - stage.now()),
                    None => break row,
                }
            };
            ended.push((row, stage.now() - began));
        }
        stage.sandbox.clear_fault(room);
        let (row, took) = &ended[0];
        assert_eq!(row.state, NoticeState::Fallback, "{room} {mode:?}: {row:?}");
        assert!(*took < TimeDelta::minutes(10), "{room} {mode:?}: {took}");
        let (row, took) = &ended[1];
        assert_eq!(row.state, NoticeState::Dead, "{room} {mode:?}: {row:?}");
        understood(row, "attempts_used_up", said, room);
        assert!(*took >= TimeDelta::hours(1), "{room} {mode:?}: {took}");
        assert!(stage.attempts(news).await.len() >= 6, "{room} {mode:?}");
        assert_eq!(stage.channel_state(room).await.0, "active", "{room} {mode:?}");
        stage.answer().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_inside_and_one_where_nobody_is_are_told_apart() {
    let stage = Stage::set().await;
    // Nothing private is allowed to this one.
    let careful = stage.jobs_with(|config| config.outbound.allow_private.clear());
    let port = stage.sandbox_url("county").port().unwrap();
    for inside in ["https://localhost", "https://127.0.0.1", "http://127.0.0.1", "https://[::ffff:127.0.0.1]"]
    {
        stage.move_room("county", &format!("{inside}:{port}/hooks/county")).await;
        let row = attempted(&stage, &careful, "county").await;
        assert_eq!(row.state, NoticeState::Fallback, "{inside}: {row:?}");
        understood(&row, "needs_admin: refused", "内网", inside);
    }
    assert_eq!(stage.sandbox.messages("county").len(), 0);
    stage.move_room("county", "http://127.0.0.1:1/hooks/county").await;
    let row = attempted(&stage, &stage.jobs, "county").await;
    assert_eq!(row.state, NoticeState::Retry);
    understood(&row, "retry: no connection", "连不上", "nobody there");
}
