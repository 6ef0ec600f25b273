//! Setting a callback up, and everything that is not the platform's.

use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use yijiao::notices::channels::callback::{Callback, Envelope, feishu, wecom};
use yijiao::notices::channels::dingtalk_bot;
use yijiao::sandbox::NotCalled;

use crate::kit::Show;

/// As the demo's `channels.csv` says.
const TOKEN: &str = "demoDingtalkTokenSandboxOnly";
const KEY: &str = "demoDingtalkCallbackKeySandboxOnly000000000";

async fn path(show: &Show, code: &str) -> String {
    let channel = show.channel(code).await;
    let url = channel["callback"]["url"].as_str().unwrap().to_owned();
    url.split_once("/bots/").map(|(_, path)| format!("/bots/{path}")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_platform_checks_its_address_and_the_channel_shows_that_it_called() {
    let show = Show::open().await;
    for app in ["app-wecom", "app-dingtalk", "app-feishu", "wechat-enterprise"] {
        let before = show.channel(app).await["callback"].clone();
        assert_eq!((&before["set"], &before["calledAt"]), (&json!(true), &Value::Null), "{app}");
        show.enters(app).await.unwrap();
        let after = show.channel(app).await["callback"].clone();
        // That WeChat signed says nothing of the key; its first push does.
        let expected =
            if app == "wechat-enterprise" { Value::Null } else { "2026-03-09T10:00:00+08:00".into() };
        assert_eq!(after["calledAt"], expected, "{app}");
        let text = show.channel(app).await.to_string();
        assert!(!text.contains("SandboxOnly") && !text.contains("sandbox-only"), "{text}");
    }
    assert_eq!(show.channel("room-d01").await["callback"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn token_and_key_are_judged_before_they_are_taken_and_must_prove_themselves_again() {
    let show = Show::open().await;
    show.enters("app-wecom").await.unwrap();
    let good = json!({"token": "another", "key": "a".repeat(43)});
    for (channel, body, field) in [
        ("app-wecom", json!({"token": "", "key": "a".repeat(43)}), "token"),
        ("app-wecom", json!({"token": "with blank", "key": "a".repeat(43)}), "token"),
        ("app-wecom", json!({"token": "t", "key": "a".repeat(42)}), "key"),
        ("app-wecom", json!({"token": "t", "key": "*".repeat(43)}), "key"),
        ("app-feishu", json!({"token": "t", "key": ""}), "key"),
        ("room-d01", good.clone(), "kind"),
        ("county-events", good.clone(), "kind"),
    ] {
        let (status, answer) = show.puts_callback(channel, &body).await;
        assert_eq!((status.as_u16(), &answer["code"]), (422, &json!("invalid")), "{channel} {body}");
        assert_eq!(answer["errors"][0]["field"], field, "{answer}");
    }
    assert!(show.channel("app-wecom").await["callback"]["calledAt"].is_string(), "nothing has changed");

    let (status, answer) = show.puts_callback("app-wecom", &good).await;
    assert_eq!((status, &answer["callback"]["calledAt"]), (StatusCode::OK, &Value::Null));
    // The platform still seals with the old ones.
    let refused = show.enters("app-wecom").await.unwrap_err();
    assert!(
        matches!(&refused, NotCalled::Refused { status: 401, body } if body.contains("callback_refused")),
        "{refused}"
    );
    // What else opens the channel is still the files' to say.
    assert_eq!(show.channel("app-wecom").await["credentials"]["givenAt"], Value::Null);
    show.ends_callback("app-feishu").await;
    show.ends_callback("app-feishu").await;
    let ended = "select count(*) from ledger_events where kind = 'channel.callback_changed' and data->>'set' = 'false'";
    assert_eq!(show.county.count(ended).await, 1);
    let noted = "select count(*) from ledger_events where kind = 'channel.callback_changed'";
    assert_eq!(show.county.count(noted).await, 2);

    // Set up again with what the console shows, and entered there again.
    let ended = show.enters("app-feishu").await.unwrap_err();
    assert!(matches!(&ended, NotCalled::Refused { status: 404, .. }), "{ended}");
    let shown = json!({"token": "demoFeishuTokenSandboxOnly", "key": "demo-feishu-encrypt-key-sandbox-only"});
    assert_eq!(show.puts_callback("app-feishu", &shown).await.0, StatusCode::OK);
    show.enters("app-feishu").await.unwrap();
    assert!(show.channel("app-feishu").await["callback"]["calledAt"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_sealed_is_refused_by_name_and_no_other_channel_answers() {
    let show = Show::open().await;
    let wecom = path(&show, "app-wecom").await;
    let at = |path: &str| show.county.url(path);
    let http = show.county.http();
    for (path, code) in [
        (wecom.clone(), "callback_refused"),
        (format!("{wecom}?msg_signature=00&timestamp=1&nonce=n&echostr=abc"), "callback_refused"),
        // Of another platform, of nobody, of none.
        (wecom.replace("wecom", "wechat"), "callback_unknown"),
        ("/bots/wecom/019b0000-0000-7000-8000-000000000000".to_owned(), "callback_unknown"),
        ("/bots/wecom/room-d01".to_owned(), "not_found"),
        ("/bots/slack/019b0000-0000-7000-8000-000000000000".to_owned(), "not_found"),
    ] {
        let answer = http.get(at(&path)).send().await.unwrap();
        let expected = if code == "callback_refused" { 401 } else { 404 };
        assert_eq!(answer.status(), expected, "{path}");
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], code, "{path}");
    }
    let body = "<xml><Encrypt>AAAA</Encrypt></xml>";
    for path in [&wecom, &path(&show, "app-feishu").await, &path(&show, "app-dingtalk").await] {
        let answer = http
            .post(at(&format!("{path}?msg_signature=a&timestamp=1&nonce=n")))
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!((answer.status().as_u16(), path), (401, path));
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], "callback_refused");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dingtalk_is_answered_what_it_wants_to_read_and_an_old_request_is_not() {
    let show = Show::open().await;
    let path = path(&show, "app-dingtalk").await;
    let callback = Callback { token: TOKEN.into(), key: KEY.into() };
    let envelope: Envelope = callback.envelope("ding-sandbox").unwrap();
    let send = async |age: TimeDelta| {
        let timestamp = (show.county.now() - age).timestamp_millis().to_string();
        let sealed = envelope.seal(r#"{"EventType":"user_leave_org"}"#, &timestamp, "n", [7; 16]);
        let query = [("msg_signature", sealed.signature.as_str()), ("timestamp", &timestamp), ("nonce", "n")];
        let request = show.county.http().post(show.county.url(&path)).query(&query);
        request.json(&json!({"encrypt": sealed.encrypt})).send().await.unwrap()
    };
    let answer = send(TimeDelta::minutes(59)).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.json::<Value>().await.unwrap()["encrypt"].is_string());
    let old = send(TimeDelta::minutes(61)).await;
    assert_eq!(old.status(), 401);
    assert!(old.text().await.unwrap().contains("stale_timestamp"));

    // Somebody writes to the robot: he is told where to act, and whatever he writes does nothing.
    let timestamp = show.county.now().timestamp_millis().to_string();
    let secret = "demo-dingtalk-app-sandbox-only";
    let write = async |sign: String| {
        let request = show.county.http().post(show.county.url(&path));
        let request = request.header("timestamp", &timestamp).header("sign", sign);
        let body =
            json!({"msgtype": "text", "text": {"content": "接单"}, "senderStaffId": "o0002", "msgId": "m"});
        request.json(&body).send().await.unwrap()
    };
    let answer = write(dingtalk_bot::sign(secret, &timestamp)).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.json::<Value>().await.unwrap()["text"]["content"].as_str().unwrap().contains("链接接单"));
    assert_eq!(write("AAAA".to_owned()).await.status(), 401);
    show.county.alter("update channels set language = 'en' where code = 'app-dingtalk'").await;
    let answer: Value = write(dingtalk_bot::sign(secret, &timestamp)).await.json().await.unwrap();
    assert!(answer["text"]["content"].as_str().unwrap().contains("open the link"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_to_the_application_of_wecom_is_answered_in_its_language() {
    let show = Show::open().await;
    let path = path(&show, "app-wecom").await;
    let key = "demoWecomCallbackKeySandboxOnly000000000000";
    let callback = Callback { token: "demoWecomTokenSandboxOnly".into(), key: key.into() };
    let envelope: Envelope = callback.envelope("ww-sandbox").unwrap();
    for (language, expected) in [("zh-CN", "请点消息卡片"), ("en", "Please tap")] {
        let changed = format!("update channels set language = '{language}' where code = 'app-wecom'");
        show.county.alter(&changed).await;
        let says = "<xml><FromUserName>o0059</FromUserName><MsgType>text</MsgType><Content>?</Content></xml>";
        let sealed = envelope.seal(says, "1", "n", [7; 16]);
        let query = [("msg_signature", sealed.signature.as_str()), ("timestamp", "1"), ("nonce", "n")];
        let request = show.county.http().post(show.county.url(&path)).query(&query);
        let body = format!("<xml><Encrypt>{}</Encrypt></xml>", sealed.encrypt);
        let answer = request.body(body).send().await.unwrap().bytes().await.unwrap();
        let answer = wecom::open_reply(&envelope, &answer).unwrap();
        assert_eq!(answer["ToUserName"], "o0059");
        assert!(answer["Content"].as_str().unwrap().starts_with(expected), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_feishu_that_is_none_of_ours_is_taken_and_an_unsigned_one_is_not() {
    let show = Show::open().await;
    let path = path(&show, "app-feishu").await;
    let event = json!({
        "schema": "2.0", "header": {
            "event_id": "e", "token": "demoFeishuTokenSandboxOnly", "event_type": "im.message.receive_v1",
        }, "event": {"message": {}},
    });
    let key = "demo-feishu-encrypt-key-sandbox-only";
    let body = json!({"encrypt": feishu::seal(key, &event.to_string(), [3; 16])}).to_string();
    let send = async |signature: Option<String>| {
        let mut request = show.county.http().post(show.county.url(&path)).body(body.clone());
        request = request.header(feishu::TIMESTAMP, "1").header(feishu::NONCE, "n");
        if let Some(signature) = signature {
            request = request.header(feishu::SIGNATURE, signature);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let signed = feishu::sign(key, "1", "n", body.as_bytes());
    assert_eq!(send(Some(signed)).await, (200, "{}".to_owned()));
    assert_eq!(send(None).await.0, 401);
    let (status, text) = send(Some("0".repeat(64))).await;
    assert!(status == 401 && text.contains("signature_mismatch"), "{text}");
}
