//! Applications that write to one person, and Slack: tokens, requests, limits.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::*;

fn app(kind: ChannelKind, settings: Value) -> Target {
    Target { settings: serde_json::from_value(settings).unwrap(), ..target(kind, "", &["app-secret"]) }
}

fn apps() -> [Target; 4] {
    [
        app(ChannelKind::WecomApp, json!({ "appId": "wwcorp", "agentId": 1_000_002 })),
        app(ChannelKind::DingtalkApp, json!({ "appId": "dingkey" })),
        app(ChannelKind::FeishuApp, json!({ "appId": "cli_x" })),
        app(
            ChannelKind::WechatSubscribe,
            json!({ "appId": "wxapp", "page": "pages/call/call?id={callId}", "templates": { "call.raised": {
                "id": "TMPL", "data": { "thing1": "title", "time2": "at", "name3": "holder", "thing4": "missing" },
            } } }),
        ),
    ]
}

fn to<'a>(user_id: &'a str, token: &'a SecretString) -> Person<'a> {
    Person { user_id, token: Some(token) }
}

fn sent_to(target: &Target, message: &Message) -> (OutboundRequest, Value) {
    let request = request_to(target, message, &to("zhang.san", &"T-1".into())).unwrap();
    let body = serde_json::from_slice(&request.body).unwrap();
    (request, body)
}

#[test]
fn applications_ask_for_tokens_as_the_vendors_clients_do() {
    let shapes = vectors(include_str!("../../../../tests/vectors/sdk_requests.json"));
    let shape = |name: &str| shapes.iter().find(|case| case["name"] == name).unwrap()["requests"][0].clone();
    let [wecom, dingtalk, feishu, wechat] = apps().map(|app| token_request(&app).unwrap().unwrap());
    let theirs = shape("wecom_send_text");
    assert_eq!((wecom.method.as_str(), wecom.url.path()), ("GET", theirs["path"].as_str().unwrap()));
    assert_eq!(wecom.url.query(), Some("corpid=wwcorp&corpsecret=app-secret"));
    assert_eq!(theirs["query"], json!({ "corpid": "wwcorp", "corpsecret": "secret" }));
    let theirs = shape("feishu_im_create_text");
    assert_eq!((feishu.method.as_str(), feishu.url.path()), ("POST", theirs["path"].as_str().unwrap()));
    let body = |request: &OutboundRequest| serde_json::from_slice::<Value>(&request.body).unwrap();
    assert_eq!(body(&feishu), json!({ "app_id": "cli_x", "app_secret": "app-secret" }));
    assert_eq!(dingtalk.url.as_str(), "https://api.dingtalk.com/v1.0/oauth2/accessToken");
    assert_eq!(body(&dingtalk), json!({ "appKey": "dingkey", "appSecret": "app-secret" }));
    assert_eq!(wechat.url.as_str(), "https://api.weixin.qq.com/cgi-bin/stable_token");
    assert_eq!(body(&wechat)["force_refresh"], false);
    for request in [wecom, dingtalk, feishu, wechat] {
        assert!(matches!(request.hosts, Hosts::Pinned(_)));
    }
    assert!(token_request(&target(ChannelKind::WecomBot, "k", &[])).is_none());
}

#[test]
fn a_token_is_read_from_the_answer_and_a_refusal_says_what_follows() {
    let judged = |kind, status, body: &str| {
        judge_token(kind, status, &HeaderMap::new(), body.as_bytes(), at(0))
            .map(|issued| (issued.token.expose_secret().to_owned(), issued.lives.as_secs()))
    };
    let token = |life| Ok(("t".to_owned(), life));
    let wecom = r#"{"errcode":0,"errmsg":"ok","access_token":"t","expires_in":7200}"#;
    assert_eq!(judged(ChannelKind::WecomApp, 200, wecom), token(7200));
    assert_eq!(judged(ChannelKind::DingtalkApp, 200, r#"{"accessToken":"t","expireIn":60}"#), token(60));
    let feishu = r#"{"code":0,"msg":"ok","tenant_access_token":"t","expire":1800}"#;
    assert_eq!(judged(ChannelKind::FeishuApp, 200, feishu), token(1800));
    assert_eq!(judged(ChannelKind::WechatSubscribe, 200, r#"{"access_token":"t"}"#), token(7200));
    for (kind, status, body, outcome) in [
        (ChannelKind::WecomApp, 200, r#"{"errcode":40001,"access_token":"t"}"#, Outcome::NeedsAdmin),
        (ChannelKind::WecomApp, 200, r#"{"errcode":0,"access_token":""}"#, Outcome::Retry { after: None }),
        (ChannelKind::WechatSubscribe, 200, r#"{"errcode":40001}"#, Outcome::NeedsAdmin),
        (ChannelKind::DingtalkApp, 400, r#"{"code":"invalidClientIdOrSecret"}"#, Outcome::NeedsAdmin),
        (ChannelKind::FeishuApp, 200, r#"{"code":10014}"#, Outcome::NeedsAdmin),
        (ChannelKind::FeishuApp, 200, "<html>", Outcome::Retry { after: None }),
        (ChannelKind::WecomApp, 502, wecom, Outcome::Retry { after: None }),
    ] {
        assert_eq!(judged(kind, status, body), Err(outcome), "{kind} {body}");
    }
}

#[test]
fn applications_write_to_one_person_in_the_shapes_of_the_vendors() {
    let shapes = vectors(include_str!("../../../../tests/vectors/sdk_requests.json"));
    let shape = |name: &str, nth: usize| {
        let case = shapes.iter().find(|case| case["name"] == name).unwrap();
        case["requests"][nth].clone()
    };
    let [wecom, dingtalk, feishu, wechat] = apps();
    let mut message = message();

    let (request, body) = sent_to(&wecom, &message);
    assert_eq!(request.url.as_str(), "https://qyapi.weixin.qq.com/cgi-bin/message/send?access_token=T-1");
    assert_eq!(shape("wecom_send_textcard", 0)["query"], json!({ "access_token": "WTOK" }));
    assert_eq!((&body["touser"], &body["agentid"]), (&json!("zhang.san"), &json!(1_000_002)));
    let card = &body["template_card"];
    assert_eq!((&card["card_type"], &card["task_id"]), (&json!("button_interaction"), &json!("019a-1")));
    let url = "https://yj.example/a/(1)?t=x";
    assert_eq!(card["button_list"], json!([{ "type": 1, "text": "接单", "style": 1, "url": url }]));
    let (_, plain) = sent_to(&wecom.plain(), &message);
    let plain = &plain["template_card"];
    assert_eq!((&plain["card_type"], &plain["task_id"]), (&json!("text_notice"), &json!("019a-1")));
    assert_eq!(plain["jump_list"], json!([{ "type": 1, "title": "接单", "url": url }]));
    assert_eq!(plain["horizontal_content_list"], card["horizontal_content_list"]);
    assert_eq!(card["card_action"], json!({ "type": 1, "url": "https://yj.example/a/(1)?t=x" }));
    assert_eq!(card["horizontal_content_list"][1], json!({ "keyname": "时限", "value": "14:30 前接单" }));
    assert_eq!(card["sub_title_text"], "│ 3#楼停电\n│ 请尽快");

    let (request, body) = sent_to(&dingtalk, &message);
    assert_eq!(request.url.path(), "/v1.0/card/instances/createAndDeliver");
    assert_eq!(request.headers["x-acs-dingtalk-access-token"], "T-1");
    assert_eq!(
        (&body["outTrackId"], &body["openSpaceId"]),
        (&json!("019a-1"), &json!("dtv1.card//IM_ROBOT.zhang.san"))
    );
    assert_eq!(body["cardTemplateId"], dingtalk_card::TEMPLATE);
    assert_eq!(body["imRobotOpenDeliverModel"], json!({ "spaceType": "IM_ROBOT", "robotCode": "dingkey" }));
    assert_eq!(body["imRobotOpenSpaceModel"]["supportForward"], false);
    assert_eq!(body["imRobotOpenSpaceModel"]["lastMessageI18n"]["ZH_CN"], "新诉求 4711");
    let words = &body["cardData"]["cardParamMap"];
    assert_eq!(words["title"], "新诉求 4711");
    assert!(words["markdown"].as_str().unwrap().starts_with("**"), "{words}");
    let buttons: Value = serde_json::from_str(words["sys_full_json_obj"].as_str().unwrap()).unwrap();
    let button = json!({ "text": "接单", "color": "blue", "url": url, "iosUrl": url });
    assert_eq!(buttons, json!({ "msgButtons": [button] }));
    let made = deliver(&dingtalk, &message, &to("zhang.san", &"T-1".into())).unwrap();
    assert_eq!(made.url.path(), "/v1.0/card/instances/deliver");
    let made: Value = serde_json::from_slice(&made.body).unwrap();
    assert_eq!(made.as_object().unwrap().len(), 4);
    for part in ["outTrackId", "openSpaceId", "userIdType", "imRobotOpenDeliverModel"] {
        assert_eq!(made[part], body[part], "{part}");
    }
    let own = app(ChannelKind::DingtalkApp, json!({ "appId": "dingkey", "cardTemplate": "own.schema" }));
    assert_eq!(sent_to(&own, &message).1["cardTemplateId"], "own.schema");

    let (request, body) = sent_to(&dingtalk.plain(), &message);
    assert_eq!(request.url.path(), "/v1.0/robot/oToMessages/batchSend");
    assert_eq!(request.headers["x-acs-dingtalk-access-token"], "T-1");
    assert_eq!((&body["robotCode"], &body["userIds"]), (&json!("dingkey"), &json!(["zhang.san"])));
    assert_eq!(body["msgKey"], "sampleActionCard");
    let param: Value = serde_json::from_str(body["msgParam"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&param["singleTitle"], &param["singleURL"]),
        (&json!("接单"), &json!("https://yj.example/a/(1)?t=x"))
    );

    let theirs = shape("feishu_im_create_card", 0);
    let (request, body) = sent_to(&feishu, &message);
    assert_eq!(
        (request.url.path(), request.url.query()),
        (theirs["path"].as_str().unwrap(), Some("receive_id_type=open_id"))
    );
    assert_eq!(request.headers["authorization"], "Bearer T-1");
    assert_eq!((&body["msg_type"], &body["uuid"]), (&theirs["body"]["msg_type"], &json!("019a-1")));
    let card: Value = serde_json::from_str(body["content"].as_str().unwrap()).unwrap();
    assert_eq!(card["header"]["title"]["content"], "新诉求 4711");

    let theirs = shape("wechat_subscribe_send", 0);
    let (request, body) = sent_to(&wechat, &message);
    assert_eq!(request.url.path(), theirs["path"].as_str().unwrap());
    for field in theirs["body"].as_object().unwrap().keys() {
        assert!(body.get(field).is_some(), "{field}");
    }
    let data = json!({
        "thing1": { "value": "3#楼停电" }, "time2": { "value": "2026-09-21 22:13" }, "name3": { "value": "李强" },
        "thing4": { "value": "无" },
    });
    assert_eq!((&body["data"], &body["page"]), (&data, &json!("pages/call/call?id=c-1")));

    message.link = None;
    assert_eq!(sent_to(&wecom, &message).1["msgtype"], "text");
    assert_eq!(sent_to(&dingtalk, &message).1["msgKey"], "sampleMarkdown");
}

#[test]
fn one_person_is_never_everybody_and_what_lacks_is_named() {
    let token = SecretString::from("T-1");
    for target in apps() {
        for nobody in ["", "@all", "a|b", "张三", "a b", "a\nb"] {
            let refused = request_to(&target, &message(), &to(nobody, &token)).unwrap_err();
            assert_eq!(refused, RenderError::MissingPerson, "{} {nobody:?}", target.kind);
        }
        let tokenless = Person { user_id: "u", token: None };
        assert_eq!(request_to(&target, &message(), &tokenless).unwrap_err(), RenderError::MissingToken);
        let bare = Target { settings: Settings::default(), ..target.clone() };
        let asked = token_request(&bare).unwrap().unwrap_err();
        assert_eq!(asked, RenderError::MissingSetting("appId"), "{}", target.kind);
        let shown = format!("{:?} {:?}", target, to("u", &token));
        assert!(!shown.contains("app-secret") && !shown.contains("T-1"), "{shown}");
    }
    let robot = target(ChannelKind::WecomBot, "k", &[]);
    assert_eq!(
        request_to(&robot, &message(), &to("u", &token)).unwrap_err(),
        RenderError::NoPerson(ChannelKind::WecomBot)
    );
}

#[test]
fn who_alone_was_meant_and_left_out_was_not_reached() {
    let answer = |kind, body: &str| for_one(judge(kind, 200, &HeaderMap::new(), body.as_bytes(), at(0)));
    let wecom = r#"{"errcode":0,"invaliduser":"zhang.san","msgid":"m"}"#;
    assert_eq!(answer(ChannelKind::WecomApp, wecom), Outcome::DropRecipient);
    let invalid = r#"{"processQueryKey":"k","invalidStaffIdList":["u"],"flowControlledStaffIdList":[]}"#;
    assert_eq!(answer(ChannelKind::DingtalkApp, invalid), Outcome::DropRecipient);
    let hasty = r#"{"processQueryKey":"k","invalidStaffIdList":[],"flowControlledStaffIdList":["u"]}"#;
    assert!(matches!(answer(ChannelKind::DingtalkApp, hasty), Outcome::RateLimited { .. }));
    assert_eq!(answer(ChannelKind::FeishuApp, r#"{"code":230002}"#), Outcome::DropRecipient);
    let taken = r#"{"errcode":0,"invaliduser":"","msgid":"m"}"#;
    assert!(matches!(answer(ChannelKind::WecomApp, taken), Outcome::Delivered { .. }));
}

#[test]
fn fields_of_a_subscription_are_cut_on_whole_characters() {
    let field = wechat_subscribe::field;
    assert_eq!(
        field("thing1", "三号楼整栋停电已经两个小时请尽快派人来看"),
        "三号楼整栋停电已经两个小时请尽快派人来看"
    );
    assert_eq!(
        field("thing1", "三号楼整栋停电已经两个小时请尽快派人来看看"),
        "三号楼整栋停电已经两个小时请尽快派人来…"
    );
    assert_eq!(field("thing23", "停电\n请来\t看"), "停电 请来 看");
    assert_eq!(field("thing2", &format!("{}👨‍🔧", "长".repeat(17))), format!("{}👨…", "长".repeat(17)));
    assert_eq!(field("phrase5", "已接单（李强）请放心"), "已接单李强");
    assert_eq!(field("character_string3", "编号A7-4711号"), "A7-4711");
    assert_eq!(field("name4", "欧阳李强王小明赵钱孙李周"), "欧阳李强王小明赵钱孙");
    assert_eq!(field("name4", "Alexander Hamilton the First"), "Alexander Hamilton t");
    assert_eq!(field("number1", "约3.5吨"), "3.5");
    assert_eq!(field("phone_number1", "+86 138-1234-5678 转1"), "+86138-1234-56781");
    assert_eq!(
        (field("thing1", ""), field("phrase1", "ok"), field("number9", "")),
        ("无".into(), "无".into(), "0".into())
    );
}

proptest::proptest! {
    #[test]
    fn no_field_of_a_subscription_exceeds_its_limit(text in "\\PC{0,60}", nth in 0_usize..10) {
        let names = ["thing1", "number1", "letter1", "symbol1", "character_string1", "phone_number1", "car_number1", "name1", "amount1", "phrase1"];
        let value = wechat_subscribe::field(names[nth], &text);
        let most = if names[nth] == "name1" { 20 } else { wechat_subscribe::limit(names[nth]) };
        proptest::prop_assert!(!value.is_empty() && value.encode_utf16().count() <= most, "{}", value);
        proptest::prop_assert!(!value.contains(char::is_control));
    }
}

#[test]
fn slack_gets_blocks_with_a_link() {
    let slack = target(ChannelKind::Slack, "T00/B00/xyz1", &[]);
    let sent = request(&slack, &message(), at(0), 1).unwrap();
    assert_eq!(sent.url.as_str(), "https://hooks.slack.com/services/T00/B00/xyz1");
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(body["text"], "新诉求 4711");
    let section =
        "*企业*：三原机械\n*时限*：14:30 前接单\n│ 3＃楼停电\n│ 请尽快\n<https://yj.example/a/(1)?t=x|接单>";
    assert_eq!(body["blocks"][1]["text"], json!({ "type": "mrkdwn", "text": section }));
    for bad in ["T00/B00", "T00/B00/../x", "T00/B00/x?y"] {
        let slack = target(ChannelKind::Slack, bad, &[]);
        assert_eq!(request(&slack, &message(), at(0), 1).unwrap_err(), RenderError::BadSecret);
    }
}

#[test]
fn however_long_the_texts_an_application_takes_them() {
    let long = "长\"\\\n[x](http://evil.cn) @all 👨‍👩‍👧".repeat(2000);
    let mut message = message();
    message.title = long.clone();
    message.body = long.clone();
    message.lines = (0..40).map(|_| Line::new(long.clone(), long.clone())).collect();
    message.words = words().into_keys().map(|name| (name, long.clone())).collect();
    // No person writes an id.
    message.words.insert("call_id".to_owned(), "c-1".to_owned());
    for target in apps() {
        let (sent, body) = sent_to(&target, &message);
        assert!(sent.body.len() <= 30_000, "{}: {}", target.kind, sent.body.len());
        assert!(!body.to_string().contains("evil.cn"), "{}", target.kind);
        if target.kind != ChannelKind::WechatSubscribe {
            assert!(body.to_string().contains("https://yj.example/a/"), "{}", target.kind);
        }
    }
    message.link = None;
    let text = sent_to(&apps()[0], &message).1["text"]["content"].as_str().unwrap().len();
    assert!(text <= wecom_app::TEXT_MAX);
}

#[test]
fn a_card_is_redrawn_in_the_shape_of_the_vendors_and_nothing_else_can_be() {
    let [wecom, dingtalk, feishu, wechat] = apps();
    let token = SecretString::from("T-1");
    let redrawn = |target: &Target| redraw(target, &message(), &to("zhang.san", &token), "handle-1");

    let request = redrawn(&wecom).unwrap();
    assert_eq!(request.url.path(), "/cgi-bin/message/update_template_card");
    assert_eq!(request.url.query(), Some("access_token=T-1"));
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!((&body["userids"], &body["agentid"]), (&json!(["zhang.san"]), &json!(1_000_002)));
    assert_eq!(body["response_code"], "handle-1");
    let card = &body["template_card"];
    assert_eq!((&card["card_type"], &card["task_id"]), (&json!("text_notice"), &Value::Null));
    assert_eq!(card["jump_list"][0]["url"], "https://yj.example/a/(1)?t=x");

    let shapes = vectors(include_str!("../../../../tests/vectors/sdk_requests.json"));
    let theirs =
        shapes.iter().find(|case| case["name"] == "feishu_im_patch_card").unwrap()["requests"][0].clone();
    let request = redrawn(&feishu).unwrap();
    assert_eq!(request.method.as_str(), theirs["method"].as_str().unwrap());
    assert_eq!(request.url.path(), theirs["path"].as_str().unwrap().replace("om_1", "handle-1"));
    assert_eq!(request.headers["authorization"], "Bearer T-1");
    assert_eq!(request.headers["content-type"].to_str().unwrap(), theirs["headers"]["content-type"]);
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body.as_object().unwrap().len(), theirs["body"].as_object().unwrap().len());
    let card: Value = serde_json::from_str(body["content"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&card["config"]["update_multi"], &card["header"]["template"]),
        (&json!(true), &json!("grey"))
    );

    let request = redrawn(&dingtalk).unwrap();
    assert_eq!((request.method.as_str(), request.url.path()), ("PUT", "/v1.0/card/instances"));
    assert_eq!(request.headers["x-acs-dingtalk-access-token"], "T-1");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["outTrackId"], "handle-1");
    let words = &body["cardData"]["cardParamMap"];
    assert_eq!(words["title"], "新诉求 4711");
    let buttons: Value = serde_json::from_str(words["sys_full_json_obj"].as_str().unwrap()).unwrap();
    assert_eq!(buttons["msgButtons"][0]["color"], "gray", "it asks nobody any more");

    assert_eq!(redrawn(&wechat).unwrap_err(), RenderError::NoRedrawing(wechat.kind));
    for kind in ChannelKind::ALL {
        let can = matches!(kind, ChannelKind::WecomApp | ChannelKind::DingtalkApp | ChannelKind::FeishuApp);
        assert_eq!(kind.redrawn_within().is_some(), can, "{kind}");
    }
    let linkless = Message { link: None, ..message() };
    let refused = redraw(&wecom, &linkless, &to("zhang.san", &token), "handle-1").unwrap_err();
    assert_eq!(refused, RenderError::BadLink);
}

#[test]
fn by_what_a_card_is_redrawn_stands_in_the_answer_and_a_refusal_we_do_not_know_is_meant_for_this_one() {
    let judged = |kind, status, body: &str| judge(kind, status, &HeaderMap::new(), body.as_bytes(), at(0));
    let handle = |kind, body| match judged(kind, 200, body) {
        Outcome::Delivered { handle, .. } => handle,
        outcome => panic!("{outcome:?}"),
    };
    let wecom = r#"{"errcode":0,"errmsg":"ok","msgid":"m1","response_code":"C-1"}"#;
    assert_eq!(handle(ChannelKind::WecomApp, wecom).as_deref(), Some("C-1"));
    assert_eq!(handle(ChannelKind::WecomApp, r#"{"errcode":0,"response_code":""}"#), None);
    let feishu = r#"{"code":0,"data":{"message_id":"om_1"}}"#;
    assert_eq!(handle(ChannelKind::FeishuApp, feishu).as_deref(), Some("om_1"));
    let dingtalk = ChannelKind::DingtalkApp;
    assert_eq!(handle(dingtalk, r#"{"processQueryKey":"k"}"#), None);
    let card = r#"{"success":true,"result":{"outTrackId":"019a-1","deliverResults":[{"spaceType":"IM_ROBOT","success":true,"carrierId":"c"}]}}"#;
    assert_eq!(handle(dingtalk, card).as_deref(), Some("019a-1"));
    assert_eq!(handle(dingtalk, r#"{"success":true,"result":true}"#), None, "of a card that was redrawn");
    let made = r#"{"success":true,"result":[{"spaceType":"IM_ROBOT","success":true,"carrierId":"c"}]}"#;
    assert_eq!(
        handle(dingtalk, made),
        None,
        "of a card that was made before: whoever asked knows what it is called"
    );
    assert!(exists_already(dingtalk, br#"{"code":"param.cardAlreadyExist"}"#));
    assert!(!exists_already(dingtalk, made.as_bytes()));
    for nobody in [
        r#"{"success":true,"result":{"outTrackId":"019a-1","deliverResults":[{"success":false,"errorMsg":"x"}]}}"#,
        r#"{"success":true,"result":{"outTrackId":"019a-1","deliverResults":[]}}"#,
        r#"{"success":true}"#,
        r#"{"success":false}"#,
    ] {
        assert_eq!(judged(dingtalk, 200, nobody), Outcome::Retry { after: None }, "{nobody}");
    }
    for (code, outcome) in [
        ("param.userIdNotExist", Outcome::DropRecipient),
        ("param.templateUnpublished", Outcome::NeedsAdmin),
        ("param.contentUnsafe", Outcome::BadMessage),
        ("InvalidAuthentication", Outcome::RefreshToken),
    ] {
        assert_eq!(judged(dingtalk, 400, &json!({ "code": code }).to_string()), outcome, "{code}");
    }

    let (wecom, feishu) = (ChannelKind::WecomApp, ChannelKind::FeishuApp);
    for (kind, status, body, strictly) in [
        (wecom, 200, r#"{"errcode":-1}"#, Outcome::Retry { after: None }),
        (wecom, 200, r#"{"errcode":45033}"#, Outcome::Retry { after: None }),
        (wecom, 200, r#"{"errcode":41099}"#, Outcome::BadMessage),
        (wecom, 200, r#"{"errcode":40014}"#, Outcome::RefreshToken),
        (wecom, 200, "<html>", Outcome::Retry { after: None }),
        (wecom, 502, r#"{"errcode":41099}"#, Outcome::Retry { after: None }),
        (feishu, 400, r#"{"code":230031}"#, Outcome::BadMessage),
        (feishu, 400, r#"{"code":230110}"#, Outcome::BadMessage),
        (feishu, 500, r#"{"code":2200}"#, Outcome::Retry { after: None }),
        (dingtalk, 400, r#"{"code":"param.cardAlreadyExist"}"#, Outcome::BadMessage),
        (dingtalk, 400, r#"{"code":"param.invalid"}"#, Outcome::NeedsAdmin),
        (
            dingtalk,
            403,
            r#"{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied"}"#,
            Outcome::NeedsAdmin,
        ),
        (dingtalk, 200, r#"{"success":false}"#, Outcome::BadMessage),
        (dingtalk, 400, r#"{"code":"system.busy"}"#, Outcome::Retry { after: None }),
        (dingtalk, 503, r#"{"code":"ServiceUnavailable"}"#, Outcome::Retry { after: None }),
        (dingtalk, 200, "<html>", Outcome::Retry { after: None }),
        (ChannelKind::WechatSubscribe, 200, r#"{"errcode":-9}"#, Outcome::Retry { after: None }),
    ] {
        let outcome = judge_strictly(kind, status, &HeaderMap::new(), body.as_bytes(), at(0));
        assert_eq!(outcome, strictly, "{kind} {status} {body}");
    }
}
