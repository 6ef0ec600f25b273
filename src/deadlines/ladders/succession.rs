//! From one choice of a county to the next: the ladders that clocks still climb by stay beside it. Pure.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::deadlines::limits::{PAST, PastOwn, split};

/// The settings after a change: the new choice, and what held before for the clocks that started before `now`. The same choice again
/// changes nothing.
#[must_use]
pub fn succeed(kept: &Value, own: Value, now: DateTime<Utc>) -> Value {
    let (before, past) = split(kept);
    if before == own {
        return kept.clone();
    }
    // What a hand in Postgres wrote there and nobody can read is of no use to anybody.
    let mut past = past.unwrap_or_default();
    let ladder = |own: &Value| own.get("ladder").cloned().unwrap_or_else(|| json!({}));
    if ladder(&before) != ladder(&own) {
        past.push(PastOwn { until: now, ladder: ladder(&before) });
    }
    with_past(own, &past)
}

/// What held before a change, from when until when: the first since ever.
pub(super) fn windows(settings: &Value) -> Vec<(Option<DateTime<Utc>>, DateTime<Utc>)> {
    let mut since = None;
    let past = split(settings).1.unwrap_or_default();
    past.iter().map(|past| (since.replace(past.until), past.until)).collect()
}

/// The settings without what no clock climbs by any more: `needed` says it of each of [`windows`].
pub(super) fn without_idle(settings: Value, needed: &[bool]) -> Value {
    let (own, past) = split(&settings);
    let past = past.unwrap_or_default().into_iter().zip(needed);
    let past: Vec<_> = past.filter_map(|(past, needed)| needed.then_some(past)).collect();
    with_past(own, &past)
}

fn with_past(mut own: Value, past: &[PastOwn]) -> Value {
    if let Value::Object(settings) = &mut own
        && !past.is_empty()
    {
        settings.insert(PAST.to_owned(), json!(past));
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadlines::limits::Rules;
    use crate::deadlines::model::Clock;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&format!("2026-11-23T{text}:00+08:00")).unwrap().to_utc()
    }

    fn chosen(steps: usize) -> Value {
        let steps = vec![json!({"rung": 1, "at": "due", "to": ["head"]}); steps];
        json!({"ladder": {"clocks": {"accept": steps}}})
    }

    fn steps_at(settings: &Value, moment: &str) -> usize {
        let rules = Rules::of_county(settings).unwrap();
        rules.ladder.of_start(at(moment)).clocks[&Clock::Accept].len()
    }

    #[test]
    fn a_clock_climbs_by_what_held_when_it_started() {
        let first = succeed(&json!({}), chosen(1), at("10:00"));
        let second = succeed(&first, chosen(2), at("11:00"));
        assert_eq!(steps_at(&second, "09:59"), 7, "as shipped");
        assert_eq!((steps_at(&second, "10:00"), steps_at(&second, "10:59")), (1, 1));
        assert_eq!(steps_at(&second, "11:00"), 2);
        assert_eq!(succeed(&second, chosen(2), at("12:00")), second, "no change");
        let mut limits = chosen(2);
        limits["limits"] = json!({"accept": {"normal": "20wm"}});
        let third = succeed(&second, limits, at("12:00"));
        assert_eq!(windows(&third).len(), 2, "the ladder is the same");
    }

    #[test]
    fn what_nobody_climbs_by_is_forgotten() {
        let first = succeed(&json!({}), chosen(1), at("10:00"));
        let second = succeed(&first, chosen(2), at("11:00"));
        assert_eq!(windows(&second), [(None, at("10:00")), (Some(at("10:00")), at("11:00"))]);
        let left = without_idle(second.clone(), &[false, true]);
        assert_eq!((steps_at(&left, "10:30"), steps_at(&left, "11:00")), (1, 2));
        assert_eq!(without_idle(second, &[false, false]), chosen(2));
    }
}
