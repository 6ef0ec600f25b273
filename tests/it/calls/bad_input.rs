//! Whatever arrives: a stable code, a clear text in both languages, and not a row behind.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use yijiao::platform::http::problem::CommonCode;

use crate::kit::{Client, County, Refused, Spans as _};

/// The refusal in Chinese, and again in English; neither leaves anything behind.
async fn refuses(
    county: &County,
    make: impl AsyncFn() -> RequestBuilder,
    status: u16,
    code: &str,
) -> Refused {
    let before = county.everything().await;
    let said = Refused::read(make().await.send().await.unwrap()).await.is(status, code);
    let english = make().await.header("accept-language", "en").send().await.unwrap();
    let english = Refused::read(english).await.is(status, code);
    let (zh, en) = (said.body["title"].as_str().unwrap(), english.body["title"].as_str().unwrap());
    let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    assert!(zh.chars().any(is_han) && !en.chars().any(is_han) && en.len() > 8, "{zh} / {en}");
    let written: Vec<_> =
        county.everything().await.into_iter().filter(|line| !before.contains(line)).collect();
    assert!(written.is_empty(), "{code} left something in {written:?}");
    said
}

async fn tap(client: &Client<'_>, body: &Value) -> RequestBuilder {
    client.request(Method::POST, "/api/v1/calls").await.json(body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tap_that_cannot_be_understood() {
    let county = County::open();
    let mill = county.mill();
    mill.token().await;
    let said =
        refuses(&county, async || tap(&mill, &json!({"itemCode": "NOTHING"})).await, 422, "unknown_item")
            .await;
    assert_eq!(said.body["itemCode"], "NOTHING");
    refuses(&county, async || tap(&mill, &json!({"itemCode": "DISCHARGE"})).await, 422, "unknown_item").await;

    let raw = async |kind: &str, body: Vec<u8>| {
        let request = mill.request(Method::POST, "/api/v1/calls").await;
        request.header("content-type", kind).body(body)
    };
    refuses(
        &county,
        async || raw("application/json", vec![b' '; 10 * 1024 * 1024]).await,
        413,
        "body_too_large",
    )
    .await;
    refuses(
        &county,
        async || raw("application/json", b"{\"text\": \"\xff\xfe\"}".to_vec()).await,
        400,
        "bad_json",
    )
    .await;
    refuses(&county, async || raw("application/json", b"{\"text\": ".to_vec()).await, 400, "bad_json").await;
    refuses(&county, async || raw("text/plain", b"{}".to_vec()).await, 415, "unsupported_media_type").await;

    for (body, field, code) in [
        (json!({"text": "长".repeat(10_000)}), "text", "too_long"),
        (json!({"place": "长".repeat(201)}), "place", "too_long"),
        (json!({"contactPhone": "call me"}), "contactPhone", "not_a_phone"),
        (json!({"appointmentAt": "2026-03-09T09:00:00+08:00"}), "appointmentAt", "out_of_range"),
        (json!({"appointmentAt": "2027-03-09T09:00:00+08:00"}), "appointmentAt", "out_of_range"),
        (
            json!({"attachmentIds": ["0192aaaa-0000-7000-8000-000000000001"]}),
            "attachmentIds",
            "unknown_attachment",
        ),
    ] {
        refuses(&county, async || tap(&mill, &body).await, 422, "invalid").await.at_field(field, code);
    }
    for body in
        [json!({"urgency": "extreme"}), json!({"itemcode": "OUTAGE"}), json!({"visit": "yes"}), json!([])]
    {
        refuses(&county, async || tap(&mill, &body).await, 422, "invalid").await;
    }
    let urgency = json!({"urgency": "extreme"});
    let said = refuses(&county, async || tap(&mill, &urgency).await, 422, "invalid").await;
    assert_eq!(
        said.body["errors"],
        json!([{
            "field": "urgency", "code": "wrong_value", "message": "没有“extreme”这个选项，只能填：critical、urgent、normal",
        }])
    );
    let keyed = async |key: &str| tap(&mill, &json!({})).await.header("idempotency-key", key.to_owned());
    refuses(&county, async || keyed("a b").await, 400, "idempotency_key_invalid").await;
    refuses(&county, async || keyed(&"k".repeat(129)).await, 400, "idempotency_key_invalid").await;
    assert_eq!(county.count("select count(*) from calls").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_with_another_body_is_refused_and_with_the_same_it_is_the_same_call() {
    let county = County::open();
    let mill = county.mill();
    let keyed = async |body: &Value| tap(&mill, body).await.header("idempotency-key", "one-tap");
    let (first, same) = (
        json!({"itemCode": "OUTAGE", "text": "停电"}),
        json!({"text": "停电", "itemCode": "OUTAGE", "place": null}),
    );
    let call: Value = keyed(&first).await.send().await.unwrap().json().await.unwrap();
    refuses(
        &county,
        async || keyed(&json!({"itemCode": "OUTAGE", "text": "又停电"})).await,
        422,
        "idempotency_key_reused",
    )
    .await;
    refuses(&county, async || keyed(&json!({})).await, 422, "idempotency_key_reused").await;
    county.lead().does("accept", &crate::kit::View::of(call.clone()), json!({})).await;
    county.pass(5.minutes());
    let before = county.count("select count(*) from ledger_events").await;
    let again = keyed(&same).await.send().await.unwrap();
    assert_eq!(
        (again.status().as_u16(), again.headers()["idempotency-replayed"].to_str().unwrap()),
        (201, "true")
    );
    let again: Value = again.json().await.unwrap();
    assert_eq!((&again["id"], again["state"].as_str()), (&call["id"], Some("accepted")), "as it stands now");
    assert_eq!(county.count("select count(*) from ledger_events").await, before);
    // A key is its owner's: somebody else's tap under it is another call.
    let other = tap(&county.kiln(), &first).await.header("idempotency-key", "one-tap").send().await.unwrap();
    assert_eq!(other.status(), 201);
    assert_eq!(county.count("select count(*) from calls").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_kept_but_for_what_cannot_be_seen() {
    let county = County::open();
    let mill = county.mill();
    let typed = "机器停了😱\u{0}\u{7}\u{202e}👨\u{200d}🔧\u{200b}\r\n<b>'; drop table calls; --</b> ";
    let call = mill.raises(json!({"itemCode": "OUTAGE", "text": typed, "place": "一车间\n东门"})).await;
    assert_eq!(call["text"], "机器停了😱👨\u{200d}🔧\n<b>'; drop table calls; --</b>");
    assert_eq!((&call["title"], &call["place"]), (&json!("机器停了😱👨\u{200d}🔧"), &json!("一车间 东门")));
    assert_eq!(county.texts("select text from calls").await, [call["text"].as_str().unwrap()]);
    mill.story(&call).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_somebody_elses_or_none_at_all() {
    let county = County::open();
    let (mill, kiln, stranger) = (county.mill(), county.kiln(), county.stranger());
    let call = mill.raises(json!({"itemCode": "OUTAGE"})).await;
    kiln.token().await;
    stranger.token().await;
    for verb in ["withdraw", "urge", "accept", "resolve", "assign", "merge"] {
        let body = json!({"result": "x"});
        let path = format!("/api/v1/calls/{}/{verb}", call.id());
        for client in [&kiln, &stranger] {
            let request = async || {
                let request = client.request(Method::POST, &path).await;
                if verb == "resolve" {
                    request.json(&body)
                } else if verb == "assign" {
                    request.json(&json!({"reason": "x"}))
                } else {
                    request
                }
            };
            refuses(&county, request, 404, "call_not_found").await;
        }
    }
    let get = async |reference: &str| mill.request(Method::GET, &format!("/api/v1/calls/{reference}")).await;
    for nobody in ["0192aaaa-0000-7000-8000-000000000001", "not-a-call"] {
        refuses(&county, async || get(nobody).await, 404, "call_not_found").await;
    }
    let number = call.number();
    let spoken = format!("{}-{}-{}", &number[..3], &number[3..6], &number[6..]);
    assert_eq!(mill.get(&format!("/api/v1/calls/{spoken}")).await["id"], call.id());
    let wrong = format!("{}{}", &number[..8], (number[8..].parse::<u8>().unwrap() + 1) % 10);
    refuses(&county, async || get(&wrong).await, 422, "invalid").await.at_field("id", "bad_number");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_the_state_does_not_allow_tells_the_state() {
    let county = County::open();
    let (mill, lead) = (county.mill(), county.lead());
    let call = mill.raises(json!({"itemCode": "OUTAGE"})).await;
    lead.token().await;
    for (verb, body) in [
        ("contacted", json!({})),
        ("leave", json!({})),
        ("arrive", json!({})),
        ("note", json!({"text": "x"})),
        ("promise", json!({"until": "2026-03-10T12:00:00+08:00"})),
        ("resolve", json!({"result": "x"})),
        ("pause", json!({"reasonCode": "litigation", "evidence": "x"})),
        ("resume", json!({})),
        ("extension", json!({"reason": "x"})),
    ] {
        let path = format!("/api/v1/calls/{}/{verb}", call.id());
        let request = async || lead.request(Method::POST, &path).await.json(&body);
        let said = refuses(&county, request, 409, "call_wrong_state").await;
        assert_eq!(
            (said.body["state"].as_str(), said.detail()),
            (Some("dispatched"), "诉求目前为“待接单”"),
            "{verb}"
        );
        assert_eq!(said.body["version"], 1);
    }
    for verb in ["dance", "Accept", "delete"] {
        let path = format!("/api/v1/calls/{}/{verb}", call.id());
        refuses(&county, async || lead.request(Method::POST, &path).await, 404, "not_found").await;
    }
    let path = format!("/api/v1/calls/{}/accept", call.id());
    refuses(&county, async || lead.request(Method::GET, &path).await, 405, "method_not_allowed").await;
    let unknown = async || lead.request(Method::POST, &path).await.json(&json!({"hurry": true}));
    refuses(&county, unknown, 422, "invalid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_wrong_missing_or_old() {
    let county = County::open();
    let token = county.mill().token().await;
    let tap = async |token: Option<String>| {
        let request = county.http().post(county.url("/api/v1/calls"));
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    };
    refuses(&county, async || tap(None).await, 401, "token_missing").await;
    refuses(&county, async || tap(Some("nonsense".into())).await, 401, "token_invalid").await;
    let mut forged = token.clone();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.insert(forged.len() - 5, last);
    refuses(&county, async || tap(Some(forged.clone())).await, 401, "token_invalid").await;
    county.pass(16.minutes());
    refuses(&county, async || tap(Some(token.clone())).await, 401, "token_expired").await;
}

#[test]
fn every_code_of_calls_has_a_text_in_both_languages_and_a_status_of_its_kind() {
    use yijiao::calls::error::CallCode;
    let codes =
        CallCode::ALL.iter().map(|code| code.def()).chain(CommonCode::ALL.iter().map(|code| code.def()));
    let mut seen = std::collections::HashSet::new();
    for code in codes {
        assert!(seen.insert(code.code), "{} twice", code.code);
        assert!(code.en.is_ascii() && !code.zh.is_ascii() && (400..600).contains(&code.status), "{code:?}");
    }
}
