//! The sandbox judges as the real platforms do, and the channels' own requests pass.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::*;
use crate::notices::channels::{Line, Link, Mention, Message, Outcome, judge, judge_failure, request};
use crate::platform::outbound::{
    Hosts, Method, Outbound, OutboundRequest, OutboundResponse, OutboundSettings,
};

mod cards;

const ROOMS: &str = r#"
    keep = 30
    [[rooms]]
    name = "wecom"
    title = "<b>供电局</b>"
    kind = "wecom_bot"
    key = "k-1"
    [[rooms]]
    name = "dingtalk"
    kind = "dingtalk_bot"
    key = "d-1"
    secrets = ["SEC1"]
    [[rooms]]
    name = "feishu"
    kind = "feishu_bot"
    key = "f-1"
    secrets = ["S1"]
    keyword = "一叫就到"
    [[rooms]]
    name = "county"
    kind = "webhook"
    secrets = ["whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=", "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="]
    [wechat]
    app_id = "wx1"
    app_secret = "s1"
    [[rooms]]
    name = "wecom-app"
    kind = "wecom_app"
    key = "ww"
    secrets = ["S"]
    app = { appId = "ww", agentId = 7 }
    people = ["li"]
    [[rooms]]
    name = "feishu-app"
    kind = "feishu_app"
    key = "cli"
    secrets = ["S"]
    app = { appId = "cli" }
    people = ["ou_li"]
    [[rooms]]
    name = "dingtalk-app"
    kind = "dingtalk_app"
    key = "dingkey"
    secrets = ["S"]
    people = ["li"]
    [[rooms]]
    name = "subscribe"
    kind = "wechat_subscribe"
    key = "wx"
    app = { appId = "wx" }
"#;

/// A sandbox on a port of its own, and a sender that is allowed to reach it.
struct Stage {
    sandbox: Sandbox,
    clock: Clock,
    base: Url,
    outbound: Outbound,
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn stage() -> Stage {
    let clock = Clock::manual(start());
    let sandbox = Sandbox::new(SandboxConfig::from_toml(ROOMS).unwrap(), clock.clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(sandbox.clone(), listener).unwrap());
    let settings = OutboundSettings {
        allow_private: vec![address.to_string()],
        timeout_ms: 2000,
        ..crate::platform::config::Config::defaults().unwrap().outbound
    };
    let base = format!("http://{address}/").parse().unwrap();
    Stage { sandbox, clock, base, outbound: Outbound::new(&settings).unwrap() }
}

fn message(title: &str) -> Message {
    Message {
        id: "n-1".to_owned(),
        event: "call.raised".to_owned(),
        at: start(),
        data: json!({ "number": "4711" }),
        title: title.to_owned(),
        lines: vec![Line::new("企业", "<img src=x onerror=alert(1)>")],
        body: "停电 @all".to_owned(),
        link: Some(Link { text: "接单".to_owned(), url: "https://yj.example/a/1".parse().unwrap() }),
        tap: None,
        mentions: vec![Mention { mobile: Some("13800000000".to_owned()), user_id: Some("zhang".to_owned()) }],
        words: std::collections::BTreeMap::new(),
    }
}

impl Stage {
    async fn send_to(&self, target: &Target, message: &Message) -> Outcome {
        let request = request(target, message, self.clock.now(), 1).unwrap();
        match self.outbound.send(request).await {
            Ok(answer) => {
                judge(target.kind, answer.status.as_u16(), &answer.headers, &answer.body, self.clock.now())
            }
            Err(error) => judge_failure(&error),
        }
    }

    async fn send(&self, room: &str) -> Outcome {
        let target = self.sandbox.target(room, &self.base).unwrap();
        self.send_to(&target, &message("新诉求 4711")).await
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> OutboundResponse {
        let url = self.base.join(path).unwrap();
        let request = match method {
            Method::GET => OutboundRequest::get(url, Hosts::Any),
            method => OutboundRequest {
                method,
                ..OutboundRequest::post_json(url, body.to_string().into_bytes(), Hosts::Any)
            },
        };
        self.outbound.send(request).await.unwrap()
    }

    async fn json(&self, method: Method, path: &str, body: Value) -> Value {
        serde_json::from_slice(&self.call(method, path, body).await.body).unwrap()
    }

    async fn errcode(&self, path: &str, body: Value) -> i64 {
        self.json(Method::POST, path, body).await["errcode"].as_i64().unwrap()
    }
}

fn delivered() -> Outcome {
    Outcome::Delivered { provider_id: None, handle: None, unreached: Vec::new() }
}

#[tokio::test]
async fn what_the_channels_send_arrives_in_every_room_as_people_see_it() {
    let stage = stage();
    for room in ["wecom", "dingtalk", "feishu"] {
        assert_eq!(stage.send(room).await, delivered(), "{room}");
        let seen = stage.sandbox.wait_for(room, |_| true, Duration::from_secs(5)).await.unwrap();
        assert!(seen.title.ends_with("新诉求 4711"), "{room}: {}", seen.title);
        assert_eq!(seen.link(), Some("https://yj.example/a/1"), "{room}");
        assert_eq!(seen.links[0].text, "接单");
        assert!(seen.text.contains("企业：＜img src=x onerror=alert(1)＞"), "{room}: {}", seen.text);
        assert!(seen.text.contains("│ 停电 ＠all"), "{room}: {}", seen.text);
        assert_eq!(seen.mentions, [if room == "dingtalk" { "13800000000" } else { "zhang" }], "{room}");
        assert_eq!(seen.at, start());
    }
    assert_eq!(stage.send("county").await, delivered());
    let hook = stage.sandbox.messages("county").pop().unwrap();
    assert_eq!((hook.title.as_str(), hook.delivery_id.as_deref()), ("call.raised", Some("n-1")));
    assert_eq!(hook.raw["data"], json!({ "number": "4711" }));
    assert_eq!(stage.sandbox.all_messages().iter().map(|m| m.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_waiting_test_is_woken_by_the_message_it_wants() {
    let stage = stage();
    let target = stage.sandbox.target("wecom", &stage.base).unwrap();
    let wanted = stage.sandbox.wait_for("wecom", |seen| seen.title == "二", Duration::from_secs(5));
    let (first, second) = (message("一"), message("二"));
    let sends = async { (stage.send_to(&target, &first).await, stage.send_to(&target, &second).await) };
    let (found, sent) = tokio::join!(wanted, sends);
    assert_eq!(found.unwrap().title, "二");
    assert_eq!(sent, (delivered(), delivered()));
    let never = stage.sandbox.wait_for("wecom", |seen| seen.title == "三", Duration::from_millis(1)).await;
    assert!(never.is_none());
}

#[tokio::test]
async fn wrong_keys_signatures_and_clocks_get_the_real_errors() {
    let stage = stage();
    let text = json!({ "msgtype": "text", "text": { "content": "x" } });
    assert_eq!(stage.errcode("/cgi-bin/webhook/send?key=other", text.clone()).await, 93000);
    assert_eq!(stage.errcode("/robot/send?access_token=other", text.clone()).await, 300_005);
    assert_eq!(stage.json(Method::POST, "/open-apis/bot/v2/hook/other", json!({})).await["code"], 19001);
    assert_eq!(stage.json(Method::GET, "/cgi-bin/webhook/send?key=k-1", json!({})).await["errcode"], 43002);
    assert_eq!(stage.call(Method::POST, "/hooks/other", json!({})).await.status, 404);

    let mut swapped = stage.sandbox.target("dingtalk", &stage.base).unwrap();
    swapped.credentials = crate::notices::channels::Credentials::new("d-1", &["SEC2"]);
    assert_eq!(stage.send_to(&swapped, &message("x")).await, Outcome::NeedsAdmin);
    let answer = stage.json(Method::POST, "/robot/send?access_token=d-1", text).await;
    assert_eq!(answer, json!({ "errcode": 310_000, "errmsg": "invalid timestamp" }));
    let mut swapped = stage.sandbox.target("feishu", &stage.base).unwrap();
    swapped.settings.keyword = None;
    let answer = stage.send_to(&swapped, &message("没有那个词")).await;
    assert_eq!(answer, Outcome::NeedsAdmin);

    // A sender whose clock is over an hour, or five minutes, behind.
    let late = stage.clock.now() - TimeDelta::minutes(61);
    let expected =
        [("dingtalk", 200, "invalid timestamp"), ("feishu", 200, "19021"), ("county", 401, "too old")];
    for (room, status, word) in expected {
        let target = stage.sandbox.target(room, &stage.base).unwrap();
        let answer = stage.outbound.send(request(&target, &message("x"), late, 1).unwrap()).await.unwrap();
        let body = String::from_utf8(answer.body).unwrap();
        assert!(answer.status == status && body.contains(word), "{room}: {} {body}", answer.status);
    }
    assert!(stage.sandbox.all_messages().is_empty());
}

#[tokio::test]
async fn sizes_and_shapes_are_checked() {
    let stage = stage();
    let wecom = |body: Value| stage.errcode("/cgi-bin/webhook/send?key=k-1", body);
    let content = |bytes: usize| "长".repeat(bytes / 3);
    assert_eq!(wecom(json!({ "msgtype": "text", "text": { "content": content(2049) } })).await, 45002);
    assert_eq!(wecom(json!({ "msgtype": "text", "text": { "content": content(2048) } })).await, 0);
    assert_eq!(
        wecom(json!({ "msgtype": "markdown", "markdown": { "content": content(4099) } })).await,
        45002
    );
    assert_eq!(wecom(json!({ "msgtype": "markdown", "markdown": { "content": "" } })).await, 44004);
    assert_eq!(wecom(json!({ "msgtype": "song" })).await, 40008);
    assert_eq!(wecom(json!("no object")).await, 40008);
    let feishu = stage.json(Method::POST, "/open-apis/bot/v2/hook/f-1", json!("no object")).await;
    assert_eq!(feishu["code"], 9499);
}

#[tokio::test]
async fn the_twenty_first_message_of_a_minute_is_refused_and_a_minute_later_all_is_well() {
    let stage = stage();
    for _ in 0..20 {
        assert_eq!(stage.send("wecom").await, delivered());
    }
    assert_eq!(stage.send("wecom").await, Outcome::RateLimited { after: Duration::from_secs(60) });
    stage.clock.advance(TimeDelta::seconds(60));
    assert_eq!(stage.send("wecom").await, delivered());
}

#[tokio::test]
async fn every_failure_that_can_be_switched_on_is_understood() {
    let stage = stage();
    let retry = Outcome::Retry { after: None };
    let limited = |seconds| Outcome::RateLimited { after: Duration::from_secs(seconds) };
    let cases = [
        ("wecom", Mode::Busy, None, retry.clone()),
        ("wecom", Mode::RateLimited, None, limited(60)),
        ("wecom", Mode::Dead, None, Outcome::DeadTarget),
        ("wecom", Mode::WrongSign, None, Outcome::NeedsAdmin),
        ("wecom", Mode::BadMessage, None, Outcome::BadMessage),
        ("wecom", Mode::Http500, None, retry.clone()),
        ("wecom", Mode::Http429, Some(7), limited(7)),
        ("wecom", Mode::Http429, None, limited(60)),
        ("wecom", Mode::Redirect, None, retry.clone()),
        ("wecom", Mode::Html200, None, retry.clone()),
        ("wecom", Mode::Garbage, None, retry.clone()),
        ("wecom", Mode::NoCode, None, retry.clone()),
        ("wecom", Mode::Half, None, retry.clone()),
        ("wecom", Mode::Huge, None, retry.clone()),
        ("dingtalk", Mode::NoCode, None, limited(5)),
        ("dingtalk", Mode::Redirect, None, limited(600)),
        ("dingtalk", Mode::RateLimited, None, limited(600)),
        ("dingtalk", Mode::Dead, None, Outcome::DeadTarget),
        ("dingtalk", Mode::WrongSign, None, Outcome::NeedsAdmin),
        ("feishu", Mode::Busy, None, retry.clone()),
        ("feishu", Mode::RateLimited, None, limited(1)),
        ("feishu", Mode::Dead, None, Outcome::DeadTarget),
        ("feishu", Mode::BadMessage, None, Outcome::BadMessage),
        ("county", Mode::Busy, None, retry.clone()),
        ("county", Mode::Dead, None, Outcome::DeadTarget),
        ("county", Mode::Redirect, None, retry.clone()),
        ("county", Mode::Half, None, retry),
    ];
    for (room, mode, seconds, expected) in cases {
        let fault = Fault { seconds, ..Fault::times(mode, 1) };
        assert!(stage.sandbox.set_fault(room, fault));
        assert_eq!(stage.send(room).await, expected, "{room} {mode:?}");
    }
    assert!(stage.sandbox.all_messages().is_empty());
    assert!(!stage.sandbox.set_fault("nowhere", Fault::always(Mode::Busy)));
    assert_eq!(stage.send("wecom").await, delivered());
}

#[tokio::test]
async fn a_lost_answer_leaves_the_message_and_a_silent_server_is_given_up() {
    let stage = stage();
    assert!(stage.sandbox.set_fault("wecom", Fault::times(Mode::LostAnswer, 1)));
    assert_eq!(stage.send("wecom").await, Outcome::Retry { after: None });
    assert_eq!(stage.send("wecom").await, delivered());
    assert_eq!(stage.sandbox.messages("wecom").len(), 2);
    assert!(stage.sandbox.set_fault("county", Fault::always(Mode::Timeout).seconds(30)));
    assert_eq!(stage.send("county").await, Outcome::Retry { after: None });
    assert!(stage.sandbox.clear_fault("county"));
    assert_eq!(stage.send("county").await, delivered());
}

#[tokio::test]
async fn failures_messages_and_rooms_are_there_over_http_too() {
    let stage = stage();
    let fault = json!({ "mode": "rate_limited", "times": 2 });
    assert_eq!(stage.call(Method::POST, "/sandbox/rooms/wecom/faults", fault.clone()).await.status, 204);
    assert_eq!(stage.call(Method::POST, "/sandbox/rooms/nowhere/faults", fault).await.status, 404);
    assert_eq!(
        stage.call(Method::POST, "/sandbox/rooms/wecom/faults", json!({ "mode": "flood" })).await.status,
        400
    );
    let rooms = stage.json(Method::GET, "/sandbox/rooms", Value::Null).await;
    assert_eq!(rooms[0]["fault"], json!({ "mode": "rate_limited", "times": 2, "seconds": null }));
    assert_eq!(rooms[0]["title"], "<b>供电局</b>");
    assert!(!rooms.to_string().contains("k-1") && !rooms.to_string().contains("SEC1"));
    assert_eq!(stage.call(Method::DELETE, "/sandbox/rooms/wecom/faults", Value::Null).await.status, 204);
    for _ in 0..2 {
        assert_eq!(stage.send("wecom").await, delivered());
    }
    let view = stage.json(Method::GET, "/sandbox/messages?room=wecom&after=1", Value::Null).await;
    assert_eq!((view["last"].as_u64(), view["messages"].as_array().unwrap().len()), (Some(2), 1));
    assert_eq!(view["messages"][0]["kind"], "wecom_bot");
    assert_eq!(stage.call(Method::DELETE, "/sandbox/messages", Value::Null).await.status, 204);
    assert!(stage.sandbox.all_messages().is_empty());
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere_and_lets_no_message_bring_a_script() {
    let stage = stage();
    let page = stage.call(Method::GET, "/", Value::Null).await;
    assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    for path in ["/", "/sandbox/page.css", "/sandbox/page.js"] {
        let part = stage.call(Method::GET, path, Value::Null).await;
        let text = String::from_utf8(part.body).unwrap();
        assert_eq!(part.status, 200);
        assert!(!text.contains("://") && !text.contains("innerHTML") && !text.contains("onclick"), "{path}");
    }
}

#[tokio::test]
async fn a_page_that_is_open_hears_of_a_message_at_once() {
    let stage = stage();
    assert_eq!(stage.send("wecom").await, delivered());
    let browser = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut stream = browser.get(stage.base.join("/sandbox/stream").unwrap()).send().await.unwrap();
    let mut heard = String::new();
    let mut hear = async |heard: &mut String, word: &str| {
        while !heard.contains(word) {
            heard.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
        }
    };
    hear(&mut heard, "\"seq\":1").await;
    assert!(heard.starts_with("event: hello\ndata: ") && heard.contains("\n\nid: 1\ndata: {"));
    assert_eq!(stage.send("feishu").await, delivered());
    tokio::time::timeout(Duration::from_secs(1), hear(&mut heard, "\"room\":\"feishu\"")).await.unwrap();
    assert!(heard.ends_with("\n\n"));
}

#[tokio::test]
async fn the_mini_program_takes_each_code_once() {
    let stage = stage();
    let login = async |code: &str| {
        let path =
            format!("/sns/jscode2session?appid=wx1&secret=s1&js_code={code}&grant_type=authorization_code");
        stage.json(Method::GET, &path, Value::Null).await
    };
    let session = login("demo-oLiSi").await;
    assert_eq!((session["openid"].as_str(), session["unionid"].as_str()), (Some("oLiSi"), Some("u-oLiSi")));
    assert!(session["session_key"].is_string() && session.get("errcode").is_none());
    assert_eq!(login("demo-oLiSi").await["errcode"], 40163);
    assert_eq!(login("demo-oLiSi~2").await["openid"], "oLiSi");
    assert_eq!(login("0a3x").await["errcode"], 40029);
    assert_eq!(login("demo-").await["errcode"], 40029);
    let wrong =
        stage.json(Method::GET, "/sns/jscode2session?appid=wx1&secret=no&js_code=demo-a", Value::Null).await;
    assert_eq!(wrong["errcode"], 40125);
    let wrong =
        stage.json(Method::GET, "/sns/jscode2session?appid=wx2&secret=s1&js_code=demo-a", Value::Null).await;
    assert_eq!(wrong["errcode"], 40013);
    assert!(stage.sandbox.set_fault("wechat", Fault::times(Mode::Busy, 1)));
    assert_eq!(login("demo-x").await["errcode"], -1);
    assert_eq!(login("demo-x").await["openid"], "x");
}

#[tokio::test]
async fn a_phone_needs_a_living_token_and_a_fresh_code() {
    let stage = stage();
    let credentials = json!({ "grant_type": "client_credential", "appid": "wx1", "secret": "s1" });
    let token = async || stage.json(Method::POST, "/cgi-bin/stable_token", credentials.clone()).await;
    let first = token().await;
    assert_eq!(first["expires_in"], 7200);
    assert_eq!(token().await["access_token"], first["access_token"]);
    let phone = async |token: &Value, code: &str| {
        let path = format!(
            "/wxa/business/getuserphonenumber?access_token={}",
            token["access_token"].as_str().unwrap()
        );
        stage.json(Method::POST, &path, json!({ "code": code })).await
    };
    let proof = phone(&first, "phone-13800000000").await;
    assert_eq!(proof["phone_info"]["purePhoneNumber"], "13800000000");
    assert_eq!(proof["phone_info"]["watermark"]["appid"], "wx1");
    assert_eq!(phone(&first, "phone-13800000000").await["errcode"], 40029);
    assert_eq!(phone(&json!({ "access_token": "x" }), "phone-1").await["errcode"], 40001);
    // In its last five minutes a new one is handed out, and both are good.
    stage.clock.advance(TimeDelta::seconds(6900));
    let second = token().await;
    assert_ne!(second["access_token"], first["access_token"]);
    assert_eq!(phone(&first, "phone-2").await["errcode"], 0);
    stage.clock.advance(TimeDelta::seconds(301));
    assert_eq!(phone(&first, "phone-3").await["errcode"], 42001);
    assert_eq!(phone(&second, "phone-3").await["errcode"], 0);
    let bad = stage.errcode("/cgi-bin/stable_token", json!("x")).await;
    assert_eq!(bad, 47001);
}

#[tokio::test]
async fn memory_is_bounded_and_rooms_are_told_apart() {
    let mut config = SandboxConfig { keep: 3, ..SandboxConfig::default() };
    let mut room = RoomConfig::new(ChannelKind::WecomBot, "a", "k", &[]);
    room.limits = false;
    config.rooms.push(room.clone());
    let sandbox = Sandbox::new(config.clone(), Clock::manual(start())).unwrap();
    for n in 0..10 {
        let shown = Shown::text(&n.to_string());
        sandbox.rooms().keep("a", start(), shown, Value::Null, rooms::KnownAs::default()).unwrap();
    }
    let titles: Vec<String> = sandbox.messages("a").into_iter().map(|seen| seen.title).collect();
    assert_eq!(titles, ["7", "8", "9"]);

    let refused = |change: fn(&mut RoomConfig)| {
        let mut config = config.clone();
        let mut second = RoomConfig::new(ChannelKind::WecomBot, "b", "k2", &[]);
        change(&mut second);
        config.rooms.push(second);
        Sandbox::new(config, Clock::System).map(|_| ()).unwrap_err()
    };
    assert!(matches!(refused(|room| room.name = "a".to_owned()), SandboxConfigError::Twice(_)));
    assert!(matches!(refused(|room| room.key = "k".to_owned()), SandboxConfigError::Twice(_)));
    assert!(matches!(refused(|room| room.name = "a/b".to_owned()), SandboxConfigError::Name(_)));
    let nameless = |room: &mut RoomConfig| (room.kind, room.key) = (ChannelKind::FeishuApp, String::new());
    assert!(matches!(refused(nameless), SandboxConfigError::NoApp(_)));
    assert!(SandboxConfig::from_toml("[[rooms]]\nname = 1").is_err());
}

#[test]
fn the_demo_countys_channels_all_have_a_room() {
    let csv = include_str!("../../config/counties/demo/channels.csv");
    let config = SandboxConfig::from_channels_csv(csv).unwrap();
    let secret = secrecy::SecretString::from("sandbox-only");
    let sandbox = Sandbox::new(config.with_mini_program("wx-sandbox", &secret), Clock::System).unwrap();
    let base: Url = "http://127.0.0.1:8090/".parse().unwrap();
    for (room, kind) in [
        ("room-d01", ChannelKind::WecomBot),
        ("app-wecom", ChannelKind::WecomApp),
        ("app-dingtalk", ChannelKind::DingtalkApp),
        ("app-feishu", ChannelKind::FeishuApp),
        ("wechat-enterprise", ChannelKind::WechatSubscribe),
    ] {
        let target = sandbox.target(room, &base).unwrap();
        assert_eq!(target.kind, kind);
        let asked = crate::notices::channels::token_request(&target);
        assert_eq!(asked.map(|asked| asked.is_ok()), kind.is_personal().then_some(true), "{room}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_are_judged_by_token_recipient_shape_and_rate() {
    let stand = stage();
    let ask = async |path: &str| -> Value {
        serde_json::from_slice(&stand.call(Method::GET, path, Value::Null).await.body).unwrap()
    };
    let code = |answer: &Value| answer["errcode"].as_i64().unwrap();
    assert_eq!(code(&ask("cgi-bin/gettoken?corpid=no&corpsecret=S").await), 40013);
    assert_eq!(code(&ask("cgi-bin/gettoken?corpid=ww&corpsecret=no").await), 40001);
    let token =
        ask("cgi-bin/gettoken?corpid=ww&corpsecret=S").await["access_token"].as_str().unwrap().to_owned();
    let post = async |path: &str, body: Value| -> Value {
        serde_json::from_slice(&stand.call(Method::POST, path, body).await.body).unwrap()
    };
    let letter = |to: &str, agent: i64, text: &str| json!({ "touser": to, "agentid": agent, "msgtype": "text", "text": { "content": text } });
    let send = format!("cgi-bin/message/send?access_token={token}");
    for (path, body, expected) in [
        ("cgi-bin/message/send", letter("li", 7, "x"), 41001),
        ("cgi-bin/message/send?access_token=no", letter("li", 7, "x"), 40014),
        (send.as_str(), letter("li", 8, "x"), 40056),
        (send.as_str(), letter("", 7, "x"), 82001),
        (send.as_str(), letter("wang", 7, "x"), 81013),
        (send.as_str(), letter("li", 7, ""), 44004),
        (send.as_str(), letter("li", 7, &"长".repeat(700)), 45002),
        (
            send.as_str(),
            json!({ "touser": "li", "agentid": 7, "msgtype": "template_card", "template_card": { "card_type": "text_notice" } }),
            40058,
        ),
        (send.as_str(), letter("li|wang", 7, "有人不在"), 0),
    ] {
        assert_eq!(code(&post(path, body).await), expected, "{path}");
    }
    // The excess over a member's thirty a minute is dropped without a word.
    for n in 0..40 {
        assert_eq!(code(&post(&send, letter("li", 7, &n.to_string())).await), 0);
    }
    assert_eq!(stand.sandbox.messages("wecom-app").len(), 30);
    stand.clock.advance(TimeDelta::hours(3));
    assert_eq!(code(&post(&send, letter("li", 7, "x")).await), 42001);

    let refused = post("open-apis/im/v1/messages?receive_id_type=open_id", json!({})).await;
    assert_eq!(refused["code"], 99_991_661);
    let denied =
        post("open-apis/auth/v3/tenant_access_token/internal", json!({ "app_id": "cli", "app_secret": "x" }))
            .await;
    assert_eq!(denied["code"], 10014);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_message_needs_an_acceptance_and_sound_fields() {
    let stand = stage();
    let post = async |path: &str, body: Value| -> Value {
        serde_json::from_slice(&stand.call(Method::POST, path, body).await.body).unwrap()
    };
    let ask = json!({ "grant_type": "client_credential", "appid": "wx1", "secret": "s1" });
    let token =
        post("cgi-bin/stable_token", ask).await["access_token"].as_str().unwrap_or_default().to_owned();
    let send = format!("cgi-bin/message/subscribe/send?access_token={token}");
    let letter =
        |value: &str| json!({ "touser": "o1", "template_id": "T", "data": { "thing1": { "value": value } } });
    assert_eq!(post("cgi-bin/message/subscribe/send?access_token=x", letter("停电")).await["errcode"], 40001);
    assert_eq!(post(&send, letter("停电")).await["errcode"], 43101);
    stand.sandbox.accept_subscription("o1", "T");
    let refused = post(&send, letter(&"长".repeat(21))).await;
    assert_eq!(refused["errcode"], 47003);
    assert!(refused["errmsg"].as_str().unwrap().contains("data.thing1.value"));
    assert_eq!(post(&send, letter("停电")).await["errcode"], 0, "what was refused bought nothing");
    assert_eq!(post(&send, letter("停电")).await["errcode"], 43101);
}
