//! What a change of the calendar does to the ladders: they climb by the new hours, from where they stood; what has fired does not fire
//! again.

use serde_json::json;

use super::moves::{moved, told};
use crate::kit::{County, View, wd};

const ORDERS: &str = "/api/v1/supervision-orders";

/// The steps of one clock of a call that fired.
async fn climbed(county: &County, call: &View, clock: &str) -> Vec<String> {
    let rungs = county.rungs(call).await.into_iter();
    rungs.filter(|rung| rung.starts_with(&format!("{clock} "))).collect()
}

/// Puts office hours, for the county or one department.
async fn opens(county: &County, of: &str, hours: &[&str]) {
    let mut definition = json!({});
    if of.is_empty() {
        definition = county.admin().get(super::kit::CALENDARS).await["definition"].take();
    }
    definition["hours"] = json!(hours);
    county.admin().puts_calendar(of, &definition).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rung_that_has_fired_does_not_fire_again_when_its_moment_comes_once_more() {
    let county = County::open();
    let call = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    county.lead().accepts(&call).await;
    county.runs_until("03-12 10:00").await;
    assert_eq!(climbed(&county, &call, "resolve").await, ["resolve 0 POWER-LEAD @ 03-12 09:30"]);
    // Yesterday was none: half of the time is over tomorrow at 09:30, once more.
    let definition = county.admin().calendar_with("2026-03-11", "holiday").await;
    county.admin().puts_calendar("", &definition).await;
    county.follows().await;
    let row =
        "select step || ' ' || to_char(fires_at at time zone 'Asia/Shanghai', 'MM-DD HH24:MI') from deadlines
        where clock = 'resolve'";
    assert_eq!(county.texts(row).await, ["1 03-16 16:48"]);
    assert!(moved(&county, &call).await.contains(&told(&[("resolve", "03-16 18:00", "03-17 18:00")])[0]));
    county.runs_until("03-17 18:30").await;
    let whole = [
        "resolve 0 POWER-LEAD @ 03-12 09:30",
        "resolve 0 POWER-LEAD @ 03-16 16:48",
        "resolve 1 POWER-BACKUP blue @ 03-16 16:48",
        "resolve 2 POWER-DEPUTY yellow @ 03-17 18:00",
    ];
    assert_eq!(climbed(&county, &call, "resolve").await, whole);
    let twice =
        "select count(*) from (select 1 from firings group by deadline_id, step having count(*) > 1) x";
    assert_eq!(county.count(twice).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_promise_stays_missed_and_its_ladder_waits_for_the_new_hours() {
    let county = County::open();
    let call = county.mill().raises(json!({"itemCode": "OUTAGE"})).await;
    county.runs_until("03-09 10:20").await;
    opens(&county, "", &["09:00-10:25", "14:00-18:00"]).await;
    county.follows().await;
    county.runs_until("03-09 14:30").await;
    // Ten minutes until closing, five from the afternoon's opening on.
    let climbed = climbed(&county, &call, "accept").await;
    assert_eq!(
        climbed,
        [
            "accept 0 POWER-LEAD @ 03-09 10:07",
            "accept 1 POWER-BACKUP blue @ 03-09 10:15",
            "accept 2 POWER-DEPUTY yellow @ 03-09 14:05",
            "accept 3 POWER-HEAD yellow @ 03-09 14:20",
        ]
    );
    assert_eq!(county.mill().sees(&call).await.due("accept"), wd("03-09 10:15"));
    assert!(moved(&county, &call).await.iter().all(|(clock, ..)| clock != "accept"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_department_is_climbed_by_its_own_days() {
    let county = County::open();
    let days = json!({"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat"]});
    county.admin().puts_calendar("/POWER", &days).await;
    let power = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    let other = county.kiln().raises(json!({"itemCode": "IMPACT"})).await;
    assert_eq!((power.department(), power.due("resolve")), ("POWER", wd("03-14 18:00")));
    county.runs_until("03-16 16:00").await;
    let late = climbed(&county, &power, "resolve").await.split_off(3);
    assert_eq!(
        late,
        ["resolve 2 POWER-DEPUTY yellow @ 03-14 18:00", "resolve 3 POWER-HEAD yellow @ 03-16 15:00"]
    );
    let on_saturday = |rungs: Vec<String>| rungs.iter().filter(|rung| rung.contains("@ 03-14")).count();
    assert!(on_saturday(county.rungs(&power).await) > 1);
    assert_eq!(on_saturday(county.rungs(&other).await), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_to_help_is_held_to_his_own_hours() {
    let county = County::open();
    opens(&county, "/ENV", &["09:00-12:00", "14:00-17:00"]).await;
    let call = county.kiln().raises(json!({"itemCode": "CAPACITY"})).await;
    county.lead().accepts(&call).await;
    county.lead().does("assist", &call, json!({"departmentCode": "ENV", "reason": "请核对"})).await;
    let due = "select to_char(due_at at time zone 'Asia/Shanghai', 'MM-DD HH24:MI') from deadlines where clock = 'assistance'";
    assert_eq!(county.texts(due).await, ["03-11 17:00"]);
    opens(&county, "/ENV", &["09:00-12:00", "14:00-16:00"]).await;
    assert_eq!(county.follows().await, 1);
    assert_eq!(county.texts(due).await, ["03-11 16:00"]);
    county.runs_until("03-11 16:00").await;
    let fired = climbed(&county, &call, "assistance").await;
    assert!(fired.last().is_some_and(|rung| rung.ends_with("@ 03-11 16:00")), "{fired:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clocks_of_an_order_follow_the_calendar_of_the_ordered_department() {
    let county = County::open();
    let ordered = json!({"departmentCode": "POWER", "text": "请说明"});
    let order = county.office().posts(ORDERS, ordered.clone(), 201).await;
    assert_eq!(order.due("order_sign"), wd("03-09 16:00"));
    opens(&county, "/POWER", &["09:00-12:00", "15:00-18:00"]).await;
    assert_eq!(county.follows().await, 1);
    let path = format!("{ORDERS}/{}", order.id());
    assert_eq!(county.office().looks_at(&path).await.due("order_sign"), wd("03-09 17:00"));
    assert_eq!(county.office().events(&path).await, ["order.issued", "order.deadline_moved"]);
    let later = county.office().posts(ORDERS, ordered, 201).await;
    assert_eq!(later.due("order_sign"), wd("03-09 17:00"));

    county.runs_until("03-09 16:59").await;
    let fired = "select count(*) from firings f join deadlines d on d.id = f.deadline_id where d.clock = 'order_sign'";
    assert_eq!(county.count(fired).await, 0);
    // A step reckons by the calendar that holds before the job came round.
    opens(&county, "/POWER", &["09:00-12:00", "15:00-17:30"]).await;
    let signed = county.head().takes("sign", &later, json!({})).await;
    assert_eq!(signed.due("order_reply"), wd("03-10 17:30"));
    county.follows().await;
    county.runs_until("03-09 17:00").await;
    assert_eq!(county.count(fired).await, 1, "of the first; the other was signed for");
}
