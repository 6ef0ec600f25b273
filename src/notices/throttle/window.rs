//! What one process sent itself. While Redis is away nobody else can be asked, so nothing but first alarms may leave, and those no
//! faster than the whole limit; once Redis was emptied it says yes to everything, and this still knows better.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::table::Limit;
use crate::notices::model::Lane;

/// Scopes at which those that were silent for an hour and a second, the longest limit there is, are forgotten.
const MANY: usize = 10_000;
const LONGEST: TimeDelta = TimeDelta::seconds(3_601);

/// What this process sent lately, by scope.
#[derive(Clone, Debug, Default)]
pub struct Windows(Arc<Mutex<HashMap<String, VecDeque<DateTime<Utc>>>>>);

impl Windows {
    /// Counts one message in every scope, or says when there is a place for it. Whoever has places since `given`, which he could not use at
    /// once, moves with those of them that still count; the others he has lost.
    ///
    /// # Errors
    /// When to ask again, and which scope is full.
    pub fn take(
        &self,
        scopes: &[(&str, &[Limit])],
        lane: Lane,
        given: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<(), (DateTime<Utc>, usize)> {
        // Lists of moments are whole whatever panicked.
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MANY {
            windows.retain(|_, sent| sent.back().is_some_and(|at| *at > now - LONGEST));
        }
        let within = |limit: &Limit| TimeDelta::milliseconds(limit.within_ms.into());
        let mut free = (now, 0);
        for (nth, (scope, limits)) in scopes.iter().enumerate() {
            let sent = windows.entry((*scope).to_owned()).or_default();
            let longest = limits.iter().map(within).max().unwrap_or_default();
            while sent.front().is_some_and(|at| *at <= now - longest) {
                sent.pop_front();
            }
            let place = given.and_then(|given| sent.iter().rposition(|at| *at == given));
            let held = place.and_then(|place| sent.remove(place));
            for limit in *limits {
                let since = now - within(limit);
                if held.is_some_and(|held| held > since) {
                    continue;
                }
                let inside: Vec<_> = sent.iter().filter(|at| **at > since).collect();
                let over = inside.len().checked_sub(usize::try_from(limit.share(lane)).unwrap_or(usize::MAX));
                if let Some(blocking) = over.and_then(|over| inside.get(over)) {
                    free = free.max((**blocking + within(limit), nth));
                }
            }
        }
        if free.0 > now {
            return Err(free);
        }
        for (scope, _) in scopes {
            let sent = windows.entry((*scope).to_owned()).or_default();
            // Whoever waited says a later moment than whoever comes now.
            let place = sent.partition_point(|at| *at <= now);
            sent.insert(place, now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_leaves_in_any_window() {
        let windows = Windows::default();
        let at = |ms: i64| DateTime::from_timestamp_millis(1_790_000_000_000 + ms).unwrap();
        let limits: &[Limit] = &[Limit { most: 2, within_ms: 1_000 }, Limit { most: 3, within_ms: 60_000 }];
        let scopes = [("a", limits)];
        let take = |scopes: &[(&str, &[Limit])], at| windows.take(scopes, Lane::First, None, at);
        assert_eq!(take(&scopes, at(0)), Ok(()));
        assert_eq!(take(&scopes, at(500)), Ok(()));
        assert_eq!(take(&scopes, at(900)), Err((at(1_000), 0)));
        assert_eq!(take(&scopes, at(1_000)), Ok(()));
        assert_eq!(take(&scopes, at(1_500)), Err((at(60_000), 0)));
        assert_eq!(take(&[("b", limits)], at(1_500)), Ok(()));
        assert_eq!(take(&[("b", limits), ("a", limits)], at(1_500)), Err((at(60_000), 1)));
    }

    #[test]
    fn a_place_that_was_not_used_at_once_moves_as_long_as_it_counts() {
        let windows = Windows::default();
        let at = |seconds: i64| DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap();
        let limits: &[Limit] = &[Limit { most: 4, within_ms: 60_000 }];
        let take = |lane, given, at| windows.take(&[("a", limits)], lane, given, at);
        assert_eq!(take(Lane::Rest, None, at(0)), Ok(()));
        for second in 1..4 {
            assert_eq!(take(Lane::First, None, at(second)), Ok(()));
        }
        // It is full, and more than full for the others; who has his place keeps it.
        assert_eq!(take(Lane::Rest, Some(at(0)), at(5)), Ok(()));
        assert_eq!(take(Lane::First, None, at(60)), Err((at(61), 0)), "nobody left at 0");
        // A place that is over is taken anew.
        assert_eq!(take(Lane::First, Some(at(1)), at(64)), Ok(()));
        assert_eq!(take(Lane::First, None, at(64)), Ok(()));
        assert_eq!(take(Lane::First, None, at(64)), Ok(()));
        assert_eq!(take(Lane::Rest, Some(at(3)), at(64)), Err((at(124), 0)));
    }

    #[test]
    fn a_share_of_it_is_for_alarms_alone() {
        let windows = Windows::default();
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let limits: &[Limit] = &[Limit { most: 4, within_ms: 60_000 }];
        let took = |lane| windows.take(&[("a", limits)], lane, None, now).is_ok();
        assert_eq!([Lane::Rest; 4].map(took), [true, true, true, false]);
        assert_eq!([Lane::First; 2].map(took), [true, false]);
    }
}
