//! Nobody fires for eight working hours; then everything that came due meanwhile fires at once, as if it had been planned by the same
//! calendar – which it was.

use serde_json::json;

use super::stage::{
    Replica, all_that_is_wrong, county, due, each_once_and_in_order, item, raised, someone, until,
};
use crate::kit::{County, Spans as _};

/// When what should have fired, and when what comes next should: of every clock, in an order that does not depend on ids.
async fn plans(county: &County) -> Vec<String> {
    let fired =
        "select concat_ws(' ', c.raised_at, d.clock, f.step, f.rung, f.planned_at, f.outcome) from firings f
        join deadlines d on d.id = f.deadline_id join calls c on c.id = d.subject_id order by 1";
    let coming = "select concat_ws(' ', c.raised_at, d.clock, d.step, d.fires_at) from deadlines d
        join calls c on c.id = d.subject_id order by 1";
    [county.texts(fired).await, county.texts(coming).await].concat()
}

/// Three calls in the course of a Monday morning, one of them round the clock.
async fn morning(county: &County) {
    let mill = someone(county, "MILL").await;
    raised(county, &mill, &item("OUTAGE"), 1).await;
    county.pass(12.minutes());
    raised(county, &mill, &item("IMPACT"), 1).await;
    county.pass(3.minutes());
    let critical = yijiao::deadlines::limits::Urgency::Critical;
    raised(county, &mill, &yijiao::calls::raise::Raise { urgency: Some(critical), ..item("OUTAGE") }, 1)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_eight_working_hours_everything_fires_at_once_in_order_and_later_rungs_keep_their_moments() {
    let (awake, asleep) = (County::open(), county());
    for county in [&awake, &asleep] {
        morning(county).await;
    }
    // Eight working hours after 10:15: Monday 10:15–12 and 14–18, Tuesday 9–11:15.
    awake.runs_until("03-10 11:15").await;
    asleep.until("03-10 11:15");
    let now = asleep.now();
    let replica = Replica::start(&asleep.app, "one");
    until(&asleep, "everything fires", &due(now), |left| left == 0).await;

    let fired = asleep.count("select count(*) from firings").await;
    assert!(fired > 40, "{fired}");
    assert_eq!(
        asleep.count(&format!("select count(*) from firings where fired_at <> '{now}'")).await,
        0,
        "at once"
    );
    each_once_and_in_order(&asleep).await;
    assert_eq!(plans(&asleep).await, plans(&awake).await, "later rungs count from the missed moments");
    assert_eq!(all_that_is_wrong(&asleep).await, Vec::<String>::new());
    replica.stops().await;

    // And so it goes on.
    for county in [&awake, &asleep] {
        county.runs_until("03-12 18:00").await;
    }
    assert_eq!(plans(&asleep).await, plans(&awake).await);
    each_once_and_in_order(&asleep).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_overdue_fires_first_whatever_call_it_belongs_to() {
    let county = County::open();
    morning(&county).await;
    county.until("03-09 16:00");
    assert!(county.fires().await > 15);
    // Rows of a table that nobody changes lie in the order in which they were written.
    let disorder = "select count(*) from (select planned_at, lag(planned_at) over (order by ctid) as before from firings) o
        where before > planned_at";
    assert_eq!(county.count(disorder).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_repetitions_that_were_missed_only_the_last_is_told() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    let order = json!({"departmentCode": "POWER", "text": "请说明"});
    county.office().posts("/api/v1/supervision-orders", order, 201).await;
    // Five working days without anybody who fires.
    county.until("03-17 09:30");
    county.fires().await;
    let outcomes = async |clock: &str| {
        county
            .texts(&format!(
                "select f.outcome || ' ' || to_char(f.planned_at at time zone 'Asia/Shanghai', 'MM-DD HH24:MI') from firings f
                join deadlines d on d.id = f.deadline_id where d.clock = '{clock}' order by f.step"
            ))
            .await
    };
    let missed = [
        "passed 03-10 18:00",
        "passed 03-11 18:00",
        "passed 03-12 18:00",
        "passed 03-13 18:00",
        "fired 03-16 18:00",
    ];
    let contact = [&["fired 03-09 10:30", "fired 03-09 11:00", "fired 03-09 17:00"][..], &missed].concat();
    assert_eq!(outcomes("contact").await, contact);
    let rungs = county.rungs(&call).await;
    let told: Vec<_> = rungs
        .iter()
        .filter(|rung| rung.starts_with("contact 2"))
        .map(|rung| &rung[10..rung.len() - 14])
        .collect();
    assert_eq!(told, ["POWER-DEPUTY yellow", "-", "-", "-", "-", "POWER-DEPUTY"]);
    assert_eq!(outcomes("order_sign").await, [&["fired 03-09 16:00"][..], &missed].concat());
    let lines = "select jsonb_array_length(data->'told')::text from ledger_events where kind = 'order.overdue' order by seq";
    assert_eq!(county.texts(lines).await, ["1", "0", "0", "0", "0", "1"]);
    each_once_and_in_order(&county).await;
    assert_eq!(all_that_is_wrong(&county).await, Vec::<String>::new());
    // And so it goes on.
    county.runs_until("03-17 18:00").await;
    assert_eq!(outcomes("contact").await.last().unwrap(), "fired 03-17 18:00");
}
