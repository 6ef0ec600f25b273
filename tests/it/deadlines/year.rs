//! A year of the county, played by the real calendar in seconds: 1 200 calls, officers and enterprises who act by a seeded plan – or do
//! not. Each promised moment of each clock fired once, then, and nobody's time is missing.

mod deeds;
mod oracle;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use uuid::Uuid;
use yijiao::calls::raise::Raise;
use yijiao::deadlines::limits::Urgency;

use self::deeds::{Deed, People};
use super::stage::{all_that_is_wrong, each_once, item, raised};
use crate::kit::{County, Spans as _};

/// Times in the year at which calls come in, and how many at a time: ten go through one fate each, the others are over soon.
const TIMES: i64 = 24;
const CALLS: usize = 50;

/// SplitMix64: the same plan in every run.
pub struct Dice(u64);

impl Dice {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn span(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.below(u64::try_from(to - from).unwrap())).unwrap()
    }
}

type Plan = BTreeMap<DateTime<Utc>, Vec<(Option<Uuid>, Deed)>>;

/// What will be done about a call that is raised at `at`.
fn fate(plan: &mut Plan, at: DateTime<Utc>, call: Uuid, nth: usize, later: &[i64; 3]) {
    use Deed::*;
    let mut does = |after: TimeDelta, deed| plan.entry(at + after).or_default().push((Some(call), deed));
    let [minutes, hours, days] = *later;
    match nth {
        // As it should be.
        0..3 => {
            does(minutes.minutes(), Accept);
            does((minutes + 9).minutes(), Contact);
            does(hours.hours(), Resolve);
            does(hours.hours() + 1.days(), Confirm);
        }
        // And the enterprise says nothing.
        3 => {
            does(minutes.minutes(), Accept);
            does(2.days(), Resolve);
        }
        // The backup takes it late, it is solved late, not really, and then once more.
        4..6 => {
            does(50.minutes(), Backup);
            does(1.days(), Note);
            does((5 + days).days(), Resolve);
            does((6 + days).days(), Reject);
            does((8 + days).days(), Resolve);
            does((8 + days).days() + 1.hours(), Confirm);
        }
        // Nobody ever accepts; the enterprise urges, and gives up.
        6 => {
            does(20.minutes(), Urge);
            does((3 + days).days(), Withdraw);
        }
        // Nobody accepts until the office gives it to somebody else.
        7 => {
            does(1.days(), Assign);
            does(1.days() + minutes.minutes(), Accept);
            does((4 + days).days(), Resolve);
        }
        // Promised, paused until the bound, resolved after it.
        8 => {
            does(minutes.minutes(), Accept);
            does((minutes + 1).minutes(), Promise);
            does((minutes + 2).minutes(), AskPause);
            does((minutes + 30).minutes(), Pause);
            does((9 + days).days(), Resolve);
            does((10 + days).days(), Confirm);
        }
        // Given more time, and still late.
        9 => {
            does(minutes.minutes(), Accept);
            does((minutes + 3).minutes(), AskExtension);
            does((minutes + 60).minutes(), Extend);
            does((14 + days).days(), Resolve);
        }
        // It was nothing after all, or the enterprise helped itself.
        _ => does(if nth.is_multiple_of(2) { 5.minutes() } else { 16.minutes() }, Withdraw),
    }
}

#[tokio::test]
async fn no_rung_is_missed_and_none_fires_twice() {
    let county = County::open();
    let new_year =
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap().and_time(NaiveTime::MIN).and_utc() - 8.hours();
    county.clock.set(new_year);
    let people = People::of(&county).await;
    let mut dice = Dice(1);
    let mut plan = Plan::new();
    for nth in 0..TIMES {
        let day = nth * 15 + dice.span(0, 15);
        // Mostly in office hours, sometimes at night or on a holiday.
        let minute = if dice.below(4) > 0 { dice.span(9 * 60, 18 * 60) } else { dice.span(0, 24 * 60) };
        plan.entry(new_year + day.days() + minute.minutes()).or_default().push((None, Deed::Raise(CALLS)));
    }
    // Every third day somebody answers the orders, until those of the last calls are answered too.
    for day in (3..400).step_by(3) {
        let at = new_year + day.days() + dice.span(9 * 60, 18 * 60).minutes();
        plan.entry(at).or_default().push((None, Deed::AnswerOrders));
    }
    let mut auditor = county.auditor().await;
    let engine = yijiao::worker::engine(&county.app, "test".to_owned());
    let (mut done, mut refused) = (0, 0);
    loop {
        let due = county.next_due_by(&mut auditor).await;
        let next = plan.first_key_value().map(|(at, _)| *at);
        let Some(at) = [due, next].into_iter().flatten().min() else { break };
        county.clock.set(at.max(county.now()));
        if due.is_some_and(|due| due <= county.now()) {
            engine.run_once(county.now()).await.unwrap();
        }
        let Some(deeds) = plan.remove(&county.now()) else { continue };
        for (call, deed) in &deeds {
            if let (None, Deed::Raise(count)) = (call, deed) {
                let calls = raised(&county, people.mill(), &wish(&mut dice), *count).await;
                let later = [dice.span(2, 40), dice.span(1, 30), dice.span(0, 9)];
                for (nth, call) in calls.into_iter().enumerate() {
                    // One of each fate; the rest is short.
                    fate(&mut plan, county.now(), call, nth, &later);
                }
            }
        }
        let (well, ill) = people.do_all(&county, &mut auditor, deeds).await;
        done += well;
        refused += ill;
    }
    assert!(done > 1_200 && refused * 8 < done, "{done} deeds, {refused} refused");
    assert_eq!(county.count("select count(*) from calls where ended_at is null").await, 0);
    assert_eq!(county.count("select count(*) from calls").await, 1_200);
    each_once(&county).await;
    assert_eq!(all_that_is_wrong(&county).await, Vec::<String>::new());
    // The holders' times add up to the age of each call.
    let unequal = "select count(*) from calls c where c.ended_at - c.raised_at <>
        (select sum(s.ends_at - s.starts_at) from holder_spans s where s.call_id = c.id)";
    assert_eq!(county.count(unequal).await, 0);
    oracle::every_moment_fired(&county).await;
}

fn wish(dice: &mut Dice) -> Raise {
    let code = ["OUTAGE", "OUTAGE", "IMPACT", "CAPACITY"][usize::try_from(dice.below(4)).unwrap()];
    let urgency = [Urgency::Normal, Urgency::Normal, Urgency::Urgent, Urgency::Critical];
    Raise { urgency: Some(urgency[usize::try_from(dice.below(4)).unwrap()]), ..item(code) }
}
