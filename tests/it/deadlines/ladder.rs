//! Nobody answers: the call climbs by itself, each rung once, to whoever is there, at the moments counted from the missed one.

use serde_json::json;

use crate::kit::{County, Spans as _};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_accepts_climbs_to_the_inspectorate() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-11 18:30").await;
    assert_eq!(county.rungs(&call).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_call_climbs_no_more_for_its_acceptance() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.pass(20.minutes());
    county.fires().await;
    county.lead().accepts(&call).await;
    let before = county.rungs(&call).await;
    county.runs_until("03-10 09:30").await;
    let after = county.rungs(&call).await;
    assert_eq!(after.iter().filter(|rung| rung.starts_with("accept")).count(), before.len());
}
