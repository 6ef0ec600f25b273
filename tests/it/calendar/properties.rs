//! Five years of random calendars: whatever is asked of the fast one, the slow one says the same; and what must hold between the
//! answers does.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use yijiao::deadlines::Limit;
use yijiao::deadlines::calendar::count::{Count, start};
use yijiao::deadlines::calendar::definition::{Definition, ExceptionDefinition, SeasonDefinition};
use yijiao::deadlines::calendar::{Calendar, Edition, statutory};

use super::walk::{Walk, local, moment};

/// Calendars, and questions to each of them: more than 100 000 together.
const CALENDARS: u32 = 160;
const QUESTIONS: usize = 650;
/// First published year, and how many are.
const YEAR: i32 = 2031;
const YEARS: i32 = 5;

#[test]
fn there_are_at_least_a_hundred_thousand_cases() {
    assert!(u64::from(CALENDARS) * u64::try_from(QUESTIONS).unwrap() >= 100_000);
}

/// A moment of the published years to the second, an amount, and what is asked.
type Question = (i64, u32, u8);

fn question() -> impl Strategy<Value = Question> {
    let days = i64::from(YEARS * 365);
    // Many of them at full hours, where the edges are.
    let clock = prop_oneof![3 => 0..86_400_i64, 1 => (0..24_i64).prop_map(|hour| hour * 3600)];
    let amount = prop_oneof![7 => 0..500_u32, 1 => 0..3000_u32];
    (0..days, clock, amount, 0..5_u8).prop_map(|(day, clock, n, kind)| (day * 86_400 + clock, n, kind))
}

/// One to three intervals that are in order and apart, in steps of a quarter.
fn hours() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::btree_set(0..97_u32, 2..7).prop_map(|marks| {
        let marks: Vec<u32> = marks.into_iter().collect();
        let clock = |mark: u32| format!("{:02}:{:02}", mark / 4, mark % 4 * 15);
        marks
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[open, close]| format!("{}-{}", clock(*open), clock(*close)))
            .collect()
    })
}

fn seasons() -> impl Strategy<Value = Option<Vec<SeasonDefinition>>> {
    let one = (1..=12_u32, 1..=28_u32, 1..=12_u32, 1..=28_u32, hours(), any::<bool>());
    proptest::option::of(one.prop_map(|(m, d, n, e, hours, once)| {
        let (mut from, mut through) = (format!("{m:02}-{d:02}"), format!("{n:02}-{e:02}"));
        if once {
            (from, through) = (from.clone().min(through.clone()), from.max(through));
            (from, through) = (format!("{}-{from}", YEAR + 1), format!("{}-{through}", YEAR + 2));
        }
        vec![SeasonDefinition { name: "作息".to_owned(), from, through, hours }]
    }))
}

/// A calendar that a county might write, and stranger ones.
fn definition() -> impl Strategy<Value = Definition> {
    let all = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(str::to_owned).to_vec();
    let weekdays = proptest::sample::subsequence(all, 1..=7);
    let exceptions =
        btree_map(0..YEARS * 365, (any::<bool>(), proptest::option::weighted(0.2, hours())), 0..150);
    (weekdays, hours(), seasons(), exceptions).prop_map(|(weekdays, hours, seasons, days)| {
        let first = NaiveDate::from_ymd_opt(YEAR, 1, 1).unwrap();
        let mut exceptions: Vec<ExceptionDefinition> = (0..YEARS)
            .map(|year| ExceptionDefinition {
                date: format!("{}-01-01", YEAR + year),
                kind: "holiday".to_owned(),
                ..ExceptionDefinition::default()
            })
            .collect();
        for (day, (works, own)) in days {
            let date = first + TimeDelta::days(day.into());
            let usual = weekdays.contains(&date.weekday().to_string().to_lowercase());
            if date.ordinal() == 1 || (works && usual && own.is_none()) {
                continue;
            }
            exceptions.push(ExceptionDefinition {
                date: date.to_string(),
                kind: if works { "workday" } else { "holiday" }.to_owned(),
                name: String::new(),
                hours: own.filter(|_| works),
            });
        }
        Definition {
            weekdays: Some(weekdays),
            hours: Some(hours),
            seasons,
            exceptions,
            published_from: None,
            published_through: Some(YEAR + YEARS - 1),
        }
    })
}

fn build(definition: &Definition) -> Calendar {
    Calendar::new(definition.county().unwrap(), Edition::default())
}

fn seconds(first: i32, seconds: i64) -> DateTime<Utc> {
    start(&format!("{first}-01-01")).unwrap() + TimeDelta::seconds(seconds)
}

/// The day that closes at a moment; at midnight it is the one before.
fn day_of(closing: DateTime<Utc>) -> NaiveDate {
    local(closing - TimeDelta::microseconds(1)).date()
}

/// One question to both.
fn agree(fast: &Calendar, slow: &Walk, at: DateTime<Utc>, n: u32, kind: u8) {
    let here = local(at);
    let (count, expected) = match kind {
        0 | 1 => {
            let span = TimeDelta::seconds(i64::from(if kind == 0 { n * 13 } else { n * 60 }));
            (Count::Working(span), slow.add(here, span))
        }
        2 => (Count::Days((n % 31).into()), slow.days(here, n % 31)),
        3 => (Count::DaysBefore((n % 12 + 1).into()), slow.days_before(here.date(), n % 12 + 1)),
        _ => (Count::WeeksBefore(1), slow.week_before(here.date())),
    };
    let due = fast.reckon(count, at).unwrap();
    assert_eq!(due.at, moment(expected), "{count:?} from {here}");
    assert_eq!(
        due.provisional,
        !(slow.is_published(here) && slow.is_published(expected)),
        "{count:?} from {here}"
    );
    match count {
        Count::Working(span) => relations(fast, slow, at, span),
        Count::Days(days) => {
            let limit = Limit::working_days(days.try_into().unwrap());
            assert_eq!(fast.due(at, limit), due);
            // A day more is later, and counting back from the day after finds the day again.
            assert!(fast.closing_after(at, days + 1) > due.at);
            // A day that closes at midnight is not the day after.
            let day_after = due.at - TimeDelta::microseconds(1) + TimeDelta::days(1);
            assert_eq!(fast.closing_before(day_after, 1), due.at);
        }
        Count::DaysBefore(days) => {
            let counted = fast.closing_after(due.at - TimeDelta::microseconds(1), days - 1);
            assert!(day_of(counted) < here.date(), "the {days} days lie before");
            assert!(day_of(fast.closing_after(counted - TimeDelta::microseconds(1), 1)) >= here.date());
        }
        Count::WeeksBefore(_) => assert!(due.at < at),
    }
}

/// What holds between the answers of the fast one alone.
fn relations(fast: &Calendar, slow: &Walk, at: DateTime<Utc>, span: TimeDelta) {
    let due = fast.add_working(at, span);
    assert_eq!(fast.working_between(at, due), span, "adding is undone by measuring");
    assert!(due >= at && fast.add_working(at, span + TimeDelta::seconds(1)) > due, "more is later");
    assert!(
        fast.add_working(at + TimeDelta::seconds(1), span) >= due,
        "whoever starts later is due no earlier"
    );
    if span > TimeDelta::zero() {
        let back = fast.sub_working(due, span);
        assert_eq!(back, fast.next_open(at), "subtracting undoes adding");
        assert_eq!(fast.working_between(back, due), span);
    }
    // A clock that stands still for any time has as much left afterwards as before.
    let third = TimeDelta::seconds((due - at).num_seconds() / 3);
    let (paused, resumed) = (at + third, due + third + TimeDelta::hours(5));
    let left = fast.working_between(paused, due);
    let moved = fast.add_working(resumed, left);
    assert_eq!(fast.working_between(at, paused) + left, span);
    assert_eq!(fast.working_between(resumed, moved), left);
    assert_eq!(slow.between(local(paused), local(due)), left);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CALENDARS, ..ProptestConfig::default() })]

    #[test]
    fn a_fast_answer_is_the_slow_one(definition in definition(), questions in vec(question(), QUESTIONS)) {
        let (fast, slow) = (build(&definition), Walk::new(&definition));
        for (second, n, kind) in questions {
            agree(&fast, &slow, seconds(YEAR, second), n, kind);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_by_minutes_says_the_same(definition in definition(), questions in vec(question(), 10)) {
        let (fast, slow) = (build(&definition), Walk::new(&definition));
        for (second, n, _) in questions {
            let (at, span) = (seconds(YEAR, second - second % 60), TimeDelta::minutes(i64::from(n % 300 + 1)));
            assert_eq!(fast.add_working(at, span), moment(slow.add_by_minutes(local(at), span)));
        }
    }

    #[test]
    fn the_statutory_calendar_says_the_same(questions in vec(question(), QUESTIONS)) {
        let definition = statutory::definition().unwrap();
        let (fast, slow) = (build(&definition), Walk::new(&definition));
        for (second, n, kind) in questions {
            agree(&fast, &slow, seconds(2023, second % (4 * 365 * 86_400)), n, kind);
        }
    }
}
