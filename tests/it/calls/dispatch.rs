//! Who is asked: the order of the rules, absence and backup, words without an item, and the clocks that start.

use serde_json::json;

use crate::kit::{County, Spans as _, wd};

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_are_asked_in_their_order() {
    let county = County::open();
    let (mill, kiln) = (county.mill(), county.kiln());
    for (enterprise, body, rule, holder, state) in [
        (&mill, json!({"itemCode": "OUTAGE"}), "item_card", "程己丑", "dispatched"),
        (&mill, json!({"itemCode": "IMPACT"}), "category_card", "朱乙未", "dispatched"),
        (&mill, json!({}), "lead_officer", "许戊戌", "dispatched"),
        (&mill, json!({"itemCode": "LICENCE"}), "lead_officer", "许戊戌", "dispatched"),
        // Without cards: the contact of the town for its area, then the department's own.
        (&kiln, json!({"itemCode": "OUTAGE"}), "item_contact", "张辛丑", "dispatched"),
        (&kiln, json!({"itemCode": "CAPACITY"}), "item_contact", "程己丑", "dispatched"),
        (&kiln, json!({}), "triage", "曾乙酉", "triage"),
    ] {
        let call = enterprise.raises(body.clone()).await;
        assert_eq!((call.route().0, call.holder(), call.state()), (rule, holder, state), "{body}");
        assert!(call.route().1.contains(holder), "{:?}", call.route());
    }
    let body = mill.raises(json!({"urgency": "normal"})).await;
    assert_eq!(body["title"], "一键呼叫（请联系企业了解诉求）");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_or_suspended_or_departed_lead_is_replaced_at_once() {
    let county = County::open();
    let (mill, kiln) = (county.mill(), county.kiln());
    county.sends_away("POWER-LEAD").await;
    let call = mill.raises(json!({"itemCode": "OUTAGE"})).await;
    assert_eq!(call.holder(), "吕庚寅");
    assert_eq!(
        call.route(),
        ("item_card", "按联系服务卡（事项）应由程己丑负责，其不在岗，由B角吕庚寅代为负责")
    );

    county.alter("update officers set status = 'suspended' where code = 'ENV-BACKUP'").await;
    assert_eq!(mill.raises(json!({"itemCode": "IMPACT"})).await.holder(), "杨甲午");

    // Card dead altogether: the next rule answers, and the reason says why it was passed.
    county.alter("update officers set status = 'left' where code in ('PARK-LEAD', 'PARK-BACKUP')").await;
    let call = mill.raises(json!({"itemCode": "LICENCE"})).await;
    assert_eq!((call.route().0, call.holder()), ("item_contact", "尤丁酉"));
    assert!(call.route().1.contains("企业首接联系人许戊戌不在岗且无人可替"), "{:?}", call.route());

    county.sends_away("MARKET-LEAD").await;
    let call = kiln.raises(json!({"itemCode": "LICENCE"})).await;
    assert_eq!((call.route().0, call.holder()), ("duty_contact", "秦丙申"));

    county.sends_away("MARKET-HEAD").await;
    let call = kiln.raises(json!({"itemCode": "LICENCE"})).await;
    assert_eq!((call.route().0, call.state(), call.department()), ("triage", "triage", "OFFICE"));
    assert!(call.route().1.contains("尤丁酉") && call.route().1.contains("秦丙申"), "{:?}", call.route());

    // Nobody at the business office either: somebody of it is responsible all the same.
    county.alter("insert into absences (id, county_id, officer_id, starts_at, ends_at)
        select gen_random_uuid(), county_id, id, '2026-01-02', '2027-01-01' from officers where code like 'OFFICE-%'").await;
    let call = kiln.raises(json!({"itemCode": "LICENCE"})).await;
    assert_eq!((call.state(), call.holder()), ("triage", "曾乙酉"));
    assert_eq!(county.count("select count(*) from calls c where not exists (select from holder_spans s where s.call_id = c.id)").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_go_to_their_item_when_clear_and_to_a_person_when_not() {
    let county = County::open();
    let (kiln, office) = (county.kiln(), county.office());
    let clear = kiln.raises(json!({"text": "厂里突然没电了"})).await;
    assert_eq!((clear["itemCode"].as_str(), clear.route().0), (Some("OUTAGE"), "item_contact"));
    assert_eq!(
        (clear["title"].as_str(), clear["suggestions"].as_array().unwrap().len()),
        (Some("厂里突然没电了"), 0)
    );

    let unclear = county.mill().raises(json!({"text": "有个事想问一下你们"})).await;
    assert_eq!(
        (unclear.state(), unclear.route().0, unclear["itemCode"].as_str()),
        ("triage", "triage", None)
    );
    assert!(
        unclear.route().1.starts_with("诉求内容未能明确对应到事项"),
        "even with a card for the empty tap"
    );
    for suggested in unclear["suggestions"].as_array().unwrap() {
        assert!(
            suggested["itemCode"].is_string()
                && suggested["name"].is_string()
                && suggested["score"].is_number()
        );
    }
    assert_eq!(unclear.running(), ["resolve", "triage"]);

    // An item that was chosen is believed, whatever the words.
    let chosen = kiln.raises(json!({"text": "厂里突然没电了", "itemCode": "LICENCE"})).await;
    assert_eq!(chosen["itemCode"], "LICENCE");

    county.pass(20.minutes());
    let assigned = office.does("assign", &unclear, json!({"itemCode": "IMPACT", "reason": "问环评"})).await;
    assert_eq!(
        (assigned.state(), assigned.department(), assigned.route().0),
        ("dispatched", "ENV", "assigned")
    );
    assert_eq!(assigned.clock("triage")["state"], "met");
    assert_eq!(assigned.running(), ["accept", "arrive", "contact", "plan", "resolve"]);
    for started_now in ["accept", "contact", "arrive", "plan"] {
        assert_eq!(assigned.started(started_now), county.now(), "{started_now}");
    }
    // T5 keeps its start and takes the item's limit: ten working days.
    assert_eq!(
        (assigned.started("resolve"), assigned.due("resolve")),
        (unclear.started("resolve"), wd("03-23 18:00"))
    );
    assert_eq!(assigned["title"], "有个事想问一下你们");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_come_from_urgency_and_item() {
    let county = County::open();
    let mill = county.mill();
    let due = async |body| {
        let call = mill.raises(body).await;
        ["accept", "contact", "arrive", "plan", "resolve"].map(|clock| call.due(clock))
    };
    // Without an item: the county's own.
    let (normal, urgent) = (due(json!({})).await, due(json!({"urgency": "urgent"})).await);
    assert_eq!(normal, ["03-09 10:15", "03-09 11:00", "03-09 16:00", "03-10 18:00", "03-16 18:00"].map(wd));
    assert_eq!(urgent, ["03-09 10:15", "03-09 10:30", "03-09 12:00", "03-10 18:00", "03-16 18:00"].map(wd));
    // With an item: its limits, the stricter when urgent; T5 always the item's.
    let capacity = due(json!({"itemCode": "CAPACITY"})).await;
    assert_eq!(capacity, ["03-09 10:30", "03-09 11:00", "03-09 16:00", "03-10 18:00", "03-16 18:00"].map(wd));
    let outage = due(json!({"itemCode": "OUTAGE", "urgency": "urgent"})).await;
    assert_eq!(outage, ["03-09 10:15", "03-09 10:30", "03-09 12:00", "03-10 18:00", "03-10 18:00"].map(wd));
    // Critical runs round the clock, the others in working time.
    county.until("03-13 17:50");
    let critical = due(json!({"urgency": "critical"})).await;
    assert_eq!(critical, ["03-13 17:55", "03-13 18:05", "03-13 18:50", "03-13 21:50", "03-20 18:00"].map(wd));
    let friday = due(json!({})).await;
    assert_eq!(friday, ["03-16 09:05", "03-16 09:50", "03-16 14:50", "03-16 18:00", "03-20 18:00"].map(wd));

    let call = mill.raises(json!({"urgency": "normal"})).await;
    let why = mill.get(&format!("/api/v1/calls/{}/clocks/accept/explain", call.id())).await;
    assert_eq!(why["clock"]["dueAt"], "2026-03-16T09:05:00+08:00");
    assert!(why["lines"].as_array().unwrap().len() >= 3, "{why}");
    mill.may_not_get(&format!("/api/v1/calls/{}/clocks/lunch/explain", call.id())).await.is(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreed_hour_stands_for_accept_contact_and_arrive() {
    let county = County::open();
    let (mill, office) = (county.mill(), county.office());
    let hour = json!({"itemCode": "OUTAGE", "appointmentAt": "2026-03-11T15:00:00+08:00", "visit": false});
    let call = mill.raises(hour).await;
    assert_eq!((call.running(), &call["visit"]), (vec!["appointment", "plan", "resolve"], &json!(true)));
    assert_eq!(call.due("appointment"), wd("03-11 15:15"));
    // Moving it to somebody else before the hour brings back none of them.
    let moved = county
        .dispatcher()
        .does(
            "transfer",
            &call,
            json!({"officerId": county.officer_id("POWER-BACKUP").await, "reason": "外出"}),
        )
        .await;
    assert_eq!(moved.running(), ["appointment", "plan", "resolve"]);
    county.backup().accepts(&call).await;
    county.until("03-11 14:50");
    let arrived =
        county.backup().does("arrive", &call, json!({"code": mill.sees(&call).await["arrivalCode"]})).await;
    assert_eq!(arrived.clock("appointment")["state"], "met");

    let unclear = mill
        .raises(json!({"text": "有个事想问一下你们", "appointmentAt": "2026-03-12T10:00:00+08:00"}))
        .await;
    assert_eq!(unclear.running(), ["appointment", "resolve", "triage"]);
    let assigned = office.does("assign", &unclear, json!({"departmentCode": "ENV", "reason": "环保"})).await;
    assert_eq!(assigned.running(), ["appointment", "plan", "resolve"]);
    // Missed: whoever gets it now has the usual clocks again.
    county.until("03-12 11:00");
    let late = office.does("assign", &unclear, json!({"departmentCode": "POWER", "reason": "用电"})).await;
    assert_eq!(late.clock("appointment")["state"], "missed");
    assert_eq!(late.started("accept"), county.now());
}

#[tokio::test(flavor = "multi_thread")]
async fn officials_record_what_reaches_them_by_phone_and_can_follow_it() {
    let county = County::open();
    let kiln_id = county.texts("select id::text from enterprises where code = 'KILN'").await.remove(0);
    let body =
        json!({"enterpriseId": kiln_id, "entrance": "phone", "itemCode": "IMPACT", "text": "电话反映"});
    let call = county.dispatcher().raises(body.clone()).await;
    assert_eq!(
        (call["entrance"].as_str(), call["enterprise"]["name"].as_str()),
        (Some("phone"), Some("清河砖瓦有限公司"))
    );
    assert_eq!((call.department(), county.kiln().sees(&call).await.state()), ("ENV", "dispatched"));
    let followed = county.dispatcher().sees(&call).await;
    assert_eq!(
        (followed["contactPhone"].as_str(), followed.texts("allowed").len()),
        (Some("169****0002"), 0)
    );
    county.dispatcher().may_not("accept", &call, json!({})).await.is(403, "call_not_yours");
    county
        .stranger()
        .may_not_raise(body.clone())
        .await
        .is(422, "invalid")
        .at_field("entrance", "not_allowed");
    county.mill().may_not_raise(body).await.is(422, "invalid").at_field("entrance", "not_allowed");
    county
        .office()
        .may_not_raise(json!({"entrance": "visit"}))
        .await
        .is(422, "invalid")
        .at_field("enterpriseId", "required");
    county.office().may_not_raise(json!({})).await.is(403, "no_enterprise");
    county.mill().may_not_raise(json!({"enterpriseId": kiln_id})).await.is(422, "unknown_enterprise");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_several_enterprises_says_which() {
    let county = County::open();
    county.alter("insert into members (id, county_id, enterprise_id, account_id, standing, joined_at)
        select gen_random_uuid(), a.county_id, e.id, a.id, 'member', now() from accounts a, enterprises e where a.login = 'MILL' and e.code = 'KILN'").await;
    let mill = county.mill();
    mill.may_not_raise(json!({})).await.is(422, "enterprise_required");
    let kiln_id = county.texts("select id::text from enterprises where code = 'KILN'").await.remove(0);
    let call = mill.raises(json!({"enterpriseId": kiln_id, "itemCode": "IMPACT"})).await;
    assert_eq!(call["enterprise"]["name"], "清河砖瓦有限公司");
    assert_eq!(county.kiln().sees(&call).await.id(), call.id());
    // Who left an enterprise no longer sees its calls, nor raises any.
    county.alter("update members set left_at = now() where standing = 'member'").await;
    mill.does_not_see(&call).await;
    assert_eq!(mill.raises(json!({})).await["enterprise"]["name"], "清河面粉厂");
}
