//! Six digits could be guessed: a call's wrong codes are counted, by all replicas together, and remembered.

use futures_util::future::join_all;
use serde_json::{Value, json};
use yijiao::platform::db::Scope;

use crate::kit::{County, Spans as _, View};

async fn accepted(county: &County) -> View {
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await
}

/// The code that the enterprise shows now.
async fn right(county: &County, call: &View) -> String {
    county.mill().sees(call).await["arrivalCode"].as_str().unwrap().to_owned()
}

/// Codes that are not this one, and not the one before.
fn wrong(right: &str) -> impl Iterator<Item = Value> {
    let right: u32 = right.parse().unwrap();
    (1..).map(move |off| json!({"code": format!("{:06}", (right + off * 7_919) % 1_000_000)}))
}

const EVENTS: &str =
    "select data::text from ledger_events where kind = 'call.arrival_code_wrong' order by seq";

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_codes_and_the_right_one_waits_for_the_next_quarter() {
    let county = County::open();
    let (lead, call) = (county.lead(), accepted(&county).await);
    county.until("03-09 10:05");
    let code = right(&county, &call).await;
    for (tried, wrong) in wrong(&code).take(5).enumerate() {
        let refused = lead.may_not("arrive", &call, wrong).await.is(422, "arrival_unproven");
        assert_eq!(refused.body["triesLeft"], 4 - tried);
    }
    let refused = lead.may_not("arrive", &call, json!({"code": code})).await.is(429, "arrival_code_tries");
    assert_eq!(refused.retry_after, Some(600), "until a quarter past ten");
    lead.may_not("arrive", &call, wrong(&code).next().unwrap()).await.is(429, "arrival_code_tries");

    let events = county.texts(EVENTS).await;
    assert_eq!(events.len(), 5, "what is not judged is no try");
    for event in &events {
        let data: Value = serde_json::from_str(event).unwrap();
        assert_eq!(data.as_object().unwrap().keys().collect::<Vec<_>>(), ["most", "try"], "not the code");
    }
    assert_eq!(lead.story(&call).await.iter().filter(|kind| **kind == "call.arrival_code_wrong").count(), 5);
    assert_eq!(lead.sees(&call).await.version(), call.version(), "the call itself has not changed");

    // Other calls have counts of their own, and nothing but codes is counted.
    let other = accepted(&county).await;
    lead.may_not("arrive", &other, json!({})).await.is(422, "arrival_unproven");
    let code = right(&county, &other).await;
    lead.may_not("arrive", &other, wrong(&code).next().unwrap()).await.is(422, "arrival_unproven");
    assert_eq!(lead.does("arrive", &other, json!({"code": code})).await.state(), "arrived");

    county.until("03-09 10:15");
    let code = right(&county, &call).await;
    lead.may_not("arrive", &call, wrong(&code).next().unwrap()).await.is(422, "arrival_unproven");
    assert_eq!(lead.does("arrive", &call, json!({"code": code})).await.state(), "arrived");
}

#[tokio::test(flavor = "multi_thread")]
async fn nearness_and_the_enterprises_word_need_no_code() {
    let county = County::open();
    let near = json!({"code": "", "position": {"latitude": 34.752_987, "longitude": 109.180_321}});
    for by_enterprise in [false, true] {
        let call = accepted(&county).await;
        let code = right(&county, &call).await;
        for wrong in wrong(&code).take(5) {
            county.lead().may_not("arrive", &call, wrong).await.is(422, "arrival_unproven");
        }
        county.lead().may_not("arrive", &call, json!({"code": code})).await.is(429, "arrival_code_tries");
        let arrived = if by_enterprise {
            county.mill().does("arrive", &call, json!({})).await
        } else {
            county.lead().does("arrive", &call, near.clone()).await
        };
        assert_eq!(arrived.state(), "arrived");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_forty_tries_at_once_five_are_judged() {
    let county = County::open();
    let call = accepted(&county).await;
    let (lead, code) = (county.lead(), right(&county, &call).await);
    lead.token().await;
    let tries = wrong(&code).take(40).map(|body| lead.tries("arrive", &call, body));
    let answers = join_all(tries).await;
    let count = |code: &str| answers.iter().filter(|(_, body)| body["code"] == code).count();
    assert_eq!((count("arrival_unproven"), count("arrival_code_tries")), (5, 35));
    assert_eq!(county.texts(EVENTS).await.len(), 5);
    lead.may_not("arrive", &call, json!({"code": code})).await.is(429, "arrival_code_tries");

    // The count stands in Postgres under the county's own eyes: a server that starts now sees it.
    let mut tx = county.app.db.begin(Scope::AllCounties).await.unwrap();
    let found = yijiao::ledger::audit::verify_all(&mut tx).await.unwrap();
    tx.finish(Ok::<_, yijiao::platform::db::DbError>(())).await.unwrap();
    assert_eq!(found.broken, Vec::<String>::new());
    county.pass(15.minutes());
    assert_eq!(
        lead.does("arrive", &call, json!({"code": right(&county, &call).await})).await.state(),
        "arrived"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_sets_how_many() {
    let county = County::open();
    county.chooses(json!({"calls": {"arrival_code_tries": 1}})).await;
    let call = accepted(&county).await;
    let code = right(&county, &call).await;
    county.lead().may_not("arrive", &call, wrong(&code).next().unwrap()).await.is(422, "arrival_unproven");
    county.lead().may_not("arrive", &call, json!({"code": code})).await.is(429, "arrival_code_tries");
}
