//! Every row of the tables of due moments, which were computed elsewhere in three ways.

use chrono::{DateTime, NaiveDate, Utc};
use yijiao::deadlines::calendar::Calendar;
use yijiao::deadlines::calendar::count::{Count, start};

/// The rows of a table, each as a look-up by column.
fn rows(name: &str) -> Vec<impl Fn(&str) -> String + use<>> {
    let path = format!("{}/tests/data/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    let headers = reader.headers().unwrap().clone();
    let rows = reader.records().map(Result::unwrap).map(|row| {
        let headers = headers.clone();
        move |column: &str| row[headers.iter().position(|header| header == column).unwrap()].to_owned()
    });
    rows.collect()
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse::<DateTime<chrono::FixedOffset>>().unwrap().to_utc()
}

#[test]
fn every_row_of_working_time_agrees() {
    let calendar = Calendar::statutory().unwrap();
    let rows = rows("working_days_oracle");
    assert_eq!(rows.len(), 1500);
    for row in rows {
        let (count, from) = (Count::parse(&row("unit"), &row("n")).unwrap(), moment(&row("start")));
        let due = calendar.reckon(count, from).unwrap();
        assert_eq!(due.at, moment(&row("due")), "{}", row("id"));
        assert!(!due.provisional, "{}", row("id"));
        assert_eq!(calendar.next_open(from), moment(&row("effective_start")), "{}", row("id"));
        if !row("received_day").is_empty() {
            let day = start(&row("received_day")).unwrap();
            assert_eq!(calendar.closing_after(from, 0), calendar.closing_after(day, 0), "{}", row("id"));
        }
    }
}

#[test]
fn every_row_of_days_before_agrees() {
    let calendar = Calendar::statutory().unwrap();
    let rows = rows("minus_working_days_oracle");
    assert_eq!(rows.len(), 250);
    for row in rows {
        let count = Count::parse("-wd", &row("k")).unwrap();
        let latest = moment(&row("latest_instant"));
        // Whatever the hour of the visit.
        for hour in ["", "T00:00:00+08:00", "T12:30:00+08:00", "T23:59:59+08:00"] {
            let visit = start(&format!("{}{hour}", row("date"))).unwrap();
            assert_eq!(calendar.reckon(count, visit).unwrap().at, latest, "{}", row("id"));
        }
        let date: NaiveDate = row("date").parse().unwrap();
        assert_eq!(calendar.day(date).hours.is_some(), row("date_is_workday") == "Y", "{}", row("id"));
    }
}

#[test]
fn every_row_of_one_week_before_agrees() {
    let calendar = Calendar::statutory().unwrap();
    let rows = rows("minus_one_week_oracle");
    assert_eq!(rows.len(), 50);
    for row in rows {
        let count = Count::parse("-week", "1").unwrap();
        let due = calendar.reckon(count, start(&row("date")).unwrap()).unwrap();
        assert_eq!(due.at, moment(&row("latest_instant")), "{}", row("id"));
    }
}
