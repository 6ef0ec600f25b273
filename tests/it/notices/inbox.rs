//! What somebody finds in his inbox, and what his subscriptions buy him.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{Client, County};

async fn inbox(client: &Client<'_>, query: &str) -> Value {
    client.get(&format!("/api/v1/inbox{query}")).await
}

async fn posts(client: &Client<'_>, path: &str, body: Value, key: Option<&str>) -> (u16, Value) {
    let mut request = client.request(Method::POST, path).await.json(&body);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_finds_his_alarms_in_his_inbox_whatever_the_channels_do() {
    let county = County::open();
    let (mill, lead) = (county.mill(), county.lead());
    assert_eq!(inbox(&lead, "").await, json!({ "items": [], "unread": 0 }));
    let first = mill
        .raises(json!({ "text": "3号楼停电", "itemCode": "OUTAGE", "contactPhone": "13812345678" }))
        .await;
    let second =
        mill.raises(json!({ "text": "变压器冒烟", "itemCode": "OUTAGE", "urgency": "critical" })).await;
    let page = inbox(&lead, "?limit=1").await;
    assert_eq!(page["unread"], 2);
    let newest = &page["items"][0];
    assert_eq!((&newest["subjectId"], &newest["event"]), (&json!(second.id()), &json!("call.dispatched")));
    assert_eq!(
        (&newest["title"], &newest["awaitsAction"]),
        (&json!("【特急】企业叫您：变压器冒烟"), &json!(true))
    );
    let next = inbox(&lead, &format!("?cursor={}", page["nextCursor"].as_str().unwrap())).await;
    assert_eq!(next["items"].as_array().unwrap().len(), 1);
    let oldest = &next["items"][0];
    assert_eq!(oldest["subjectId"], json!(first.id()));
    let contact = oldest["facts"].as_array().unwrap().iter().find(|fact| fact["label"] == "联系人").unwrap();
    assert!(
        contact["value"].as_str().unwrap().ends_with("13812345678"),
        "for his eyes, so in full: {contact}"
    );
    assert!(oldest["link"]["url"].as_str().unwrap().contains("/a/"));

    let path = format!("/api/v1/inbox/{}/read", oldest["id"].as_str().unwrap());
    assert_eq!(posts(&lead, &path, json!({}), None).await, (200, json!({ "unread": 1 })));
    assert_eq!(posts(&lead, &path, json!({}), None).await, (200, json!({ "unread": 1 })));
    assert_eq!(posts(&county.stranger(), &path, json!({}), None).await.0, 404);
    lead.accepts(&first).await;
    let page = inbox(&lead, "").await;
    let items = page["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[1]["awaitsAction"]), (2, &json!(false)));
    assert!(items[1]["readAt"].is_string() && items[0]["readAt"].is_null());
    assert_eq!(inbox(&county.stranger(), "").await["unread"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enterprise_is_told_what_becomes_of_its_call_and_nothing_that_is_not_its_own() {
    let county = County::open();
    let (mill, lead) = (county.mill(), county.lead());
    let call = mill.raises(json!({ "text": "3号楼停电", "itemCode": "OUTAGE" })).await;
    assert_eq!(inbox(&mill, "").await["unread"], 0, "it knows that it called");
    lead.accepts(&call).await;
    let page = inbox(&mill, "").await;
    assert_eq!(page["unread"], 1);
    let item = &page["items"][0];
    assert_eq!((&item["event"], &item["awaitsAction"]), (&json!("call.accepted"), &json!(false)));
    assert!(item["title"].as_str().unwrap().starts_with("已由"), "{item}");
    assert_eq!(item["link"], Value::Null);
    assert_eq!(inbox(&county.kiln(), "").await["unread"], 0);
    let request = mill.request(Method::GET, "/api/v1/inbox").await.header("accept-language", "en");
    let english: Value = request.send().await.unwrap().json().await.unwrap();
    assert!(english["items"][0]["title"].as_str().unwrap().starts_with("Accepted by"), "{english}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_cursor_and_a_foreign_notice_are_refused() {
    let county = County::open();
    let lead = county.lead();
    lead.may_not_get("/api/v1/inbox?cursor=nonsense").await.is(400, "bad_cursor");
    let unknown = "/api/v1/inbox/01920000-0000-7000-8000-000000000000/read";
    assert_eq!(posts(&lead, unknown, json!({}), None).await.0, 404);
    assert_eq!(posts(&lead, "/api/v1/inbox/x/read", json!({}), None).await.0, 404);
    // A county without the mini-program has nothing to subscribe to.
    assert_eq!(lead.get("/api/v1/me/subscriptions").await, json!({ "items": [] }));
    let (status, body) =
        posts(&lead, "/api/v1/me/subscriptions", json!({ "results": { "T": "accept" } }), None).await;
    assert_eq!((status, &body["code"]), (422, &json!("invalid")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enterprise_hears_of_a_call_recorded_for_it_of_every_new_hand_and_of_its_end_by_silence() {
    let county = County::open();
    let (mill, lead, office) = (county.mill(), county.lead(), county.office());
    let own = mill.raises(json!({ "text": "再停电", "itemCode": "OUTAGE" })).await;
    let enterprise = own["enterprise"]["id"].clone();
    let body = json!({ "entrance": "phone", "enterpriseId": enterprise, "text": "变压器冒烟", "itemCode": "OUTAGE" });
    let call = office.raises(body).await;
    let titles = async || {
        let page = inbox(&mill, "").await;
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(titles().await, ["已为贵企业登记诉求：变压器冒烟"]);
    lead.accepts(&call).await;
    let backup = county.officer_id("POWER-BACKUP").await;
    lead.does("transfer", &call, json!({ "officerId": backup, "reason": "熟悉现场" })).await;
    assert_eq!(titles().await[0], "诉求已转由供电公司办理：变压器冒烟");
    county.backup().accepts(&call).await;
    county.backup().does("return", &call, json!({ "reason": "属于环保", "departmentCode": "ENV" })).await;
    office.does("ruling", &call, json!({ "approve": false, "reason": "应由贵单位办理" })).await;
    assert_eq!(titles().await.len(), 4, "nothing has changed for it");
    lead.accepts(&own).await;
    lead.does("return", &own, json!({ "reason": "属于环保", "departmentCode": "ENV" })).await;
    office.does("ruling", &own, json!({ "approve": true, "reason": "应由环保" })).await;
    assert_eq!(titles().await[0], "诉求已转由环境局办理：再停电");
    county.backup().resolves(&call).await;
    county.runs_until("03-31 18:00").await;
    assert_eq!(titles().await[0], "企业逾期未反馈，默认确认：变压器冒烟");
    assert_eq!(inbox(&county.kiln(), "").await["unread"], 0);
}
