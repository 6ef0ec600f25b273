//! What the conventions mean on days that people remember.

use chrono::{DateTime, TimeDelta, Utc};

use super::count::{Count, CountError, start};
use super::definition::{Definition, ExceptionDefinition, SeasonDefinition};
use super::plan::DayKind;
use super::{Calendar, Edition, statutory};
use crate::deadlines::model::{Limit, Unit};

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&format!("{text}+08:00")).unwrap().to_utc()
}

fn built(change: impl FnOnce(&mut Definition)) -> Calendar {
    let mut definition = statutory::definition().unwrap();
    change(&mut definition);
    Calendar::new(definition.county().unwrap(), Edition::default())
}

fn faults(change: impl FnOnce(&mut Definition)) -> Vec<(String, &'static str)> {
    let mut definition = statutory::definition().unwrap();
    change(&mut definition);
    told(definition.county().unwrap_err())
}

fn told(faults: Vec<crate::platform::http::problem::FieldError>) -> Vec<(String, &'static str)> {
    faults.into_iter().map(|fault| (fault.field, fault.code)).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn exception(date: &str, kind: &str) -> ExceptionDefinition {
    ExceptionDefinition { date: date.to_owned(), kind: kind.to_owned(), ..ExceptionDefinition::default() }
}

fn season(from: &str, through: &str, hours: &[&str]) -> SeasonDefinition {
    SeasonDefinition {
        name: "夏季作息".to_owned(),
        from: from.to_owned(),
        through: through.to_owned(),
        hours: texts(hours),
    }
}

#[test]
fn lunch_nights_and_rest_days_do_not_count() {
    let calendar = Calendar::statutory().unwrap();
    let due = |start, amount, unit| calendar.due(at(start), Limit { amount, unit }).at;
    assert_eq!(due("2026-06-30T11:50:00", 15, Unit::WorkingMinute), at("2026-06-30T14:05:00"));
    assert_eq!(due("2026-06-30T11:45:00", 15, Unit::WorkingMinute), at("2026-06-30T12:00:00"));
    assert_eq!(due("2026-10-01T10:00:00", 15, Unit::WorkingMinute), at("2026-10-08T09:15:00"));
    assert_eq!(due("2026-10-01T10:00:00", 15, Unit::Minute), at("2026-10-01T10:15:00"));
}

#[test]
fn a_year_not_published_is_marked() {
    let calendar = Calendar::statutory().unwrap();
    let due = |start, days| calendar.due(at(start), Limit::working_days(days));
    assert!(due("2026-12-31T10:00:00", 1).provisional);
    assert!(!due("2026-12-30T10:00:00", 1).provisional);
    assert!(due("2022-12-30T10:00:00", 1).provisional, "nor what lies before the first published year");
    assert!(due("2031-03-04T10:00:00", 1).provisional);
    assert!(due("2131-03-04T10:00:00", 1).provisional, "beyond the table, too");
}

#[test]
fn backwards_is_the_inverse_of_forwards() {
    let calendar = Calendar::statutory().unwrap();
    let start = at("2026-09-18T16:20:00");
    for minutes in [1, 99, 100, 101, 420, 4_000] {
        let span = TimeDelta::minutes(minutes);
        let end = calendar.add_working(start, span);
        assert_eq!(calendar.working_between(start, end), span);
        assert_eq!(calendar.sub_working(end, span), start);
    }
    assert_eq!(
        calendar.sub_working(at("2026-10-08T09:10:00"), TimeDelta::minutes(10)),
        at("2026-10-08T09:00:00")
    );
    assert_eq!(
        calendar.sub_working(at("2026-10-08T09:10:00"), TimeDelta::minutes(11)),
        at("2026-09-30T17:59:00")
    );
}

#[test]
fn summer_hours_hold_from_their_first_day_through_their_last() {
    let calendar = built(|definition| {
        definition.seasons = Some(vec![season("06-01", "09-30", &["08:00-12:00", "15:00-18:30"])]);
    });
    let due = |start, amount| calendar.due(at(start), Limit::working_minutes(amount)).at;
    assert_eq!(due("2026-05-29T17:00:00", 120), at("2026-06-01T09:00:00"));
    assert_eq!(due("2026-09-30T18:00:00", 60), at("2026-10-08T09:30:00"));
    assert_eq!(calendar.closing_after(at("2026-05-29T10:00:00"), 1), at("2026-06-01T18:30:00"));
    assert_eq!(calendar.day("2026-07-01".parse().unwrap()).season, Some("夏季作息"));
}

#[test]
fn a_season_may_go_over_new_year_and_a_day_may_have_hours_of_its_own() {
    let calendar = built(|definition| {
        definition.seasons = Some(vec![season("11-01", "02-28", &["09:00-12:00", "13:30-17:00"])]);
        let half = ExceptionDefinition {
            hours: Some(texts(&["09:00-12:00"])),
            ..exception("2026-02-13", "workday")
        };
        definition.exceptions.push(half);
    });
    assert_eq!(calendar.closing_after(at("2026-01-05T10:00:00"), 0), at("2026-01-05T17:00:00"));
    assert_eq!(calendar.closing_after(at("2026-03-02T10:00:00"), 0), at("2026-03-02T18:00:00"));
    assert_eq!(calendar.closing_after(at("2026-02-13T10:00:00"), 0), at("2026-02-13T12:00:00"));
    assert_eq!(calendar.closing_after(at("2026-02-13T12:00:00"), 0), at("2026-02-14T17:00:00"));
}

#[test]
fn a_department_differs_only_in_what_it_says() {
    let county = statutory::definition().unwrap().county().unwrap();
    let hall = Definition {
        weekdays: Some(texts(&["mon", "tue", "wed", "thu", "fri", "sat"])),
        exceptions: vec![exception("2026-10-07", "workday")],
        ..Definition::default()
    };
    let hall = Calendar::new(hall.department(&county).unwrap(), Edition::default());
    let kind = |date: &str| hall.day(date.parse().unwrap()).kind;
    assert_eq!(kind("2026-03-14"), DayKind::Workday);
    assert_eq!(kind("2026-03-15"), DayKind::Weekend);
    assert_eq!(kind("2026-10-06"), DayKind::Holiday);
    assert_eq!(kind("2026-10-07"), DayKind::Workday);
    assert_eq!(kind("2026-09-20"), DayKind::MakeUp, "a Sunday");
    assert_eq!(hall.closing_after(at("2026-09-30T10:00:00"), 1), at("2026-10-07T18:00:00"));
    let years = Definition { published_through: Some(2030), ..Definition::default() };
    assert_eq!(told(years.department(&county).unwrap_err()), [("publishedThrough".to_owned(), "not_here")]);
}

#[test]
fn a_calendar_that_contradicts_itself_is_refused_by_path() {
    let one = |path: &str, code| vec![(path.to_owned(), code)];
    assert_eq!(faults(|it| it.hours = None), one("hours", "required"));
    assert_eq!(
        faults(|it| it.hours = Some(texts(&["09:00-12:00", "11:59-18:00"]))),
        one("hours[1]", "overlaps")
    );
    assert_eq!(faults(|it| it.weekdays = Some(Vec::new())), one("weekdays", "empty"));
    assert_eq!(faults(|it| it.weekdays = Some(texts(&["mon", "mo"]))), one("weekdays[1]", "wrong_value"));
    assert_eq!(faults(|it| it.published_through = None), one("publishedThrough", "required"));
    assert_eq!(faults(|it| it.published_through = Some(2027)), one("exceptions", "year_missing"));
    assert_eq!(faults(|it| it.published_from = Some(2030)), one("publishedFrom", "out_of_range"));
    let last = |it: &mut Definition, exception| {
        it.exceptions.truncate(150);
        it.exceptions.push(exception);
    };
    let exceptions = statutory::definition().unwrap().exceptions.len();
    assert!(exceptions < 150);
    let path = |field: &str| format!("exceptions[{exceptions}].{field}");
    let of = |exception| faults(|it| last(it, exception));
    assert_eq!(
        of(exception("2026-10-01", "workday")),
        [(path("kind"), "not_exceptional"), (path("date"), "duplicate")]
    );
    assert_eq!(of(exception("2027-10-01", "holiday")), [(path("date"), "out_of_range")]);
    assert_eq!(of(exception("2026-02-30", "holiday")), [(path("date"), "wrong_value")]);
    assert_eq!(of(exception("2026-03-02", "festival")), [(path("kind"), "wrong_value")]);
    let off =
        ExceptionDefinition { hours: Some(texts(&["09:00-12:00"])), ..exception("2026-03-02", "holiday") };
    assert_eq!(of(off), [(path("hours"), "not_here")]);
    let seasons = |list| faults(|it| it.seasons = Some(list));
    let day = ["08:00-12:00"];
    assert_eq!(seasons(vec![season("06-01", "31-09", &day)]), one("seasons[0].through", "wrong_value"));
    assert_eq!(
        seasons(vec![season("2026-06-02", "2026-06-01", &day)]),
        one("seasons[0].through", "out_of_range")
    );
    let both = vec![season("06-01", "09-30", &day), season("2026-09-30", "2026-10-02", &day)];
    assert_eq!(seasons(both), one("seasons[1].from", "overlaps"));
    assert_eq!(
        seasons(vec![season("06-01", "09-30", &["22:00-02:00"])]),
        one("seasons[0].hours[0]", "crosses_midnight")
    );
}

#[test]
fn a_question_is_read_exactly_or_refused() {
    assert_eq!(Count::parse("wh", "1.5"), Ok(Count::Working(TimeDelta::minutes(90))));
    assert_eq!(Count::parse("wm", "0.000001"), Ok(Count::Working(TimeDelta::microseconds(60))));
    assert_eq!(Count::parse("-week", ""), Ok(Count::WeeksBefore(1)));
    for (unit, n) in
        [("wd", "1.5"), ("wd", "-1"), ("wh", "1e3"), ("wm", ""), ("wm", "1."), ("wm", "."), ("-wd", "")]
    {
        assert_eq!(Count::parse(unit, n), Err(CountError::Amount), "{unit} {n}");
    }
    assert_eq!(Count::parse("d", "1"), Err(CountError::Unit));
    assert_eq!(start("2026-03-09").unwrap(), at("2026-03-09T00:00:00"));
    assert_eq!(start("2026-03-09 10:00"), Err(CountError::Start));
    let calendar = Calendar::statutory().unwrap();
    let reckon = |unit, n, from| calendar.reckon(Count::parse(unit, n).unwrap(), start(from).unwrap());
    assert_eq!(reckon("wd", "400000", "2026-03-09"), Err(CountError::Beyond));
    assert_eq!(reckon("wm", "999999999", "2026-03-09"), Err(CountError::Beyond));
    assert_eq!(reckon("-wd", "4000", "2026-03-09"), Err(CountError::Beyond));
    assert_eq!(reckon("-week", "4000", "2026-03-09"), Err(CountError::Beyond));
    assert_eq!(reckon("wd", "1", "1999-03-09"), Err(CountError::Beyond));
    assert!(reckon("wd", "1", "2026-12-31").unwrap().provisional);
}
