//! What climbing brings: cards for who held it, an order to the department, a draft of a hand-over; and what lets it climb sooner.

use serde_json::{Value, json};

use crate::kit::{Client, County, Spans as _, View};

/// `clock rung colour officer late-minutes`, in the order they were given.
async fn cards(county: &County, call: &View) -> Vec<String> {
    county
        .texts(&format!(
            "select clock || ' ' || rung || ' ' || colour || ' ' || o.code || ' ' || late_minutes
            from cards c join officers o on o.id = c.officer_id where call_id = '{}' order by c.id",
            call.id()
        ))
        .await
}

async fn accept_rungs(county: &County, call: &View) -> Vec<String> {
    let rungs = county.rungs(call).await;
    rungs.into_iter().filter(|rung| rung.starts_with("accept")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_missed_step_gives_its_card_once_to_who_held_it() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:46").await;
    let expected =
        ["accept 1 blue POWER-LEAD 0", "accept 2 yellow POWER-LEAD 15", "accept 3 yellow POWER-LEAD 30"];
    assert_eq!(cards(&county, &call).await, expected);
    county.backup().accepts(&call).await;
    county.runs_until("03-10 10:00").await;
    let given = cards(&county, &call).await;
    assert_eq!(
        given.iter().filter(|card| card.starts_with("accept")).count(),
        3,
        "cards stay and none is added"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_without_acceptance_orders_the_department_to_answer() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 11:16").await;
    let list = county.head().get("/api/v1/supervision-orders").await;
    let order = &list["items"][0];
    assert_eq!(
        (order["cause"]["clock"].as_str(), order["cause"]["rung"].as_i64()),
        (Some("accept"), Some(4)),
        "{order}"
    );
    let text = order["text"].as_str().unwrap();
    assert!(text.contains(call.number()) && text.contains("接单") && text.contains("3月9日 10:15"), "{text}");
    // T3 and T5 miss their fourth rung later: the one open order is enough.
    county.runs_until("03-11 18:01").await;
    let count =
        "select count(*) from supervision_orders where department_id is not null and call_id is not null";
    assert_eq!(county.count(count).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_later_the_evidence_is_frozen_and_a_hand_over_drafted_for_a_named_person() {
    let county = County::open();
    county.mill().raises(json!({"itemCode": "OUTAGE", "text": "全厂停电"})).await;
    county.runs_until("03-10 18:01").await;
    let list = county.office().get("/api/v1/hand-overs").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
    let id = list["items"][0]["id"].as_str().unwrap();
    let read = county.office().get(&format!("/api/v1/hand-overs/{id}")).await;
    assert_eq!((read["state"].as_str(), read["verified"].as_bool()), (Some("draft"), Some(true)), "{read}");
    let pack = &read["pack"];
    assert_eq!(pack["call"]["text"], "全厂停电");
    assert_eq!(pack["holders"][0]["name"], "程己丑");
    // Monday 10–12 and 14–18, Tuesday 9–12 and 14–18.
    assert_eq!(pack["holders"][0]["workingMinutes"], 13 * 60);
    let has = |list: &str, wanted: &dyn Fn(&Value) -> bool| pack[list].as_array().unwrap().iter().any(wanted);
    assert!(has("cards", &|card| card["clock"] == "accept" && card["colour"] == "red"));
    assert!(has("events", &|event| event["kind"] == "call.escalated" && event["data"]["rung"] == 5));
    assert!(!pack.to_string().contains("16900010001"), "the enterprise's phone stays out");
    // It repeats every working day, but one draft is enough.
    county.runs_until("03-12 18:01").await;
    assert_eq!(county.count("select count(*) from hand_overs").await, 1);
    assert_eq!(county.count("select count(*) from ledger_events where kind = 'hand_over.handed'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_urge_lets_the_next_step_fire_at_once_and_its_card_only_when_it_is_due() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:08").await;
    county.mill().does("urge", &call, json!({})).await;
    county.fires().await;
    let rungs = accept_rungs(&county, &call).await;
    assert_eq!(rungs, ["accept 0 POWER-LEAD @ 03-09 10:07", "accept 1 POWER-BACKUP @ 03-09 10:08"]);
    assert_eq!(cards(&county, &call).await, Vec::<String>::new(), "nothing is late yet");
    let said =
        "select distinct coalesce(params->>'card', 'none') from notices where event = 'call.escalated'";
    assert_eq!(county.texts(said).await, ["none"], "and no message speaks of a card");
    let why =
        "select distinct concat_ws(' ', params->>'liftedBy', params->>'leftMinutes', params->>'lateMinutes')
        from notices where event = 'call.escalated'";
    assert_eq!(county.texts(why).await, ["urge 7"], "why now, and how long is left");
    county.runs_until("03-09 10:31").await;
    assert_eq!(
        accept_rungs(&county, &call).await.last().unwrap(),
        "accept 2 POWER-DEPUTY yellow @ 03-09 10:30"
    );
    let given = ["accept 1 blue POWER-LEAD 0", "accept 2 yellow POWER-LEAD 15"];
    assert_eq!(cards(&county, &call).await, given);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_urge_lifts_no_higher_than_the_county_allows() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:46").await;
    county.mill().does("urge", &call, json!({})).await;
    assert_eq!(county.fires().await, 0, "the head has been told; the order comes at its own hour");
    let last = county.texts("select data::text from ledger_events where kind = 'call.urged'").await.remove(0);
    assert!(last.contains("\"liftedClock\": null"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn officials_escalate_by_hand_with_a_reason_along_the_same_ladder() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:08").await;
    let body = json!({"reason": "企业来电，产线已停"});
    for person in [county.lead(), county.backup(), county.mill()] {
        person.may_not("escalate", &call, body.clone()).await.is(403, "call_not_yours");
    }
    county.inspector().may_not("escalate", &call, json!({"reason": " "})).await.is(422, "invalid");
    for person in [county.deputy(), county.office(), county.inspector()] {
        person.does("escalate", &call, body.clone()).await;
        assert_eq!(county.fires().await, 1);
    }
    let told: Vec<String> = accept_rungs(&county, &call).await.split_off(1);
    let expected = [
        "accept 1 POWER-BACKUP @ 03-09 10:08",
        "accept 2 POWER-DEPUTY @ 03-09 10:08",
        "accept 3 POWER-HEAD @ 03-09 10:08",
    ];
    assert_eq!(told, expected);
    // To the top, but a hand-over is the clock's alone.
    for _ in ["order", "inspectorate"] {
        county.inspector().does("escalate", &call, body.clone()).await;
        county.fires().await;
    }
    let refused =
        county.inspector().may_not("escalate", &call, json!({"reason": "再催", "clock": "accept"})).await;
    refused.is(409, "nothing_to_escalate");
    assert_eq!(county.count("select count(*) from hand_overs").await, 0);
    assert_eq!(county.count("select count(*) from supervision_orders").await, 1);
    let lifted = county.texts("select data->>'reason' from ledger_events where kind = 'call.lifted'").await;
    assert_eq!(lifted, ["企业来电，产线已停"; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_office_hours_what_is_lifted_waits_for_the_morning() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await;
    county.runs_until("03-09 20:00").await;
    let before = county.rungs(&call).await.len();
    county.office().does("escalate", &call, json!({"reason": "企业夜间来电"})).await;
    assert_eq!(county.fires().await, 0);
    county.runs_until("03-10 09:00").await;
    assert!(county.rungs(&call).await.len() > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rung_with_nobody_on_it_is_recorded_and_the_next_is_told_at_once() {
    let county = County::open();
    county.sends_away("POWER-DEPUTY").await;
    county.alter("update officers set backup_id = null where code = 'POWER-DEPUTY'").await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:31").await;
    let rungs = accept_rungs(&county, &call).await;
    assert_eq!(rungs[2..], ["accept 2 - yellow @ 03-09 10:30", "accept 3 POWER-HEAD @ 03-09 10:30"]);
    let outcomes = "select rung || ' ' || outcome from firings f join deadlines d on d.id = f.deadline_id where clock = 'accept' order by f.step";
    assert_eq!(county.texts(outcomes).await, ["0 fired", "1 fired", "2 passed", "3 fired"]);
    county.pass(45.minutes());
    county.fires().await;
    let given = cards(&county, &call).await;
    assert!(given.contains(&"accept 3 yellow POWER-LEAD 30".to_owned()), "{given:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_end_at_discipline_is_not_told_to_those_concerned() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-10 18:01").await;
    assert_eq!(county.count("select count(*) from hand_overs").await, 1);
    assert!(accept_rungs(&county, &call).await.iter().all(|rung| !rung.starts_with("accept 6")));
    let outside = "select count(*) from notices n join channels c on c.id = n.channel_id
        where c.department_id is null and n.params->>'rung' = '6'";
    assert_eq!(county.count(outside).await, 0, "no system hears of it");
    let inside = "select count(*) from notices where params->>'rung' = '6' and officer_id is not null";
    assert_eq!(county.count(inside).await, 1, "the business office does");

    // Nor do the lists tell how far it went.
    let accept = async |client: &Client<'_>, path: &str| {
        let list = client.get(path).await;
        let items = list["items"].as_array().unwrap().clone();
        items.into_iter().find(|item| item["clock"] == "accept").unwrap()["rung"].as_i64().unwrap()
    };
    assert_eq!(accept(&county.lead(), "/api/v1/owed").await, 5);
    assert_eq!(accept(&county.head(), "/api/v1/owed?scope=department").await, 5);
    assert_eq!(accept(&county.dispatcher(), "/api/v1/overdue").await, 5);
    assert_eq!(accept(&county.office(), "/api/v1/overdue").await, 6);
    let filtered = county.head().get("/api/v1/overdue?rung=6").await;
    assert_eq!(filtered["items"], json!([]));
    let rungs = filtered["byRung"].as_array().unwrap();
    assert!(rungs.iter().all(|rung| rung["rung"] != 6), "{filtered}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_an_urge_let_fire_early_does_not_save_its_card() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:08").await;
    county.mill().does("urge", &call, json!({})).await;
    county.runs_until("03-09 10:29").await;
    assert_eq!(cards(&county, &call).await, Vec::<String>::new(), "nothing has fired since");
    county.lead().accepts(&call).await;
    assert_eq!(cards(&county, &call).await, ["accept 1 blue POWER-LEAD 0"], "a quarter of an hour late");

    let in_time = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.mill().does("urge", &in_time, json!({})).await;
    county.fires().await;
    county.lead().accepts(&in_time).await;
    assert_eq!(cards(&county, &in_time).await, Vec::<String>::new(), "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_for_who_held_it_when_its_moment_came_whoever_holds_it_when_it_fires() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    // Nobody fires while the office gives it to the others.
    county.until("03-09 10:40");
    county.office().does("assign", &call, json!({"departmentCode": "ENV", "reason": "请办"})).await;
    let first = ["accept 1 blue POWER-LEAD 0", "accept 2 yellow POWER-LEAD 15"];
    assert_eq!(cards(&county, &call).await, first);
    county.until("03-09 11:30");
    county.fires().await;
    let given: Vec<_> =
        cards(&county, &call).await.into_iter().filter(|card| card.contains("accept")).collect();
    assert_eq!(given[..2], first);
    assert!(given[2..].iter().all(|card| card.contains(" ENV-")) && given.len() > 3, "{given:?}");
    let departments = "select distinct o.department_id = c.department_id from cards c join officers o on o.id = c.officer_id";
    assert_eq!(county.texts(&format!("select x::text from ({departments}) y(x)")).await, ["true"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lift_goes_on_over_empty_rungs_but_to_no_order_and_to_no_hand_over() {
    let county = County::open();
    county.alter("update officers set status = 'suspended' where code in ('POWER-BACKUP', 'POWER-DEPUTY', 'POWER-HEAD', 'INSPECTOR')").await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:08").await;
    county.mill().does("urge", &call, json!({})).await;
    county.fires().await;
    assert_eq!(county.count("select count(*) from firings where outcome = 'passed'").await, 3);
    assert_eq!(county.count("select count(*) from supervision_orders").await, 0, "nothing is late yet");
    let next = "select count(*) from deadlines where clock = 'accept' and step = 4 and fires_at = '2026-03-09T11:15:00+08:00'";
    assert_eq!(county.count(next).await, 1, "the order keeps its own hour");

    // An official goes as far as he says, not further.
    county.office().does("escalate", &call, json!({"reason": "请督办"})).await;
    county.fires().await;
    county.office().does("escalate", &call, json!({"reason": "请督查"})).await;
    county.fires().await;
    assert_eq!(county.count("select count(*) from firings where rung = 5 and outcome = 'passed'").await, 1);
    assert_eq!(county.count("select count(*) from hand_overs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_told_of_a_late_clock_need_not_act_once_it_has_stopped() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await;
    county.lead().does("contacted", &call, json!({})).await;
    county.runs_until("03-09 12:01").await;
    let waiting = "select count(*) from notices where params->>'clock' = 'arrive' and officer_id is not null and not answered";
    assert!(county.count(waiting).await > 0);
    county.mill().does("arrive", &call, json!({})).await;
    assert_eq!(county.count(waiting).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_who_took_the_call_is_backed_by_whom_he_stands_in_for() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.backup().accepts(&call).await;
    county.runs_until("03-09 11:37").await;
    let rungs = county.rungs(&call).await;
    let arrive: Vec<_> = rungs.iter().filter(|rung| rung.starts_with("arrive")).collect();
    assert_eq!(arrive.last().unwrap().as_str(), "arrive 1 POWER-LEAD blue @ 03-09 11:36");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_assistance_names_who_was_asked_and_is_settled_with_it() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.lead().accepts(&call).await;
    let asked =
        county.lead().does("assist", &call, json!({"departmentCode": "ENV", "reason": "请核对"})).await;
    county.runs_until("03-12 15:01").await;
    let told = "select distinct concat_ws(' ', subject_kind, params->>'department', params->>'holder', params->>'heldMinutes') from notices
        where event = 'call.escalated' and params->>'clock' = 'assistance' and params->>'rung' = '3'";
    // Two days and two and a half hours of work since it was asked.
    let told = county.texts(told).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("side_matter 环境局 韩癸巳 "), "{told:?}");
    let waiting = "select count(*) from notices where params->>'clock' = 'assistance' and officer_id is not null and not answered";
    assert!(county.count(waiting).await > 0);
    let done = json!({"matterId": asked.matter("assistance")["id"], "result": "可以停机"});
    county.environment_head().does("assist", &call, done).await;
    assert_eq!(county.count(waiting).await, 0);
}
