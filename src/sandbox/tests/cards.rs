//! Cards that their senders redraw: once and for three days at WeCom, shared ones for two weeks at Feishu, by their senders' own name at DingTalk.

use super::*;
use crate::notices::channels::dingtalk_card::TEMPLATE;
use crate::platform::outbound::header;

/// A card of WeCom with a button.
fn card(title: &str) -> Value {
    json!({
        "card_type": "button_interaction", "task_id": "t-1", "main_title": { "title": title },
        "button_list": [{ "type": 1, "text": "接单", "url": "https://yj.example/a/1" }],
    })
}

struct Wecom {
    stand: Stage,
    token: String,
}

impl Wecom {
    async fn set() -> Self {
        let stand = stage();
        let path = "cgi-bin/gettoken?corpid=ww&corpsecret=S";
        let token =
            stand.json(Method::GET, path, Value::Null).await["access_token"].as_str().unwrap().to_owned();
        Self { stand, token }
    }

    async fn post(&self, verb: &str, body: Value) -> Value {
        let path = format!("cgi-bin/message/{verb}?access_token={}", self.token);
        self.stand.json(Method::POST, &path, body).await
    }

    async fn sends(&self, card: Value) -> Value {
        let letter =
            json!({ "touser": "li", "agentid": 7, "msgtype": "template_card", "template_card": card });
        self.post("send", letter).await
    }

    /// The number that answers.
    async fn redraws(&self, code: &str, change: impl FnOnce(&mut Value)) -> i64 {
        let mut body = json!({
            "userids": ["li"], "agentid": 7, "response_code": code, "template_card": {
                "card_type": "text_notice", "main_title": { "title": "已由王芳接单" },
                "card_action": { "type": 1, "url": "https://yj.example/a/1" },
            },
        });
        change(&mut body);
        self.post("update_template_card", body).await["errcode"].as_i64().unwrap()
    }

    fn title(&self) -> String {
        self.stand.sandbox.messages("wecom-app").pop().unwrap().title
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_of_wecom_with_buttons_gets_a_code_that_redraws_it_once_in_place() {
    let wecom = Wecom::set().await;
    for (part, value) in [
        ("task_id", Value::Null),
        ("button_list", json!([])),
        ("button_list", json!([{ "type": 0, "text": "接单", "key": "k" }])),
        ("button_list", json!([{ "type": 1, "text": "接单" }])),
    ] {
        let mut bad = card("坏");
        bad[part] = value;
        assert_eq!(wecom.sends(bad).await["errcode"], 40058, "{part}");
    }
    let code = wecom.sends(card("企业叫您")).await["response_code"].as_str().unwrap().to_owned();
    let mut other = card("别的");
    other["task_id"] = json!("t-2");
    assert!(wecom.sends(other).await["response_code"].is_string());

    // What is refused spends nothing.
    assert_eq!(wecom.redraws("no such code", |_| {}).await, 40058);
    assert_eq!(wecom.redraws(&code, |body| body["agentid"] = json!(8)).await, 40056);
    assert_eq!(wecom.redraws(&code, |body| body["userids"] = json!([])).await, 82001);
    assert_eq!(wecom.redraws(&code, |body| body["template_card"] = Value::Null).await, 40058);
    assert_eq!(wecom.redraws(&code, |_| {}).await, 0);
    assert_eq!(wecom.redraws(&code, |_| {}).await, 40058, "spent");
    let shown = wecom.stand.sandbox.messages("wecom-app");
    let titles: Vec<&str> = shown.iter().map(|message| message.title.as_str()).collect();
    assert_eq!(titles, ["已由王芳接单", "别的"], "where it stood");
    assert_eq!((shown[0].id, shown[0].seq, shown[0].redrawn_at), (1, 3, Some(start())));
    assert_eq!(shown[0].mentions, ["li"]);
    // An open page hears of it as of anything that happens.
    let since = wecom.stand.json(Method::GET, "/sandbox/messages?after=2", Value::Null).await;
    assert_eq!(
        (&since["messages"][0]["id"], &since["messages"][0]["title"]),
        (&json!(1), &json!("已由王芳接单"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_wecom_ends_after_three_days_and_a_plain_card_gets_none() {
    let wecom = Wecom::set().await;
    let mut plain = card("告知");
    plain["card_type"] = json!("text_notice");
    plain["button_list"] = Value::Null;
    plain["card_action"] = json!({ "type": 1, "url": "https://yj.example/a/1" });
    let answer = wecom.sends(plain).await;
    assert_eq!((&answer["errcode"], answer.get("response_code")), (&json!(0), None));
    let mut late = card("企业叫您");
    late["task_id"] = json!("t-2");
    let code = wecom.sends(late).await["response_code"].as_str().unwrap().to_owned();
    wecom.stand.clock.advance(TimeDelta::hours(72));
    let path = "cgi-bin/gettoken?corpid=ww&corpsecret=S";
    let token =
        wecom.stand.json(Method::GET, path, Value::Null).await["access_token"].as_str().unwrap().to_owned();
    let wecom = Wecom { token, ..wecom };
    assert_eq!(wecom.redraws(&code, |_| {}).await, 40058);
    assert_eq!(wecom.title(), "企业叫您");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_of_feishu_is_redrawn_when_it_is_shared_before_and_after_for_two_weeks() {
    let stand = stage();
    let token = async || {
        let ask = json!({ "app_id": "cli", "app_secret": "S" });
        let issued = stand.json(Method::POST, "open-apis/auth/v3/tenant_access_token/internal", ask).await;
        issued["tenant_access_token"].as_str().unwrap().to_owned()
    };
    let ask = async |method: Method, path: &str, body: Value| -> Value {
        let url = stand.base.join(path).unwrap();
        let mut request = OutboundRequest::post_json(url, body.to_string().into_bytes(), Hosts::Any);
        let bearer = format!("Bearer {}", token().await);
        request.headers.insert(header::AUTHORIZATION, bearer.parse().unwrap());
        let request = OutboundRequest { method, ..request };
        serde_json::from_slice(&stand.outbound.send(request).await.unwrap().body).unwrap()
    };
    let card = |title: &str, shared: bool| {
        json!({
            "config": { "update_multi": shared }, "header": { "title": { "tag": "plain_text", "content": title } },
            "elements": [],
        })
        .to_string()
    };
    let sends = async |shared: bool, uuid: &str| -> String {
        let body = json!({ "receive_id": "ou_li", "msg_type": "interactive", "content": card("企业叫您", shared), "uuid": uuid });
        let sent = ask(Method::POST, "open-apis/im/v1/messages?receive_id_type=open_id", body).await;
        sent["data"]["message_id"].as_str().unwrap().to_owned()
    };
    let redraws = async |id: &str, content: String| -> Value {
        let path = format!("open-apis/im/v1/messages/{id}");
        ask(Method::PATCH, &path, json!({ "content": content })).await["code"].clone()
    };
    let (shared, single) = (sends(true, "1").await, sends(false, "2").await);
    assert_eq!(redraws("om_none", card("新", true)).await, 230_001);
    assert_eq!(redraws(&single, card("新", true)).await, 230_001, "it was not shared");
    assert_eq!(redraws(&shared, card("新", false)).await, 230_001, "it would not be");
    assert_eq!(redraws(&shared, json!({ "config": { "update_multi": true } }).to_string()).await, 230_099);
    assert_eq!(redraws(&shared, "no json".to_owned()).await, 230_001);
    assert_eq!(redraws(&shared, card(&"长".repeat(11_000), true)).await, 230_025);
    stand.clock.advance(TimeDelta::seconds(1));
    assert_eq!(redraws(&shared, card("已由王芳接单", true)).await, 0);
    assert_eq!(redraws(&shared, card("已由李强接单", true)).await, 0, "as often as one likes");
    let titles: Vec<String> =
        stand.sandbox.messages("feishu-app").into_iter().map(|message| message.title).collect();
    assert_eq!(titles, ["已由李强接单", "企业叫您"]);
    for _ in 0..4 {
        redraws(&shared, card("快", true)).await;
    }
    assert_eq!(redraws(&shared, card("太快", true)).await, 230_020);
    stand.clock.advance(TimeDelta::days(14));
    assert_eq!(redraws(&shared, card("晚", true)).await, 230_031);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_of_dingtalk_is_called_what_its_sender_calls_it_and_none_of_its_words_is_long() {
    let stand = stage();
    let ask = json!({ "appKey": "dingkey", "appSecret": "S" });
    let issued = stand.json(Method::POST, "v1.0/oauth2/accessToken", ask).await;
    let token = issued["accessToken"].as_str().unwrap();
    let call = async |method: Method, path: &str, body: &Value| -> Value {
        let url = stand.base.join(path).unwrap();
        let mut request = OutboundRequest::post_json(url, body.to_string().into_bytes(), Hosts::Any);
        request.headers.insert("x-acs-dingtalk-access-token", token.parse().unwrap());
        let request = OutboundRequest { method, ..request };
        serde_json::from_slice(&stand.outbound.send(request).await.unwrap().body).unwrap()
    };
    let words = |title: &str| {
        let button = json!({ "text": "接单", "url": "https://yj.example/a/1" });
        let buttons = json!({ "msgButtons": [button] }).to_string();
        json!({ "cardParamMap": { "title": title, "markdown": "**时限**：14:30", "sys_full_json_obj": buttons } })
    };
    let letter = json!({
        "cardTemplateId": TEMPLATE, "outTrackId": "n-1", "cardData": words("企业叫您"),
        "openSpaceId": "dtv1.card//IM_ROBOT.li", "imRobotOpenSpaceModel": { "supportForward": false },
        "imRobotOpenDeliverModel": { "spaceType": "IM_ROBOT", "robotCode": "dingkey" },
    });
    let sends = async |body: &Value| call(Method::POST, "v1.0/card/instances/createAndDeliver", body).await;
    for (part, value, code) in [
        ("/outTrackId", json!(""), "param.outTrackIdEmpty"),
        ("/cardTemplateId", json!("x.schema"), "param.templateNotExist"),
        ("/openSpaceId", json!("li"), "param.openSpaceIdInvalid"),
        ("/openSpaceId", json!("dtv1.card//IM_ROBOT.wang"), "param.userIdNotExist"),
        ("/imRobotOpenDeliverModel/spaceType", json!("IM"), "param.openDeliverModelError"),
        ("/imRobotOpenSpaceModel/supportForward", Value::Null, "param.openSpaceModelInvalid"),
        ("/cardData", Value::Null, "param.cardPublicDataEmpty"),
        ("/cardData/cardParamMap/markdown", json!("长".repeat(342)), "param.invalid"),
        ("/cardData/cardParamMap/title", json!(1), "param.invalid"),
    ] {
        let mut bad = letter.clone();
        *bad.pointer_mut(part).unwrap() = value;
        assert_eq!(sends(&bad).await["code"], code, "{part}");
    }
    let sent = sends(&letter).await;
    assert_eq!((&sent["success"], &sent["result"]["outTrackId"]), (&json!(true), &json!("n-1")));
    assert_eq!(sent["result"]["deliverResults"][0]["success"], true);
    assert_eq!(sends(&letter).await["code"], "param.cardAlreadyExist");
    let mut again = letter.clone();
    let delivers = async |body: &Value| call(Method::POST, "v1.0/card/instances/deliver", body).await;
    assert_eq!(delivers(&again).await["result"][0]["success"], true);
    again["outTrackId"] = json!("n-2");
    assert_eq!(delivers(&again).await["code"], "param.cardNotExist");

    let redraws = async |id: &str, data: Value| {
        call(Method::PUT, "v1.0/card/instances", &json!({ "outTrackId": id, "cardData": data })).await
    };
    assert_eq!(redraws("n-2", words("新")).await["code"], "param.cardNotExist");
    assert_eq!(redraws("n-1", Value::Null).await["code"], "param.cardPublicDataEmpty");
    assert_eq!(redraws("n-1", words("已由王芳接单")).await, json!({ "success": true, "result": true }));
    let cards = stand.sandbox.messages("dingtalk-app");
    assert_eq!(cards.len(), 2);
    assert!(cards.iter().all(|card| card.title == "已由王芳接单"), "wherever it stands");
    assert_eq!(
        (cards[0].lines[0].as_str(), cards[0].link()),
        ("时限：14:30", Some("https://yj.example/a/1"))
    );
    assert_eq!(cards[0].mentions, ["li"]);
}
