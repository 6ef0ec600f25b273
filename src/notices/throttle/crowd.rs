//! Full and half hours, when every robot of a platform speaks at once: what can wait spreads over the minute after them.

use chrono::{DateTime, TimeDelta, Utc};

use crate::notices::model::NoticeId;

/// Seconds between two crowds, and how long one lasts. A county's hours are whole hours of UTC too.
const HALF_HOUR: i64 = 1_800;
const CROWD: i64 = 60;

/// Until when a notice waits in a crowd. Its place in that minute is its own, so whoever asks again meanwhile is told the same.
#[must_use]
pub fn passes(notice: NoticeId, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let since = now.timestamp().rem_euclid(HALF_HOUR);
    let began = DateTime::from_timestamp(now.timestamp() - since, 0)?;
    // The last bits of a UUIDv7 are random.
    let place = i64::try_from(notice.0.as_u128() % 60_000).ok()?;
    let place = began + TimeDelta::milliseconds(place);
    (since < CROWD && place > now).then_some(place)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&format!("2026-11-23T{text}+08:00")).unwrap().to_utc()
    }

    #[test]
    fn what_would_leave_at_once_spreads_over_a_minute_and_at_other_times_nothing_waits() {
        let waits = |place: u128, now: &str| passes(NoticeId(Uuid::from_u128(60_000 * 7 + place)), at(now));
        for hour in ["14:00:00", "14:30:00"] {
            assert_eq!(waits(20_500, hour), Some(at(hour) + TimeDelta::milliseconds(20_500)));
        }
        assert_eq!(waits(20_500, "14:30:20"), Some(at("14:30:20.500")));
        for (place, now) in
            [(0, "14:00:00"), (20_500, "14:30:21"), (59_999, "14:31:00"), (59_999, "13:59:59")]
        {
            assert_eq!(waits(place, now), None, "{now}");
        }
    }
}
