//! WeCom's cards with a button, where the application may not send any: what one sender learns all know.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use yijiao::notices::admin::change_secret::{ChangeSecret, change_secret};
use yijiao::notices::admin::health::{self, HealthView};
use yijiao::notices::admin::test_send::{TestSend, test};
use yijiao::notices::deliver::Delivered;
use yijiao::notices::model::NoticeState;
use yijiao::sandbox::{Fault, Mode};
use yijiao::schema::channels;

use super::stage::{Jobs, Stage, USER};

const APP: &str = "wecom-app";

/// An alarm that a process sends; what kind of card its reader has.
async fn card_by(stage: &Stage, jobs: &Jobs) -> String {
    let id = stage.alarm_to(APP, USER).await;
    let delivered = jobs.worker.sender.deliver_one(stage.entry(id), stage.now()).await.unwrap();
    assert_eq!(delivered, Delivered::Tried(NoticeState::Sent));
    assert_eq!(stage.attempts(id).await.len(), 1, "in one attempt");
    let newest = stage.sandbox.messages(APP).pop().unwrap();
    newest.raw["template_card"]["card_type"].as_str().unwrap().to_owned()
}

async fn refused_at(stage: &Stage) -> Option<DateTime<Utc>> {
    let mut tx = stage.tx().await;
    let own = channels::table.filter(channels::code.eq(APP)).select(channels::buttons_refused_at);
    own.get_result(&mut tx).await.unwrap()
}

async fn shown(stage: &Stage) -> HealthView {
    let (db, vault) = (stage.db(), &stage.jobs.worker.sender.vault);
    let id = stage.channel(APP).await;
    health::read(db, vault, &stage.administrator(), id, "https://yj.example.cn", stage.now())
        .await
        .unwrap()
        .health
}

/// An application that refused the button of one card.
async fn refusing() -> Stage {
    let stage = Stage::set().await;
    stage.open_app(APP).await;
    assert_eq!(card_by(&stage, &stage.jobs).await, "button_interaction");
    stage.sandbox.set_fault(APP, Fault::times(Mode::BadMessage, 1));
    assert_eq!(card_by(&stage, &stage.jobs).await, "text_notice");
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_refuses_buttons_is_asked_once_a_day_by_whomever() {
    let stage = refusing().await;
    let since = stage.now();
    assert_eq!(refused_at(&stage).await, Some(since));
    // The platform would take buttons now; nobody asks. Neither another process does, nor one that lost Redis.
    stage.empty_redis().await;
    stage.pass(TimeDelta::hours(23));
    assert_eq!(card_by(&stage, &stage.replica()).await, "text_notice");
    let health = shown(&stage).await;
    assert_eq!(health.buttons_refused_at.map(|at| at.to_utc()), Some(since));
    assert!(health.buttons_refused_words.unwrap().contains("不带按钮"));
    assert_eq!((health.failed, health.last_error), (0, None), "nobody missed anything");

    // After a day one asks again: it is refused again, for another day.
    stage.pass(TimeDelta::hours(1));
    assert_eq!(shown(&stage).await.buttons_refused_at, None, "nobody knows");
    stage.sandbox.set_fault(APP, Fault::times(Mode::BadMessage, 1));
    assert_eq!(card_by(&stage, &stage.replica()).await, "text_notice");
    assert_eq!(refused_at(&stage).await, Some(stage.now()));
    assert_eq!(card_by(&stage, &stage.jobs).await, "text_notice");
    // Or it is taken, and that is known too.
    stage.pass(TimeDelta::hours(24));
    assert_eq!(card_by(&stage, &stage.jobs).await, "button_interaction");
    assert_eq!(refused_at(&stage).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_changes_or_tests_the_channel_has_the_next_card_ask_again() {
    let stage = refusing().await;
    let id = stage.channel(APP).await;
    let (db, sender, admin) = (stage.db(), &stage.jobs.worker.sender, stage.administrator());
    let to = TestSend { user_id: Some(USER.to_owned()), ..TestSend::default() };
    assert!(test(db, sender, &admin, id, &to, stage.now()).await.unwrap().delivered);
    assert_eq!(refused_at(&stage).await, None);
    stage.sandbox.set_fault(APP, Fault::times(Mode::BadMessage, 1));
    assert_eq!(card_by(&stage, &stage.jobs).await, "text_notice");
    let secret: ChangeSecret = serde_json::from_value(json!({ "secret": "app-secret" })).unwrap();
    change_secret(db, &sender.vault, &admin, id, &secret, stage.now()).await.unwrap();
    assert_eq!(refused_at(&stage).await, None);
    assert_eq!(card_by(&stage, &stage.jobs).await, "button_interaction");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_with_and_without_a_button_says_nothing_of_buttons() {
    let stage = Stage::set().await;
    stage.open_app(APP).await;
    stage.sandbox.set_fault(APP, Fault::times(Mode::BadMessage, 2));
    let id = stage.alarm_to(APP, USER).await;
    stage.work_all().await;
    assert_eq!(stage.row(id).await.state, NoticeState::Fallback);
    assert_eq!(refused_at(&stage).await, None);
    assert_eq!(card_by(&stage, &stage.jobs).await, "button_interaction");
}
