//! What a county chooses about notices: how long an officer has before his next application is tried, and the hours in which news that
//! asks for no action waits for the morning.

use std::sync::LazyLock;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use chrono_tz::Asia::Shanghai;
use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use crate::platform::bounds::Bounded;

const DEFAULTS: &str = include_str!("../../config/county.toml");

/// As shipped, read once: news asks before each message.
static SHIPPED: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    Figment::from(Toml::string(DEFAULTS)).extract_inner("notices").unwrap_or_else(|error| {
        tracing::error!(%error, "the compiled-in rules of notices cannot be read");
        Map::new()
    })
});

/// `[notices]` of a county's rules.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct NoticeRules {
    /// How long an officer has to act on a first alarm before his next application is tried.
    pub next_channel_minutes: i32,
    /// Local time; the same moment twice: never quiet.
    #[serde(deserialize_with = "time")]
    pub quiet_from: NaiveTime,
    #[serde(deserialize_with = "time")]
    pub quiet_until: NaiveTime,
}

impl NoticeRules {
    /// The choices of a county with these settings.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn of_county(settings: &Value) -> Result<Self, serde_json::Error> {
        let mut rules = SHIPPED.clone();
        if let Some(own) = settings.get("notices").and_then(Value::as_object) {
            rules.extend(own.clone());
        }
        serde_json::from_value(Value::Object(rules))
    }

    /// The first that is no sensible choice.
    #[must_use]
    pub fn fault(&self) -> Option<Bounded> {
        let minutes = self.next_channel_minutes.into();
        Bounded::first_beyond([Bounded::new("notices.next_channel_minutes", minutes, (1, 60))])
    }

    /// How long an alarm may wait for one channel.
    #[must_use]
    pub fn patience(&self) -> TimeDelta {
        TimeDelta::minutes(self.next_channel_minutes.into())
    }

    /// When the quiet hours end, if `now` lies within them.
    #[must_use]
    pub fn quiet_end(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = now.with_timezone(&Shanghai);
        let (from, until, at) = (self.quiet_from, self.quiet_until, local.time());
        let overnight = from > until;
        let quiet = if overnight { at >= from || at < until } else { at >= from && at < until };
        if !quiet {
            return None;
        }
        let today = local.date_naive();
        let day = if overnight && at >= from { today.checked_add_days(Days::new(1))? } else { today };
        Some(day.and_time(until).and_local_timezone(Shanghai).single()?.to_utc())
    }
}

/// Reads `22:00`.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    NaiveTime::parse_from_str(&text, "%H:%M").map_err(|_| de::Error::custom(format!("`{text}` is not HH:MM")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&format!("2026-11-{text}:00+08:00")).unwrap().to_utc()
    }

    #[test]
    fn the_night_ends_in_the_morning_and_a_county_may_have_another_or_none() {
        let rules = |settings: Value| NoticeRules::of_county(&settings).unwrap();
        let night = rules(json!({"calls": {}}));
        for (now, end) in [
            ("23T21:59", None),
            ("23T22:00", Some("24T07:00")),
            ("24T06:59", Some("24T07:00")),
            ("24T07:00", None),
        ] {
            assert_eq!(night.quiet_end(at(now)), end.map(at), "{now}");
        }
        let noon = rules(json!({"notices": {"quiet_from": "12:00", "quiet_until": "14:00"}}));
        assert_eq!(noon.quiet_end(at("23T13:00")), Some(at("23T14:00")));
        assert_eq!(noon.quiet_end(at("23T14:00")), None);
        let never = rules(json!({"notices": {"quiet_from": "07:00"}}));
        assert_eq!(never.quiet_end(at("23T03:00")), None);
        assert!(NoticeRules::of_county(&json!({"notices": {"quiet_from": "25:00"}})).is_err());
    }
}
