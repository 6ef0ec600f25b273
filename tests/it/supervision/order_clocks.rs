//! What happens when nobody signs, answers or closes in time.

use diesel_async::SimpleAsyncConnection as _;
use serde_json::json;
use yijiao::platform::db::Scope;
use yijiao::supervision::check::broken_invariants;

use super::stage::{ORDERS, all_is_well, told};
use crate::kit::{County, View, wd};

/// An order to the power company to answer for something.
async fn ordered(county: &County) -> View {
    county.office().posts(ORDERS, json!({"departmentCode": "POWER", "text": "请说明"}), 201).await
}

/// Clock, step, rung, planned moment and outcome of everything that fired for orders.
async fn firings(county: &County) -> Vec<String> {
    county
        .texts(
            "select concat_ws(' ', d.clock, f.step, f.rung, to_char(f.planned_at at time zone 'Asia/Shanghai', 'MM-DD HH24:MI'), f.outcome)
            from firings f join deadlines d on d.id = f.deadline_id where d.subject_kind = 'supervision_order'
            order by f.planned_at, f.step",
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_nobody_signs_for_reaches_the_inspectorate_every_working_day() {
    let county = County::open();
    let order = ordered(&county).await;
    county.runs_until("03-09 15:59").await;
    assert_eq!(firings(&county).await, Vec::<String>::new());
    county.runs_until("03-09 16:00").await;
    assert_eq!(firings(&county).await, ["order_sign 0 5 03-09 16:00 fired"]);
    // The inspectorate has no room of its own here: the business office's stands in, its own head is called.
    assert_eq!(told(&county, order.id()).await.last().unwrap(), "order.overdue room-office INSPECTOR");
    let events = county.office().events(&format!("{ORDERS}/{}", order.id())).await;
    assert_eq!(events, ["order.issued", "order.overdue"]);

    county.runs_until("03-11 18:00").await;
    let fired = firings(&county).await;
    assert_eq!(fired.len(), 3, "once every working day: {fired:?}");
    let late = "select params->>'clock' || ' ' || (params->>'lateMinutes') from notices where event = 'order.overdue' order by id";
    assert_eq!(county.texts(late).await.first().unwrap(), "order_sign 0");
    // Signing ends it.
    let signed = county.head().takes("sign", &order, json!({})).await;
    assert_eq!(signed.clock("order_sign")["state"], "missed");
    county.runs_until("03-12 17:00").await;
    assert_eq!(firings(&county).await.len(), 3);
    all_is_well(&county).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_has_a_clock_of_its_own() {
    let county = County::open();
    let order = ordered(&county).await;
    county.runs_until("03-09 11:00").await;
    county.head().takes("sign", &order, json!({})).await;
    county.runs_until("03-10 18:00").await;
    county.head().takes("reply", &order, json!({"text": "已安排"})).await;
    // What is answered at closing is received the next day.
    county.runs_until("03-16 18:00").await;
    assert_eq!(
        firings(&county).await,
        ["order_reply 0 5 03-10 18:00 fired", "order_close 0 5 03-16 18:00 fired"]
    );
    let seen = county.office().looks_at(&format!("{ORDERS}/{}", order.id())).await;
    assert_eq!(seen.clock("order_reply")["state"], "met", "at its very moment");
    all_is_well(&county).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_in_somebodys_hand_is_tried_again() {
    let county = County::open();
    ordered(&county).await;
    county.until("03-09 16:00");
    let mut holder = county.auditor().await;
    holder.batch_execute("begin; select 1 from supervision_orders for update").await.unwrap();
    assert_eq!(county.fires().await, 0);
    holder.batch_execute("rollback").await.unwrap();
    assert_eq!(county.fires().await, 1);
    assert_eq!(county.fires().await, 0, "each step once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_without_inspectorate_records_that_nobody_was_there() {
    let county = County::open();
    county.alter("update departments set office = null where code = 'INSPECT'").await;
    let order = ordered(&county).await;
    county.runs_until("03-09 16:00").await;
    assert_eq!(firings(&county).await, ["order_sign 0 5 03-09 16:00 passed"]);
    assert_eq!(told(&county, order.id()).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_rung_is_passed_at_once_and_the_last_one_waits_for_its_repeat() {
    let county = County::open();
    county.sends_away("INSPECTOR").await;
    let steps = json!([
        {"rung": 3, "at": "50%", "to": ["inspectorate"]},
        {"rung": 4, "at": "due", "to": ["business_office"]},
        {"rung": 5, "at": "+1wd", "to": ["inspectorate"]},
    ]);
    county
        .chooses(json!({"supervision": {"sign": "60wm"}, "ladder": {"clocks": {"order_sign": steps}}}))
        .await;
    let order = ordered(&county).await;
    county.runs_until("03-10 18:00").await;
    assert_eq!(
        firings(&county).await,
        [
            "order_sign 0 3 03-09 10:30 passed",
            "order_sign 1 4 03-09 10:30 fired",
            "order_sign 2 5 03-10 18:00 passed",
        ]
    );
    let told = told(&county, order.id()).await;
    assert_eq!(
        told[1..],
        ["order.overdue room-office", "order.overdue room-office OFFICE-HEAD", "order.overdue room-office"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_sets_its_own_limits_and_steps() {
    let county = County::open();
    let steps = json!([
        {"rung": 3, "at": "50%", "to": ["head", "deputy"]},
        {"rung": 4, "at": "due", "to": ["business_office"]},
    ]);
    county
        .chooses(json!({"supervision": {"sign": "60wm"}, "ladder": {"clocks": {"order_sign": steps}}}))
        .await;
    let order = ordered(&county).await;
    assert_eq!(order.due("order_sign"), wd("03-09 11:00"));
    county.runs_until("03-09 11:00").await;
    assert_eq!(
        firings(&county).await,
        ["order_sign 0 3 03-09 10:30 fired", "order_sign 1 4 03-09 11:00 fired"]
    );
    assert_eq!(
        told(&county, order.id()).await,
        [
            "order.issued room-power POWER-HEAD",
            "order.overdue room-power POWER-HEAD",
            "order.overdue room-office OFFICE-HEAD",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_order_without_a_clock_is_found() {
    let county = County::open();
    let order = ordered(&county).await;
    county.alter("update deadlines set state = 'cancelled', stopped_at = now(), fires_at = null").await;
    let mut tx = county.app.db.begin(Scope::AllCounties).await.unwrap();
    let found = broken_invariants(&mut tx).await.unwrap();
    assert_eq!(found.open_orders, 1);
    let [line] = &found.broken[..] else { panic!("{found:?}") };
    assert!(line.contains(order["number"].as_str().unwrap()), "{line}");
}
