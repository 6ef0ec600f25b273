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
    /// Counts one message in every scope, or says when there is a place for it.
    ///
    /// # Errors
    /// When to ask again, and which scope is full.
    pub fn take(
        &self,
        scopes: &[(&str, &[Limit])],
        lane: Lane,
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
            for limit in *limits {
                let since = now - within(limit);
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
            windows.entry((*scope).to_owned()).or_default().push_back(now);
        }
        Ok(())
    }

    /// One message that was counted at this moment did not go.
    pub fn give_back(&self, scopes: &[(&str, &[Limit])], counted: DateTime<Utc>) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (scope, _) in scopes {
            let Some(sent) = windows.get_mut(*scope) else { continue };
            if let Some(place) = sent.iter().rposition(|at| *at == counted) {
                sent.remove(place);
            }
        }
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
        let take = |scopes: &[(&str, &[Limit])], at| windows.take(scopes, Lane::First, at);
        assert_eq!(take(&scopes, at(0)), Ok(()));
        assert_eq!(take(&scopes, at(500)), Ok(()));
        assert_eq!(take(&scopes, at(900)), Err((at(1_000), 0)));
        assert_eq!(take(&scopes, at(1_000)), Ok(()));
        assert_eq!(take(&scopes, at(1_500)), Err((at(60_000), 0)));
        assert_eq!(take(&[("b", limits)], at(1_500)), Ok(()));
        assert_eq!(take(&[("b", limits), ("a", limits)], at(1_500)), Err((at(60_000), 1)));
    }

    #[test]
    fn a_place_that_was_not_used_is_free_again() {
        let windows = Windows::default();
        let at = |seconds: i64| DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap();
        let limits: &[Limit] = &[Limit { most: 2, within_ms: 60_000 }];
        let take = |at| windows.take(&[("a", limits)], Lane::First, at);
        assert_eq!([take(at(0)), take(at(5))], [Ok(()); 2]);
        windows.give_back(&[("a", limits), ("b", limits)], at(0));
        assert_eq!(take(at(7)), Ok(()));
        assert_eq!(take(at(60)), Err((at(65), 0)), "what went at 5 and at 7 counts");
    }

    #[test]
    fn a_share_of_it_is_for_alarms_alone() {
        let windows = Windows::default();
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let limits: &[Limit] = &[Limit { most: 4, within_ms: 60_000 }];
        let took = |lane| windows.take(&[("a", limits)], lane, now).is_ok();
        assert_eq!([Lane::Rest; 4].map(took), [true, true, true, false]);
        assert_eq!([Lane::First; 2].map(took), [true, false]);
    }
}
