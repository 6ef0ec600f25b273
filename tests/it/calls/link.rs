//! The page behind a message's link: looking changes nothing, one tap answers, and too late is no error.

use reqwest::StatusCode;
use serde_json::json;
use yijiao::calls::link::Link;
use yijiao::calls::model::CallId;
use yijiao::organisation::{CountyId, OfficerId};

use crate::kit::{County, Spans as _, View};

/// The path of the page that an officer got with his alarm.
async fn path_for(county: &County, call: &View, officer: &str) -> String {
    let id = county.texts("select id::text from counties").await.remove(0).parse().unwrap();
    let officer = county.officer_id(officer).await.parse().unwrap();
    let expires_at = county.now() + 14.days();
    let link = Link::new(CountyId(id), CallId(call.id().parse().unwrap()), OfficerId(officer), expires_at);
    link.path(&county.app.calls.link_key)
}

async fn page(county: &County, path: &str) -> String {
    let response = county.http().get(county.url(path)).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    for (header, value) in [("referrer-policy", "no-referrer"), ("cache-control", "no-store")] {
        assert_eq!(response.headers()[header], value);
    }
    response.text().await.unwrap()
}

/// A page, as a person in a browser reads it, that leads nowhere and tells nothing.
async fn gone(response: reqwest::Response) {
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let shown = response.text().await.unwrap();
    assert!(shown.contains("已不由您办理") && !shown.contains("<button"), "{shown}");
    assert!(!shown.contains("清河面粉厂"), "{shown}");
}

async fn tap(county: &County, path: &str, verb: &str) -> reqwest::Response {
    county.http().post(county.url(&format!("{path}/{verb}"))).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_changes_nothing_and_one_tap_accepts() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE", "text": "停电了"})).await;
    let sent = county.texts("select params ->> 'actPath' from notices where officer_id is not null").await;
    let path = path_for(&county, &call, "POWER-LEAD").await;
    assert_eq!(sent, std::slice::from_ref(&path), "the link of the alarm");

    let before = county.everything().await;
    let shown = page(&county, &path).await;
    for words in ["清河面粉厂", "停电了", "16900010001", "待接单", "程己丑", call.number(), "高新园区东路1号"]
    {
        assert!(shown.contains(words), "{words} is missing in\n{shown}");
    }
    assert!(shown.contains("/accept\"") && !shown.contains("/contacted\""));
    assert_eq!(county.everything().await, before);

    county.pass(2.minutes());
    let done = tap(&county, &path, "accept").await;
    assert_eq!(
        (done.status(), done.headers()["location"].to_str().unwrap()),
        (StatusCode::SEE_OTHER, path.as_str())
    );
    let seen = county.mill().sees(&call).await;
    assert_eq!((seen.state(), seen.holder()), ("accepted", "程己丑"));
    let actor = "select actor_name from ledger_events where kind = 'call.accepted'";
    assert_eq!(county.texts(actor).await, ["程己丑"]);
    assert_eq!(tap(&county, &path, "accept").await.status(), StatusCode::SEE_OTHER, "twice is once");
    assert_eq!(county.mill().sees(&call).await.version(), 2);
    let shown = page(&county, &path).await;
    assert!(!shown.contains("/accept\"") && shown.contains("/contacted\"") && shown.contains("/leave\""));
    for verb in ["contacted", "leave"] {
        assert_eq!(tap(&county, &path, verb).await.status(), StatusCode::SEE_OTHER);
    }
    assert_eq!(county.mill().story(&call).await.last().unwrap(), "call.leaving");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_second_reads_who_was_first() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let (first, second) =
        (path_for(&county, &call, "POWER-BACKUP").await, path_for(&county, &call, "POWER-LEAD").await);
    assert_eq!(tap(&county, &first, "accept").await.status(), StatusCode::SEE_OTHER);
    let late = tap(&county, &second, "accept").await;
    assert_eq!(late.status(), StatusCode::OK);
    let shown = late.text().await.unwrap();
    assert!(shown.contains("已由吕庚寅接单") && !shown.contains("/accept\""), "{shown}");
    county.mill().does("withdraw", &call, json!({})).await;
    let gone = tap(&county, &second, "accept").await.text().await.unwrap();
    assert!(gone.contains("已撤回") && !gone.contains("已由吕庚寅接单"), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_still_sees_the_call_but_may_not_act_reads_why_on_the_page() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let path = path_for(&county, &call, "POWER-LEAD").await;
    county.backup().accepts(&call).await;
    let refused = tap(&county, &path, "leave").await;
    assert_eq!(
        (refused.status(), refused.headers()["content-type"].to_str().unwrap()),
        (StatusCode::OK, "text/html; charset=utf-8")
    );
    let shown = refused.text().await.unwrap();
    assert!(shown.contains("这一步不由您操作") && shown.contains("吕庚寅"), "{shown}");
    assert_eq!(county.mill().story(&call).await.last().unwrap(), "call.accepted");
    county.alter("update accounts set status = 'disabled' where login = 'POWER-LEAD'").await;
    let closed = tap(&county, &path, "leave").await;
    assert_eq!(closed.headers()["content-type"], "text/html; charset=utf-8");
    assert!(closed.status().is_client_error());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_or_old_link_or_one_of_a_call_that_went_elsewhere_opens_nothing() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let path = path_for(&county, &call, "POWER-LEAD").await;
    let refused = async |path: &str| {
        let before = county.everything().await;
        gone(county.http().get(county.url(path)).send().await.unwrap()).await;
        gone(tap(&county, path, "accept").await).await;
        assert_eq!(county.everything().await, before);
    };
    let mut forged = path.clone().into_bytes();
    let at = forged.len() / 2;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    refused(&String::from_utf8(forged).unwrap()).await;
    refused("/a/AAAA").await;
    refused(&format!("{path}A")).await;
    for verb in ["resolve", "withdraw", "ACCEPT", "accept%00"] {
        gone(tap(&county, &path, verb).await).await;
    }
    let stranger = path_for(&county, &call, "MARKET-LEAD").await;
    refused(&stranger).await;
    county.pass(14.days());
    refused(&path).await;
    // An account that was closed acts no more.
    let fresh = path_for(&county, &call, "POWER-LEAD").await;
    county.alter("update accounts set status = 'disabled' where login = 'POWER-LEAD'").await;
    assert_eq!(county.http().get(county.url(&fresh)).send().await.unwrap().status().as_u16() / 100, 4);
    assert_eq!(tap(&county, &fresh, "accept").await.status().as_u16() / 100, 4);
    assert_eq!(county.mill().sees(&call).await.state(), "dispatched");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_enterprise_writes_stays_text() {
    let county = County::open();
    let evil = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>{{ 7*7 }}";
    let call = county
        .mill()
        .raises(json!({"itemCode": "OUTAGE", "text": evil, "place": evil, "contactName": "<b>甲</b>", "contactPhone": "0913-8123456"}))
        .await;
    let shown = page(&county, &path_for(&county, &call, "POWER-LEAD").await).await;
    for tag in ["<script", "<img", "<b>"] {
        assert!(!shown.contains(tag), "{tag} in\n{shown}");
    }
    assert!(shown.contains("&lt;script&gt;") && shown.contains("{{ 7*7 }}"));
}
