//! Reading, asking and changing calendars.

use chrono::NaiveDate;
use reqwest::Method;
use serde_json::{Value, json};

use super::kit::CALENDARS;
use crate::kit::County;

fn summer() -> Value {
    json!([{"name": "夏季作息", "from": "06-01", "through": "09-30", "hours": ["08:30-12:00", "15:00-18:30"]}])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_without_a_calendar_has_the_statutory_one() {
    let county = County::open();
    let view = county.admin().get(CALENDARS).await;
    assert_eq!((view["version"].as_i64(), view["statutory"].as_bool()), (Some(0), Some(true)));
    assert_eq!(view["definition"]["hours"], json!(["09:00-12:00", "14:00-18:00"]));
    assert_eq!(view["definition"]["publishedThrough"], 2026);
    assert_eq!((&view["departments"], &view["recompute"]), (&json!([]), &Value::Null));
    let none = county.admin().get(&format!("{CALENDARS}/POWER")).await;
    assert_eq!(none["definition"], json!({"exceptions": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_system_administrator_changes_it_and_the_business_office_looks() {
    let county = County::open();
    let definition = county.office().get(CALENDARS).await["definition"].take();
    county.office().may_not_put_calendar("", &definition).await.is(403, "forbidden");
    county.lead().may_not_get(CALENDARS).await.is(403, "forbidden");
    county
        .mill()
        .may_not_get(&format!("{CALENDARS}/due?unit=wd&n=1&start=2026-03-09"))
        .await
        .is(403, "forbidden");
    county.mill().may_not_put_calendar("/POWER", &json!({})).await.is(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_holds_at_once_and_is_in_the_ledger() {
    let county = County::open();
    let admin = county.admin();
    let mut definition = admin.get(CALENDARS).await["definition"].take();
    definition["seasons"] = summer();
    let view = admin.puts_calendar("", &definition).await;
    assert_eq!((view["version"].as_i64(), view["statutory"].as_bool()), (Some(1), Some(false)));
    assert_eq!(view["definition"], definition);
    assert_eq!(view["recompute"]["version"], 1);
    // The same once more is no change.
    assert_eq!(admin.puts_calendar("", &definition).await["version"], 1);

    let hall = json!({"weekdays": ["mon", "tue", "wed", "thu", "fri", "sat"]});
    let view = admin.puts_calendar("/POWER", &hall).await;
    assert_eq!((view["version"].as_i64(), &view["department"]["code"]), (Some(2), &json!("POWER")));
    let due = async |question: &str| county.office().get(&format!("{CALENDARS}/due?{question}")).await;
    let friday = due("unit=wd&n=1&start=2026-07-10T10:00:00%2B08:00").await;
    assert_eq!(
        friday,
        json!({"due": "2026-07-13T18:30:00+08:00", "provisional": false, "calendarVersion": 1})
    );
    let power = due("unit=wd&n=1&start=2026-07-10T10:00:00%2B08:00&department=POWER").await;
    assert_eq!(
        power,
        json!({"due": "2026-07-11T18:30:00+08:00", "provisional": false, "calendarVersion": 2})
    );
    assert_eq!(due("unit=-week&start=2025-10-11").await["due"], "2025-09-30T18:30:00+08:00");
    assert_eq!(due("unit=wd&n=1&start=2026-12-31").await["provisional"], true);

    let events = "select kind || ' ' || (data->>'version') || ' ' || actor_name from ledger_events where subject_kind = 'county' order by seq";
    assert_eq!(
        county.texts(events).await,
        ["county.calendar_changed 1 秦丙申", "county.calendar_changed 2 秦丙申"]
    );
    // Nothing of its own any more.
    admin.puts_calendar("/POWER", &json!({})).await;
    assert_eq!(admin.get(CALENDARS).await["departments"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_contradicts_itself_changes_nothing() {
    let county = County::open();
    let admin = county.admin();
    let good = admin.get(CALENDARS).await["definition"].take();
    // Whoever signs in leaves a session; afterwards nothing else may.
    let before = county.everything().await;
    let bad = |change: &dyn Fn(&mut Value)| {
        let mut definition = good.clone();
        change(&mut definition);
        definition
    };
    let refuse = async |definition: Value, field: &str, code: &str| {
        admin.may_not_put_calendar("", &definition).await.is(422, "invalid").at_field(field, code)
    };
    let twice = refuse(
        bad(&|it| it["exceptions"][3]["date"] = json!("2023-01-21")),
        "exceptions[3].date",
        "duplicate",
    );
    assert!(twice.await.body["errors"][0]["message"].as_str().unwrap().contains("两次"));
    refuse(bad(&|it| it["hours"] = json!(["09:00-12:00", "11:00-18:00"])), "hours[1]", "overlaps").await;
    refuse(bad(&|it| it["hours"] = json!(["22:00-06:00"])), "hours[0]", "crosses_midnight").await;
    refuse(bad(&|it| it["weekdays"] = json!([])), "weekdays", "empty").await;
    refuse(bad(&|it| it["exceptions"][0]["kind"] = json!("festival")), "exceptions[0].kind", "wrong_value")
        .await;
    refuse(bad(&|it| it["exceptions"][0]["day"] = json!(1)), "exceptions[0].day", "unknown_field").await;
    refuse(bad(&|it| it["publishedThrough"] = json!(2027)), "exceptions", "year_missing").await;
    refuse(bad(&|it| it["publishedThrough"] = json!("soon")), "publishedThrough", "wrong_type").await;
    refuse(json!({}), "hours", "required").await;
    // A year mistyped, and one that is still to come.
    let years = |from: i32, through: i32| {
        let days: Vec<Value> = (from..=through)
            .map(|year| json!({"date": format!("{year}-10-01"), "kind": "holiday"}))
            .collect();
        json!({"hours": ["09:00-18:00"], "publishedThrough": through, "exceptions": days})
    };
    let over = refuse(years(2005, 2005), "publishedThrough", "out_of_range").await;
    assert!(over.body["errors"][0]["message"].as_str().unwrap().contains("2025"));
    refuse(years(2020, 2024), "publishedThrough", "out_of_range").await;
    refuse(years(2027, 2028), "exceptions", "out_of_range").await;
    let mut later = years(2031, 2032);
    later["publishedFrom"] = json!(2031);
    refuse(later, "publishedFrom", "out_of_range").await;
    let season = |from: &str, through: &str| json!({"name": "夏季作息", "from": from, "through": through, "hours": ["10:00-16:00"]});
    let seasons = json!([season("2027-01-01", "2040-12-31"), season("2035-06-01", "2035-09-30")]);
    refuse(bad(&|it| it["seasons"] = seasons.clone()), "seasons[1].from", "overlaps").await;
    let seasons = json!([season("02-29", "02-29"), season("2025-01-01", "2040-12-31")]);
    refuse(bad(&|it| it["seasons"] = seasons.clone()), "seasons[1].from", "overlaps").await;
    let off = json!({"exceptions": [{"date": "2031-05-01", "kind": "holiday"}]});
    let refused = admin.may_not_put_calendar("/POWER", &off).await.is(422, "invalid");
    refused.at_field("exceptions[0].date", "out_of_range");
    admin.may_not_put_calendar("/NOWHERE", &json!({})).await.is(404, "department_not_found");
    let stale = admin.request(Method::PUT, CALENDARS).await.header("if-match", "\"4\"").json(&good);
    admin.refused(stale).await.is(409, "stale_version");
    let ask = async |question: &str| admin.may_not_get(&format!("{CALENDARS}/due?{question}")).await;
    ask("unit=d&n=1&start=2026-03-09").await.is(422, "invalid").at_field("unit", "wrong_value");
    ask("unit=wd&n=x&start=2026-03-09").await.is(422, "invalid").at_field("n", "wrong_value");
    ask("unit=wd&n=1&start=now").await.is(422, "invalid").at_field("start", "wrong_value");
    ask("unit=wd&n=99999&start=2026-03-09").await.is(422, "beyond_calendar");
    assert_eq!(county.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_day_counts_and_one_too_many_is_refused() {
    let county = County::open();
    let admin = county.admin();
    // The usual hours, and so many days, each with hours that no other has.
    let kinds = |days: usize| {
        let first = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let day = |(index, date): (usize, NaiveDate)| {
            let hours = format!("{:02}:{:02}-23:00", index / 60, index % 60);
            json!({"date": date.to_string(), "kind": "workday", "hours": [hours]})
        };
        let mut exceptions: Vec<Value> = first.iter_days().take(days).enumerate().map(day).collect();
        exceptions.push(json!({"date": "2026-10-01", "kind": "holiday"}));
        json!({"hours": ["09:00-18:00"], "publishedThrough": 2026, "exceptions": exceptions})
    };
    let refused = admin.may_not_put_calendar("", &kinds(255)).await.is(422, "invalid");
    refused.at_field("exceptions[254].hours", "too_many");
    admin.puts_calendar("", &kinds(254)).await;
    let ask = "unit=wm&n=1&start=2026-09-11T00:00:00%2B08:00";
    let due = county.office().get(&format!("{CALENDARS}/due?{ask}")).await;
    assert_eq!(due["due"], "2026-09-11T04:14:00+08:00", "the last of them");
    // A department adds to its county's.
    let day = json!({"date": "2026-11-02", "kind": "workday", "hours": ["05:00-06:00"]});
    let one = |hours: &str| json!({"hours": [hours], "exceptions": [day]});
    admin.puts_calendar("/POWER", &json!({"hours": ["09:00-18:00"], "exceptions": []})).await;
    let refused = admin.may_not_put_calendar("/POWER", &one("09:00-17:00")).await.is(422, "invalid");
    refused.at_field("exceptions[0].hours", "too_many");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_county_does_not_take_away_what_a_department_builds_on() {
    let county = County::open();
    let admin = county.admin();
    let mut definition = admin.get(CALENDARS).await["definition"].take();
    admin.puts_calendar("/POWER", &json!({"exceptions": [{"date": "2023-03-08", "kind": "holiday"}]})).await;
    let exceptions = definition["exceptions"].as_array_mut().unwrap();
    exceptions.retain(|it| !it["date"].as_str().unwrap().starts_with("2023"));
    let refused = admin.may_not_put_calendar("", &definition).await.is(422, "invalid");
    refused.at_field("departments.POWER.exceptions[0].date", "out_of_range");
}
