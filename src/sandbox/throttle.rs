//! The platforms' rate limits for robots: a sliding window, and what follows on exceeding it.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use crate::notices::channels::ChannelKind;

/// How often a robot may speak.
#[derive(Debug)]
pub struct Throttle {
    /// (messages, seconds)
    windows: &'static [(usize, i64)],
    /// Seconds of silence after going over.
    penalty: i64,
    sent: VecDeque<DateTime<Utc>>,
    silent_until: DateTime<Utc>,
}

impl Throttle {
    #[must_use]
    pub fn new(kind: ChannelKind, limits: bool) -> Self {
        let (windows, penalty): (&'static [(usize, i64)], i64) = match kind {
            ChannelKind::WecomBot if limits => (&[(20, 60)], 60),
            ChannelKind::DingtalkBot if limits => (&[(20, 60)], 600),
            ChannelKind::FeishuBot if limits => (&[(5, 1), (100, 60)], 0),
            ChannelKind::DingtalkApp if limits => (&[(20, 1)], 0),
            ChannelKind::FeishuApp if limits => (&[(50, 1), (1000, 60)], 0),
            ChannelKind::Slack if limits => (&[(1, 1)], 0),
            _ => (&[], 0),
        };
        Self { windows, penalty, sent: VecDeque::new(), silent_until: DateTime::UNIX_EPOCH }
    }

    /// What one person may get from an application.
    #[must_use]
    pub fn of_person(kind: ChannelKind, limits: bool) -> Self {
        let windows: &'static [(usize, i64)] = match kind {
            ChannelKind::WecomApp if limits => &[(30, 60), (1000, 3600)],
            ChannelKind::FeishuApp if limits => &[(5, 1)],
            _ => &[],
        };
        Self { windows, penalty: 0, sent: VecDeque::new(), silent_until: DateTime::UNIX_EPOCH }
    }

    /// Counts one message, or refuses it.
    #[must_use]
    pub fn admits(&mut self, now: DateTime<Utc>) -> bool {
        if now < self.silent_until {
            return false;
        }
        let longest = self.windows.iter().map(|(_, seconds)| *seconds).max().unwrap_or(0);
        while self.sent.front().is_some_and(|first| *first <= now - TimeDelta::seconds(longest)) {
            self.sent.pop_front();
        }
        let full = |(most, seconds): &(usize, i64)| {
            let begin = now - TimeDelta::seconds(*seconds);
            self.sent.iter().filter(|at| **at > begin).count() >= *most
        };
        if self.windows.iter().any(full) {
            self.silent_until = now + TimeDelta::seconds(self.penalty);
            return false;
        }
        if longest > 0 {
            self.sent.push_back(now);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_robot_that_speaks_too_fast_is_silenced_as_long_as_its_platform_says() {
        let second = |n: i64| DateTime::from_timestamp(1_790_000_000 + n, 0).unwrap();
        let mut dingtalk = Throttle::new(ChannelKind::DingtalkBot, true);
        assert!((0..20).all(|n| dingtalk.admits(second(n))));
        assert!(!dingtalk.admits(second(21)));
        assert!(!dingtalk.admits(second(620)));
        assert!(dingtalk.admits(second(621)));
        let mut feishu = Throttle::new(ChannelKind::FeishuBot, true);
        assert_eq!((0..7).filter(|_| feishu.admits(second(0))).count(), 5);
        assert!(feishu.admits(second(1)));
        let mut free = Throttle::new(ChannelKind::WecomBot, false);
        assert!((0..1000).all(|_| free.admits(second(0))));
    }
}
