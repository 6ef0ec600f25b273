//! The cards of an alarm that was answered: each says who did what, once, whatever happens on the way, and nothing follows when it cannot.

use chrono::{DateTime, TimeDelta};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use yijiao::notices::admin::cancel::{self, WithReason};
use yijiao::notices::admin::{pause, retry};
use yijiao::notices::check::Unsent;
use yijiao::notices::deliver::Delivered;
use yijiao::notices::inbox::{self, Reader};
use yijiao::notices::model::{ChannelLanguage, ChannelState, NewNotice, NoticeId, NoticeState, Priority};
use yijiao::notices::texts::Texts;
use yijiao::platform::clock::Clock;
use yijiao::platform::db::DbError;
use yijiao::platform::http::cursor::Paging;
use yijiao::sandbox::{Fault, Mode, Received};
use yijiao::schema::{channels, notices};

use super::stage::{Stage, USER, alarm_params};

const LEASE: TimeDelta = TimeDelta::seconds(31);

/// An alarm that was sent by an application.
async fn sent(stage: &Stage, app: &str) -> NoticeId {
    stage.open_app(app).await;
    let id = stage.alarm_to(app, USER).await;
    stage.work_all().await;
    assert_eq!(stage.row(id).await.state, NoticeState::Sent);
    id
}

/// The one card that an application shows.
fn card(stage: &Stage, app: &str) -> Received {
    let mut shown = stage.sandbox.messages(app);
    assert_eq!(shown.len(), 1, "{shown:?}");
    shown.remove(0)
}

async fn redraw_of(stage: &Stage, alarm: NoticeId) -> (NoticeState, i32, String) {
    let (_, row) = stage.redraws(alarm).await.unwrap();
    (row.state, row.attempt, row.reason)
}

async fn set_channel(stage: &Stage, app: &str, change: impl FnOnce(&mut Value)) {
    let mut tx = stage.tx().await;
    let own = || channels::table.filter(channels::code.eq(app.to_owned()));
    let mut settings: Value = own().select(channels::settings).get_result(&mut tx).await.unwrap();
    change(&mut settings);
    let changed = diesel::update(own()).set(channels::settings.eq(settings)).execute(&mut tx).await;
    assert_eq!(tx.finish(changed.map_err(DbError::from)).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn once_somebody_accepts_every_card_says_who_and_asks_nobody_any_more() {
    let stage = Stage::set().await;
    let wecom = sent(&stage, "wecom-app").await;
    let feishu = sent(&stage, "feishu-app").await;
    let dingtalk = sent(&stage, "dingtalk-app").await;
    let room = stage.alarm("wecom").await;
    stage.work_all().await;
    let mut tx = stage.tx().await;
    let english = channels::table.filter(channels::code.eq("feishu-app"));
    let set =
        diesel::update(english).set(channels::language.eq(ChannelLanguage::English)).execute(&mut tx).await;
    tx.finish(set.map_err(DbError::from)).await.unwrap();
    let before = card(&stage, "wecom-app");
    assert_eq!(before.raw["template_card"]["card_type"], "button_interaction");
    assert_eq!(before.links[0].text, "接单");

    stage.pass(TimeDelta::minutes(2));
    stage.answer().await;
    stage.work_all().await;
    let after = card(&stage, "wecom-app");
    assert_eq!(after.title, "已由王芳接单：3号楼停电");
    assert!(after.text.contains("时间：今天 13:52") && after.text.contains("责任人：王芳"), "{}", after.text);
    assert!(!after.text.contains("接单时限") && after.text.contains("482913607"), "{}", after.text);
    assert_eq!(
        (after.id, after.redrawn_at, &after.mentions),
        (before.id, Some(stage.now()), &before.mentions)
    );
    assert_eq!(after.links.len(), 1);
    assert_eq!((after.links[0].text.as_str(), after.link()), ("查看", Some("https://yj.example.cn/a/tok")));
    let after = card(&stage, "feishu-app");
    assert_eq!(after.title, "Accepted by 王芳: 3号楼停电");
    assert!(after.text.contains("When：today 13:52"), "{}", after.text);
    assert_eq!((after.links[0].text.as_str(), after.links.len()), ("See", 1));
    let after = card(&stage, "dingtalk-app");
    assert_eq!(after.title, "已由王芳接单：3号楼停电");
    assert!(after.text.contains("责任人：王芳") && !after.text.contains("接单时限"), "{}", after.text);
    assert_eq!((after.links[0].text.as_str(), after.link()), ("查看", Some("https://yj.example.cn/a/tok")));
    assert_eq!(after.redrawn_at, Some(stage.now()));
    for alarm in [wecom, feishu, dingtalk] {
        assert_eq!(redraw_of(&stage, alarm).await, (NoticeState::Sent, 1, String::new()));
    }
    // No room's message can be changed.
    assert_eq!(stage.redraws(room).await, None);

    // Once; and it stands in nobody's inbox, nor in what failed or waits.
    stage.answer().await;
    stage.work_all().await;
    assert_eq!(stage.states().await.len(), 7);
    let reader = Reader { county: stage.county, account: uuid::Uuid::nil(), officer: Some(stage.officer) };
    let texts = Texts::new("https://yj.example.cn").unwrap();
    let inbox = inbox::list(stage.db(), &texts, reader, Paging::default(), stage.now()).await.unwrap();
    assert_eq!(inbox.page.items.len(), 4);
    assert!(inbox.page.items.iter().all(|item| item.event == "call.dispatched"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_accepted_reads_that_he_did_and_a_matter_that_is_over_says_why() {
    let stage = Stage::set().await;
    sent(&stage, "wecom-app").await;
    stage.answer_by("call.accepted", Some(stage.officer), json!({ "holder": "李强" })).await;
    stage.work_all().await;
    assert_eq!(card(&stage, "wecom-app").title, "您已接单：3号楼停电");

    let stage = Stage::set().await;
    sent(&stage, "feishu-app").await;
    stage.answer_by("call.withdrawn", None, json!({ "note": "电已经来了" })).await;
    stage.work_all().await;
    let over = card(&stage, "feishu-app");
    assert_eq!(over.title, "企业已撤回，不必再办：3号楼停电");
    assert!(over.text.contains("原因：电已经来了"), "{}", over.text);

    // What has no words of its own is told as dealt with, which need not be the end of it.
    let told = async |event: &str, facts: serde_json::Value| {
        let stage = Stage::set().await;
        sent(&stage, "feishu-app").await;
        stage.answer_by(event, None, facts).await;
        stage.work_all().await;
        card(&stage, "feishu-app").title
    };
    assert_eq!(told("hand_over.reviewed", json!({})).await, "王芳已处理：3号楼停电");
    assert_eq!(told("call.noted", json!({})).await, "已有新进展：3号楼停电");
    let arrived = told("call.arrived", json!({ "holder": "李强" })).await;
    assert_eq!(arrived, "李强已到场：3号楼停电", "the enterprise said so");
    let signed = told("order.signed", json!({ "until": "2026-11-24T18:00:00+08:00" })).await;
    assert!(signed.starts_with("督办单已由王芳签收，请于"), "{signed}");
    assert!(signed.ends_with("18:00前书面答复：3号楼停电"), "{signed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_redrawn_at_night_and_with_nobody_for_company() {
    let night = DateTime::parse_from_rfc3339("2026-11-23T23:30:00+08:00").unwrap().to_utc();
    let stage = Stage::set_with(Clock::manual(night)).await;
    let first = sent(&stage, "wecom-app").await;
    let second = stage.alarm_to("wecom-app", USER).await;
    stage.work_all().await;
    stage.answer().await;
    stage.work_all().await;
    for alarm in [first, second] {
        assert_eq!(redraw_of(&stage, alarm).await.0, NoticeState::Sent);
    }
    let shown = stage.sandbox.messages("wecom-app");
    assert!(shown.len() == 2 && shown.iter().all(|card| card.title.contains("已由王芳接单")), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redrawing_takes_no_place_of_an_alarm() {
    // WeCom drops in silence what is more than 25 messages to a person in a minute, as we count; to change one is not to send one.
    let stage = Stage::set_limited().await;
    stage.open_app("wecom-app").await;
    let mut alarms = Vec::new();
    for _ in 0..20 {
        alarms.push(stage.alarm_to("wecom-app", USER).await);
    }
    stage.work_all().await;
    stage.answer().await;
    stage.work_all().await;
    for alarm in &alarms {
        assert_eq!(redraw_of(&stage, *alarm).await.0, NoticeState::Sent);
    }
    let mut last = Vec::new();
    for _ in 0..6 {
        last.push(stage.alarm_to("wecom-app", USER).await);
    }
    stage.work_all().await;
    let mut sent = 0;
    for alarm in &last {
        sent += usize::from(stage.row(*alarm).await.state == NoticeState::Sent);
    }
    assert_eq!(sent, 5, "25 in all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_is_busy_is_asked_again_also_after_redis_was_emptied() {
    let stage = Stage::set().await;
    let alarms = [sent(&stage, "wecom-app").await, sent(&stage, "feishu-app").await];
    for app in ["wecom-app", "feishu-app"] {
        stage.sandbox.set_fault(app, Fault::times(Mode::Busy, 1));
        stage.sandbox.revoke_tokens(app);
    }
    stage.answer().await;
    let _ = stage.relay().await;
    stage.flush_redis().await;
    stage.pass(TimeDelta::minutes(1));
    stage.work_all().await;
    for alarm in alarms {
        assert_eq!(redraw_of(&stage, alarm).await.0, NoticeState::Retry);
    }
    stage.pass(TimeDelta::seconds(10));
    stage.work_all().await;
    for (alarm, app) in alarms.into_iter().zip(["wecom-app", "feishu-app"]) {
        assert_eq!(redraw_of(&stage, alarm).await, (NoticeState::Sent, 2, String::new()));
        assert!(card(&stage, app).title.contains("已由王芳接单"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_spent_or_too_old_ends_it_quietly() {
    let stage = Stage::set().await;
    let alarm = sent(&stage, "wecom-app").await;
    // The platform does it, and its answer is lost: the second time the code is spent.
    stage.sandbox.set_fault("wecom-app", Fault::times(Mode::LostAnswer, 1));
    stage.answer().await;
    stage.work_all().await;
    stage.pass(TimeDelta::seconds(10));
    stage.work_all().await;
    assert_eq!(
        redraw_of(&stage, alarm).await,
        (NoticeState::Expired, 2, "card_fixed: bad_message".to_owned())
    );
    assert!(card(&stage, "wecom-app").title.contains("已由王芳接单"));
    assert_eq!(stage.unsent().await, Unsent::default(), "nothing failed");

    let stage = Stage::set().await;
    let alarms = [sent(&stage, "wecom-app").await, sent(&stage, "feishu-app").await];
    stage.pass(TimeDelta::hours(73));
    stage.answer().await;
    stage.work_all().await;
    assert_eq!(redraw_of(&stage, alarms[0]).await, (NoticeState::Expired, 0, "card_fixed".to_owned()));
    assert_eq!(redraw_of(&stage, alarms[1]).await.0, NoticeState::Sent, "of Feishu two weeks");
    assert!(card(&stage, "wecom-app").title.contains("企业叫您"));
    assert_eq!(stage.unsent().await, Unsent::default());
    assert_eq!(stage.follow_up().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_with_plain_cards_gets_the_alarm_all_the_same_and_its_card_stays() {
    let stage = Stage::set().await;
    stage.open_app("wecom-app").await;
    // It refuses the card with a button, as one without a callback address may.
    stage.sandbox.set_fault("wecom-app", Fault::times(Mode::BadMessage, 1));
    let refused = stage.alarm_to("wecom-app", USER).await;
    stage.work_all().await;
    assert_eq!((stage.row(refused).await.state, stage.row(refused).await.attempt), (NoticeState::Sent, 1));
    set_channel(&stage, "wecom-app", |settings| settings["interactive"] = json!(false)).await;
    let plain = stage.alarm_to("wecom-app", USER).await;
    stage.work_all().await;
    let shown = stage.sandbox.messages("wecom-app");
    for card in &shown {
        assert_eq!(card.raw["template_card"]["card_type"], "text_notice");
        assert_eq!(card.links[0].text, "接单");
    }
    assert_eq!(shown.len(), 2);
    stage.answer().await;
    for alarm in [refused, plain] {
        assert_eq!(stage.redraws(alarm).await, None, "nothing to redraw it by");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_of_dingtalk_is_known_by_our_own_id_even_if_nobody_heard_that_it_arrived() {
    for (mode, title, ended) in [
        (Mode::LostAnswer, Some("已由王芳接单：3号楼停电"), (NoticeState::Sent, 1, String::new())),
        (Mode::Half, None, (NoticeState::Expired, 1, "card_fixed: bad_message".to_owned())),
    ] {
        let stage = Stage::set().await;
        stage.open_app("dingtalk-app").await;
        stage.sandbox.set_fault("dingtalk-app", Fault::times(mode, 1));
        let alarm = stage.alarm_to("dingtalk-app", USER).await;
        stage.work_all().await;
        assert_eq!(stage.row(alarm).await.state, NoticeState::Retry);
        stage.answer().await;
        assert_eq!(stage.row(alarm).await.reason, "superseded: may_have_arrived");
        stage.work_all().await;
        assert_eq!(redraw_of(&stage, alarm).await, ended);
        let shown: Vec<String> =
            stage.sandbox.messages("dingtalk-app").into_iter().map(|card| card.title).collect();
        assert_eq!(shown, Vec::from_iter(title.map(str::to_owned)));
        assert_eq!(stage.unsent().await, Unsent::default());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_nobody_heard_of_is_redrawn_beside_the_plain_one_that_followed_it() {
    let stage = Stage::set().await;
    stage.open_app("dingtalk-app").await;
    stage.sandbox.set_fault("dingtalk-app", Fault::times(Mode::LostAnswer, 1));
    let alarm = stage.alarm_to("dingtalk-app", USER).await;
    stage.work_all().await;
    set_channel(&stage, "dingtalk-app", |settings| settings["interactive"] = json!(false)).await;
    stage.pass(TimeDelta::seconds(5));
    stage.work_all().await;
    assert_eq!(stage.row(alarm).await.state, NoticeState::Sent);
    stage.answer().await;
    stage.work_all().await;
    let titles: Vec<String> =
        stage.sandbox.messages("dingtalk-app").into_iter().map(|card| card.title).collect();
    assert!(titles.len() == 2 && titles[1].contains("企业叫您"), "{titles:?}");
    assert_eq!(titles[0], "已由王芳接单：3号楼停电");
}

/// WeCom in the test's own hands: it answers when it is told to.
struct Wecom(TcpListener);

impl Wecom {
    async fn open(stage: &Stage) -> Self {
        stage.open_app("wecom-app").await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        stage.move_room("wecom-app", &format!("http://{}/", listener.local_addr().unwrap())).await;
        Self(listener)
    }

    /// The next request that is no question for a token: the line to answer, its path, its body.
    async fn hears(&self) -> (TcpStream, String, Value) {
        let next = async {
            loop {
                let (mut line, _) = self.0.accept().await.unwrap();
                let (path, body) = read(&mut line).await;
                if !path.starts_with("/cgi-bin/gettoken") {
                    return (line, path, body);
                }
                say(line, json!({ "errcode": 0, "errmsg": "ok", "access_token": "T", "expires_in": 7200 }))
                    .await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), next).await.expect("somebody asks")
    }
}

async fn read(line: &mut TcpStream) -> (String, Value) {
    let (mut request, mut piece) = (String::new(), [0; 4096]);
    loop {
        let length = line.read(&mut piece).await.unwrap();
        assert_ne!(length, 0, "{request}");
        request.push_str(std::str::from_utf8(&piece[..length]).unwrap());
        let Some((head, body)) = request.split_once("\r\n\r\n") else { continue };
        let announced = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= announced.map_or(0, |length| length.parse().unwrap()) {
            let path = head.split(' ').nth(1).unwrap().to_owned();
            return (path, serde_json::from_str(body).unwrap_or_default());
        }
    }
}

async fn say(mut line: TcpStream, answer: Value) {
    let body = answer.to_string();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    line.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_is_on_its_way_when_somebody_accepts_is_redrawn_when_it_has_arrived() {
    let stage = Stage::set().await;
    let wecom = Wecom::open(&stage).await;
    let alarm = stage.alarm_to("wecom-app", USER).await;
    let sending = {
        let (sender, entry, now) = (stage.jobs.worker.sender.clone(), stage.entry(alarm), stage.now());
        tokio::spawn(async move { sender.deliver_one(entry, now).await.unwrap() })
    };
    let (line, path, _) = wecom.hears().await;
    assert!(path.starts_with("/cgi-bin/message/send"), "{path}");
    stage.answer().await;
    let (redraw, _) = stage.redraws(alarm).await.unwrap();
    let delivered = stage.jobs.worker.sender.deliver_one(stage.entry(redraw), stage.now()).await.unwrap();
    assert_eq!(delivered, Delivered::Kept(NoticeState::Held), "it waits for its card");
    say(line, json!({ "errcode": 0, "errmsg": "ok", "msgid": "m", "response_code": "C-1" })).await;
    assert_eq!(sending.await.unwrap(), Delivered::Tried(NoticeState::Acted));
    stage.pass(TimeDelta::seconds(1));
    let (worked, ()) = tokio::join!(stage.work(), async {
        let (line, path, body) = wecom.hears().await;
        assert!(path.starts_with("/cgi-bin/message/update_template_card"), "{path}");
        assert_eq!((&body["response_code"], &body["userids"]), (&json!("C-1"), &json!([USER])));
        assert_eq!(body["template_card"]["main_title"]["title"], "已由王芳接单：3号楼停电");
        say(line, json!({ "errcode": 0, "errmsg": "ok" })).await;
    });
    assert_eq!(worked, 1);
    assert_eq!(redraw_of(&stage, alarm).await.0, NoticeState::Sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_dies_between_sending_and_settling_leaves_nothing_undone_and_nothing_loud() {
    let stage = Stage::set().await;
    let wecom = Wecom::open(&stage).await;
    let deliver = |id: NoticeId| {
        let (sender, entry, now) = (stage.jobs.worker.sender.clone(), stage.entry(id), stage.now());
        tokio::spawn(async move { sender.deliver_one(entry, now).await.unwrap() })
    };
    let alarm = stage.alarm_to("wecom-app", USER).await;
    let sending = deliver(alarm);
    let (line, ..) = wecom.hears().await;
    say(line, json!({ "errcode": 0, "errmsg": "ok", "response_code": "C-1" })).await;
    assert_eq!(sending.await.unwrap(), Delivered::Tried(NoticeState::Sent));
    stage.answer().await;
    let (redraw, _) = stage.redraws(alarm).await.unwrap();
    let doomed = deliver(redraw);
    let (_unanswered, ..) = wecom.hears().await;
    doomed.abort();
    assert!(doomed.await.unwrap_err().is_cancelled());
    assert_eq!(redraw_of(&stage, alarm).await.0, NoticeState::Sending);
    stage.pass(LEASE);
    let (worked, ()) = tokio::join!(stage.work(), async {
        let (line, path, body) = wecom.hears().await;
        assert!(path.starts_with("/cgi-bin/message/update_template_card"), "{path}");
        assert_eq!(body["response_code"], "C-1");
        say(line, json!({ "errcode": 40058, "errmsg": "invalid Request Parameter: response_code" })).await;
    });
    assert_eq!(worked, 1);
    assert_eq!(
        redraw_of(&stage, alarm).await,
        (NoticeState::Expired, 2, "card_fixed: bad_message".to_owned())
    );

    // The alarm's own sender dies, and somebody accepts: nobody knows by what the card could be redrawn.
    let alarm = stage.alarm_to("wecom-app", USER).await;
    let doomed = deliver(alarm);
    let (_unanswered, ..) = wecom.hears().await;
    doomed.abort();
    assert!(doomed.await.unwrap_err().is_cancelled());
    stage.answer().await;
    stage.pass(LEASE);
    stage.work_all().await;
    stage.pass(TimeDelta::seconds(2));
    stage.work_all().await;
    let row = stage.row(alarm).await;
    assert_eq!((row.state, row.reason.as_str()), (NoticeState::Superseded, "superseded: may_have_arrived"));
    assert_eq!(redraw_of(&stage, alarm).await, (NoticeState::Superseded, 0, "no_card".to_owned()));
    assert_eq!(stage.unsent().await, Unsent::default());
    assert_eq!(stage.next_due().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rows_never_redraw_one_card() {
    let stage = Stage::set().await;
    let alarm = sent(&stage, "feishu-app").await;
    stage.answer().await;
    let (first, _) = stage.redraws(alarm).await.unwrap();
    let mut tx = stage.tx().await;
    let other = NoticeId::fresh();
    let copied = diesel::sql_query(format!(
        "insert into notices select (jsonb_populate_record(n, jsonb_build_object('id', '{other}'))).* from notices n where n.id = '{first}'"
    ));
    let refused = copied.execute(&mut tx).await.unwrap_err();
    assert!(refused.to_string().contains("notices_redraws"), "{refused}");
    drop(tx);
    let mut tx = stage.tx().await;
    let kept = notices::table.filter(notices::redraws.is_not_null()).count().get_result::<i64>(&mut tx).await;
    assert_eq!(kept.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_whose_answer_was_lost_may_stand_in_the_chat_and_says_so() {
    let stage = Stage::set().await;
    stage.open_app("feishu-app").await;
    stage.sandbox.set_fault("feishu-app", Fault::times(Mode::LostAnswer, 1));
    let lost = stage.alarm_to("feishu-app", USER).await;
    stage.work_all().await;
    assert_eq!(stage.row(lost).await.state, NoticeState::Retry);
    stage.sandbox.set_fault("feishu-app", Fault::times(Mode::Busy, 1));
    let refused = stage.alarm_to("feishu-app", USER).await;
    stage.work_all().await;
    stage.answer().await;
    let row = stage.row(lost).await;
    assert_eq!((row.state, row.reason.as_str()), (NoticeState::Superseded, "superseded: may_have_arrived"));
    let row = stage.row(refused).await;
    assert_eq!((row.state, row.reason.as_str()), (NoticeState::Superseded, "superseded"), "it was told so");
    stage.pass(TimeDelta::minutes(1));
    stage.work_all().await;
    assert_eq!(stage.sandbox.messages("feishu-app").len(), 1, "to ask for it would be to send it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_the_limit_is_redrawn_a_moment_later_and_an_alarm_passes_it() {
    // Of Feishu's fifty a second we use forty, of which ten are for first alarms alone; four of them to one person.
    let stage = Stage::set_limited().await;
    stage.open_app("feishu-app").await;
    let mut alarms = Vec::new();
    while alarms.len() < 36 {
        for _ in 0..4 {
            alarms.push(stage.alarm_to("feishu-app", USER).await);
        }
        stage.work_all().await;
        stage.pass(TimeDelta::seconds(1));
    }
    stage.answer().await;
    stage.work_all().await;
    let mut held = Vec::new();
    for alarm in &alarms {
        assert_eq!(stage.row(*alarm).await.state, NoticeState::Acted);
        match redraw_of(&stage, *alarm).await {
            (NoticeState::Sent, 1, _) => {}
            (NoticeState::Held, _, reason) if reason == "throttled" => held.push(*alarm),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(held.len(), 6);
    let alarm = stage.alarm_to("feishu-app", USER).await;
    stage.work_all().await;
    let row = stage.row(alarm).await;
    assert_eq!((row.state, row.attempt), (NoticeState::Sent, 1), "it waits for no card");
    for _ in 0..3 {
        stage.pass(TimeDelta::seconds(1));
        stage.work_all().await;
    }
    for alarm in &held {
        assert_eq!(redraw_of(&stage, *alarm).await.0, NoticeState::Sent);
    }
    assert_eq!(stage.attempts_unlike("delivered").await, 0, "the platform refused nothing");
}

/// Nobody was troubled about cards: nothing else was posted, nothing is said to be unsent, no ladder would climb.
async fn is_quiet(stage: &Stage, rows: usize) {
    assert_eq!(stage.states().await.len(), rows);
    assert_eq!(stage.unsent().await, Unsent::default());
    assert_eq!(stage.follow_up().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_channel_redraws_when_it_is_resumed_and_a_dead_one_never() {
    let stage = Stage::set().await;
    let wecom = sent(&stage, "wecom-app").await;
    let feishu = sent(&stage, "feishu-app").await;
    stage.answer().await;
    let admin = stage.administrator();
    let paused = stage.channel("wecom-app").await;
    let reason = WithReason { reason: "检修".to_owned() };
    pause::pause(stage.db(), &admin, paused, &reason, stage.now()).await.unwrap();
    stage.set_channel("feishu-app", ChannelState::Dead).await;
    stage.work_all().await;
    assert_eq!(redraw_of(&stage, wecom).await, (NoticeState::Held, 0, "channel_paused".to_owned()));
    assert_eq!(redraw_of(&stage, feishu).await, (NoticeState::Expired, 0, "channel_dead".to_owned()));
    stage.pass(TimeDelta::hours(1));
    stage.work_all().await;
    assert_eq!(stage.unsent().await, Unsent { waiting: 1, ..Unsent::default() }, "it is not late either");
    assert_eq!((stage.states().await.len(), stage.follow_up().await), (4, 0));
    pause::resume(stage.db(), &admin, paused, stage.now()).await.unwrap();
    stage.work_all().await;
    assert_eq!(redraw_of(&stage, wecom).await, (NoticeState::Sent, 1, String::new()));
    assert!(card(&stage, "wecom-app").title.contains("已由王芳接单"));
    is_quiet(&stage, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_redraws_again_or_not_at_all() {
    let stage = Stage::set().await;
    let admin = stage.administrator();
    let feishu = sent(&stage, "feishu-app").await;
    let wecom = sent(&stage, "wecom-app").await;
    // The application lacks the permission.
    stage.sandbox.set_fault("feishu-app", Fault::times(Mode::WrongSign, 1));
    stage.sandbox.set_fault("wecom-app", Fault::times(Mode::Busy, 1));
    stage.answer().await;
    stage.work_all().await;
    assert_eq!(
        redraw_of(&stage, feishu).await,
        (NoticeState::Expired, 1, "card_fixed: needs_admin".to_owned())
    );
    let (redraw, _) = stage.redraws(feishu).await.unwrap();
    let shown = retry::retry(stage.db(), &admin, redraw, stage.now()).await.unwrap();
    assert_eq!((shown.notice.state, shown.notice.redraws), (NoticeState::Queued, Some(feishu)));
    stage.work_all().await;
    assert_eq!(redraw_of(&stage, feishu).await, (NoticeState::Sent, 2, String::new()));
    assert!(card(&stage, "feishu-app").title.contains("已由王芳接单"));
    assert!(retry::retry(stage.db(), &admin, redraw, stage.now()).await.is_err(), "it left");

    let (redraw, row) = stage.redraws(wecom).await.unwrap();
    assert_eq!(row.state, NoticeState::Retry);
    let reason = WithReason { reason: "不必了".to_owned() };
    cancel::cancel(stage.db(), &admin, redraw, &reason, stage.now()).await.unwrap();
    stage.pass(TimeDelta::hours(1));
    stage.work_all().await;
    let cancelled = (NoticeState::Superseded, 1, "cancelled: 不必了".to_owned());
    assert_eq!(redraw_of(&stage, wecom).await, cancelled);
    assert!(card(&stage, "wecom-app").title.contains("企业叫您"));
    is_quiet(&stage, 4).await;
    // What cannot leave goes nowhere else: a card is where it is.
    stage.set_channel("feishu-app", ChannelState::Dead).await;
    let late = stage.alarm_to("feishu-app", USER).await;
    assert!(stage.redraws(late).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_names_the_application_or_the_person_ends_it_and_troubles_nobody() {
    for (app, fault, reason) in [
        ("wecom-app", Mode::WrongSign, "card_fixed: needs_admin"),
        ("wecom-app", Mode::Dead, "card_fixed: drop_recipient"),
        ("feishu-app", Mode::WrongSign, "card_fixed: needs_admin"),
        ("feishu-app", Mode::Dead, "card_fixed: drop_recipient"),
    ] {
        let stage = Stage::set().await;
        let alarm = sent(&stage, app).await;
        stage.sandbox.set_fault(app, Fault::always(fault));
        stage.answer().await;
        stage.work_all().await;
        let ended = (NoticeState::Expired, 1, reason.to_owned());
        assert_eq!(redraw_of(&stage, alarm).await, ended, "{app} {fault:?}");
        stage.pass(TimeDelta::hours(2));
        stage.work_all().await;
        assert_eq!(redraw_of(&stage, alarm).await, ended);
        is_quiet(&stage, 2).await;
        assert_eq!(stage.channel_state(app).await, ("active".to_owned(), String::new()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_alarms_in_one_message_are_nobodys_own_card() {
    let stage = Stage::set().await;
    for app in ["wecom-app", "feishu-app"] {
        stage.open_app(app).await;
        let channel = stage.channel(app).await;
        let rows = [(); 2].map(|()| {
            let row = stage.notice(NoticeId::fresh(), channel, Priority::Low, alarm_params());
            NewNotice { recipient: USER.to_owned(), ..row }
        });
        stage.post_all(rows.to_vec()).await;
    }
    stage.pass(TimeDelta::seconds(61));
    stage.work_all().await;
    assert!(stage.states().await.iter().all(|state| *state == NoticeState::Sent));
    let told = card(&stage, "feishu-app");
    stage.answer().await;
    stage.work_all().await;
    assert_eq!(stage.states().await, [NoticeState::Acted; 4], "no row that redraws");
    assert_eq!(card(&stage, "feishu-app").title, told.title);
    assert_eq!(stage.sandbox.messages("wecom-app").len(), 1);
}
