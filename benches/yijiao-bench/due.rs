//! Due moments computed on one core: what a tap asks of the working calendar, again and again.

use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use yijiao::deadlines::Limit;
use yijiao::deadlines::calendar::Calendar;

use crate::figures::{median, number};
use crate::report::{Bound, Row};
use crate::stage::Outcome;

/// Due moments of one round, and rounds; the median counts.
const ROUND: usize = 2_000_000;
const ROUNDS: usize = 5;
/// Starts spread over the published years, at uneven distances.
const STEP: TimeDelta = TimeDelta::seconds(86_117);
const STARTS: usize = 1_024;

/// Working minutes, hours and days in turns, from starts all over the years.
pub fn measure() -> Outcome<Vec<Row>> {
    let calendar = Calendar::statutory()?;
    let first: DateTime<Utc> = "2023-03-01T00:00:17Z".parse()?;
    let starts: Vec<DateTime<Utc>> =
        (0..STARTS).scan(first, |at, _| Some(std::mem::replace(at, *at + STEP))).collect();
    let limits = [
        Limit::working_minutes(15),
        Limit::working_minutes(240),
        Limit::working_days(1),
        Limit::working_minutes(60),
        Limit::working_days(5),
    ];
    let rates =
        (0..ROUNDS).map(|_| number(ROUND) / round(&calendar, &starts, &limits).as_secs_f64()).collect();
    let millions = median(rates) / 1e6;
    Ok(vec![Row::budget(
        "due moments computed, one core",
        Bound::AtLeast(1.0),
        Bound::AtLeast(10.0),
        millions,
        "M/s",
    )])
}

fn round(calendar: &Calendar, starts: &[DateTime<Utc>], limits: &[Limit]) -> Duration {
    let began = Instant::now();
    let questions = starts.iter().cycle().zip(limits.iter().cycle()).take(ROUND);
    for (start, limit) in questions {
        black_box(calendar.due(black_box(*start), black_box(*limit)));
    }
    began.elapsed()
}
