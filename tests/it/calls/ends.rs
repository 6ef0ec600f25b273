//! Refuse, withdraw, merge and urge: the other ends of a call, and what an enterprise may do while it waits.

use serde_json::json;

use crate::kit::{County, Spans as _, wd};

/// Nothing of a call that has ended runs, is asked, or is held.
async fn nothing_is_left(county: &County) {
    for left in [
        "select count(*) from deadlines where state in ('running', 'paused')",
        "select count(*) from side_matters where state in ('asked', 'approved')",
        "select count(*) from holder_spans where ends_at is null",
        "select count(*) from notices where officer_id is not null and state in ('queued', 'held', 'retry')",
    ] {
        assert_eq!(county.count(left).await, 0, "{left}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_office_refuses_for_a_listed_reason_and_says_how_to_object() {
    let county = County::open();
    let call = county.kiln().raises(json!({"text": "有个事想问一下你们"})).await;
    assert_eq!(call.state(), "triage");
    let wrong = county
        .office()
        .may_not("refuse", &call, json!({"reasonCode": "busy"}))
        .await
        .is(422, "unknown_reason");
    assert_eq!(wrong.body["reasons"].as_array().unwrap().len(), 5);
    county
        .kiln()
        .may_not("refuse", &call, json!({"reasonCode": "no_content"}))
        .await
        .is(403, "call_not_yours");
    county
        .inspector()
        .may_not("refuse", &call, json!({"reasonCode": "no_content"}))
        .await
        .is(403, "call_not_yours");
    let refused = county
        .office()
        .does("refuse", &call, json!({"reasonCode": "no_content", "text": "电话无人接听"}))
        .await;
    assert_eq!(refused.state(), "refused");
    let told = county.kiln().sees(&call).await;
    let outcome = told["outcome"].as_str().unwrap();
    assert!(
        outcome.starts_with("没有可以办理的具体内容：电话无人接听") && outcome.contains("如有异议"),
        "{outcome}"
    );
    assert_eq!(told.texts("allowed").len(), 0);
    nothing_is_left(&county).await;

    let dispatched = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county
        .office()
        .may_not("refuse", &dispatched, json!({"reasonCode": "no_content"}))
        .await
        .is(409, "call_wrong_state");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_enterprise_withdraws_until_somebody_has_come_and_everything_asked_lapses() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await;
    county.lead().does("return", &call, json!({"reason": "属于环保", "departmentCode": "ENV"})).await;
    county.lead().does("assist", &call, json!({"departmentCode": "MARKET", "reason": "请协助"})).await;
    county.lead().does("extension", &call, json!({"workingDays": 1, "reason": "等料"})).await;
    county
        .lead()
        .does("pause", &call, json!({"reasonCode": "force_majeure", "workingDays": 1, "evidence": "暴雨"}))
        .await;
    county.head().does("pause", &call, json!({"approve": true})).await;
    county.pass(30.minutes());
    county.lead().may_not("withdraw", &call, json!({})).await.is(403, "call_not_yours");
    let gone = county.mill().does("withdraw", &call, json!({"reason": "已恢复"})).await;
    assert_eq!((gone.state(), gone["endedAt"].as_str()), ("withdrawn", Some("2026-03-09T10:30:00+08:00")));
    nothing_is_left(&county).await;
    let again = county.mill().does("withdraw", &call, json!({})).await;
    assert_eq!(again.version(), gone.version(), "a second tap changes nothing");
    let late = county.lead().may_not("accept", &call, json!({})).await.is(409, "call_wrong_state");
    assert_eq!((late.body["state"].as_str(), late.detail()), (Some("withdrawn"), "诉求目前为“已撤回”"));
    let lapsed =
        county.mill().story(&call).await.iter().filter(|kind| *kind == "call.request_lapsed").count();
    assert_eq!(lapsed, 4);

    let arrived = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&arrived).await;
    county.mill().does("arrive", &arrived, json!({})).await;
    county.mill().may_not("withdraw", &arrived, json!({})).await.is(409, "call_wrong_state");
    let triaged = county.kiln().raises(json!({})).await;
    assert_eq!(county.kiln().does("withdraw", &triaged, json!({})).await.state(), "withdrawn");
}

#[tokio::test(flavor = "multi_thread")]
async fn resolving_ends_what_was_still_asked() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await;
    county.lead().does("return", &call, json!({"reason": "属于环保", "departmentCode": "ENV"})).await;
    county.lead().does("extension", &call, json!({"workingDays": 1, "reason": "等料"})).await;
    let resolved = county.lead().resolves(&call).await;
    assert_eq!(
        (resolved.matter("return")["state"].as_str(), resolved.matter("extension")["state"].as_str()),
        (Some("refused"), Some("refused"))
    );
    county
        .office()
        .may_not("ruling", &call, json!({"approve": true, "reason": "x"}))
        .await
        .is(409, "call_wrong_state");
    assert_eq!(
        county
            .count("select count(*) from deadlines where clock = 'return_ruling' and stopped_at is null")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enterprise_merges_a_second_tap_into_the_first() {
    let county = County::open();
    let (mill, office) = (county.mill(), county.office());
    let elder = mill.raises(json!({"itemCode": "OUTAGE"})).await;
    county.pass(1.minutes());
    let younger = mill.raises(json!({"itemCode": "OUTAGE", "text": "还没来电"})).await;
    let another = mill.raises(json!({"itemCode": "CAPACITY"})).await;
    let foreign = county.kiln().raises(json!({"itemCode": "OUTAGE"})).await;
    for (call, into) in [(&elder, &younger), (&younger, &another), (&younger, &foreign), (&younger, &younger)]
    {
        mill.may_not("merge", call, json!({"into": into.id()})).await.is(422, "not_mergeable");
    }
    mill.may_not("merge", &younger, json!({})).await.is(422, "not_mergeable");
    mill.may_not("merge", &younger, json!({"approve": true})).await.is(409, "call_nothing_open");

    // The office proposes, the enterprise agrees.
    office.does("merge", &younger, json!({"into": elder.id(), "reason": "同一事"})).await;
    office.may_not("merge", &younger, json!({"into": elder.id()})).await.is(409, "call_already_asked");
    office.may_not("merge", &younger, json!({"approve": true})).await.is(409, "call_already_asked");
    mill.does("merge", &younger, json!({"approve": false})).await;
    office.does("merge", &younger, json!({"into": elder.id()})).await;
    county.pass(1.minutes());
    let merged = mill.does("merge", &younger, json!({"approve": true})).await;
    assert_eq!((merged.state(), &merged["mergedInto"]), ("merged", &elder["id"]));
    assert_eq!(merged.running().len(), 0);
    assert_eq!(county.count("select count(*) from side_matters where state = 'asked'").await, 0);
    let after = mill.sees(&elder).await;
    assert_eq!(
        (after.clocks_of_time(), after.version()),
        (elder.clocks_of_time(), 1),
        "the elder's clocks stay"
    );
    assert_eq!(mill.story(&elder).await.last().unwrap(), "call.took_over");
    let told = "select params ->> 'holder' || ' ' || priority || ' ' || (params ->> 'note') from notices \
        where event = 'call.took_over' and officer_id is null";
    let told = county.texts(told).await;
    assert!(!told.is_empty() && told.iter().all(|line| line == "程己丑 normal 还没来电"), "{told:?}");

    let third = mill.raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&third).await;
    mill.may_not("merge", &third, json!({"into": elder.id()})).await.is(409, "call_wrong_state");
    let fourth = mill.raises(json!({"itemCode": "OUTAGE"})).await;
    mill.may_not("merge", &fourth, json!({"into": younger.id()})).await.is(422, "not_mergeable");
    let spoilt = format!("{}{}", &elder.number()[..8], (elder.number()[8..].parse::<u8>().unwrap() + 1) % 10);
    mill.may_not("merge", &fourth, json!({"into": spoilt}))
        .await
        .is(422, "invalid")
        .at_field("into", "bad_number");
    let by_number = json!({"into": elder.number()});
    assert_eq!(mill.does("merge", &fourth, by_number).await.state(), "merged");
}

#[tokio::test(flavor = "multi_thread")]
async fn urging_is_counted_and_bounded() {
    let county = County::open();
    let mill = county.mill();
    let call = mill.raises(json!({"itemCode": "CAPACITY"})).await;
    mill.does("urge", &call, json!({"text": "急用"})).await;
    county.pass(4.minutes());
    let soon = mill.may_not("urge", &call, json!({})).await.is(429, "call_urged_too_often");
    assert_eq!(soon.retry_after, Some(360));
    for _ in 0..2 {
        county.pass(10.minutes());
        mill.does("urge", &call, json!({})).await;
    }
    county.pass(30.minutes());
    let most = mill.may_not("urge", &call, json!({})).await.is(429, "call_urged_too_often");
    assert!(most.detail().contains("每天最多催办 3 次"));
    // Another day in China, though not yet in London.
    county.until("03-10 00:01");
    mill.does("urge", &call, json!({})).await;
    let alarms = "select count(*) from notices where event = 'call.urged' and officer_id is not null";
    assert!(county.count(alarms).await >= 4);
    county.park().accepts(&call).await;
    county.park().may_not("urge", &call, json!({})).await.is(403, "call_not_yours");
    county.park().resolves(&call).await;
    mill.may_not("urge", &call, json!({})).await.is(409, "call_wrong_state");
    assert!(county.now() > wd("03-10 00:00"));
}
