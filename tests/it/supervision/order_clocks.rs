//! What happens when nobody signs, answers or closes in time.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use yijiao::deadlines::{Clock, Deadline, SubjectKind};
use yijiao::platform::db::Scope;
use yijiao::schema::deadlines;
use yijiao::supervision::check::broken_invariants;
use yijiao::supervision::on_due::{Reminded, Reminder, remind};

use super::stage::{ORDERS, all_is_well, begin, commit, told};
use crate::kit::{County, wd};

/// The clocks of orders that are due, locked as the engine locks them.
async fn due(county: &County, conn: &mut AsyncPgConnection) -> Vec<Deadline> {
    deadlines::table
        .filter(deadlines::subject_kind.eq(SubjectKind::SupervisionOrder))
        .filter(deadlines::fires_at.le(county.now()))
        .order(deadlines::fires_at)
        .for_update()
        .select(Deadline::as_select())
        .load(conn)
        .await
        .unwrap()
}

async fn fire(county: &County) -> Vec<Reminded> {
    let (mut tx, _) = begin(county).await;
    let due = due(county, &mut tx).await;
    let reminded = remind(&mut tx, &county.app.supervision.calendar, &due, county.now()).await.unwrap();
    commit(tx).await;
    reminded
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_nobody_signs_for_reaches_the_inspectorate_every_working_day() {
    let county = County::open();
    let order =
        county.office().posts(ORDERS, json!({"departmentCode": "POWER", "text": "请说明"}), 201).await;
    county.until("03-09 15:59");
    assert_eq!(fire(&county).await, []);
    county.until("03-09 16:00");
    let [told_once] = fire(&county).await[..] else { panic!("one clock is due") };
    assert_eq!(told_once.planned_at, wd("03-09 16:00"));
    assert_eq!(told_once.outcome, Reminder::Told(wd("03-10 16:00")));
    // The inspectorate has no room of its own here: the business office's stands in, its own head is called.
    assert_eq!(told(&county, order.id()).await.last().unwrap(), "order.overdue room-office INSPECTOR");
    let says = "select params->>'result' from notices where event = 'order.overdue'";
    assert_eq!(county.texts(says).await, ["督办单签收"]);
    let events = county.office().events(&format!("{ORDERS}/{}", order.id())).await;
    assert_eq!(events, ["order.issued", "order.overdue"]);
    // A Friday's reminder comes again on Monday morning.
    county.alter("update deadlines set fires_at = '2026-03-13 16:00+08'").await;
    county.until("03-13 16:00");
    assert_eq!(fire(&county).await[0].outcome, Reminder::Told(wd("03-16 09:00")));
    // Signing ends it.
    let signed = county.head().takes("sign", &order, json!({})).await;
    assert_eq!(signed.clock("order_sign")["state"], "missed");
    assert_eq!(fire(&county).await, []);
    all_is_well(&county).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_in_somebodys_hand_is_tried_again_and_an_answered_one_left() {
    let county = County::open();
    let order =
        county.office().posts(ORDERS, json!({"departmentCode": "POWER", "text": "请说明"}), 201).await;
    county.until("03-09 16:00");
    let (mut tx, _) = begin(&county).await;
    let late = due(&county, &mut tx).await;
    commit(tx).await;
    // Somebody holds the order at this moment.
    let mut holder = county.auditor().await;
    let hold = "begin; select 1 from supervision_orders for update";
    diesel_async::SimpleAsyncConnection::batch_execute(&mut holder, hold).await.unwrap();
    let (mut tx, _) = begin(&county).await;
    let busy = remind(&mut tx, &county.app.supervision.calendar, &late, county.now()).await.unwrap();
    assert_eq!(busy[0].outcome, Reminder::Busy);
    commit(tx).await;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut holder, "rollback").await.unwrap();
    // He signed; what the engine read before is out of date.
    county.head().takes("sign", &order, json!({})).await;
    let (mut tx, _) = begin(&county).await;
    let answered = remind(&mut tx, &county.app.supervision.calendar, &late, county.now()).await.unwrap();
    assert_eq!(answered[0].outcome, Reminder::Answered);
    commit(tx).await;
    assert!(!told(&county, order.id()).await.iter().any(|it| it.starts_with("order.overdue")));

    // Each step has its own clock.
    county.until("03-10 18:00");
    let [reply] = fire(&county).await[..] else { panic!("one clock is due") };
    assert!(matches!(reply.outcome, Reminder::Told(_)));
    county.head().takes("reply", &order, json!({"text": "已安排"})).await;
    county.until("03-13 18:00");
    assert_eq!(fire(&county).await.len(), 1);
    let says = "select params->>'result' from notices where event = 'order.overdue' order by id";
    assert_eq!(county.texts(says).await, ["督办单答复", "督办单办结"]);
    let overdue =
        format!("select count(*) from deadlines where clock = '{}' and state = 'missed'", Clock::OrderReply);
    assert_eq!(county.count(&overdue).await, 0, "met at its very moment");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_sets_its_own_limits() {
    let county = County::open();
    county.alter("update counties set settings = '{\"supervision\": {\"sign\": \"30wm\"}}'").await;
    let order =
        county.office().posts(ORDERS, json!({"departmentCode": "POWER", "text": "请说明"}), 201).await;
    assert_eq!(order.due("order_sign"), wd("03-09 10:30"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_order_without_a_clock_is_found() {
    let county = County::open();
    let order =
        county.office().posts(ORDERS, json!({"departmentCode": "POWER", "text": "请说明"}), 201).await;
    county.alter("update deadlines set state = 'cancelled', stopped_at = now(), fires_at = null").await;
    let mut tx = county.app.db.begin(Scope::AllCounties).await.unwrap();
    let found = broken_invariants(&mut tx).await.unwrap();
    assert_eq!(found.open_orders, 1);
    let [line] = &found.broken[..] else { panic!("{found:?}") };
    assert!(line.contains(order["number"].as_str().unwrap()), "{line}");
}
