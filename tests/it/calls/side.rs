//! Another department helps: its own record and clock, while the lead stays responsible.

use serde_json::json;

use crate::kit::{County, Spans as _};

#[tokio::test(flavor = "multi_thread")]
async fn assistance_must_close_before_the_call_is_resolved() {
    let county = County::open();
    let (lead, helper) = (county.lead(), county.environment());
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let ask = json!({"departmentCode": "ENV", "reason": "请核对排污设备能否停机"});
    lead.may_not("assist", &call, ask.clone()).await.is(409, "call_wrong_state");
    lead.accepts(&call).await;
    helper.does_not_see(&call).await;
    lead.may_not("assist", &call, json!({"departmentCode": "POWER", "reason": "x"}))
        .await
        .is(422, "unknown_department");
    lead.may_not("assist", &call, json!({"departmentCode": "ENV"}))
        .await
        .is(422, "invalid")
        .at_field("reason", "required");
    county.head().may_not("assist", &call, ask.clone()).await.is(403, "call_not_yours");

    let asked = lead.does("assist", &call, ask.clone()).await;
    lead.may_not("assist", &call, ask).await.is(409, "call_already_asked");
    let second = lead.does("assist", &call, json!({"departmentCode": "MARKET", "reason": "请确认"})).await;
    assert_eq!((second.state(), second.holder()), ("accepted", "程己丑"), "the lead stays responsible");
    assert_eq!(
        county.count("select count(*) from deadlines where clock = 'assistance' and state = 'running'").await,
        2
    );
    lead.may_not("resolve", &call, json!({"result": "好"})).await.is(409, "call_assistance_open");
    assert!(!lead.may(&call).await.contains(&"resolve".to_owned()));

    // Those who were asked see the call, with the phone, and may close what is theirs and nothing else.
    let seen = helper.sees(&call).await;
    assert_eq!(
        (seen["contactPhone"].as_str(), seen.texts("allowed")),
        (Some("16900010001"), vec!["assist".to_owned()])
    );
    let (ours, theirs) =
        (asked.matter("assistance")["id"].clone(), second.matter("assistance")["id"].clone());
    helper
        .may_not("assist", &call, json!({"matterId": theirs, "result": "可以"}))
        .await
        .is(403, "call_not_yours");
    helper
        .may_not("assist", &call, json!({"departmentCode": "MARKET", "reason": "x"}))
        .await
        .is(403, "call_not_yours");
    helper
        .may_not("assist", &call, json!({"matterId": ours}))
        .await
        .is(422, "invalid")
        .at_field("result", "required");
    helper.may_not("resolve", &call, json!({"result": "好"})).await.is(403, "call_not_yours");
    county.pass(1.hours());
    county.environment_head().does("assist", &call, json!({"matterId": ours, "result": "可以停机"})).await;
    let late = helper
        .may_not("assist", &call, json!({"matterId": ours, "result": "可以"}))
        .await
        .is(409, "call_already_decided");
    assert_eq!((late.detail(), &late.body["decidedBy"]), ("韩癸巳已完成协助", &json!("韩癸巳")));
    lead.may_not("resolve", &call, json!({"result": "好"})).await.is(409, "call_assistance_open");
    county.stranger().does("assist", &call, json!({"matterId": theirs, "result": "已确认"})).await;

    let done = lead.resolves(&call).await;
    assert_eq!((done.state(), done.matter("assistance")["decision"].as_str()), ("resolved", Some("已确认")));
    assert_eq!(county.texts("select state from deadlines where clock = 'assistance'").await, ["met", "met"]);
    assert_eq!(county.holders(&call).await, [("POWER-LEAD".to_owned(), 3600)]);
}
