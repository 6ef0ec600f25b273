//! The limits of one process, for the time that Redis is away: nobody else is asked, so nothing but first alarms may leave, and those
//! no faster than the whole limit.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::table::Limit;

/// What this process sent lately, by scope.
#[derive(Clone, Debug, Default)]
pub struct Windows(Arc<Mutex<HashMap<String, VecDeque<DateTime<Utc>>>>>);

impl Windows {
    /// Counts one message in every scope, or says when there is a place for it.
    ///
    /// # Errors
    /// When to ask again.
    pub fn take(&self, scopes: &[(String, &[Limit])], now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        // Lists of moments are whole whatever panicked.
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let within = |limit: &Limit| TimeDelta::milliseconds(limit.within_ms.into());
        let mut free = now;
        for (scope, limits) in scopes {
            let sent = windows.entry(scope.clone()).or_default();
            let longest = limits.iter().map(within).max().unwrap_or_default();
            while sent.front().is_some_and(|at| *at <= now - longest) {
                sent.pop_front();
            }
            for limit in *limits {
                let since = now - within(limit);
                let inside: Vec<_> = sent.iter().filter(|at| **at > since).collect();
                let over = inside.len().checked_sub(usize::try_from(limit.most).unwrap_or(usize::MAX));
                if let Some(blocking) = over.and_then(|over| inside.get(over)) {
                    free = free.max(**blocking + within(limit));
                }
            }
        }
        if free > now {
            return Err(free);
        }
        for (scope, _) in scopes {
            windows.entry(scope.clone()).or_default().push_back(now);
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
        let scopes = [("a".to_owned(), limits)];
        assert_eq!(windows.take(&scopes, at(0)), Ok(()));
        assert_eq!(windows.take(&scopes, at(500)), Ok(()));
        assert_eq!(windows.take(&scopes, at(900)), Err(at(1_000)));
        assert_eq!(windows.take(&scopes, at(1_000)), Ok(()));
        assert_eq!(windows.take(&scopes, at(1_500)), Err(at(60_000)));
        assert_eq!(windows.take(&[("b".to_owned(), limits)], at(1_500)), Ok(()));
    }
}
