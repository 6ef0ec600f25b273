//! A further edition of the statutory calendar: it reaches what is open in every county without a calendar of its own, and every
//! replica counts by it, whatever is compiled into it.

use serde_json::json;
use yijiao::deadlines::Calendars;
use yijiao::deadlines::calendar::count::{Count, start};
use yijiao::deadlines::calendar::definition::ExceptionDefinition;
use yijiao::deadlines::calendar::statutory::{FIRST, Statutory, first};
use yijiao::deadlines::calendars::adopt::adopt;
use yijiao::deadlines::calendars::ask::calendar_by_code;

use super::kit::CALENDARS;
use super::moves::{explained, in_hand, moved, told};
use crate::kit::{County, wd};

/// What a later binary brings: the first edition and these holidays of 2027.
fn edition(edition: i32, holidays: &[&str]) -> Statutory {
    let mut definition = first().unwrap();
    definition.published_through = Some(2027);
    definition.exceptions.extend(holidays.iter().map(|date| ExceptionDefinition {
        date: (*date).to_owned(),
        kind: "holiday".to_owned(),
        name: "元旦".to_owned(),
        hours: None,
    }));
    Statutory { edition, definition }
}

/// `clock due provisional version` of the clocks of calls.
async fn clocks(county: &County) -> Vec<String> {
    let rows = "select clock || ' ' || to_char(due_at at time zone 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI') || ' ' || provisional
        || ' ' || calendar_version from deadlines where clock in ('accept', 'plan', 'resolve') order by clock, id";
    county.texts(rows).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_year_moves_what_is_open_and_makes_it_firm() {
    let county = County::open();
    county.until("12-31 10:00");
    let call = in_hand(&county).await;
    let before = [
        "accept 2026-12-31 10:30 false 0",
        "plan 2027-01-01 18:00 true 0",
        "resolve 2027-01-07 18:00 true 0",
    ];
    assert_eq!(clocks(&county).await, before);
    let (db, further) = (&county.app.db, edition(FIRST + 1, &["2027-01-01"]));
    adopt(db, &further, county.now()).await.unwrap();
    assert_eq!(clocks(&county).await, before, "nothing is firm before it is computed anew");
    // T4, T5 and the stall clock; T1 is met and stays under the version it was made by.
    assert_eq!(county.follows().await, 3);
    let after = [
        "accept 2026-12-31 10:30 false 0",
        "plan 2027-01-04 18:00 false 1",
        "resolve 2027-01-08 18:00 false 1",
    ];
    assert_eq!(clocks(&county).await, after);
    let expected = [
        ("plan", "01-01 18:00", "01-04 18:00"),
        ("resolve", "01-07 18:00", "01-08 18:00"),
        ("stall", "01-05 18:00", "01-06 18:00"),
    ];
    assert_eq!(moved(&county, &call).await, told(&expected));
    let lines = explained(&county, &call, "resolve").await;
    assert!(lines.contains("1月1日（周五）：元旦放假，不计") && !lines.contains("暂定"), "{lines}");

    // Neither the same again nor what an older binary brings changes anything.
    for again in [&further, &Statutory { edition: FIRST, definition: first().unwrap() }] {
        adopt(db, again, county.now()).await.unwrap();
        assert_eq!(county.follows().await, 0);
    }
    let view = county.admin().get(CALENDARS).await;
    assert_eq!((view["version"].as_i64(), view["statutory"].as_bool()), (Some(1), Some(true)));
    assert_eq!(view["definition"]["publishedThrough"], 2027);
    let holder =
        "select actor_kind || ' ' || actor_name from ledger_events where kind = 'county.calendar_changed'";
    assert_eq!(county.texts(holder).await, ["clock 系统"]);

    // A day corrected in a year that was published already.
    adopt(db, &edition(FIRST + 2, &["2027-01-01", "2027-01-04"]), county.now()).await.unwrap();
    assert_eq!(county.follows().await, 3);
    assert_eq!(
        county.lead().sees(&call).await.due("resolve"),
        wd("12-31 18:00") + chrono::TimeDelta::days(11)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_of_different_binaries_count_alike() {
    let county = County::open();
    // One has counted by the edition before, the other comes fresh.
    let (old, new) = (county.app.calls.calendars.clone(), Calendars::new().unwrap());
    let asks = async |calendars: &Calendars| {
        let calendar = calendar_by_code(&county.app.db, calendars, county.code, None).await.unwrap().unwrap();
        let due = calendar.reckon(Count::parse("wd", "1").unwrap(), start("2026-12-31").unwrap()).unwrap();
        (due.at - wd("12-31 18:00"), due.provisional, calendar.edition().version)
    };
    let days = chrono::TimeDelta::days;
    assert_eq!((asks(&old).await, asks(&new).await), ((days(1), true, 0), (days(1), true, 0)));
    adopt(&county.app.db, &edition(FIRST + 1, &["2027-01-01"]), county.now()).await.unwrap();
    assert_eq!((asks(&old).await, asks(&new).await), ((days(4), false, 1), (days(4), false, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_with_a_calendar_of_its_own_does_not_follow() {
    let county = County::open();
    let admin = county.admin();
    admin.puts_calendar("/POWER", &json!({"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat"]})).await;
    let statutory = admin.get(CALENDARS).await["definition"].take();
    let db = &county.app.db;
    // A department alone has its own: the county follows, and the department goes on building on it.
    adopt(db, &edition(FIRST + 1, &["2027-01-01"]), county.now()).await.unwrap();
    let due =
        county.office().get(&format!("{CALENDARS}/due?unit=wd&n=1&start=2026-12-31&department=POWER")).await;
    assert_eq!(
        (due["due"].as_str(), due["calendarVersion"].as_i64()),
        (Some("2027-01-02T18:00:00+08:00"), Some(2))
    );
    // Put back by hand, word for word: it is the county's own from now on.
    let followed = admin.get(CALENDARS).await["definition"].take();
    assert_ne!(followed, statutory);
    let view = admin.puts_calendar("", &followed).await;
    assert_eq!((view["version"].as_i64(), view["statutory"].as_bool()), (Some(3), Some(false)));
    adopt(db, &edition(FIRST + 2, &["2027-01-01", "2027-01-04"]), county.now()).await.unwrap();
    assert_eq!(admin.get(CALENDARS).await["version"], 3);
}
