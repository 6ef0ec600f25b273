//! A county's own words for what its people are told: put, tried, sent, and given up again.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;
use yijiao::notices::deliver::Delivered;
use yijiao::notices::model::{Entry, NoticeId, NoticeState};
use yijiao::organisation::CountyId;

use super::admin::{Town, town_over};
use super::stage::redis_url;
use crate::calls::isolation::neighbour;
use crate::kit::{Client, County};

const TEXTS: &str = "/api/v1/admin/templates";
const DISPATCHED: &str = "/api/v1/admin/templates/call.dispatched";

async fn puts(client: &Client<'_>, own: &Value, expected: i32) -> Value {
    let request = client.request(Method::PUT, DISPATCHED).await.json(own);
    let response = request.header("if-match", format!("\"{expected}\"")).send().await.unwrap();
    let (status, body) = (response.status(), response.json::<Value>().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

async fn restores(client: &Client<'_>) -> Value {
    let response = client.request(Method::DELETE, DISPATCHED).await.send().await.unwrap();
    let (status, body) = (response.status(), response.json::<Value>().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

fn own() -> Value {
    json!({
        "zh": {
            "title": "{{ mark }}三原县叫您：{{ title }}",
            "act": "我去",
            "lines": [
                {"label": "哪家企业", "text": "{{ enterprise }}"},
                {"label": "电话", "text": "{{ phone }}"},
                {"label": "办结", "text": "{% if resolve_by %}{{ resolve_by }} 前{% endif %}"},
            ],
        },
        "kinds": {"wecom_bot": {"zh": {"title": "{{ mark }}群里叫：{{ title }}"}}},
    })
}

/// A county whose power company has one room.
async fn town() -> Town {
    let town = town_over(|config| {
        config.redis.url = redis_url();
        config.redis.prefix = format!("test:{}", Uuid::now_v7());
    });
    town.county.alter("update channels set state = 'dead'").await;
    town.creates(town.group()).await;
    town
}

/// A call for the power company, and what its room hears of it.
async fn hears(town: &Town) -> String {
    let county = &town.county;
    let before = town.sandbox.messages("group").len();
    county.mill().raises(json!({"itemCode": "OUTAGE", "contactPhone": "13812345678"})).await;
    let queued = "select n.id || ' ' || n.county_id from notices n join channels c on c.id = n.channel_id
        where c.code = 'group' and n.state = 'queued'";
    let queued = county.texts(queued).await;
    let ids: Vec<Uuid> = queued[0].split(' ').map(|id| id.parse().unwrap()).collect();
    let entry = Entry { notice: NoticeId(ids[0]), county: CountyId(ids[1]) };
    let sent = county.app.sender.deliver_one(entry, county.now()).await.unwrap();
    assert_eq!((queued.len(), sent), (1, Delivered::Tried(NoticeState::Sent)));
    let heard = town.sandbox.messages("group");
    assert_eq!(heard.len(), before + 1);
    heard[before].text.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_system_administrator_words_them() {
    let county = County::open();
    for who in [county.office(), county.lead(), county.mill(), county.inspector()] {
        who.may_not_get(TEXTS).await.is(403, "forbidden");
        who.may_not_get(DISPATCHED).await.is(403, "forbidden");
        let put = who.request(Method::PUT, DISPATCHED).await.json(&json!({}));
        who.refused(put).await.is(403, "forbidden");
        who.refused(who.request(Method::DELETE, DISPATCHED).await).await.is(403, "forbidden");
        let preview = who.request(Method::POST, &format!("{DISPATCHED}/preview")).await.json(&json!({}));
        who.refused(preview).await.is(403, "forbidden");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_events_are_shown_with_shipped_and_own_words() {
    let county = County::open();
    let admin = county.admin();
    let all = admin.get(TEXTS).await;
    let items = all["items"].as_array().unwrap();
    assert!(items.len() > 40, "{}", items.len());
    assert!(items.iter().all(|text| text["version"] == 0 && text["own"].is_null()));
    assert!(items.iter().all(|text| text["event"] != "other" && text["event"] != "channel.test"));
    let shown = admin.get(DISPATCHED).await;
    assert_eq!(shown["shipped"]["zh"]["title"], "{{ mark }}企业叫您：{{ title }}");
    assert_eq!(shown["shipped"]["zh"]["lines"][0]["label"], "接单时限");
    assert!(all["names"].as_array().unwrap().contains(&json!("phone")));
    for event in ["other", "channel.test", "call.unheard_of"] {
        admin.may_not_get(&format!("{TEXTS}/{event}")).await.is(404, "event_not_found");
        let put = admin.request(Method::PUT, &format!("{TEXTS}/{event}")).await.json(&json!({}));
        admin.refused(put).await.is(404, "event_not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_is_said_in_the_countys_own_words_until_they_are_given_up() {
    let town = town().await;
    let admin = town.admin();
    assert!(hears(&town).await.contains("企业叫您"));
    let shown = puts(&admin, &own(), 0).await;
    assert_eq!((&shown["version"], &shown["own"]), (&json!(1), &own()));
    let heard = hears(&town).await;
    assert!(
        heard.contains("群里叫：") && heard.contains("哪家企业") && heard.contains("138****5678"),
        "{heard}"
    );
    assert!(!heard.contains("13812345678") && !heard.contains("分派依据"), "{heard}");
    // Another version takes the place of what was compiled.
    let mut other = own();
    other["kinds"]["wecom_bot"]["zh"]["title"] = json!("又改了：{{ title }}");
    assert_eq!(puts(&admin, &other, 1).await["version"], 2);
    assert_eq!(puts(&admin, &other, 2).await["version"], 2, "the same once more is no change");
    assert!(hears(&town).await.contains("又改了："));
    assert_eq!(restores(&admin).await["own"], Value::Null);
    assert!(hears(&town).await.contains("企业叫您"));
    assert_eq!(puts(&admin, &own(), 3).await["version"], 4, "versions never come again");
    let stale = admin.request(Method::PUT, DISPATCHED).await.header("if-match", "\"3\"").json(&json!({}));
    admin.refused(stale).await.is(409, "stale_version");
    let told = "select kind || ' ' || (data->>'event') || ' ' || (data->>'version') from ledger_events
        where subject_kind = 'county' order by seq";
    let expected: Vec<String> =
        (1..=4).map(|version| format!("county.text_changed call.dispatched {version}")).collect();
    assert_eq!(town.county.texts(told).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_says_the_same_and_another_county_does_not() {
    let county = County::open();
    neighbour(&county).await;
    let admin = county.admin();
    puts(&admin, &own(), 0).await;
    county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let inbox = county.lead().get("/api/v1/inbox").await;
    let title = inbox["items"][0]["title"].as_str().unwrap();
    assert!(title.contains("三原县叫您："), "{inbox}");
    assert_eq!(inbox["items"][0]["facts"][0]["label"], "哪家企业");
    let rows =
        "select count(*) from county_texts t join counties c on c.id = t.county_id where c.code <> 'clear'";
    assert_eq!(county.count(rows).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_said_is_refused_at_its_path_and_changes_nothing() {
    let county = County::open();
    let admin = county.admin();
    admin.get(TEXTS).await;
    let before = county.everything().await;
    for (own, field, code) in [
        (json!({"zh": {"title": "{{ title"}}), "zh.title", "does_not_render"),
        (json!({"zh": {"title": "{{ titel }}"}}), "zh.title", "unknown_name"),
        (json!({"en": {"title": "x".repeat(400)}}), "en.title", "too_long"),
        (
            json!({"zh": {"lines": [{"label": "电话", "text": "13812345678"}]}}),
            "zh.lines[0].text",
            "phone_in_room",
        ),
        (json!({"kinds": {"pigeon": {"zh": {"title": "x"}}}}), "kinds.pigeon", "unknown_channel_kind"),
        (json!({"zh": {"titel": "x"}}), "zh.titel", "unknown_field"),
    ] {
        let put = admin.request(Method::PUT, DISPATCHED).await.json(&own);
        admin.refused(put).await.is(422, "invalid").at_field(field, code);
        let preview = admin.request(Method::POST, &format!("{DISPATCHED}/preview")).await.json(&own);
        admin.refused(preview).await.is(422, "invalid").at_field(field, code);
    }
    assert_eq!(county.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_shows_every_kind_of_channel_and_keeps_nothing() {
    let county = County::open();
    let admin = county.admin();
    admin.get(TEXTS).await;
    let before = county.everything().await;
    let request = admin.request(Method::POST, &format!("{DISPATCHED}/preview")).await.json(&own());
    let shown: Value = request.send().await.unwrap().json().await.unwrap();
    let items = shown["items"].as_array().unwrap();
    assert_eq!(items.len(), 14, "seven kinds in two languages: {shown}");
    for item in items {
        assert!(item["bytes"].as_u64().unwrap() <= item["limit"].as_u64().unwrap(), "{item}");
        let (text, kind) = (item["text"].as_str().unwrap(), item["kind"].as_str().unwrap());
        assert_eq!(
            text.contains("13800000000"),
            kind.ends_with("_app"),
            "in full for one person alone: {item}"
        );
        if item["language"] == "zh" {
            let title = if kind == "wecom_bot" { "群里叫：" } else { "三原县叫您：" };
            assert!(text.contains(title) && text.contains("哪家企业"), "{item}");
        }
    }
    assert_eq!(county.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_fail_at_the_last_moment_give_way_to_those_shipped() {
    let town = town().await;
    let admin = town.admin();
    puts(&admin, &own(), 0).await;
    // A hand in Postgres.
    for words in [r#"{"zh": {"title": "{{ mark.x.y }}"}, "kinds": {}}"#, r#"{"nonsense": 1}"#] {
        let broken = format!(
            "update county_texts set words = '{words}', version = version + 1 where event = 'call.dispatched'"
        );
        town.county.alter(&broken).await;
        assert!(hears(&town).await.contains("企业叫您"));
    }
}
