//! The moments of ladders, on the demo calendar: 2026-11-23 is a Monday; office hours 09:00–12:00, 14:00–18:00.

use serde_json::json;

use super::*;
use crate::deadlines::ClockBook;
use crate::deadlines::limits::Rules;
use crate::deadlines::model::{LiftedBy, SubjectKind};
use crate::deadlines::on_due::Next;
use crate::organisation::CountyId;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&format!("{text}+08:00")).unwrap().to_utc()
}

/// The moments of a clock that starts at `from`, as `MM-DD HH:MM`, the first `count`.
fn moments(clock: Clock, from: &str, limit: Limit, critical: bool, count: i16) -> Vec<String> {
    let calendar = Calendar::statutory().unwrap();
    let rules = Rules::defaults();
    let timing = Timing { calendar: &calendar, ladders: &rules.ladder, item: None, critical };
    let mut book = ClockBook::empty(CountyId::fresh(), SubjectKind::Call, uuid::Uuid::nil());
    book.start(&timing, clock, at(from), limit);
    let row = &book.fresh()[0];
    assert_eq!(row.fires_at, timing.moment(row, 0));
    (0..count)
        .map_while(|nth| timing.moment(row, nth))
        .map(|at| crate::platform::time::china(at).format("%m-%d %H:%M").to_string())
        .collect()
}

#[test]
fn an_unaccepted_call_climbs_by_working_time_and_repeats_every_working_day() {
    assert_eq!(
        moments(Clock::Accept, "2026-11-23T09:00:00", Limit::working_minutes(15), false, 9),
        [
            "11-23 09:07",
            "11-23 09:15",
            "11-23 09:30",
            "11-23 09:45",
            "11-23 10:15",
            "11-23 15:15",
            "11-24 18:00",
            "11-25 18:00",
            "11-26 18:00",
        ]
    );
}

#[test]
fn a_late_afternoon_climbs_on_the_next_morning_and_never_at_night() {
    assert_eq!(
        moments(Clock::Accept, "2026-11-27T17:50:00", Limit::working_minutes(15), false, 5),
        ["11-27 17:57", "11-30 09:05", "11-30 09:20", "11-30 09:35", "11-30 10:05"]
    );
}

#[test]
fn a_critical_call_climbs_round_the_clock() {
    assert_eq!(
        moments(Clock::Accept, "2026-11-28T02:00:00", Limit::minutes(5), true, 8),
        [
            "11-28 02:02",
            "11-28 02:05",
            "11-28 02:20",
            "11-28 02:35",
            "11-28 03:05",
            "11-28 06:05",
            "11-29 02:05",
            "11-30 02:05",
        ]
    );
}

#[test]
fn a_resolution_warns_before_it_is_due_at_closing_and_climbs_after_it() {
    assert_eq!(
        moments(Clock::Resolve, "2026-11-23T09:00:00", Limit::working_days(4), false, 8),
        [
            "11-25 14:30",
            "11-26 18:00",
            "11-26 18:00",
            "11-27 18:00",
            "11-30 15:00",
            "11-30 18:00",
            "12-02 18:00",
            "12-04 18:00",
        ]
    );
}

#[test]
fn silence_and_pauses_end_by_themselves_once() {
    for clock in [Clock::Confirm, Clock::Pause] {
        let all = moments(clock, "2026-11-23T10:00:00", Limit::working_days(3), false, 5);
        assert_eq!(all, ["11-26 18:00"], "{clock}");
    }
}

#[test]
fn a_promise_for_the_evening_is_missed_then_but_nobody_is_disturbed_before_morning() {
    let calendar = Calendar::statutory().unwrap();
    let rules = Rules::defaults();
    let timing = Timing { calendar: &calendar, ladders: &rules.ladder, item: None, critical: false };
    let mut book = ClockBook::empty(CountyId::fresh(), SubjectKind::Call, uuid::Uuid::nil());
    book.start_until(&timing, Clock::Promise, at("2026-11-23T09:00:00"), at("2026-11-23T20:00:00"), 0);
    let row = &book.fresh()[0];
    assert_eq!(row.due_at, at("2026-11-23T20:00:00"));
    assert_eq!(timing.moment(row, 0), Some(at("2026-11-23T14:30:00")));
    assert_eq!(timing.moment(row, 3), Some(at("2026-11-24T09:00:00")));
}

#[test]
fn every_compiled_in_ladder_rises_whatever_the_start() {
    let calendar = Calendar::statutory().unwrap();
    let rules = Rules::defaults();
    for clock in Clock::ALL {
        for critical in [false, true] {
            let timing = Timing { calendar: &calendar, ladders: &rules.ladder, item: None, critical };
            for hours in 0..24 * 9 {
                let from = at("2026-09-24T00:17:00") + TimeDelta::hours(hours);
                for limit in [Limit::working_minutes(15), Limit::working_days(3), Limit::minutes(60)] {
                    let mut book = ClockBook::empty(CountyId::fresh(), SubjectKind::Call, uuid::Uuid::nil());
                    book.start(&timing, *clock, from, limit);
                    let row = &book.fresh()[0];
                    let all: Vec<_> = (0..10).map_while(|nth| timing.moment(row, nth)).collect();
                    assert!(all.is_sorted(), "{clock} {critical} {from} {limit}: {all:?}");
                    assert!(
                        all.first().is_none_or(|first| *first >= from),
                        "{clock} {from} {limit}: {all:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_ladder_that_makes_no_sense_is_refused_by_step_and_reason() {
    let step = |rung: i16, at: &str, to: &str| json!({"rung": rung, "at": at, "to": [to]});
    let cases = [
        (json!([step(0, "50%", "mayor")]), "found `mayor`"),
        (json!([step(1, "+30wm", "head"), step(2, "+15wm", "head")]), "step 2: the delays do not fall"),
        (json!([step(2, "due", "head"), step(1, "+15wm", "head")]), "step 2: the ladder climbs"),
        (json!([step(7, "due", "head")]), "step 1: a rung is between 0 and 6"),
        (json!([step(1, "+0wm", "head")]), "not a sensible limit"),
        (json!([step(1, "+900wd", "head")]), "not a sensible limit"),
        (json!([step(1, "150%", "head")]), "between 1% and 99%"),
        (json!([step(1, "soon", "head")]), "neither a share"),
        (json!([{"rung": 1, "at": "due", "to": []}]), "tells nobody"),
        (json!([{"rung": 1, "at": "due", "to": ["head"], "card": "green"}]), "found `green`"),
    ];
    for (steps, why) in cases {
        let error =
            Rules::of_county(&json!({"ladder": {"clocks": {"accept": steps}}})).unwrap_err().to_string();
        assert!(error.contains(why), "{error} should say {why}");
    }
    let others = json!([{"rung": 1, "at": "due", "to": ["head"], "card": "blue"}]);
    for clock in ["assistance", "return_ruling"] {
        let refused =
            Rules::of_county(&json!({"ladder": {"clocks": {clock: others}}})).unwrap_err().to_string();
        assert!(refused.contains("what others owe"), "{refused}");
    }
    for (key, value) in [("repeat", json!("0wd")), ("urge_lifts_to", json!(6))] {
        assert!(Rules::of_county(&json!({"ladder": {key: value}})).is_err(), "{key}");
    }
    let item = json!({"ladder": {"items": {"GD01": {"accept": [step(1, "due", "head")]}}}});
    let rules = Rules::of_county(&item).unwrap();
    assert_eq!(rules.ladder.items["GD01"][&Clock::Accept].len(), 1);
    assert!(rules.ladder.clocks[&Clock::Accept].len() > 1);
}

#[test]
fn a_pause_moves_the_warnings_as_it_moves_the_due_moment() {
    let calendar = Calendar::statutory().unwrap();
    let rules = Rules::defaults();
    let timing = Timing { calendar: &calendar, ladders: &rules.ladder, item: None, critical: false };
    let mut book = ClockBook::empty(CountyId::fresh(), SubjectKind::Call, uuid::Uuid::nil());
    book.start(&timing, Clock::Resolve, at("2026-03-09T10:00:00"), Limit::working_days(5));
    assert_eq!(book.fresh()[0].due_at, at("2026-03-16T18:00:00"));
    book.pause(Clock::Resolve, at("2026-03-10T09:00:00"));
    book.resume(&timing, Clock::Resolve, at("2026-03-17T18:00:00"));
    let row = &book.fresh()[0];
    assert_eq!(row.due_at, at("2026-03-24T18:00:00"), "35 of 41 hours are left");
    // 41 working hours: half of them and a fifth of them before it is due.
    assert_eq!(timing.moment(row, 0), Some(at("2026-03-20T09:30:00")));
    assert_eq!(timing.moment(row, 1), Some(at("2026-03-23T16:48:00")));

    let critical = Timing { critical: true, ..timing };
    book.start(&critical, Clock::Plan, at("2026-03-09T10:00:00"), Limit::minutes(240));
    book.pause(Clock::Plan, at("2026-03-09T11:00:00"));
    book.resume(&critical, Clock::Plan, at("2026-03-09T21:00:00"));
    let row = book.fresh().iter().find(|row| row.clock == Clock::Plan).unwrap();
    assert_eq!(row.due_at, at("2026-03-10T00:00:00"));
    assert_eq!(critical.moment(row, 0), Some(at("2026-03-09T23:12:00")));

    // Promised at ten for two the next day, paused for a day: the warnings keep their distance from the moment to which it moves.
    let warnings = |book: &ClockBook| {
        let row = book.live(Clock::Promise).unwrap();
        (0..2).map(|step| row.due_at - timing.moment(row, step).unwrap()).collect::<Vec<_>>()
    };
    book.start_until(&timing, Clock::Promise, at("2026-03-09T10:00:00"), at("2026-03-10T14:00:00"), 0);
    let before = warnings(&book);
    book.pause(Clock::Promise, at("2026-03-09T11:00:00"));
    book.resume(&timing, Clock::Promise, at("2026-03-10T11:00:00"));
    assert_eq!(book.live(Clock::Promise).unwrap().due_at, at("2026-03-11T14:00:00"));
    assert_eq!(warnings(&book), before);
}

#[test]
fn a_step_that_waits_for_the_morning_fires_then_however_the_due_moment_moves() {
    let calendar = Calendar::statutory().unwrap();
    let rules = Rules::defaults();
    let timing = Timing { calendar: &calendar, ladders: &rules.ladder, item: None, critical: false };
    let lifted = || {
        let mut book = ClockBook::empty(CountyId::fresh(), SubjectKind::Call, uuid::Uuid::nil());
        book.start(&timing, Clock::Resolve, at("2026-03-09T10:00:00"), Limit::working_days(5));
        assert_eq!(book.lift(&timing, Clock::Resolve, at("2026-03-09T20:00:00"), 3, LiftedBy::Urge), Some(0));
        book
    };
    let fires = |book: &ClockBook| book.live(Clock::Resolve).unwrap().fires_at;
    let (evening, morning) = (at("2026-03-09T20:30:00"), at("2026-03-10T09:00:00"));
    let later = calendar.due(at("2026-03-09T10:00:00"), Limit::working_days(8));

    let mut book = lifted();
    assert_eq!(fires(&book), Some(morning));
    book.move_due(&timing, Clock::Resolve, later);
    assert_eq!(fires(&book), Some(morning), "extended");
    let mut book = lifted();
    book.relimit(&timing, Clock::Resolve, Limit::working_days(8), later);
    assert_eq!(fires(&book), Some(morning), "with the limit of an item");
    let mut book = lifted();
    book.pause(Clock::Resolve, evening);
    assert_eq!(fires(&book), None);
    book.resume(&timing, Clock::Resolve, at("2026-03-12T19:00:00"));
    assert_eq!(fires(&book), Some(at("2026-03-13T09:00:00")), "when time runs on and people work");

    // What was lifted to later than its own moment comes at its own.
    let mut book = lifted();
    let soon = calendar.due(at("2026-03-09T10:00:00"), Limit::working_minutes(60));
    book.relimit(&timing, Clock::Resolve, Limit::working_minutes(60), soon);
    assert_eq!(fires(&book), Some(at("2026-03-09T10:30:00")));
}

#[test]
fn a_ruling_of_which_nobody_hears_is_told_to_the_top_and_what_may_order_is_not() {
    let calendar = Calendar::statutory().unwrap();
    let rules = Rules::defaults();
    let timing = Timing { calendar: &calendar, ladders: &rules.ladder, item: None, critical: false };
    let now = at("2026-11-23T10:00:00");
    let next = |clock: Clock, step: i16| {
        let mut book = ClockBook::empty(CountyId::fresh(), SubjectKind::Call, uuid::Uuid::nil());
        book.start(&timing, clock, at("2026-11-23T09:00:00"), Limit::working_days(1));
        let row = Deadline { step, ..book.fresh()[0].clone() };
        let row =
            Deadline { fires_at: Some(now), lifted_at: Some(now), lifted_by: Some(LiftedBy::Urge), ..row };
        Next::after(&timing, &row, true)
    };
    assert_eq!(rules.ladder.unheard_lifts_to(Clock::ReturnRuling), HIGHEST_LIFT);
    assert_eq!(rules.ladder.unheard_lifts_to(Clock::Accept), rules.ladder.unreached_lifts_to);
    assert_eq!(next(Clock::ReturnRuling, 1), Next::At(now), "nobody in the office: the inspectorate, now");
    assert_ne!(next(Clock::Accept, 3), Next::At(now), "an order keeps its own hour");
}
