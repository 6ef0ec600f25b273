//! Every due moment that somebody is shown can be explained: of what was asked beside a call, and of supervision orders too.

use serde_json::{Value, json};

use super::moves::in_hand;
use crate::kit::{Client, County, View};

/// The lines in Chinese.
async fn why(client: &Client<'_>, path: &str) -> String {
    let told = client.get(path).await;
    assert_eq!(told["lines"].as_array().unwrap().len(), told["linesEn"].as_array().unwrap().len());
    serde_json::to_string_pretty(&told["lines"]).unwrap()
}

fn path(call: &View, question: &str) -> String {
    format!("/api/v1/calls/{}/clocks/{question}", call.id())
}

fn matters(call: &View, kind: &str) -> Vec<String> {
    let all = call["matters"].as_array().unwrap().iter().filter(|matter| matter["kind"] == kind);
    all.map(|matter: &Value| matter["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_beside_a_call_is_explained_to_whom_it_is_shown() {
    let county = County::open();
    let call = in_hand(&county).await;
    let (lead, mill) = (county.lead(), county.kiln());
    lead.does("assist", &call, json!({"departmentCode": "ENV", "reason": "请核对"})).await;
    county.until("03-09 14:30");
    let asked = lead.does("assist", &call, json!({"departmentCode": "MARKET", "reason": "请核对"})).await;
    let of = matters(&asked, "assistance");
    // The latest, when several have the name; else whichever is meant.
    let latest = why(&lead, &path(&call, "assistance/explain")).await;
    assert!(latest.contains("开始：2026年3月9日（周一） 14:30:00"), "{latest}");
    assert!(latest.contains("到期：2026年3月11日（周三） 18:00:00"), "{latest}");
    let first = why(&lead, &path(&call, &format!("assistance/explain?matterId={}", of[0]))).await;
    assert!(first.contains("开始：2026年3月9日（周一） 10:00:00"), "{first}");
    assert_eq!(why(&lead, &path(&call, &format!("assistance/explain?matterId={}", of[1]))).await, latest);
    mill.may_not_get(&path(&call, "assistance/explain")).await.is(404, "not_found");

    lead.does("pause", &call, json!({"reasonCode": "litigation", "workingDays": 3, "evidence": "传票"}))
        .await;
    county.head().does("pause", &call, json!({"approve": true})).await;
    let paused = why(&mill, &path(&call, "pause/explain")).await;
    assert!(paused.contains("3月12日（周四）：第 3 个工作日"), "{paused}");
    assert!(paused.contains("到期：2026年3月12日（周四） 18:00:00"), "{paused}");

    let returned = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    lead.does("return", &returned, json!({"reason": "属于环保", "departmentCode": "ENV"})).await;
    let ruling = why(&county.office(), &path(&returned, "return_ruling/explain")).await;
    assert!(ruling.contains("时限：当日，到收到当日下班时为止"), "{ruling}");
    assert!(ruling.contains("到期：2026年3月9日（周一） 18:00:00"), "{ruling}");
    lead.may_not_get(&path(&call, "return_ruling/explain")).await.is(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_clock_of_the_name_is_explained_by_its_id() {
    let county = County::open();
    let call = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    let earlier = format!(
        "select id::text from deadlines where subject_id = '{}' and clock = 'accept' order by id",
        call.id()
    );
    let id = county.texts(&earlier).await.remove(0);
    county.until("03-09 10:05");
    county.lead().does("return", &call, json!({"reason": "属于环保", "departmentCode": "ENV"})).await;
    county.until("03-09 11:00");
    county.office().does("ruling", &call, json!({"approve": true, "reason": "确属环保"})).await;
    assert_eq!(county.texts(&earlier).await.len(), 2, "T1 began anew");
    let latest = why(&county.kiln(), &path(&call, "accept/explain")).await;
    assert!(latest.contains("开始：2026年3月9日（周一） 11:00:00"), "{latest}");
    let first = why(&county.kiln(), &path(&call, &format!("accept/explain?deadlineId={id}"))).await;
    assert!(first.contains("开始：2026年3月9日（周一） 10:00:00"), "{first}");
    let of_another = path(&call, &format!("contact/explain?deadlineId={id}"));
    county.kiln().may_not_get(&of_another).await.is(404, "not_found");
    let unknown = path(&call, "accept/explain?deadline=1");
    county.kiln().may_not_get(&unknown).await.is(422, "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_of_a_supervision_order_is_explained_to_who_may_see_it() {
    let county = County::open();
    let call = in_hand(&county).await;
    let order = county.office().orders(&call, "请说明").await;
    let path = |clock: &str| format!("/api/v1/supervision-orders/{}/clocks/{clock}/explain", order.id());
    let lines = why(&county.head(), &path("order_sign")).await;
    assert!(lines.contains("3月9日（周一） 10:00—12:00、14:00—16:00：计 4 小时，还剩 0 分"), "{lines}");
    assert!(lines.contains("到期：2026年3月9日（周一） 16:00:00"), "{lines}");
    county.head().may_not_get(&path("accept")).await.is(404, "not_found");
    county.environment_head().may_not_get(&path("order_sign")).await.is(404, "order_not_found");
}
