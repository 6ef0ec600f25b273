//! Cards that can be redrawn, where the application may not send any: what one sender learns all know.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;
use yijiao::notices::admin::change_secret::{ChangeSecret, change_secret};
use yijiao::notices::admin::health::{self, HealthView};
use yijiao::notices::admin::test_send::{TestSend, test};
use yijiao::notices::deliver::Delivered;
use yijiao::notices::model::NoticeState;
use yijiao::sandbox::{Fault, Mode, Received};
use yijiao::schema::channels;

use super::stage::{Jobs, Stage, USER};

/// An application, how its platform says that it may send no such card, and what the administrator then reads.
#[derive(Clone, Copy)]
struct App {
    code: &'static str,
    refusal: Mode,
    words: &'static str,
}

const WECOM: App = App { code: "wecom-app", refusal: Mode::BadMessage, words: "不带按钮" };
const DINGTALK: App = App { code: "dingtalk-app", refusal: Mode::WrongSign, words: "Card.Instance.Write" };

fn is_interactive(card: &Received) -> bool {
    let of_wecom = card.raw["template_card"]["card_type"] == "button_interaction";
    of_wecom || card.raw["outTrackId"].is_string()
}

impl App {
    /// An alarm that a process sends; what kind of card its reader has.
    async fn asks(self, stage: &Stage, jobs: &Jobs) -> bool {
        let id = stage.alarm_to(self.code, USER).await;
        let delivered = jobs.worker.sender.deliver_one(stage.entry(id), stage.now()).await.unwrap();
        assert_eq!(delivered, Delivered::Tried(NoticeState::Sent));
        assert_eq!(stage.attempts(id).await.len(), 1, "in one attempt");
        is_interactive(&stage.sandbox.messages(self.code).pop().unwrap())
    }

    async fn refused_at(self, stage: &Stage) -> Option<DateTime<Utc>> {
        let mut tx = stage.tx().await;
        let own = channels::table.filter(channels::code.eq(self.code));
        own.select(channels::interactive_refused_at).get_result(&mut tx).await.unwrap()
    }

    async fn shown(self, stage: &Stage) -> HealthView {
        let (db, vault) = (stage.db(), &stage.jobs.worker.sender.vault);
        let (id, url) = (stage.channel(self.code).await, "https://yj.example.cn");
        health::read(db, vault, &stage.administrator(), id, url, stage.now()).await.unwrap().health
    }

    fn will_refuse(self, stage: &Stage) {
        stage.sandbox.set_fault(self.code, Fault::times(self.refusal, 1));
    }

    /// It refused one card.
    async fn refusing(self) -> Stage {
        let stage = Stage::set().await;
        stage.open_app(self.code).await;
        assert!(self.asks(&stage, &stage.jobs).await);
        self.will_refuse(&stage);
        assert!(!self.asks(&stage, &stage.jobs).await);
        stage
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_refuses_interactive_cards_is_asked_once_a_day_by_whomever() {
    for app in [WECOM, DINGTALK] {
        let stage = app.refusing().await;
        let since = stage.now();
        assert_eq!(app.refused_at(&stage).await, Some(since));
        // The platform would take them now; nobody asks. Neither another process does, nor one that lost Redis.
        stage.empty_redis().await;
        stage.pass(TimeDelta::hours(23));
        assert!(!app.asks(&stage, &stage.replica()).await);
        let health = app.shown(&stage).await;
        assert_eq!(health.interactive_refused_at.map(|at| at.to_utc()), Some(since));
        assert!(health.interactive_refused_words.unwrap().contains(app.words));
        assert_eq!((health.failed, health.last_error), (0, None), "nobody missed anything");

        // After a day one asks again: it is refused again, for another day.
        stage.pass(TimeDelta::hours(1));
        assert_eq!(app.shown(&stage).await.interactive_refused_at, None, "nobody knows");
        app.will_refuse(&stage);
        assert!(!app.asks(&stage, &stage.replica()).await);
        assert_eq!(app.refused_at(&stage).await, Some(stage.now()));
        assert!(!app.asks(&stage, &stage.jobs).await);
        // Or it is taken, and that is known too.
        stage.pass(TimeDelta::hours(24));
        assert!(app.asks(&stage, &stage.jobs).await);
        assert_eq!(app.refused_at(&stage).await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_changes_or_tests_the_channel_has_the_next_card_ask_again() {
    for app in [WECOM, DINGTALK] {
        let stage = app.refusing().await;
        let id = stage.channel(app.code).await;
        let (db, sender, admin) = (stage.db(), &stage.jobs.worker.sender, stage.administrator());
        let to = TestSend { user_id: Some(USER.to_owned()), ..TestSend::default() };
        assert!(test(db, sender, &admin, id, &to, stage.now()).await.unwrap().delivered);
        assert_eq!(app.refused_at(&stage).await, None);
        app.will_refuse(&stage);
        assert!(!app.asks(&stage, &stage.jobs).await);
        let secret: ChangeSecret = serde_json::from_value(json!({ "secret": "app-secret" })).unwrap();
        change_secret(db, &sender.vault, &admin, id, &secret, stage.now()).await.unwrap();
        assert_eq!(app.refused_at(&stage).await, None);
        assert!(app.asks(&stage, &stage.jobs).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_either_way_says_nothing_of_interactive_cards() {
    for app in [WECOM, DINGTALK] {
        let stage = Stage::set().await;
        stage.open_app(app.code).await;
        stage.sandbox.set_fault(app.code, Fault::times(app.refusal, 2));
        let id = stage.alarm_to(app.code, USER).await;
        stage.work_all().await;
        assert_eq!(stage.row(id).await.state, NoticeState::Fallback);
        assert_eq!(app.refused_at(&stage).await, None);
        assert!(app.asks(&stage, &stage.jobs).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_dingtalk_says_of_one_card_is_said_of_no_other() {
    let stage = Stage::set().await;
    stage.open_app(DINGTALK.code).await;
    // The card arrived and nobody heard it: it is there already, and whether its reader has it DingTalk does not say. The same card, then.
    stage.sandbox.set_fault(DINGTALK.code, Fault::times(Mode::LostAnswer, 1));
    let id = stage.alarm_to(DINGTALK.code, USER).await;
    stage.work().await;
    assert_eq!(stage.row(id).await.state, NoticeState::Retry);
    stage.pass(TimeDelta::seconds(5));
    stage.work().await;
    assert_eq!(stage.row(id).await.state, NoticeState::Sent);
    let cards = stage.sandbox.messages(DINGTALK.code);
    assert!(
        cards.len() == 2 && cards.iter().all(|card| card.delivery_id == Some(id.to_string())),
        "{cards:?}"
    );
    assert_eq!(DINGTALK.refused_at(&stage).await, None);
    stage.answer().await;
    stage.work_all().await;
    let cards = stage.sandbox.messages(DINGTALK.code);
    assert!(cards.iter().all(|card| card.title.contains("已由王芳接单")), "{cards:?}");
}
