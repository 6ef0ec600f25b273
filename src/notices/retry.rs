//! What follows an attempt: one pure function.
//!
//! A notice is given up only after both a number of attempts and a time, because an attempt that was merely too fast says
//! nothing about the message. Numbers: the platforms' block lengths, and the schedule that webhook receivers expect (Svix).

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::channels::{ChannelKind, Outcome};
use super::model::{AttemptOutcome, Priority, Reason};

/// What happened, to what.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    pub kind: ChannelKind,
    pub priority: Priority,
    /// Counts from 1.
    pub number: u32,
    /// When the notice was posted.
    pub posted_at: DateTime<Utc>,
    pub outcome: &'a Outcome,
    /// When the answer was there.
    pub now: DateTime<Utc>,
}

/// What to do now.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It left; somebody may have been left out.
    Sent { provider_id: Option<String>, handle: Option<String>, complete: bool },
    /// Again, not before.
    Again(DateTime<Utc>),
    /// Never again, for this reason.
    Dead(&'static str),
    /// Too old to be of use.
    Expired,
}

/// Milliseconds between the attempts of an alarm: within the five minutes that an urgent call leaves for accepting.
const ALARM: &[i64] = &[1_000, 3_000, 10_000, 30_000, 60_000, 120_000, 300_000];
/// Of everything else that goes to a chat platform: about an hour.
const CHAT: &[i64] = &[5_000, 30_000, 120_000, 600_000, 1_200_000, 1_800_000];
/// Of a webhook: the Svix schedule, about 28 hours.
const WEBHOOK: &[i64] = &[5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000];

/// A chat message is tried for at least this long.
const CHAT_HORIZON: TimeDelta = TimeDelta::hours(1);
/// After this long a notice that was always too fast, or that its channel never let leave, is no news any more.
pub const STALE: TimeDelta = TimeDelta::hours(24);
/// Longest wait of our own making between attempts that were too fast.
const TOO_FAST_MAX: i64 = 600_000;
const ALARM_TOO_FAST_MAX: i64 = 30_000;
/// A first alarm asks again after this long, whatever its provider asked for: as long as the longest block of a chat platform, DingTalk's.
const ALARM_ASKED_MAX: i64 = 600_000;

/// Decides. `jitter` in thousandths, up to a thousand, lengthens a wait by up to a quarter; nothing shortens one.
pub fn next(attempt: &Attempt<'_>, jitter: u16) -> Next {
    let age = attempt.now - attempt.posted_at;
    match attempt.outcome {
        Outcome::Delivered { provider_id, handle, unreached } => Next::Sent {
            provider_id: provider_id.clone(),
            handle: handle.clone(),
            complete: unreached.is_empty(),
        },
        Outcome::Retry { .. } if attempt.number >= attempts(attempt.kind) && age >= horizon(attempt.kind) => {
            Next::Dead(Reason::AttemptsUsedUp.as_str())
        }
        Outcome::Retry { after } => again(attempt, schedule(attempt), *after, jitter),
        Outcome::RateLimited { .. } if age >= STALE => Next::Expired,
        Outcome::RateLimited { after } => again(attempt, pause(attempt), Some(*after), jitter),
        // A robot has no token that could be fetched anew.
        Outcome::RefreshToken | Outcome::NeedsAdmin => Next::Dead(AttemptOutcome::NeedsAdmin.as_str()),
        Outcome::DeadTarget => Next::Dead(AttemptOutcome::DeadTarget.as_str()),
        Outcome::BadMessage => Next::Dead(AttemptOutcome::BadMessage.as_str()),
        Outcome::DropRecipient => Next::Dead(AttemptOutcome::DropRecipient.as_str()),
    }
}

fn again(attempt: &Attempt<'_>, own: i64, asked: Option<Duration>, jitter: u16) -> Next {
    let asked = asked.and_then(|asked| i64::try_from(asked.as_millis()).ok()).unwrap_or(0);
    let asked = match attempt.priority {
        Priority::FirstAlarm => asked.min(ALARM_ASKED_MAX),
        Priority::Normal | Priority::Low => asked,
    };
    let wait = own.max(asked).max(1);
    let longer = wait / 4 * i64::from(jitter.min(1000)) / 1000;
    Next::Again(attempt.now + TimeDelta::milliseconds(wait.saturating_add(longer)))
}

/// Milliseconds by the schedule; its last step repeats.
fn schedule(attempt: &Attempt<'_>) -> i64 {
    let steps = match (attempt.kind, attempt.priority) {
        (ChannelKind::Webhook, _) => WEBHOOK,
        (_, Priority::FirstAlarm) => ALARM,
        _ => CHAT,
    };
    let nth = usize::try_from(attempt.number.saturating_sub(1)).unwrap_or(usize::MAX);
    steps.get(nth).or(steps.last()).copied().unwrap_or(TOO_FAST_MAX)
}

/// Milliseconds after "too fast": longer each time; an alarm looks often whether the platform lets it through.
fn pause(attempt: &Attempt<'_>) -> i64 {
    let shortest: i64 = match attempt.kind {
        ChannelKind::WecomBot | ChannelKind::WecomApp | ChannelKind::WechatSubscribe => 60_000,
        ChannelKind::DingtalkBot => 600_000,
        ChannelKind::DingtalkApp | ChannelKind::FeishuBot | ChannelKind::FeishuApp | ChannelKind::Slack => {
            1_000
        }
        ChannelKind::Webhook => 5_000,
    };
    let longest = match attempt.priority {
        Priority::FirstAlarm => ALARM_TOO_FAST_MAX,
        Priority::Normal | Priority::Low => TOO_FAST_MAX,
    };
    let doublings = attempt.number.saturating_sub(1).min(10);
    (shortest << doublings).min(longest.max(shortest))
}

/// Attempts before giving up is considered.
const fn attempts(kind: ChannelKind) -> u32 {
    match kind {
        ChannelKind::WechatSubscribe => 3,
        ChannelKind::DingtalkBot => 5,
        ChannelKind::WecomBot
        | ChannelKind::WecomApp
        | ChannelKind::DingtalkApp
        | ChannelKind::FeishuBot
        | ChannelKind::FeishuApp
        | ChannelKind::Slack => 6,
        ChannelKind::Webhook => 8,
    }
}

const fn horizon(kind: ChannelKind) -> TimeDelta {
    match kind {
        ChannelKind::Webhook => TimeDelta::hours(24),
        _ => CHAT_HORIZON,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn attempt(kind: ChannelKind, priority: Priority, number: u32, outcome: &Outcome) -> Attempt<'_> {
        Attempt { kind, priority, number, posted_at: at(0), outcome, now: at(10) }
    }

    fn wait(next: &Next) -> TimeDelta {
        let Next::Again(at) = next else { panic!("{next:?}") };
        *at - self::at(10)
    }

    const FAILED: Outcome = Outcome::Retry { after: None };

    #[test]
    fn an_alarm_is_tried_again_at_once_and_five_times_within_two_minutes() {
        let mut passed = TimeDelta::zero();
        for number in 1..=5 {
            passed += wait(&next(&attempt(ChannelKind::WecomBot, Priority::FirstAlarm, number, &FAILED), 0));
        }
        assert_eq!(passed, TimeDelta::seconds(104));
        assert_eq!(
            wait(&next(&attempt(ChannelKind::Webhook, Priority::Normal, 2, &FAILED), 0)),
            TimeDelta::minutes(5)
        );
    }

    #[test]
    fn the_provider_may_ask_for_longer_but_not_for_shorter() {
        let asked = |seconds| Outcome::Retry { after: Some(Duration::from_secs(seconds)) };
        let waits = |outcome: Outcome| {
            wait(&next(&attempt(ChannelKind::FeishuBot, Priority::Normal, 1, &outcome), 0))
        };
        assert_eq!(waits(asked(90)), TimeDelta::seconds(90));
        assert_eq!(waits(asked(1)), TimeDelta::seconds(5));
        let day = asked(86_400);
        let alarm = attempt(ChannelKind::FeishuBot, Priority::FirstAlarm, 1, &day);
        assert_eq!(wait(&next(&alarm, 0)), TimeDelta::minutes(10), "a first alarm asks sooner");
    }

    #[test]
    fn too_fast_waits_as_long_as_the_platform_blocks() {
        let limited = |seconds| Outcome::RateLimited { after: Duration::from_secs(seconds) };
        for (kind, priority, number, asked, expected) in [
            (ChannelKind::WecomBot, Priority::Normal, 1, 60, 60),
            (ChannelKind::WecomBot, Priority::Normal, 3, 60, 240),
            (ChannelKind::WecomBot, Priority::FirstAlarm, 3, 60, 60),
            (ChannelKind::DingtalkBot, Priority::FirstAlarm, 1, 600, 600),
            (ChannelKind::DingtalkBot, Priority::Low, 9, 5, 600),
            (ChannelKind::FeishuBot, Priority::Normal, 4, 1, 8),
            (ChannelKind::Webhook, Priority::Normal, 1, 86_400, 86_400),
        ] {
            let outcome = limited(asked);
            let waits = wait(&next(&attempt(kind, priority, number, &outcome), 0));
            assert_eq!(waits, TimeDelta::seconds(expected), "{kind} {priority} {number}");
        }
        let outcome = limited(60);
        let old = Attempt { now: at(90_000), ..attempt(ChannelKind::WecomBot, Priority::Low, 9, &outcome) };
        assert_eq!(next(&old, 0), Next::Expired);
    }

    #[test]
    fn what_cannot_get_better_is_given_up_at_once_with_a_reason() {
        for (outcome, reason) in [
            (Outcome::DeadTarget, "dead_target"),
            (Outcome::NeedsAdmin, "needs_admin"),
            (Outcome::RefreshToken, "needs_admin"),
            (Outcome::BadMessage, "bad_message"),
            (Outcome::DropRecipient, "drop_recipient"),
        ] {
            let attempt = attempt(ChannelKind::DingtalkBot, Priority::FirstAlarm, 1, &outcome);
            assert_eq!(next(&attempt, 500), Next::Dead(reason));
        }
    }

    fn kinds() -> impl Strategy<Value = ChannelKind> {
        proptest::sample::select(ChannelKind::ALL)
    }

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_than_asked_and_never_endless(
            kind in kinds(),
            priority in proptest::sample::select(Priority::ALL),
            number in 1_u32..2000,
            asked in proptest::option::of(0_u64..86_400),
            limited: bool,
            jitter: u16,
        ) {
            let outcome = match (limited, asked.map(Duration::from_secs)) {
                (true, asked) => Outcome::RateLimited { after: asked.unwrap_or_default() },
                (false, after) => Outcome::Retry { after },
            };
            let waits = wait(&next(&attempt(kind, priority, number, &outcome), jitter));
            let longest = if priority == Priority::FirstAlarm { 600 } else { 86_400 };
            let asked = TimeDelta::seconds(i64::try_from(asked.unwrap_or(0)).unwrap().min(longest));
            prop_assert!(waits >= asked && waits > TimeDelta::zero());
            prop_assert!(waits <= asked.max(TimeDelta::hours(10)) * 5 / 4, "{}", waits);
        }

        #[test]
        fn whatever_fails_for_ever_ends_and_not_before_its_time(
            kind in kinds(),
            priority in proptest::sample::select(Priority::ALL),
            limits in proptest::collection::vec(any::<bool>(), 1..20),
            jitter: u16,
        ) {
            let (mut now, mut number) = (at(0), 0);
            loop {
                let limited = limits[usize::try_from(number).unwrap() % limits.len()];
                number += 1;
                prop_assert!(number < 5000, "no end");
                let outcome = if limited { Outcome::RateLimited { after: Duration::from_secs(1) } } else { FAILED };
                let attempt = Attempt { kind, priority, number, posted_at: at(0), outcome: &outcome, now };
                match next(&attempt, jitter) {
                    Next::Again(at) => {
                        prop_assert!(at > now);
                        now = at;
                    }
                    Next::Dead(_) | Next::Expired => break,
                    Next::Sent { .. } => unreachable!(),
                }
            }
            prop_assert!(number >= attempts(kind) && now - at(0) >= TimeDelta::hours(1));
            prop_assert!(now - at(0) <= TimeDelta::hours(48), "{}", now - at(0));
        }
    }
}
