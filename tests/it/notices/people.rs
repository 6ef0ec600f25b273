//! One person, by the applications of the platforms: tokens, order of preference, what he alone may see.

use chrono::TimeDelta;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use yijiao::notices::deliver::{Delivered, Sender};
use yijiao::notices::inbox::{self, Reader};
use yijiao::notices::model::{ChannelState, NoticeId, NoticeState};
use yijiao::notices::subscriptions::{self, SubscribeResult, Subscriptions};
use yijiao::notices::texts::Texts;
use yijiao::platform::http::cursor::Paging;
use yijiao::sandbox::{Fault, Mode};
use yijiao::schema::{channels, notices};

use super::stage::{Stage, TEMPLATE, USER};

const APPS: [&str; 3] = ["wecom-app", "dingtalk-app", "feishu-app"];

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_reaches_a_person_on_every_platform_with_the_phone_in_full() {
    let stage = Stage::set().await;
    for app in APPS {
        stage.open_app(app).await;
        let id = stage.alarm_to(app, USER).await;
        stage.work().await;
        let row = stage.row(id).await;
        assert_eq!((row.state, row.reason.as_str()), (NoticeState::Sent, ""), "{app}");
        let heard = stage.hears(app).await;
        assert!(heard.text.contains("【急】企业叫您：3号楼停电"), "{app}: {}", heard.text);
        assert!(heard.text.contains("王经理 13812345678"), "{app}: {}", heard.text);
        assert!(!heard.text.contains("看全号"), "{app}: {}", heard.text);
        assert_eq!(heard.link(), Some("https://yj.example.cn/a/tok"), "{app}");
        assert_eq!(heard.mentions, [USER], "{app}");
    }
    stage.open_app("slack").await;
    stage.alarm("slack").await;
    stage.work().await;
    let heard = stage.hears("slack").await;
    assert!(heard.text.contains("王经理 138＊＊＊＊5678"), "a room, so masked: {}", heard.text);
    assert_eq!(heard.link(), Some("https://yj.example.cn/a/tok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_serves_all_replicas_and_lies_sealed_in_redis() {
    let stage = Stage::set().await;
    stage.open_app("feishu-app").await;
    let replica = stage.replica();
    let mut ids = Vec::new();
    for _ in 0..24 {
        ids.push(stage.alarm_to("feishu-app", USER).await);
    }
    let senders = [&stage.jobs.worker.sender, &replica.worker.sender];
    let sends = ids.iter().zip(senders.iter().cycle());
    let sends = sends.map(|(id, sender)| sender.deliver_one(stage.entry(*id), stage.now()));
    for delivered in futures_util::future::join_all(sends).await {
        assert_eq!(delivered.unwrap(), Delivered::Tried(NoticeState::Sent));
    }
    assert_eq!(stage.sandbox.tokens_asked("feishu-app"), 1);
    let kept = stage.kept_in_redis("token").await;
    assert_eq!(kept.len(), 1, "the lock is gone");
    assert!(!String::from_utf8_lossy(&kept[0]).contains("token"), "sealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_went_bad_is_replaced_once_and_one_that_grew_old_too() {
    let stage = Stage::set().await;
    for (nth, app) in APPS.into_iter().enumerate() {
        stage.open_app(app).await;
        stage.alarm_to(app, USER).await;
        stage.work().await;
        stage.sandbox.revoke_tokens(app);
        let id = stage.alarm_to(app, USER).await;
        stage.work().await;
        assert_eq!(stage.row(id).await.state, NoticeState::Sent, "{app}");
        assert_eq!(stage.attempts(id).await, [(1, "delivered".to_owned(), Some(200))], "{app}");
        assert_eq!(stage.sandbox.tokens_asked(app), 2, "{app} {nth}");
    }
    stage.pass(TimeDelta::hours(3));
    let id = stage.alarm_to("wecom-app", USER).await;
    stage.work().await;
    assert_eq!(stage.row(id).await.state, NoticeState::Sent);
    assert_eq!(stage.sandbox.tokens_asked("wecom-app"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_token_gives_up_before_the_lease_of_his_notice_ends() {
    let stage = Stage::set().await;
    stage.open_app("feishu-app").await;
    stage.alarm_to("feishu-app", USER).await;
    stage.work().await;
    stage.fetches_for_ever().await;
    let id = stage.alarm_to("feishu-app", USER).await;
    let sender = &stage.jobs.worker.sender;
    let short = TimeDelta::from_std(sender.outbound.longest()).unwrap() + TimeDelta::milliseconds(80);
    let hasty = Sender { lease: short, ..sender.clone() };
    let delivered = hasty.deliver_one(stage.entry(id), stage.now()).await.unwrap();
    assert_eq!(delivered, Delivered::Tried(NoticeState::Retry));
    assert_eq!(stage.row(id).await.reason, "retry: no access token came in time");
    assert_eq!(stage.sandbox.tokens_asked("feishu-app"), 1);
    assert_eq!(stage.sandbox.messages("feishu-app").len(), 1, "nothing was sent without one");
    let locks = stage.kept_in_redis("token").await;
    assert_eq!(locks, [b"somebody else".to_vec()], "his lock is not ours to open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_asked_about_once_and_the_rooms_hear_it() {
    let stage = Stage::set().await;
    for app in APPS {
        stage.open_app(app).await;
        stage.spoil_secret(app).await;
        let ids = [stage.alarm_to(app, USER).await, stage.alarm_to(app, USER).await];
        stage.work().await;
        for id in ids {
            let row = stage.row(id).await;
            assert_eq!(row.state, NoticeState::Fallback, "{app}: {row:?}");
            assert!(row.reason.starts_with("needs_admin: no access token"), "{app}: {row:?}");
            assert!(!row.reason.contains("wrong"), "{row:?}");
        }
        assert_eq!(stage.sandbox.tokens_asked(app), 1, "{app}");
    }
    stage.work().await;
    let heard: usize =
        ["wecom", "dingtalk", "feishu"].map(|room| stage.sandbox.messages(room).len()).into_iter().sum();
    assert_eq!(heard, 6);
}

/// Where a posting went, in the order of its rows.
async fn went(stage: &Stage, posting: NoticeId) -> Vec<(String, String, NoticeState)> {
    let mut tx = stage.tx().await;
    notices::table
        .inner_join(channels::table)
        .filter(notices::posting_id.eq(posting))
        .filter(notices::officer_id.is_not_null())
        .order(notices::id)
        .select((channels::code, notices::recipient, notices::state))
        .load(&mut tx)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_one_application_does_not_reach_the_next_one_does() {
    let stage = Stage::set().await;
    for room in ["dingtalk", "feishu"] {
        stage.set_channel(room, ChannelState::Dead).await;
    }
    for app in APPS {
        stage.open_app(app).await;
    }
    // His own order, then his department's, then by code.
    stage.reach("dingtalk-app", "nobody", None).await;
    stage.reach("wecom-app", USER, None).await;
    stage.reach("feishu-app", "nobody", Some(1)).await;
    stage.prefer("wecom-app", 2).await;
    stage.prefer("dingtalk-app", 1).await;
    let posting = stage.raise().await[0].id;
    for _ in 0..3 {
        stage.work().await;
    }
    let row = |code: &str, recipient: &str, state| (code.to_owned(), recipient.to_owned(), state);
    assert_eq!(
        went(&stage, posting).await,
        [
            row("feishu-app", "nobody", NoticeState::Fallback),
            row("wecom", "", NoticeState::Sent),
            row("dingtalk-app", "nobody", NoticeState::Fallback),
            row("wecom-app", USER, NoticeState::Sent),
        ]
    );
    assert_eq!(
        stage.channel_state("feishu-app").await.0,
        "active",
        "a person out of reach buries nobody else's way"
    );
    stage.answer().await;
    assert_eq!(went(&stage, posting).await[3].2, NoticeState::Acted);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_does_not_ring_twice_where_the_platform_knows_the_id() {
    let stage = Stage::set().await;
    for app in ["wecom-app", "feishu-app"] {
        stage.open_app(app).await;
        stage.sandbox.set_fault(app, Fault::times(Mode::LostAnswer, 1));
        let id = stage.alarm_to(app, USER).await;
        stage.work().await;
        assert_eq!(stage.row(id).await.state, NoticeState::Retry, "{app}");
        stage.pass(TimeDelta::seconds(5));
        stage.work().await;
        assert_eq!(stage.row(id).await.state, NoticeState::Sent, "{app}");
        assert_eq!(stage.sandbox.messages(app).len(), 1, "{app}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_of_an_application_ends_in_its_state() {
    let stage = Stage::set().await;
    for room in ["wecom", "dingtalk", "feishu"] {
        stage.set_channel(room, ChannelState::Dead).await;
    }
    for app in APPS {
        stage.open_app(app).await;
        for (mode, outcome, state) in [
            (Mode::Busy, "retry", NoticeState::Retry),
            (Mode::RateLimited, "rate_limited", NoticeState::Retry),
            (Mode::Dead, "drop_recipient", NoticeState::Dead),
            (Mode::WrongSign, "needs_admin", NoticeState::Dead),
            (Mode::Html200, "retry", NoticeState::Retry),
            (Mode::Half, "retry", NoticeState::Retry),
            (Mode::Http429, "rate_limited", NoticeState::Retry),
            (Mode::Http500, "retry", NoticeState::Retry),
            (Mode::Redirect, "retry", NoticeState::Retry),
            (Mode::Garbage, "retry", NoticeState::Retry),
            (Mode::Huge, "retry", NoticeState::Retry),
        ] {
            stage.forget_blocks().await;
            // Whoever may send no interactive card is asked once more whether he may write at all.
            let times = if (app, mode) == ("dingtalk-app", Mode::WrongSign) { 2 } else { 1 };
            stage.sandbox.set_fault(app, Fault::times(mode, times));
            let id = stage.alarm_to(app, USER).await;
            stage.work().await;
            let row = stage.row(id).await;
            assert_eq!(row.state, state, "{app} {mode:?}: {row:?}");
            assert_eq!(stage.attempts(id).await[0].1, outcome, "{app} {mode:?}");
            stage.answer().await;
        }
    }
}

fn said(results: &[(&str, &str)]) -> SubscribeResult {
    let results = results.iter().map(|(template, word)| ((*template).to_owned(), (*word).to_owned()));
    SubscribeResult { results: results.collect() }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_acceptance_buys_an_enterprise_one_message() {
    let stage = Stage::set().await;
    stage.open_app("subscribe").await;
    let (enterprise, account) = stage.found_enterprise().await;
    let reader = Reader { county: stage.county, account, officer: None };
    let left = |shown: Subscriptions| {
        assert_eq!((shown.items.len(), shown.items[0].template_id.as_str()), (1, TEMPLATE));
        assert_eq!(shown.items[0].events, ["call.accepted"]);
        shown.items[0].left
    };
    let grant = |results: SubscribeResult, key: Option<&str>| {
        subscriptions::grant(stage.db(), reader, results, key.map(str::to_owned), stage.now())
    };
    assert_eq!(left(subscriptions::show(stage.db(), reader).await.unwrap()), 0);
    let accepted = || said(&[(TEMPLATE, "accept")]);
    assert_eq!(left(grant(said(&[(TEMPLATE, "reject")]), None).await.unwrap()), 0);
    for _ in 0..2 {
        assert_eq!(left(grant(accepted(), Some("tap-1")).await.unwrap()), 1, "one tap, sent twice");
    }
    let other = grant(said(&[(TEMPLATE, "reject")]), Some("tap-1")).await.unwrap_err();
    assert_eq!((other.code(), other.status().as_u16()), ("idempotency_key_reused", 422));
    let refused = grant(said(&[("OTHER", "accept"), (TEMPLATE, "yes")]), None).await.unwrap_err();
    assert_eq!((refused.code(), refused.status().as_u16()), ("invalid", 422));
    stage.sandbox.accept_subscription("openid-1", TEMPLATE);

    stage.tell(enterprise).await;
    assert_eq!(left(subscriptions::show(stage.db(), reader).await.unwrap()), 0);
    stage.tell(enterprise).await;
    stage.work().await;
    let heard = stage.sandbox.messages("subscribe");
    assert_eq!(heard.len(), 1, "the second one stands in the inbox alone");
    assert_eq!(heard[0].mentions, ["openid-1"]);
    assert_eq!(heard[0].raw["data"]["thing1"]["value"], "3号楼停电");
    assert_eq!(heard[0].raw["data"]["time3"]["value"], "2026-11-23 13:50");
    assert_eq!(heard[0].raw["page"], "pages/call?id=");
    let texts = Texts::new("https://yj.example.cn").unwrap();
    let inbox = inbox::list(stage.db(), &texts, reader, Paging::default(), stage.now()).await.unwrap();
    assert_eq!((inbox.unread, inbox.page.items.len()), (2, 2));

    // What the platform does not know of is worth nothing, and asked for once.
    for key in ["tap-2", "tap-3"] {
        let _ = grant(accepted(), Some(key)).await.unwrap();
    }
    stage.tell(enterprise).await;
    stage.work().await;
    assert_eq!(left(subscriptions::show(stage.db(), reader).await.unwrap()), 0);
    assert_eq!(stage.states().await.last(), Some(&NoticeState::Dead));
    assert_eq!(stage.sandbox.messages("subscribe").len(), 1);
}
