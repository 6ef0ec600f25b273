//! The requests of each channel against the platforms' documented vectors, and what is made of their answers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::platform::outbound::{HeaderMap, HeaderName, HeaderValue, Hosts, OutboundError, Refusal};

mod apps;

fn vectors(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).unwrap();
    file["cases"].as_array().unwrap().clone()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn target(kind: ChannelKind, token: &str, secrets: &[&str]) -> Target {
    let base_url = kind.default_base().unwrap_or_else(|| "https://hooks.example/in".parse().unwrap());
    Target {
        kind,
        base_url,
        credentials: Credentials::new(token, secrets),
        settings: Settings::default(),
        calls_back: false,
    }
}

fn message() -> Message {
    Message {
        id: "019a-1".to_owned(),
        event: "call.raised".to_owned(),
        at: at(1_790_000_000),
        data: json!({ "number": "4711" }),
        title: "新诉求 4711".to_owned(),
        lines: vec![Line::new("企业", "三原机械"), Line::new("时限", "14:30 前接单")],
        body: "3#楼停电\n请尽快".to_owned(),
        link: Some(Link { text: "接单".to_owned(), url: "https://yj.example/a/(1)?t=x".parse().unwrap() }),
        tap: None,
        mentions: Vec::new(),
        words: words(),
    }
}

fn words() -> BTreeMap<String, String> {
    let words = [("title", "3#楼停电"), ("holder", "李强"), ("at", "2026-09-21 22:13"), ("call_id", "c-1")];
    words.into_iter().map(|(name, word)| (name.to_owned(), word.to_owned())).collect()
}

fn phone(mobile: &str) -> Mention {
    Mention { mobile: Some(mobile.to_owned()), user_id: None }
}

fn user(id: &str) -> Mention {
    Mention { mobile: None, user_id: Some(id.to_owned()) }
}

fn body_of(target: &Target, message: &Message) -> Value {
    let request = request(target, message, at(1_790_000_000), 1).unwrap();
    assert_eq!(request.headers["content-type"], "application/json; charset=utf-8");
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn dingtalk_signs_and_verifies_as_the_vectors_say() {
    let cases = vectors(include_str!("../../../tests/vectors/dingtalk_sign.json"));
    assert_eq!(cases.len(), 15);
    for case in cases {
        let text = |field: &str| case[field].as_str();
        let name = &case["name"];
        if case["kind"] == "robot_send_sign" {
            let (secret, millis) = (text("secret").unwrap(), text("timestamp_ms").unwrap());
            let now = DateTime::from_timestamp_millis(millis.parse().unwrap()).unwrap();
            assert_eq!(dingtalk_bot::sign(secret, millis), case["expect"]["sign_base64"], "{name}");
            let request =
                request(&target(ChannelKind::DingtalkBot, "tok", &[secret]), &message(), now, 1).unwrap();
            assert_eq!(request.url.as_str(), case["expect"]["url"], "{name}");
            assert_eq!(request.hosts, Hosts::Pinned(&["oapi.dingtalk.com"]));
            continue;
        }
        let now = DateTime::from_timestamp_millis(case["now_ms"].as_i64().unwrap()).unwrap();
        let headers = &case["headers"];
        let secret = text("secret").or(text("app_secret")).unwrap();
        let timestamp = text("timestamp_ms").or(headers["timestamp"].as_str());
        let sign = text("sign_base64").or(headers["sign"].as_str());
        let reasons: &[&str] = match dingtalk_bot::verify(secret, timestamp, sign, now) {
            Ok(()) => &[""],
            Err(SignatureRefusal::MissingHeader) => &["missing_header"],
            Err(SignatureRefusal::BadTimestamp) => &["bad_timestamp"],
            Err(SignatureRefusal::TooOld | SignatureRefusal::TooNew) => {
                &["invalid_timestamp", "stale_timestamp"]
            }
            Err(SignatureRefusal::Mismatch) => &["sign_mismatch", "signature_mismatch"],
            Err(SignatureRefusal::BadSecret) => &[],
        };
        assert!(reasons.contains(&case["expect"]["reason"].as_str().unwrap_or("")), "{name}: {reasons:?}");
    }
}

#[test]
fn feishu_signs_and_verifies_as_the_vectors_say() {
    let cases = vectors(include_str!("../../../tests/vectors/feishu_bot_sign.json"));
    assert_eq!(cases.len(), 9);
    for case in cases {
        let (secret, seconds) = (case["secret"].as_str().unwrap(), case["timestamp"].as_str().unwrap());
        let name = &case["name"];
        if case["kind"] == "bot_sign" {
            let target = target(ChannelKind::FeishuBot, "tok", &[secret]);
            let request = request(&target, &message(), at(seconds.parse().unwrap()), 1).unwrap();
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            assert_eq!(body["sign"], case["expect"]["sign"], "{name}");
            assert_eq!(body["timestamp"], case["expect"]["body"]["timestamp"], "{name}");
            assert_eq!(request.url.as_str(), "https://open.feishu.cn/open-apis/bot/v2/hook/tok");
            continue;
        }
        let now = at(case["now"].as_i64().unwrap());
        let verdict = feishu_bot::verify(secret, Some(seconds), case["sign"].as_str(), now);
        match case["expect"]["ok"].as_bool().unwrap() {
            true => assert_eq!(verdict, Ok(()), "{name}"),
            false => assert_eq!(verdict, Err(SignatureRefusal::Mismatch), "{name}"),
        }
    }
    let sign = feishu_bot::sign("s", "1789996399");
    let late = feishu_bot::verify("s", Some("1789996399"), Some(&sign), at(1_790_000_000));
    assert_eq!(late, Err(SignatureRefusal::TooOld));
}

#[test]
fn webhooks_sign_and_verify_as_the_vectors_say() {
    let cases = vectors(include_str!("../../../tests/vectors/standard_webhooks.json"));
    assert_eq!(cases.len(), 26);
    for case in cases {
        let secret = case["secret"].as_str().unwrap();
        let body = case["body"].as_str().unwrap().as_bytes();
        let name = &case["name"];
        if case["kind"] == "sign" {
            let id = case["webhook_id"].as_str().unwrap();
            let signature = webhook::sign(secret, id, case["timestamp"].as_i64().unwrap(), body);
            assert_eq!(signature.as_deref(), case["expect"]["signature"].as_str(), "{name}");
            continue;
        }
        let header = |name: &str| case["headers"][name].as_str();
        let headers = webhook::SignedHeaders {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
        };
        let other = webhook::fresh_secret();
        let reason =
            match webhook::verify(&[&other, secret], headers, body, at(case["now"].as_i64().unwrap())) {
                Ok(()) => "",
                Err(SignatureRefusal::MissingHeader) => "missing_header",
                Err(SignatureRefusal::BadTimestamp) => "bad_timestamp",
                Err(SignatureRefusal::TooOld) => "timestamp_too_old",
                Err(SignatureRefusal::TooNew) => "timestamp_too_new",
                Err(SignatureRefusal::Mismatch) => "no_matching_signature",
                Err(SignatureRefusal::BadSecret) => "bad_secret",
            };
        assert_eq!(reason, case["expect"]["reason"].as_str().unwrap_or(""), "{name}");
    }
}

#[test]
fn a_webhook_is_signed_by_every_live_secret_and_the_reference_library_agrees() {
    let secrets = [webhook::fresh_secret(), webhook::fresh_secret()];
    let target = target(ChannelKind::Webhook, "", &[&secrets[0], &secrets[1]]);
    // The reference library reads the machine's clock, so this one test must too.
    let now = crate::platform::clock::Clock::System.now();
    let request = request(&target, &message(), now, 3).unwrap();
    assert_eq!(request.url.as_str(), "https://hooks.example/in");
    assert_eq!(request.hosts, Hosts::Any);
    assert_eq!(request.headers["yijiao-attempt"], "3");
    assert_eq!(
        serde_json::from_slice::<Value>(&request.body).unwrap(),
        json!({ "type": "call.raised", "timestamp": "2026-09-21T14:13:20.000Z", "data": { "number": "4711" } })
    );
    for secret in &secrets {
        standardwebhooks::Webhook::new(secret).unwrap().verify(&request.body, &request.headers).unwrap();
    }
    let stranger = webhook::fresh_secret();
    assert!(
        standardwebhooks::Webhook::new(&stranger).unwrap().verify(&request.body, &request.headers).is_err()
    );
}

#[test]
fn an_answer_leads_to_the_action_the_vectors_say() {
    // What a login page's answer means is no matter of notices.
    let logins = ["wecom.getuserinfo", "dingtalk.getuserinfo", "wechat.jscode2session"];
    let cases = vectors(include_str!("../../../tests/vectors/responses.json"));
    let cases: Vec<Value> =
        cases.into_iter().filter(|case| !logins.contains(&case["api"].as_str().unwrap())).collect();
    assert_eq!(cases.len(), 69);
    for case in cases {
        let kind = match case["api"].as_str().unwrap() {
            "wecom.robot" => ChannelKind::WecomBot,
            "wecom.message_send" | "wecom.gettoken" => ChannelKind::WecomApp,
            "dingtalk.robot" => ChannelKind::DingtalkBot,
            api if api.starts_with("dingtalk.") => ChannelKind::DingtalkApp,
            "feishu.bot" => ChannelKind::FeishuBot,
            "feishu.im_messages" => ChannelKind::FeishuApp,
            api if api.starts_with("wechat.") => ChannelKind::WechatSubscribe,
            "slack.webhook" => ChannelKind::Slack,
            "standard_webhook" => ChannelKind::Webhook,
            api => panic!("{api}"),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in case["headers"].as_object().into_iter().flatten() {
            let value = HeaderValue::from_str(value.as_str().unwrap()).unwrap();
            headers.insert(name.parse::<HeaderName>().unwrap(), value);
        }
        let status = u16::try_from(case["http_status"].as_u64().unwrap()).unwrap();
        let outcome = judge(kind, status, &headers, case["body"].as_str().unwrap().as_bytes(), at(0));
        let (action, after) = match &outcome {
            Outcome::Delivered { .. } => ("delivered", None),
            Outcome::Retry { after } => ("retry", *after),
            Outcome::RateLimited { after } => ("rate_limited", Some(*after)),
            Outcome::RefreshToken => ("refresh_token", None),
            Outcome::DeadTarget => ("disable_target", None),
            Outcome::NeedsAdmin => ("needs_admin", None),
            Outcome::BadMessage => ("drop_message", None),
            Outcome::DropRecipient => ("drop_recipient", None),
        };
        assert_eq!(action, case["expect"]["action"], "{}: {outcome:?}", case["name"]);
        if let Some(least) = case["expect"]["min_delay_s"].as_u64() {
            assert!(after >= Some(Duration::from_secs(least)), "{}: {outcome:?}", case["name"]);
        }
    }
}

#[test]
fn an_answer_that_says_nothing_is_no_delivery() {
    let none = HeaderMap::new();
    let retry = Outcome::Retry { after: None };
    let robots = [
        ChannelKind::WecomBot,
        ChannelKind::DingtalkBot,
        ChannelKind::FeishuBot,
        ChannelKind::WechatSubscribe,
    ];
    for kind in robots {
        for body in [
            "",
            "ok",
            "<html>ok</html>",
            "{}",
            "[]",
            "null",
            "{\"errcode\":",
            "{\"errcode\":\"0\",\"code\":{}}",
        ] {
            assert_eq!(judge(kind, 200, &none, body.as_bytes(), at(0)), retry, "{kind} {body}");
        }
        assert_eq!(judge(kind, 502, &none, b"{\"errcode\":0,\"code\":0}", at(0)), retry, "{kind}");
    }
    assert_eq!(judge(ChannelKind::Slack, 200, &none, b"<html>", at(0)), retry);
    assert_eq!(judge(ChannelKind::WecomBot, 302, &none, b"", at(0)), retry);
}

#[test]
fn a_wait_is_read_in_seconds_or_as_a_date_and_never_exceeds_a_day() {
    let after = |value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static(value));
        judge(ChannelKind::Webhook, 503, &headers, b"", at(1_445_412_450))
    };
    let seconds = |seconds| Outcome::Retry { after: Some(Duration::from_secs(seconds)) };
    assert_eq!(after("7"), seconds(7));
    assert_eq!(after("Wed, 21 Oct 2015 07:28:00 GMT"), seconds(30));
    assert_eq!(after("Wed, 21 Oct 2014 07:28:00 GMT"), Outcome::Retry { after: None });
    assert_eq!(after("Tue, 20 Oct 2015 07:28:00 GMT"), seconds(1));
    assert_eq!(after("99999999"), seconds(86_400));
    assert_eq!(after("soon"), Outcome::Retry { after: None });
    let plain = judge(ChannelKind::Webhook, 429, &HeaderMap::new(), b"", at(0));
    assert_eq!(plain, Outcome::RateLimited { after: Duration::from_secs(60) });
}

#[test]
fn people_left_out_by_a_successful_call_are_named() {
    let none = HeaderMap::new();
    let body = br#"{"errcode":0,"invaliduser":"lisi|wangwu","msgid":"m1"}"#;
    let unknown = |id: &str| Unreached { user_id: id.to_owned(), why: Why::Unknown };
    let expected = Outcome::Delivered {
        handle: None,
        provider_id: Some("m1".to_owned()),
        unreached: vec![unknown("lisi"), unknown("wangwu")],
    };
    assert_eq!(judge(ChannelKind::WecomApp, 200, &none, body, at(0)), expected);
    let body = br#"{"processQueryKey":"k","invalidStaffIdList":["a"],"flowControlledStaffIdList":["b"]}"#;
    let throttled = Unreached { user_id: "b".to_owned(), why: Why::Throttled };
    let expected = Outcome::Delivered {
        provider_id: Some("k".to_owned()),
        handle: None,
        unreached: vec![unknown("a"), throttled],
    };
    assert_eq!(judge(ChannelKind::DingtalkApp, 200, &none, body, at(0)), expected);
    assert_eq!(judge_failure(&OutboundError::Refused(Refusal::Address)), Outcome::NeedsAdmin);
    assert_eq!(judge_failure(&OutboundError::Timeout), Outcome::Retry { after: None });
}

#[test]
fn wecom_calls_by_userid_in_markdown_and_by_phone_in_text() {
    let target = target(ChannelKind::WecomBot, "k-1", &[]);
    let mut message = message();
    message.mentions = vec![user("zhang.san"), user("@all"), user("ALL"), user("a><b")];
    let content = "### 新诉求 4711\n**企业**：三原机械\n**时限**：14:30 前接单\n> 3＃楼停电\n> 请尽快\n\
                   [接单](https://yj.example/a/%281%29?t=x)\n<@zhang.san>";
    assert_eq!(
        body_of(&target, &message),
        json!({ "msgtype": "markdown", "markdown": { "content": content } })
    );
    message.mentions = vec![phone("13800000000"), user("lisi"), phone("@all")];
    let content = "【新诉求 4711】\n企业：三原机械\n时限：14:30 前接单\n│ 3#楼停电\n│ 请尽快\n接单：https://yj.example/a/(1)?t=x";
    let text =
        json!({ "content": content, "mentioned_list": ["lisi"], "mentioned_mobile_list": ["13800000000"] });
    assert_eq!(body_of(&target, &message), json!({ "msgtype": "text", "text": text }));
    let sent = request(&target, &message, at(0), 1).unwrap();
    assert_eq!(sent.url.as_str(), "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k-1");
    assert_eq!(sent.hosts, Hosts::Pinned(&["qyapi.weixin.qq.com"]));
}

#[test]
fn dingtalk_has_the_shapes_of_the_vendors_clients() {
    let shapes = vectors(include_str!("../../../tests/vectors/sdk_requests.json"));
    let shape = |name: &str| {
        let case = shapes.iter().find(|case| case["name"] == name).unwrap();
        case["requests"][0].clone()
    };
    let target = target(ChannelKind::DingtalkBot, "tok", &[]);
    let mut message = message();
    // Without anybody to mention: a card with one button.
    let (ours, theirs) = (body_of(&target, &message), shape("dingtalk_robot_action_card_single"));
    assert_eq!(ours["msgtype"], theirs["body"]["msgtype"]);
    for (field, value) in ours["actionCard"].as_object().unwrap() {
        assert!(theirs["body"]["actionCard"][field].is_string() && value.is_string(), "{field}");
    }
    assert_eq!(ours["actionCard"]["singleURL"], "https://yj.example/a/(1)?t=x");
    // With somebody: markdown, whose text repeats the number after an @.
    message.mentions = vec![phone("13800000000"), user("u1")];
    let (ours, theirs) = (body_of(&target, &message), shape("dingtalk_robot_markdown"));
    assert_eq!(ours["msgtype"], theirs["body"]["msgtype"]);
    assert_eq!(ours["at"], json!({ "atMobiles": ["13800000000"], "atUserIds": ["u1"], "isAtAll": false }));
    let text = ours["markdown"]["text"].as_str().unwrap();
    assert!(text.ends_with("  \n[接单](https://yj.example/a/%281%29?t=x)  \n@13800000000 @u1"), "{text}");
    let sent = request(&target, &message, at(0), 1).unwrap();
    assert_eq!(
        (sent.url.path(), sent.url.query()),
        (theirs["path"].as_str().unwrap(), Some("access_token=tok"))
    );
}

#[test]
fn feishu_sends_a_card_of_plain_texts_with_one_button() {
    let mut message = message();
    message.mentions = vec![user("ou_1"), phone("13800000000")];
    let body = body_of(&target(ChannelKind::FeishuBot, "tok", &[]), &message);
    insta::assert_json_snapshot!(body, @r#"
    {
      "card": {
        "config": {
          "wide_screen_mode": true
        },
        "elements": [
          {
            "tag": "div",
            "text": {
              "content": "企业：三原机械\n时限：14:30 前接单\n│ 3#楼停电\n│ 请尽快",
              "tag": "plain_text"
            }
          },
          {
            "tag": "div",
            "text": {
              "content": "<at id=ou_1></at>",
              "tag": "lark_md"
            }
          },
          {
            "actions": [
              {
                "tag": "button",
                "text": {
                  "content": "接单",
                  "tag": "plain_text"
                },
                "type": "primary",
                "url": "https://yj.example/a/(1)?t=x"
              }
            ],
            "tag": "action"
          }
        ],
        "header": {
          "template": "blue",
          "title": {
            "content": "新诉求 4711",
            "tag": "plain_text"
          }
        }
      },
      "msg_type": "interactive"
    }
    "#);
}

#[test]
fn however_long_the_texts_the_limits_hold_and_the_link_stays_whole() {
    let long = "长\"\\\n[x](http://evil.cn) @all 👨‍👩‍👧".repeat(2000);
    let mut message = message();
    message.title = long.clone();
    message.body = long.clone();
    message.lines = (0..40).map(|_| Line::new(long.clone(), long.clone())).collect();
    if let Some(link) = &mut message.link {
        link.text = long;
    }
    for mention in [None, Some(phone("13800000000")), Some(user("u"))] {
        message.mentions = std::iter::repeat_n(mention, 200).flatten().collect();
        let wecom = body_of(&target(ChannelKind::WecomBot, "k", &[]), &message);
        let text = wecom["text"]["content"].as_str();
        let markdown = wecom["markdown"]["content"].as_str();
        assert!(
            text.is_none_or(|text| text.len() <= 2048 && text.ends_with("：https://yj.example/a/(1)?t=x"))
        );
        assert!(markdown.is_none_or(|text| text.len() <= 4096 && text.contains("](https://yj.example/a/%281%29?t=x)")));
        for kind in [ChannelKind::DingtalkBot, ChannelKind::FeishuBot] {
            let sent = request(&target(kind, "k", &["s"]), &message, at(0), 1).unwrap();
            let body = String::from_utf8(sent.body).unwrap();
            assert!(body.len() <= 20_000, "{kind}");
            assert!(body.contains("https://yj.example/a/"), "{kind}");
            assert!(!body.contains("evil.cn") && !body.contains("@all"), "{kind}");
        }
    }
}

#[test]
fn what_cannot_be_sent_is_refused_before() {
    let now = at(0);
    let robot = target(ChannelKind::WecomBot, "k", &[]);
    let refused = |target: &Target, change: fn(&mut Message)| {
        let mut message = message();
        change(&mut message);
        request(target, &message, now, 1).unwrap_err()
    };
    assert_eq!(refused(&robot, |m| m.title = " \u{200b}\n".to_owned()), RenderError::Empty);
    let script: fn(&mut Message) = |m| m.link.as_mut().unwrap().url = "javascript:alert(1)".parse().unwrap();
    assert_eq!(refused(&robot, script), RenderError::BadLink);
    let long: fn(&mut Message) =
        |m| m.link.as_mut().unwrap().url = format!("https://x.cn/{}", "a".repeat(2100)).parse().unwrap();
    assert_eq!(refused(&robot, long), RenderError::BadLink);
    let no_key = target(ChannelKind::WecomBot, "", &[]);
    assert_eq!(refused(&no_key, |_| ()), RenderError::MissingCredential);
    let hook = target(ChannelKind::Webhook, "", &["whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="]);
    assert_eq!(refused(&hook, |m| m.id = "a.b".to_owned()), RenderError::BadEvent);
    assert_eq!(refused(&hook, |m| m.event = "call raised".to_owned()), RenderError::BadEvent);
    assert_eq!(refused(&target(ChannelKind::Webhook, "", &["ключ"]), |_| ()), RenderError::BadSecret);
    assert_eq!(refused(&target(ChannelKind::Webhook, "", &[]), |_| ()), RenderError::MissingCredential);
    assert!(matches!(refused(&hook, |m| m.data = json!("x".repeat(70_000))), RenderError::TooLong { .. }));
    let app = target(ChannelKind::FeishuApp, "k", &[]);
    assert_eq!(refused(&app, |_| ()), RenderError::NoRoom(ChannelKind::FeishuApp));
}

#[test]
fn a_keyword_robot_always_gets_its_keyword_and_a_stand_in_is_not_pinned() {
    let mut target = target(ChannelKind::WecomBot, "k", &[]);
    target.base_url = "http://127.0.0.1:8099/sandbox/".parse().unwrap();
    target.settings = serde_json::from_value(json!({ "keyword": "一叫就到" })).unwrap();
    let sent = request(&target, &message(), at(0), 1).unwrap();
    assert_eq!(sent.url.as_str(), "http://127.0.0.1:8099/sandbox/cgi-bin/webhook/send?key=k");
    assert_eq!(sent.hosts, Hosts::Listed);
    target.base_url = "https://qyapi.weixin.qq.com.example.com/".parse().unwrap();
    assert_eq!(
        request(&target, &message(), at(0), 1).unwrap().hosts,
        Hosts::Listed,
        "nobody's who looks like it"
    );
    assert!(String::from_utf8(sent.body).unwrap().contains("### 一叫就到 新诉求 4711"));
    // A token with a slash cannot leave its place in the path.
    let feishu = super::tests::target(ChannelKind::FeishuBot, "../../x?y", &[]);
    let sent = request(&feishu, &message(), at(0), 1).unwrap();
    assert_eq!(sent.url.as_str(), "https://open.feishu.cn/open-apis/bot/v2/hook/..%2F..%2Fx%3Fy");
}

#[test]
fn credentials_are_never_shown() {
    let target = target(ChannelKind::DingtalkBot, "tok+en/1", &["SECabc"]);
    let shown = format!("{target:?} {:?}", target.credentials);
    assert!(!shown.contains("tok") && !shown.contains("SECabc"), "{shown}");
    let excerpt = target.excerpt("{\"errmsg\":\"bad tok+en/1 tok%2Ben%2F1\nSECabc 电\"}".as_bytes());
    assert_eq!(excerpt, "{\"errmsg\":\"bad *** *** *** 电\"}");
    assert_eq!(target.excerpt(&[b'x'; 9000]).len(), 500);
    let stored: Credentials = serde_json::from_str(&target.credentials.reveal_json()).unwrap();
    assert_eq!(stored.reveal_json(), r#"{"secrets":["SECabc"],"token":"tok+en/1"}"#);
}

#[test]
fn the_words_of_the_kinds_are_stable() {
    let words: Vec<&str> = ChannelKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let expected =
        "wecom_bot wecom_app dingtalk_bot dingtalk_app feishu_bot feishu_app wechat_subscribe webhook slack";
    assert_eq!(words.join(" "), expected);
    assert_eq!(ChannelKind::FeishuBot.default_base().unwrap().as_str(), "https://open.feishu.cn/");
    assert_eq!(ChannelKind::Webhook.default_base(), None);
}
