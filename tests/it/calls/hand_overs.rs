//! From hand to hand: transfer, return and ruling, reassignment. Bouncing never stops a clock, and every hand is counted.

use serde_json::json;

use crate::kit::{County, Spans as _, View, wd};

async fn accepted(county: &County) -> View {
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.pass(5.minutes());
    county.lead().accepts(&call).await
}

fn kept(before: &View, after: &View, clocks: &[&str]) {
    for clock in clocks {
        assert_eq!(
            (before.started(clock), before.due(clock)),
            (after.started(clock), after.due(clock)),
            "{clock}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_starts_the_accept_clock_anew_and_no_other() {
    let county = County::open();
    let call = accepted(&county).await;
    county.pass(10.minutes());
    let to = json!({"officerId": county.officer_id("POWER-BACKUP").await, "reason": "在另一现场"});
    let moved = county.lead().does("transfer", &call, to.clone()).await;
    assert_eq!(
        (moved.state(), moved.holder(), moved.route()),
        ("dispatched", "吕庚寅", ("transferred", "部门内转办：在另一现场"))
    );
    assert_eq!(
        (moved.clock_states("accept"), moved.started("accept")),
        (vec!["met", "running"], county.now())
    );
    kept(&call, &moved, &["contact", "arrive", "plan", "resolve"]);
    assert_eq!(moved.matter("transfer")["reason"], "在另一现场");

    for (who, to) in [("POWER-LEFT", "left"), ("ENV-LEAD", "elsewhere"), ("POWER-BACKUP", "has it")] {
        let to = json!({"officerId": county.officer_id(who).await, "reason": to});
        county.dispatcher().may_not("transfer", &call, to).await.is(422, "unknown_officer");
    }
    let twice = county.lead().does("transfer", &call, to.clone()).await;
    assert_eq!(twice.version(), moved.version(), "a second tap");
    let anew = json!({"officerId": to["officerId"], "reason": "请假"});
    county.lead().may_not("transfer", &call, anew).await.is(403, "call_not_yours");
    county
        .head()
        .may_not(
            "transfer",
            &call,
            json!({"officerId": county.officer_id("POWER-DESK").await, "reason": " "}),
        )
        .await
        .is(422, "invalid")
        .at_field("reason", "required");
    county.sends_away("POWER-DESK").await;
    county
        .head()
        .may_not(
            "transfer",
            &call,
            json!({"officerId": county.officer_id("POWER-DESK").await, "reason": "忙"}),
        )
        .await
        .is(422, "unknown_officer");
    county.mill().may_not("transfer", &call, to).await.is(403, "call_not_yours");

    county.pass(10.minutes());
    county.backup().accepts(&call).await;
    assert_eq!(
        county.holders(&call).await,
        [("POWER-LEAD".to_owned(), 900), ("POWER-BACKUP".to_owned(), 600)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn moving_a_call_does_not_wash_away_a_broken_promise() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.pass(40.minutes());
    let to = json!({"officerId": county.officer_id("POWER-BACKUP").await, "reason": "无人接单"});
    let moved = county.dispatcher().does("transfer", &call, to).await;
    assert_eq!(moved.clock_states("accept"), ["missed", "running"], "he had it and did not answer");
    county.pass(40.minutes());
    let moved =
        county.office().does("assign", &call, json!({"departmentCode": "ENV", "reason": "督办"})).await;
    assert_eq!(moved.clock_states("accept"), ["missed", "missed", "running"]);
    assert_eq!(moved.clock_states("contact"), ["missed", "running"]);
    assert_eq!(moved.clock_states("arrive"), ["running"], "still in time when it was moved");
    let spans: i64 = county.holders(&call).await.iter().map(|(_, seconds)| seconds).sum();
    assert_eq!(spans, 80 * 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_stops_nothing_and_the_ruling_moves_the_call_with_new_first_clocks() {
    let county = County::open();
    let call = accepted(&county).await;
    let to_env = json!({"reason": "属于环保事项", "departmentCode": "ENV"});
    county
        .lead()
        .may_not("return", &call, json!({"reason": "不是我们的", "departmentCode": "POWER"}))
        .await
        .is(422, "unknown_department");
    county
        .lead()
        .may_not("return", &call, json!({"reason": "不是我们的", "departmentCode": "NOWHERE"}))
        .await
        .is(422, "unknown_department");
    county
        .lead()
        .may_not("return", &call, json!({"reason": "", "departmentCode": "ENV"}))
        .await
        .is(422, "invalid")
        .at_field("reason", "required");
    county.backup().may_not("return", &call, to_env.clone()).await.is(403, "call_not_yours");
    county
        .office()
        .may_not("ruling", &call, json!({"approve": true, "reason": "x"}))
        .await
        .is(409, "call_nothing_open");

    county.until("03-09 12:00");
    let asked = county.lead().does("return", &call, to_env.clone()).await;
    assert_eq!((asked.state(), asked.running()), ("accepted", call.running()));
    kept(&call, &asked, &["contact", "arrive", "plan", "resolve"]);
    let ruling_due = county.texts("select to_char(due_at, 'MM-DD HH24:MI') from deadlines where clock = 'return_ruling' and state = 'running'").await;
    assert_eq!(ruling_due, ["03-09 10:00"], "18:00 in China: the same day");
    county.lead().may_not("return", &call, to_env.clone()).await.is(409, "call_already_asked");
    county
        .head()
        .may_not("ruling", &call, json!({"approve": true, "reason": "x"}))
        .await
        .is(403, "call_not_yours");

    county.until("03-09 14:30");
    county
        .office()
        .may_not("ruling", &call, json!({"approve": true, "departmentCode": "POWER", "reason": "x"}))
        .await
        .is(422, "unknown_department");
    let ruled = county.office().does("ruling", &call, json!({"approve": true, "reason": "确属环保"})).await;
    assert_eq!(
        (ruled.state(), ruled.department(), ruled.holder()),
        ("dispatched", "ENV", "韩癸巳"),
        "the duty contact"
    );
    for fresh in ["accept", "contact", "arrive"] {
        assert_eq!(ruled.started(fresh), county.now(), "{fresh}");
    }
    kept(&call, &ruled, &["plan", "resolve"]);
    assert_eq!(
        county.holders(&call).await,
        [("POWER-LEAD".to_owned(), 270 * 60), ("ENV-HEAD".to_owned(), 0)]
    );
    assert_eq!(
        county.count("select count(*) from deadlines where clock = 'return_ruling' and state = 'met'").await,
        1
    );
    let waiting =
        "select o.code from notices n join officers o on o.id = n.officer_id where n.state = 'queued'";
    assert_eq!(county.texts(waiting).await, ["ENV-HEAD"], "nobody else is alarmed any more");
    county.lead().does_not_see(&call).await;
    county.backup().may_not("accept", &call, json!({})).await.is(404, "call_not_found");

    // The next department has its own two hours and its own one return; what the office keeps stays.
    county.until("03-09 16:30");
    county
        .environment_head()
        .does("return", &call, json!({"reason": "应由供电公司", "departmentCode": "POWER"}))
        .await;
    let kept_there =
        county.office().does("ruling", &call, json!({"approve": false, "reason": "环保牵头"})).await;
    assert_eq!(
        (kept_there.state(), kept_there.department(), kept_there.holder()),
        ("dispatched", "ENV", "韩癸巳")
    );
    county
        .environment_head()
        .may_not("return", &call, json!({"reason": "再次", "departmentCode": "POWER"}))
        .await
        .is(409, "call_once_only");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_asked_within_two_working_hours() {
    let county = County::open();
    county.until("03-09 11:00");
    let call = accepted(&county).await;
    // One hour before noon, the rest after two o'clock; a transfer inside the department gives no new time.
    county.until("03-09 14:30");
    county
        .lead()
        .does(
            "transfer",
            &call,
            json!({"officerId": county.officer_id("POWER-BACKUP").await, "reason": "外出"}),
        )
        .await;
    county.until("03-09 15:01");
    let order = json!({"reason": "属于环保事项", "departmentCode": "ENV"});
    county.backup().may_not("return", &call, order.clone()).await.is(409, "call_too_late");
    let other = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.pass(2.hours());
    county.dispatcher().does("return", &other, order).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asked_for_a_return_does_not_rule_on_it() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.office().does("assign", &call, json!({"departmentCode": "OFFICE", "reason": "先了解"})).await;
    county.office().accepts(&call).await;
    county.office().does("return", &call, json!({"reason": "供电的事", "departmentCode": "POWER"})).await;
    county
        .office()
        .may_not("ruling", &call, json!({"approve": true, "reason": "是"}))
        .await
        .is(403, "own_request");
    let ruled = county.office_head().does("ruling", &call, json!({"approve": true, "reason": "是"})).await;
    assert_eq!(ruled.department(), "POWER");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_office_reassigns_and_a_pending_return_lapses() {
    let county = County::open();
    let call = accepted(&county).await;
    county.lead().does("return", &call, json!({"reason": "属于环保事项", "departmentCode": "ENV"})).await;
    county.lead().does("extension", &call, json!({"workingDays": 1, "reason": "等配件"})).await;
    county.pass(10.minutes());
    let moved =
        county.office().does("assign", &call, json!({"departmentCode": "MARKET", "reason": "改派"})).await;
    assert_eq!((moved.department(), moved.matter("return")["state"].as_str()), ("MARKET", Some("refused")));
    assert_eq!(moved.matter("extension")["state"], "refused", "another head would have to judge it");
    assert_eq!(
        county
            .count("select count(*) from deadlines where clock = 'return_ruling' and stopped_at is null")
            .await,
        0
    );
    county
        .office()
        .may_not("ruling", &call, json!({"approve": true, "reason": "x"}))
        .await
        .is(409, "call_nothing_open");
    // The new department may ask for itself.
    county
        .client("MARKET-HEAD")
        .does("return", &call, json!({"reason": "不是市场监管", "departmentCode": "ENV"}))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_office_and_the_inspectorate_assign() {
    let county = County::open();
    let call = accepted(&county).await;
    let to = json!({"departmentCode": "ENV", "reason": "改派"});
    for client in [county.mill(), county.lead(), county.head(), county.dispatcher()] {
        client.may_not("assign", &call, to.clone()).await.is(403, "call_not_yours");
    }
    let office = county.office();
    office.may_not("assign", &call, json!({"departmentCode": "ENV"})).await.is(422, "invalid");
    office
        .may_not("assign", &call, json!({"departmentCode": "ENV", "reason": ""}))
        .await
        .is(422, "invalid")
        .at_field("reason", "required");
    office
        .may_not("assign", &call, json!({"itemCode": "NOTHING", "reason": "x"}))
        .await
        .is(422, "unknown_item");
    office
        .may_not("assign", &call, json!({"itemCode": "DISCHARGE", "reason": "x"}))
        .await
        .is(422, "unknown_item");
    office
        .may_not("assign", &call, json!({"departmentCode": "NOWHERE", "reason": "x"}))
        .await
        .is(422, "unknown_department");
    office
        .may_not("assign", &call, json!({"officerId": county.officer_id("POWER-LEFT").await, "reason": "x"}))
        .await
        .is(422, "unknown_officer");
    for officer in ["MARKET-HEAD", "MARKET-LEAD"] {
        county.sends_away(officer).await;
    }
    office
        .may_not("assign", &call, json!({"departmentCode": "MARKET", "reason": "x"}))
        .await
        .is(409, "nobody_reachable");

    let moved = county.inspector().does("assign", &call, to).await;
    assert_eq!((moved.state(), moved.department(), moved.route().0), ("dispatched", "ENV", "assigned"));
    assert_eq!(moved.matter("reassign")["reason"], "改派");
    kept(&call, &moved, &["plan", "resolve"]);
    let triaged = county.kiln().raises(json!({})).await;
    county
        .inspector()
        .may_not("assign", &triaged, json!({"departmentCode": "ENV", "reason": "x"}))
        .await
        .is(403, "call_not_yours");
    assert_eq!(triaged.due("triage"), wd("03-09 11:05"));
}
