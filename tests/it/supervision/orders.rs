//! The supervision order from the ordering to the verdict, as its people live it.

use reqwest::Method;
use serde_json::{Value, json};

use super::stage::{ORDERS, all_is_well, begin, commit, department, ladder_orders, told};
use crate::kit::{County, Spans as _, wd};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_signed_for_answered_sent_back_and_closed_by_somebody_outside() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE", "text": "全厂停电"})).await;
    let office = county.office();
    let order = office.orders(&call, "企业两次催办无人到场，请说明").await;
    assert_eq!((order.state(), order.department()), ("issued", "POWER"));
    let number = order["number"].as_str().unwrap();
    assert!(number.starts_with("2026-") && number.len() == 11, "{number}");
    assert_eq!(order["issuedBy"], "曾乙酉");
    assert_eq!(
        (order["cause"].clone(), order["call"]["number"].as_str()),
        (Value::Null, Some(call.number()))
    );
    // Four working hours, with noon between.
    assert_eq!((order.running(), order.due("order_sign")), (vec!["order_sign"], wd("03-09 16:00")));
    assert_eq!(order.texts("allowed"), Vec::<String>::new());
    assert_eq!(told(&county, order.id()).await, ["order.issued room-power POWER-HEAD"]);

    let (head, deputy, lead) = (county.head(), county.deputy(), county.lead());
    assert_eq!(head.looks_at(&format!("{ORDERS}/{}", order.id())).await.texts("allowed"), ["sign"]);
    assert_eq!(
        lead.looks_at(&format!("{ORDERS}/{}", order.id())).await.texts("allowed"),
        Vec::<String>::new()
    );
    lead.may_not_take("sign", &order, json!({})).await.is(403, "order_not_yours");
    office.may_not_take("sign", &order, json!({})).await.is(403, "order_not_yours");
    county.environment_head().may_not_take("sign", &order, json!({})).await.is(404, "order_not_found");
    head.may_not_take("reply", &order, json!({"text": "马上"})).await.is(409, "order_wrong_state");

    county.until("03-09 11:00");
    let signed = deputy.takes("sign", &order, json!({})).await;
    assert_eq!((signed.state(), signed["signedBy"].as_str()), ("signed", Some("萧戊子")));
    assert_eq!(signed.clock("order_sign")["state"], "met");
    assert_eq!(signed.due("order_reply"), wd("03-10 18:00"));
    assert_eq!(deputy.takes("sign", &order, json!({})).await.version(), signed.version(), "a second tap");
    head.may_not_take("sign", &order, json!({})).await.is(409, "order_wrong_state");
    let alarm =
        format!("select state from notices where subject_id = '{}' and event = 'order.issued'", order.id());
    assert_eq!(county.texts(&alarm).await, ["superseded"], "what was asked is done");

    head.may_not_take("reply", &order, json!({"text": " "}))
        .await
        .is(422, "invalid")
        .at_field("text", "required");
    let stale = json!({"text": "已安排", "expectedVersion": 1});
    head.may_not_take("reply", &order, stale).await.is(409, "stale_version");
    county.until("03-10 09:30");
    let replied = head.takes("reply", &order, json!({"text": "已安排抢修"})).await;
    assert_eq!((replied.state(), replied.due("order_close")), ("replied", wd("03-13 18:00")));
    head.may_not_take("close", &order, json!({"verdict": "好"})).await.is(403, "order_not_yours");

    office.may_not_take("send-back", &order, json!({"reason": ""})).await.at_field("reason", "required");
    let back = office.takes("send-back", &order, json!({"reason": "没有说明超时原因"})).await;
    assert_eq!((back.state(), back["reply"].clone()), ("signed", Value::Null));
    assert_eq!(back["sentBackReason"], "没有说明超时原因");
    assert_eq!(back.due("order_reply"), wd("03-11 18:00"));
    county.pass(2.hours());
    head.takes("reply", &order, json!({"text": "值班员脱岗，已问责；抢修今日完成"})).await;
    let closed = county.inspector().takes("close", &order, json!({"verdict": "答复属实"})).await;
    assert_eq!((closed.state(), closed.running()), ("closed", vec![]));
    assert_eq!((closed["closedBy"].as_str(), closed["verdict"].as_str()), (Some("程丙戌"), Some("答复属实")));
    assert_eq!(closed.clock_states("order_reply"), ["met", "met"]);
    office.may_not_take("send-back", &order, json!({"reason": "晚了"})).await.is(409, "order_wrong_state");

    let events = head.events(&format!("{ORDERS}/{}", order.id())).await;
    let kinds =
        ["issued", "signed", "replied", "sent_back", "replied", "closed"].map(|it| format!("order.{it}"));
    assert_eq!(events, kinds);
    assert_eq!(
        told(&county, order.id()).await,
        [
            "order.issued room-power POWER-HEAD",
            "order.signed room-office",
            "order.replied room-office",
            "order.sent_back room-power POWER-HEAD",
            "order.replied room-office",
            "order.closed room-power",
        ]
    );
    all_is_well(&county).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_supervises_orders_and_never_his_own_unit() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let (office, inspector) = (county.office(), county.inspector());
    for person in [county.lead(), county.head(), county.mill()] {
        person.may_not_post(ORDERS, json!({"callId": call.id(), "text": "快"})).await.is(403, "forbidden");
    }
    let missing = office.may_not_post(ORDERS, json!({"text": "快"})).await;
    missing.is(422, "invalid").at_field("departmentCode", "required");
    let unknown = office.may_not_post(ORDERS, json!({"departmentCode": "NOWHERE", "text": "快"})).await;
    unknown.is(422, "invalid").at_field("departmentCode", "unknown");
    let nobody = "01920000-0000-7000-8000-000000000000";
    let unknown = office.may_not_post(ORDERS, json!({"callId": nobody, "text": "快"})).await;
    unknown.is(422, "invalid").at_field("callId", "unknown");
    let wordless = office.may_not_post(ORDERS, json!({"departmentCode": "ENV", "text": ""})).await;
    wordless.is(422, "invalid").at_field("text", "required");
    let own = office.may_not_post(ORDERS, json!({"departmentCode": "OFFICE", "text": "快"})).await;
    own.is(403, "order_own_unit");

    // The inspectorate orders the business office itself; the office does not close what it was ordered.
    let order =
        inspector.posts(ORDERS, json!({"departmentCode": "OFFICE", "text": "三件诉求超时未分派"}), 201).await;
    assert_eq!((order["call"].clone(), order.department()), (Value::Null, "OFFICE"));
    let office_head = county.office_head();
    office_head.takes("sign", &order, json!({})).await;
    office_head.takes("reply", &order, json!({"text": "已全部分派"})).await;
    office_head.may_not_take("close", &order, json!({"verdict": "好"})).await.is(403, "order_own_unit");
    inspector.takes("close", &order, json!({"verdict": "属实"})).await;

    // Another department than the one responsible can be ordered for a call, and each once.
    let to_env = json!({"callId": call.id(), "departmentCode": "ENV", "text": "请配合"});
    let env = office.posts(ORDERS, to_env.clone(), 201).await;
    office.orders(&call, "请说明").await;
    let again = inspector.may_not_post(ORDERS, to_env).await.is(409, "order_open_already");
    assert_eq!(again.body["orderId"], env.id());
    all_is_well(&county).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_is_the_same_order() {
    let county = County::open();
    let office = county.office();
    let send = async |text: &str| {
        let body = json!({"departmentCode": "ENV", "text": text});
        let request =
            office.request(Method::POST, ORDERS).await.header("idempotency-key", "order-1").json(&body);
        let response = request.send().await.unwrap();
        let replayed = response.headers().contains_key("idempotency-replayed");
        (response.status().as_u16(), replayed, response.json::<Value>().await.unwrap())
    };
    office.token().await;
    let (one, other) = tokio::join!(send("请说明"), send("请说明"));
    assert_eq!((one.0, other.0), (201, 201), "{one:?} {other:?}");
    assert_eq!(one.2["id"], other.2["id"]);
    assert!(one.1 != other.1, "one of them made it");
    let (status, _, body) = send("另一件").await;
    assert_eq!((status, body["code"].as_str()), (422, Some("idempotency_key_reused")));
    assert_eq!(county.count("select count(*) from supervision_orders").await, 1);
    assert_eq!(county.count("select count(*) from deadlines where clock = 'order_sign'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ladder_orders_once_for_a_call_and_a_department_whoever_is_at_it() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let (mut one, clear) = begin(&county).await;
    let (mut other, _) = begin(&county).await;
    let first = ladder_orders(&county, &mut one, clear, &call).await;
    assert!(first.is_some());
    let second = async {
        let second = ladder_orders(&county, &mut other, clear, &call).await;
        commit(other).await;
        second
    };
    // The second waits for the first and finds its order.
    let ((), second) = tokio::join!(commit(one), second);
    assert_eq!(second, None);
    let path = format!("{ORDERS}/{}", first.unwrap());
    let order = county.head().looks_at(&path).await;
    assert_eq!((order["issuedBy"].clone(), order["cause"]["clock"].as_str()), (Value::Null, Some("accept")));
    assert_eq!(order["cause"]["rung"], 4);
    let by =
        format!("select actor_kind || ' ' || kind from ledger_events where subject_id = '{}'", order.id());
    assert_eq!(county.texts(&by).await, ["clock order.issued"]);

    // A closed one does not stand in the way of the next.
    county.head().takes("sign", &order, json!({})).await;
    county.head().takes("reply", &order, json!({"text": "已到场"})).await;
    assert_eq!(told(&county, order.id()).await.last().unwrap(), "order.replied room-office");
    county.office().takes("close", &order, json!({"verdict": "好"})).await;
    let (mut tx, clear) = begin(&county).await;
    assert!(ladder_orders(&county, &mut tx, clear, &call).await.is_some());
    commit(tx).await;
    assert_eq!(department(&county, "POWER").await.to_string(), order["department"]["id"].as_str().unwrap());
    all_is_well(&county).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_steps_at_once_the_second_meets_what_the_first_made() {
    let county = County::open();
    let order =
        county.office().posts(ORDERS, json!({"departmentCode": "POWER", "text": "请说明"}), 201).await;
    let (head, deputy) = (county.head(), county.deputy());
    head.token().await;
    deputy.token().await;
    let path = format!("{ORDERS}/{}/sign", order.id());
    let sign = async |person: &crate::kit::Client<'_>| {
        person.request(Method::POST, &path).await.send().await.unwrap().status().as_u16()
    };
    let (one, other) = tokio::join!(sign(&head), sign(&deputy));
    let mut both = [one, other];
    both.sort_unstable();
    assert_eq!(both, [200, 409]);
    assert_eq!(county.count("select count(*) from deadlines where clock = 'order_reply'").await, 1);
    all_is_well(&county).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_who_is_away_is_stood_in_for_by_a_deputy() {
    let county = County::open();
    county.sends_away("POWER-HEAD").await;
    let order =
        county.office().posts(ORDERS, json!({"departmentCode": "POWER", "text": "请说明"}), 201).await;
    assert_eq!(told(&county, order.id()).await, ["order.issued room-power POWER-DEPUTY"]);
    let params =
        "select params->>'holder' || ' ' || (params->>'order') from notices where event = 'order.issued'";
    let number = order["number"].as_str().unwrap();
    assert_eq!(county.texts(params).await, [format!("萧戊子 {number}")]);
    // The market office has no room of its own: the business office's stands in, and its leader is still the one who is asked.
    let order =
        county.office().posts(ORDERS, json!({"departmentCode": "MARKET", "text": "请说明"}), 201).await;
    assert_eq!(told(&county, order.id()).await, ["order.issued room-office MARKET-HEAD"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_leads_now_whoever_answers_for_the_department_is_called() {
    let county = County::open();
    let duty = "select code from officers where is_duty_contact and department_id = (select id from departments where code = 'POWER')";
    assert_eq!(county.texts(duty).await, ["POWER-DESK"]);
    let called = async |away: &str| {
        county.sends_away(away).await;
        let order =
            county.office().posts(ORDERS, json!({"departmentCode": "POWER", "text": "请说明"}), 201).await;
        told(&county, order.id()).await
    };
    called("POWER-HEAD").await;
    assert_eq!(called("POWER-DEPUTY").await, ["order.issued room-power POWER-DESK"]);
    // The contact's backup for him, then the head of a section.
    county
        .alter("update officers set backup_id = (select id from officers where code = 'POWER-BACKUP') where code = 'POWER-DESK'")
        .await;
    assert_eq!(called("POWER-DESK").await, ["order.issued room-power POWER-BACKUP"]);
    assert_eq!(called("POWER-BACKUP").await, ["order.issued room-power POWER-LEAD"]);
    assert_eq!(
        called("POWER-LEAD").await,
        ["order.issued room-power"],
        "the room hears it; nobody can be named"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_ordered_for_a_call_that_has_ended() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.mill().does("withdraw", &call, json!({})).await;
    for body in [
        json!({"callId": call.id(), "text": "请说明"}),
        json!({"callId": call.id(), "departmentCode": "ENV", "text": "请说明"}),
    ] {
        let refused = county.office().may_not_post(ORDERS, body).await.is(409, "order_call_ended");
        assert_eq!(refused.body["state"], "withdrawn");
    }
    assert_eq!(county.count("select count(*) from supervision_orders").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_card_of_an_order_that_was_signed_for_says_by_when_to_answer_it() {
    let county = County::open();
    county.reaches_in_person(&["POWER-HEAD"]).await;
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let order = county.office().orders(&call, "请说明为何无人到场").await;
    // As if the head's card had left.
    county
        .alter(
            "update notices set state = 'sent', sent_at = created_at, due_at = null, handle = 'card' \
            where event = 'order.issued' and recipient = 'wx-POWER-HEAD'",
        )
        .await;
    county.head().takes("sign", &order, json!({})).await;
    let redrawn = "select params->>'done' || ' ' || (params->>'note') || ' ' || (params->>'until') || ' ' || (params->>'own') \
        from notices where event = 'notice.redrawn'";
    let until = wd("03-10 18:00").format("%Y-%m-%dT%H:%M:%SZ");
    assert_eq!(county.texts(redrawn).await, [format!("order.signed 请说明为何无人到场 {until} true")]);
}
