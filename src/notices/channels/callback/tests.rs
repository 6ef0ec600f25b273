//! What the platforms send, and what is no longer theirs, as the given vectors say; made by the vendors' own or well-known packages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::DateTime;
use serde_json::{Value, json};

use super::*;

/// Every case of a file of vectors, run by `judge`, which answers what came of it or why it was refused; what must be kept of a kind.
fn all(text: &str, kinds: &[(&str, usize)], judge: impl Fn(&Value) -> Result<Value, Refusal>) {
    let file: Value = serde_json::from_str(text).unwrap();
    let cases = file["cases"].as_array().unwrap();
    for (kind, count) in kinds {
        let of_kind: Vec<&Value> = cases.iter().filter(|case| case["kind"] == *kind).collect();
        assert_eq!(of_kind.len(), *count, "{kind}");
    }
    assert_eq!(cases.len(), kinds.iter().map(|(_, count)| count).sum::<usize>(), "a kind is not known");
    for case in cases {
        let (name, expect) = (text_of(case, "name"), &case["expect"]);
        match (judge(case), expect["ok"].as_bool().unwrap()) {
            (Ok(came), true) => {
                for (field, value) in came.as_object().unwrap() {
                    assert_eq!(*value, expect[field], "{name}: {field}");
                }
                assert!(!came.as_object().unwrap().is_empty(), "{name}");
            }
            (Err(refusal), false) => match text_of(expect, "reason") {
                // Anything that is wrong after the signature.
                "decrypt_error" => assert_ne!(refusal, Refusal::SignatureMismatch, "{name}"),
                reason => assert_eq!(refusal.as_str(), reason, "{name}"),
            },
            (came, _) => panic!("{name}: {came:?}, expected {expect}"),
        }
    }
}

fn text_of<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_default()
}

fn callback(token: &str, key: &str) -> Callback {
    Callback { token: token.into(), key: key.into() }
}

fn envelope(case: &Value) -> Envelope {
    let of = |name| text_of(case, name);
    callback(of("token"), of("encoding_aes_key")).envelope(of("receive_id")).unwrap()
}

fn query(case: &Value) -> Query {
    Query::read(text_of(case, "query"))
}

/// The text and those of its fields that the case names.
fn told(case: &Value, text: &str) -> Value {
    let mut told = json!({ "plaintext": text });
    if let Some(fields) = case["expect"]["fields"].as_object() {
        let message = parse(text).unwrap();
        // An empty element is null to the package that wrote them down.
        let read = fields.iter().map(|(name, known)| match field(&message, name) {
            text if text.is_empty() && known.is_null() => (name.clone(), Value::Null),
            text => (name.clone(), text.into()),
        });
        told["fields"] = Value::Object(read.collect());
    }
    if case["expect"]["plaintext"].is_null() {
        // Too long to be written down: its length is.
        assert!(case["expect"]["plaintext_bytes"].is_u64());
        told = json!({ "plaintext_bytes": text.len() });
    }
    told
}

fn salt(case: &Value) -> [u8; 16] {
    text_of(case, "random16").as_bytes().try_into().unwrap()
}

/// A sealed answer against the case's, and opened again.
fn replied(case: &Value, sealed: &Sealed) -> Value {
    let of = |name| text_of(case, name);
    let signed = Signed { signature: &sealed.signature, timestamp: of("timestamp"), nonce: of("nonce") };
    let opened = envelope(case).open(signed, &sealed.encrypt).unwrap();
    json!({ "plaintext": opened, "encrypt": sealed.encrypt, "msg_signature": sealed.signature })
}

fn seal(case: &Value) -> Sealed {
    let of = |name| text_of(case, name);
    envelope(case).seal(of("reply_plaintext"), of("timestamp"), of("nonce"), salt(case))
}

#[test]
fn wecoms_requests_are_taken_and_refused_as_the_vectors_say() {
    let file = include_str!("../../../../tests/vectors/wecom_callback.json");
    let kinds = [("url_verify", 3), ("message", 43), ("reply", 2), ("dedup", 1)];
    all(file, &kinds, |case| {
        let (envelope, body) = (envelope(case), text_of(case, "body").as_bytes());
        match text_of(case, "kind") {
            "url_verify" => wecom::check(&envelope, &query(case))
                .map(|echo| json!({ "plaintext": echo, "response_body": echo })),
            "message" => wecom::open(&envelope, &query(case), body).map(|text| told(case, &text)),
            "reply" => {
                let of = |name| text_of(case, name);
                let wire =
                    wecom::reply(&envelope, of("reply_plaintext"), of("timestamp"), of("nonce"), salt(case));
                let fields = parse(&wire).unwrap();
                let expected = &case["expect"]["envelope_fields"];
                for name in expected.as_object().unwrap().keys() {
                    let expected = field(expected, name);
                    assert_eq!(field(&fields, name), expected, "{name}");
                }
                let opened = wecom::open_reply(&envelope, wire.as_bytes()).unwrap();
                assert_eq!(opened, parse(of("reply_plaintext")).unwrap());
                Ok(replied(case, &seal(case)))
            }
            _ => {
                let once = |delivery: &Value| {
                    let text = wecom::open(&envelope, &query(delivery), text_of(delivery, "body").as_bytes());
                    format!("MsgId={}", field(&parse(&text.unwrap()).unwrap(), "MsgId"))
                };
                let keys: Vec<String> = case["deliveries"].as_array().unwrap().iter().map(once).collect();
                assert!(keys.len() == 2 && keys[0] == keys[1], "{keys:?}");
                Ok(json!({ "dedup_key": keys[0] }))
            }
        }
    });
}

#[test]
fn dingtalks_events_are_taken_and_refused_as_the_vectors_say() {
    let file = include_str!("../../../../tests/vectors/dingtalk_event.json");
    all(file, &[("event", 17), ("reply", 1)], |case| {
        let of = |name| text_of(case, name);
        if of("kind") == "reply" {
            let wire = dingtalk::reply(
                &envelope(case),
                of("reply_plaintext"),
                of("timestamp"),
                of("nonce"),
                salt(case),
            );
            let mut came = replied(case, &seal(case));
            came["envelope_fields"] = wire;
            return Ok(came);
        }
        let now = case["now_ms"].as_i64().or_else(|| of("timestamp").parse().ok()).unwrap();
        let now = DateTime::from_timestamp_millis(now).unwrap();
        dingtalk::open(&envelope(case), &query(case), of("body").as_bytes(), now)
            .map(|text| told(case, &text))
    });
}

#[test]
fn wechats_pushes_are_taken_and_refused_as_the_vectors_say() {
    let file = include_str!("../../../../tests/vectors/wechat_push.json");
    all(file, &[("plain_signature", 4), ("secure_message", 11), ("reply", 2)], |case| {
        match text_of(case, "kind") {
            "plain_signature" if case["expect"]["response_body"].is_string() => {
                let echo = wechat::check(text_of(case, "token"), &query(case))?;
                Ok(json!({ "response_body": echo }))
            }
            "plain_signature" => {
                // The same check, of a request that is no check of the address.
                let query = Query::read(&format!("{}&echostr=e", text_of(case, "query")));
                wechat::check(text_of(case, "token"), &query).map(|_| json!({ "ok": true }))
            }
            "secure_message" => {
                let body = text_of(case, "body").as_bytes();
                wechat::open(&envelope(case), &query(case), body).map(|text| told(case, &text))
            }
            _ => Ok(replied(case, &seal(case))),
        }
    });
}

#[test]
fn feishus_requests_are_taken_and_refused_as_the_vectors_say() {
    let file = include_str!("../../../../tests/vectors/feishu_event.json");
    all(file, &[("decrypt", 14), ("request", 17), ("dedup", 1)], |case| match text_of(case, "kind") {
        "decrypt" => {
            let (key, sealed) = (text_of(case, "encrypt_key"), text_of(case, "encrypt"));
            let opened = feishu::unseal(key, sealed)?;
            let salt = *STANDARD.decode(sealed).unwrap().first_chunk().unwrap();
            assert_eq!(feishu::seal(key, &opened, salt), sealed, "sealed again it is the same");
            Ok(json!({ "plaintext": opened }))
        }
        "request" => {
            let heard = heard(case, case)?;
            Ok(match heard {
                feishu::Heard::Challenge(challenge) => json!({ "response_json": { "challenge": challenge } }),
                feishu::Heard::Event { id, kind, event } => event_told(id, kind, &event),
            })
        }
        _ => {
            let id = |delivery: &Value| match heard(case, delivery) {
                Ok(feishu::Heard::Event { id, .. }) => format!("event_id={id}"),
                other => panic!("{other:?}"),
            };
            let ids: Vec<String> = case["deliveries"].as_array().unwrap().iter().map(id).collect();
            assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
            Ok(json!({ "dedup_key": ids[0] }))
        }
    });
}

fn heard(case: &Value, request: &Value) -> Result<feishu::Heard, Refusal> {
    let headers = request["headers"].as_object().unwrap();
    let header = |name: &str| {
        let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| value.as_str())
    };
    let body = match request["body_b64"].as_str() {
        Some(encoded) => STANDARD.decode(encoded).unwrap(),
        None => text_of(request, "body").as_bytes().to_vec(),
    };
    let callback = callback(text_of(case, "verification_token"), text_of(case, "encrypt_key"));
    feishu::open(&callback, header, &body)
}

fn event_told(id: String, kind: String, event: &Value) -> Value {
    if kind == "card.action.trigger" {
        let tapped = feishu::tapped(event).unwrap();
        let operator = field(&tapped.operator, "open_id");
        return json!({ "event_id": id, "event_type": kind, "action_value": tapped.value, "operator_open_id": operator });
    }
    let message = &event["message"];
    let content: Value = serde_json::from_str(text_of(message, "content")).unwrap();
    json!({ "event_id": id, "event_type": kind, "message_id": message["message_id"], "text": content["text"] })
}

#[test]
fn a_tap_and_a_subscription_are_read_out_of_what_was_sealed() {
    let tapped = "<xml><ToUserName>ww</ToUserName><FromUserName><![CDATA[li]]></FromUserName><CreateTime>1</CreateTime>\
        <MsgType>event</MsgType><Event>template_card_event</Event><EventKey>accept</EventKey><TaskId>0190</TaskId>\
        <CardType>button_interaction</CardType><ResponseCode>code</ResponseCode><AgentID>1</AgentID></xml>";
    let expected = wecom::Tapped {
        user_id: "li".to_owned(),
        task_id: "0190".to_owned(),
        key: "accept".to_owned(),
        response_code: "code".to_owned(),
    };
    assert_eq!(wecom::read(tapped), Ok(wecom::Heard::Tapped(expected)));
    assert_eq!(wecom::read("no message"), Err(Refusal::BadEvent));
    assert_eq!(wecom::read(""), Ok(wecom::Heard::Other));

    let in_json = r#"{"FromUserName":"o1","CreateTime":7,"MsgType":"event","Event":"subscribe_msg_sent_event",
        "List":{"TemplateId":"t","MsgID":"9","ErrorCode":43101,"ErrorStatus":"user refuse"}}"#;
    let in_xml = "<xml><FromUserName>o1</FromUserName><CreateTime>7</CreateTime><MsgType>event</MsgType>\
        <Event>subscribe_msg_sent_event</Event><SubscribeMsgSentEvent><List><TemplateId>t</TemplateId><MsgID>9</MsgID>\
        <ErrorCode>43101</ErrorCode><ErrorStatus>user refuse</ErrorStatus></List></SubscribeMsgSentEvent></xml>";
    let read = wechat::read(in_json).unwrap().unwrap();
    assert_eq!(Some(&read), wechat::read(in_xml).unwrap().as_ref());
    assert_eq!(
        (read.openid.as_str(), read.created.as_str(), read.event),
        ("o1", "7", wechat::SubscriptionEvent::Sent)
    );
    assert_eq!((read.list[0].error_code.0.as_str(), read.list[0].msg_id.0.as_str()), ("43101", "9"));
    assert_eq!(wechat::read(r#"{"Event":"subscribe_msg_popup_event"}"#), Err(Refusal::BadEvent));
    assert_eq!(wechat::read(r#"{"Event":"user_enter_tempsession"}"#), Ok(None));
}

#[test]
fn no_text_leaves_the_element_in_which_it_is_answered() {
    let says = "]]></ReplaceName><X>1</X><![CDATA[";
    let answer = parse(&wecom::new_button("ww", "li", 1, says)).unwrap();
    assert_eq!(
        answer,
        json!({
            "ToUserName": "li", "FromUserName": "ww", "CreateTime": "1", "MsgType": "update_button",
            "Button": { "ReplaceName": says },
        })
    );
}
