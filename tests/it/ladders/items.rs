//! A clock climbs to its end by the ladder of the item that its call had when it started, whatever item the call gets meanwhile.

use serde_json::{Value, json};

use super::step;
use crate::kit::{County, View};

/// What an item of the county has of its own: three steps, none before the due moment.
fn own_ladder() -> Value {
    let steps = [step(1, "due", "head"), step(3, "+4wh", "deputy"), step(4, "+1wd", "business_office")];
    json!({"ladder": {"items": {"CAPACITY": {"resolve": steps}}}})
}

async fn resolve_rungs(county: &County, call: &View) -> Vec<String> {
    let rungs = county.rungs(call).await;
    rungs.iter().filter_map(|rung| rung.strip_prefix("resolve ").map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rung_is_lost_when_the_call_gets_an_item_with_a_shorter_ladder() {
    let county = County::open();
    county.chooses(own_ladder()).await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await;
    county.runs_until("03-10 16:00").await;
    let change = json!({"itemCode": "CAPACITY", "reason": "实为增容"});
    county.office().does("assign", &call, change).await;
    county.runs_until("03-11 18:01").await;
    let expected = [
        "0 POWER-LEAD @ 03-10 09:30",
        "0 POWER-LEAD @ 03-10 15:24",
        "1 POWER-BACKUP blue @ 03-10 15:24",
        "2 POWER-DEPUTY yellow @ 03-10 18:00",
        "3 POWER-HEAD yellow @ 03-11 15:00",
        "4 OFFICE-DESK red @ 03-11 18:00",
    ];
    assert_eq!(resolve_rungs(&county, &call).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rung_is_told_anew_when_the_call_gets_an_item_with_a_longer_ladder() {
    let county = County::open();
    county.chooses(own_ladder()).await;
    let call = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    county.lead().accepts(&call).await;
    county.runs_until("03-16 18:01").await;
    let change = json!({"itemCode": "OUTAGE", "reason": "实为故障"});
    county.office().does("assign", &call, change).await;
    county.runs_until("03-17 18:01").await;
    let expected =
        ["1 POWER-HEAD @ 03-16 18:00", "3 POWER-DEPUTY @ 03-17 15:00", "4 OFFICE-DESK @ 03-17 18:00"];
    assert_eq!(resolve_rungs(&county, &call).await, expected);
}
