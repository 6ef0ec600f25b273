//! In which order an officer is tried: as he chose, else as his department does, and nobody is ever out of reach for it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{Client, County};

const MINE: &str = "/api/v1/me/channels";
const POWER: &str = "/api/v1/admin/departments/POWER/channels";

/// A county whose lead officer at the power company is reached by three applications; their ids.
async fn county() -> (County, [String; 3]) {
    let county = County::open();
    let admin = county.client("MARKET-HEAD");
    let mut ids = Vec::new();
    for (code, kind, settings) in [
        ("a-feishu", "feishu_app", json!({"appId": "cli_1"})),
        ("b-wecom", "wecom_app", json!({"appId": "ww1", "agentId": 7})),
        ("c-dingtalk", "dingtalk_app", json!({"appId": "ding1"})),
    ] {
        let app = json!({"code": code, "kind": kind, "name": code, "secret": "s", "settings": settings});
        let request = admin.request(Method::POST, "/api/v1/admin/channels").await.json(&app);
        let view: Value = request.send().await.unwrap().json().await.unwrap();
        ids.push(view["id"].as_str().unwrap_or_else(|| panic!("{view}")).to_owned());
    }
    county
        .alter(
            "insert into officer_addresses (id, county_id, officer_id, channel_id, user_id)
            select gen_random_uuid(), o.county_id, o.id, c.id, 'chen.dali' from channels c
            cross join (select o.* from officers o join accounts a on a.officer_id = o.id where a.login = 'POWER-LEAD') o
            where c.kind like '%\\_app'",
        )
        .await;
    drop(admin);
    (county, ids.try_into().unwrap())
}

/// The status, the `ETag` and the body.
async fn puts(
    client: &Client<'_>,
    path: &str,
    channels: &[&String],
    tag: Option<&str>,
) -> (u16, String, Value) {
    let mut request = client.request(Method::PUT, path).await.json(&json!({ "channels": channels }));
    if let Some(tag) = tag {
        request = request.header("if-match", tag);
    }
    let answer = request.send().await.unwrap();
    let tag = answer.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned());
    (answer.status().as_u16(), tag.unwrap_or_default(), answer.json().await.unwrap())
}

/// Whose order it is, and the codes in it.
fn order(view: &Value) -> (&str, Vec<&str>) {
    let codes = view["items"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap());
    (view["order"].as_str().unwrap(), codes.collect())
}

/// By what the officer hears of a new call.
async fn heard_by(county: &County) -> String {
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let rows = format!(
        "select c.code from notices n join channels c on c.id = n.channel_id
        where n.subject_id = '{}' and n.event = 'call.dispatched' and n.recipient = 'chen.dali'",
        call.id()
    );
    county.texts(&rows).await.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_puts_his_applications_in_order_and_is_called_by_the_first() {
    let (county, [feishu, wecom, dingtalk]) = county().await;
    let (lead, admin) = (county.lead(), county.client("MARKET-HEAD"));
    let shown = lead.get(MINE).await;
    assert_eq!(order(&shown), ("county", vec!["a-feishu", "b-wecom", "c-dingtalk"]));
    let first = &shown["items"][0];
    assert_eq!(
        (&first["account"], &first["state"], &first["kind"], &first["chosen"]),
        (&json!("ch****li"), &json!("active"), &json!("feishu_app"), &json!(false))
    );
    assert_eq!(heard_by(&county).await, "a-feishu");

    // His department prefers one, and what it does not name follows.
    let (status, _, view) = puts(&admin, POWER, &[&dingtalk], None).await;
    assert_eq!((status, order(&view)), (200, ("department", vec!["c-dingtalk", "a-feishu", "b-wecom"])));
    assert_eq!(order(&lead.get(MINE).await), ("department", vec!["c-dingtalk", "a-feishu", "b-wecom"]));
    assert_eq!(heard_by(&county).await, "c-dingtalk");

    // He prefers another; what he leaves out follows in his department's order.
    let (status, tag, view) = puts(&lead, MINE, &[&wecom], None).await;
    assert_eq!((status, order(&view)), (200, ("own", vec!["b-wecom", "c-dingtalk", "a-feishu"])));
    assert_eq!((&view["items"][0]["chosen"], &view["items"][1]["chosen"]), (&json!(true), &json!(false)));
    assert_eq!(heard_by(&county).await, "b-wecom");
    // The same again is the same, and so is what was decided on what stands no more refused.
    assert_eq!(puts(&lead, MINE, &[&wecom], Some(&tag)).await, (200, tag.clone(), view));
    let (_, other, view) = puts(&lead, MINE, &[&dingtalk, &feishu, &wecom], Some(&tag)).await;
    assert_eq!(order(&view), ("own", vec!["c-dingtalk", "a-feishu", "b-wecom"]));
    let (status, _, stale) = puts(&lead, MINE, &[&wecom], Some(&tag)).await;
    assert_eq!((status, &stale["code"]), (409, &json!("stale_version")));
    // What is paused is passed over, and what he chose first is tried when it is back.
    county.alter("update channels set state = 'paused' where code = 'c-dingtalk'").await;
    assert_eq!(lead.get(MINE).await["items"][0]["state"], "paused");
    assert_eq!(heard_by(&county).await, "a-feishu");

    let (status, _, view) = puts(&lead, MINE, &[], Some(&other)).await;
    assert_eq!((status, order(&view)), (200, ("department", vec!["c-dingtalk", "a-feishu", "b-wecom"])));
    let (_, _, view) = puts(&admin, POWER, &[], None).await;
    assert_eq!(order(&view), ("county", vec!["a-feishu", "b-wecom", "c-dingtalk"]));
    let told = "select kind || coalesce(' ' || (data->>'channels'), '') from ledger_events where kind like '%.channels\\_ordered' order by at, id";
    let told = told.replace(" order by at, id", " order by subject_kind, seq");
    assert_eq!(
        county.texts(&told).await,
        [
            r#"account.channels_ordered ["b-wecom"]"#,
            r#"account.channels_ordered ["c-dingtalk", "a-feishu", "b-wecom"]"#,
            "account.channels_ordered []",
            r#"county.channels_ordered ["c-dingtalk"]"#,
            "county.channels_ordered []",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_order_is_refused_by_its_place_in_both_languages_and_changes_nothing() {
    let (county, [feishu, wecom, _]) = county().await;
    let (lead, admin) = (county.lead(), county.client("MARKET-HEAD"));
    let (stranger, mill) = (county.stranger(), county.mill());
    // To sign in leaves an event.
    for client in [&lead, &admin, &stranger, &mill] {
        client.token().await;
    }
    puts(&lead, MINE, &[&wecom], None).await;
    let before = county.everything().await;
    let room = county.texts("select id::text from channels where code = 'room-power'").await.remove(0);
    for (client, path) in [(&lead, MINE), (&admin, POWER)] {
        let body = json!({ "channels": [feishu, feishu, room] });
        for (lang, twice) in [("zh-CN", "重复填写"), ("en", "given twice")] {
            let request = client.request(Method::PUT, path).await.header("accept-language", lang).json(&body);
            let refused = client.refused(request).await.is(422, "invalid");
            let refused =
                refused.at_field("channels[1]", "duplicate").at_field("channels[2]", "unknown_channel");
            assert!(refused.body["errors"].to_string().contains(twice), "{}", refused.body);
        }
        let request =
            client.request(Method::PUT, path).await.json(&json!({ "channels": [], "order": "own" }));
        assert!([400, 422].contains(&client.refused(request).await.status));
    }
    // Nobody else's, and not everybody's business.
    assert_eq!(stranger.get(MINE).await, json!({ "order": "county", "items": [] }));
    let request = stranger.request(Method::PUT, MINE).await.json(&json!({ "channels": [wecom] }));
    stranger.refused(request).await.is(422, "invalid").at_field("channels[0]", "unknown_channel");
    mill.may_not_get(MINE).await.is(403, "forbidden");
    lead.may_not_get(POWER).await.is(403, "forbidden");
    admin.may_not_get("/api/v1/admin/departments/NOWHERE/channels").await.is(404, "not_found");
    let request = lead.request(Method::PUT, POWER).await.json(&json!({ "channels": [] }));
    lead.refused(request).await.is(403, "forbidden");
    let now = county.everything().await;
    let differs = before.iter().zip(&now).find(|(before, now)| before != now);
    assert_eq!(differs, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_confirms_what_the_files_say_has_chosen_it_and_the_same_again_changes_nothing() {
    let (county, [_, wecom, _]) = county().await;
    let (lead, admin) = (county.lead(), county.client("MARKET-HEAD"));
    county.alter(&format!("update officer_addresses set preference = 1 where channel_id = '{wecom}'")).await;
    county
        .alter(&format!(
            "insert into department_channels (id, county_id, department_id, channel_id, preference)
            select gen_random_uuid(), d.county_id, d.id, '{wecom}', 1 from departments d where d.code = 'POWER'"
        ))
        .await;
    for _ in 0..2 {
        assert_eq!(puts(&lead, MINE, &[&wecom], None).await.0, 200);
        assert_eq!(puts(&admin, POWER, &[&wecom], None).await.0, 200);
    }
    let kept = "select count(*) from officer_addresses where channel_id is not null and chosen_at is null \
        and user_id = 'chen.dali'";
    assert_eq!(county.count(kept).await, 0);
    assert_eq!(county.count("select count(*) from department_channels where given_at is null").await, 0);
    let noted = "select count(*) from ledger_events where kind in ('account.channels_ordered', 'county.channels_ordered')";
    assert_eq!(county.count(noted).await, 2);
}
