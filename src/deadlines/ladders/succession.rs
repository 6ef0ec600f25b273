//! From one choice of a county to the next: the ladders that clocks still climb by stay beside it, whole, so that neither a change of
//! the county nor another release of this product alters what runs. Pure.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::deadlines::limits::{PAST, PastLadder, SHIPPED_LADDER, split, whole_ladder};

/// How many ladders are kept beside the present one; every tap reads them with the settings.
pub const MOST_KEPT: usize = 20;

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
    if let Ok(ladder) = whole_ladder(&SHIPPED_LADDER, &before) {
        past.push(PastLadder { until: now, ladder });
    }
    with_past(own, past)
}

/// [`succeed`] where nobody asks which ladders are still in use: those in vain are forgotten by the hour, not here.
///
/// # Errors
/// In words: too many would be kept.
pub fn succeed_in_bounds(kept: &Value, own: Value, now: DateTime<Utc>) -> Result<Value, String> {
    let next = succeed(kept, own, now);
    if keeps_too_many(kept, &next) {
        return Err(format!(
            "已保留 {MOST_KEPT} 套此前的提级阶梯，请等按其提级的诉求办结后再导入；{MOST_KEPT} earlier ladders are kept, import again when \
             the calls that climb by them have ended"
        ));
    }
    Ok(next)
}

/// Whether a change would keep more than [`MOST_KEPT`]; one that keeps no more than before is let pass.
pub(super) fn keeps_too_many(before: &Value, after: &Value) -> bool {
    let keeps = windows(after).len();
    keeps > MOST_KEPT && keeps > windows(before).len()
}

/// The settings under a release that ships other ladders than the one before did: what ran under those climbs on by them.
#[must_use]
pub(super) fn released(kept: &Value, shipped_before: &Value, now: DateTime<Utc>) -> Value {
    let (own, past) = split(kept);
    let mut past = past.unwrap_or_default();
    if let Ok(ladder) = whole_ladder(shipped_before, &own) {
        past.push(PastLadder { until: now, ladder });
    }
    with_past(own, past)
}

/// What held before a change, from when until when: the first since ever.
pub(super) fn windows(settings: &Value) -> Vec<(Option<DateTime<Utc>>, DateTime<Utc>)> {
    let mut since = None;
    let past = split(settings).1.unwrap_or_default();
    past.iter().map(|past| (since.replace(past.until), past.until)).collect()
}

/// The settings without what no clock climbs by any more: `needed` says it of each of [`windows`].
pub(super) fn without_idle(settings: &Value, needed: &[bool]) -> Value {
    let (own, past) = split(settings);
    let past = past.unwrap_or_default().into_iter().zip(needed);
    with_past(own, past.filter_map(|(past, needed)| needed.then_some(past)).collect())
}

/// Equal neighbours are kept as one, and what is as the present one not at all.
fn with_past(mut own: Value, past: Vec<PastLadder>) -> Value {
    let mut kept: Vec<PastLadder> = Vec::with_capacity(past.len());
    for one in past {
        match kept.last_mut() {
            Some(last) if last.ladder == one.ladder => last.until = one.until,
            _ => kept.push(one),
        }
    }
    let present = whole_ladder(&SHIPPED_LADDER, &own).ok();
    kept.pop_if(|last| Some(&last.ladder) == present.as_ref());
    if let Value::Object(settings) = &mut own
        && !kept.is_empty()
    {
        settings.insert(PAST.to_owned(), json!(kept));
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

    fn steps(count: usize) -> Value {
        json!(vec![json!({"rung": 1, "at": "due", "to": ["head"]}); count])
    }

    fn chosen(count: usize) -> Value {
        json!({"ladder": {"clocks": {"accept": steps(count)}}})
    }

    fn steps_at(settings: &Value, moment: &str) -> usize {
        let rules = Rules::of_county(settings).unwrap();
        rules.ladder.of_start(at(moment)).clocks[&Clock::Accept].len()
    }

    #[test]
    fn no_more_are_kept_than_every_tap_can_read() {
        let mut settings = json!({});
        for count in 1..=MOST_KEPT {
            settings = succeed_in_bounds(&settings, chosen(count), at("10:00")).unwrap();
        }
        assert_eq!(windows(&settings).len(), MOST_KEPT);
        let refused = succeed_in_bounds(&settings, chosen(MOST_KEPT + 1), at("11:00")).unwrap_err();
        assert!(refused.contains("20"), "{refused}");
        // What is no ladder may change.
        let mut limits = chosen(MOST_KEPT);
        limits["limits"] = json!({"accept": {"urgent": "5wm"}});
        assert!(succeed_in_bounds(&settings, limits, at("11:00")).is_ok());
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
    fn what_another_release_kept_is_read_as_far_as_it_is_understood() {
        let mut kept = succeed(&chosen(1), chosen(2), at("10:00"));
        let ladder = kept["past_ladders"][0]["ladder"].as_object_mut().unwrap();
        ladder.remove("repeat").unwrap();
        ladder.insert("of_a_later_release".to_owned(), json!({"steps": 3}));
        assert_eq!((steps_at(&kept, "09:30"), steps_at(&kept, "10:30")), (1, 2));
        kept["past_ladders"][0]["ladder"] = json!("nonsense");
        assert_eq!(steps_at(&kept, "09:30"), 2, "the present one, which is better than none");
    }

    #[test]
    fn what_nobody_climbs_by_is_forgotten() {
        let first = succeed(&json!({}), chosen(1), at("10:00"));
        let second = succeed(&first, chosen(2), at("11:00"));
        assert_eq!(windows(&second), [(None, at("10:00")), (Some(at("10:00")), at("11:00"))]);
        let left = without_idle(&second, &[false, true]);
        assert_eq!((steps_at(&left, "10:30"), steps_at(&left, "11:00")), (1, 2));
        assert_eq!(without_idle(&second, &[false, false]), chosen(2));
    }

    #[test]
    fn there_and_back_again_keeps_one_ladder_or_none() {
        let there = succeed(&chosen(1), chosen(2), at("10:00"));
        let back = succeed(&there, chosen(1), at("11:00"));
        assert_eq!(windows(&back).len(), 2);
        assert_eq!(without_idle(&back, &[true, false]), chosen(1), "what holds again needs no keeping");
        let twice = succeed(&back, chosen(2), at("12:00"));
        let third = succeed(&twice, chosen(3), at("13:00"));
        assert_eq!(windows(&third).len(), 4);
        let joined = without_idle(&third, &[true, false, true, false]);
        assert_eq!(windows(&joined), [(None, at("12:00"))]);
        assert_eq!((steps_at(&joined, "10:30"), steps_at(&joined, "12:30")), (1, 3));
        // What is said outright is not another ladder than the shipped one.
        let outright = json!({"ladder": *SHIPPED_LADDER});
        assert_eq!(succeed(&json!({}), outright.clone(), at("10:00")), outright);
    }

    #[test]
    fn another_release_leaves_what_runs_alone() {
        let mut before = SHIPPED_LADDER.clone();
        before["clocks"]["accept"] = steps(4);
        let settings = released(&json!({}), &before, at("12:00"));
        assert_eq!((steps_at(&settings, "11:59"), steps_at(&settings, "12:00")), (4, 7));
        // Nor does it touch what had been kept before it, whatever it ships.
        let kept = succeed(&json!({}), chosen(1), at("10:00"));
        assert_eq!(kept["past_ladders"][0]["ladder"], *SHIPPED_LADDER, "written whole");
        assert_eq!(windows(&released(&kept, &before, at("12:00"))).len(), 1, "the county chose its own");
        let mut half = chosen(1);
        half["ladder"]["clocks"]["arrive"] = steps(2);
        before["clocks"]["resolve"] = steps(5);
        let settings = released(&half, &before, at("12:00"));
        let rules = Rules::of_county(&settings).unwrap();
        let then = rules.ladder.of_start(at("11:00"));
        let lengths = [Clock::Accept, Clock::Arrive, Clock::Resolve].map(|clock| then.clocks[&clock].len());
        assert_eq!(lengths, [1, 2, 5]);
    }
}
