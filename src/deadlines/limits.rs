//! The limits of a county: which clock runs how long. Defaults in `config/county.toml`; a county overrides any of them.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value, json};

use super::ladder::{Ladders, Past};
use super::model::{Clock, Limit, Unit};
use crate::notices::quiet::NoticeRules;
use crate::platform::bounds::Bounded;
use crate::text_enum;

const DEFAULTS: &str = include_str!("../../config/county.toml");

static DEFAULT: LazyLock<Arc<Rules>> = LazyLock::new(|| {
    Arc::new(Rules::read(&serde_json::Value::Null).unwrap_or_else(|error| {
        // Unreachable with the compiled-in file, which a test reads; a county without rules must not start silently.
        tracing::error!(%error, "the compiled-in county rules cannot be read");
        std::process::abort()
    }))
});

/// What was read before, the latest last: reading takes longer than all else that a tap computes. The same settings give the same rules
/// in every process.
static KNOWN: Mutex<VecDeque<(serde_json::Value, Arc<Rules>)>> = Mutex::new(VecDeque::new());

/// How many counties' rules are kept.
const KEPT: usize = 64;

text_enum!(
    /// How urgent a call is. Critical (特急): production stopped or danger; runs round the clock.
    Urgency { Critical = "critical", Urgent = "urgent", Normal = "normal" }
);

/// All rules of a county.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    pub limits: Limits,
    pub calls: CallRules,
    pub supervision: SupervisionRules,
    pub notices: NoticeRules,
    pub ladder: Ladders,
}

/// One limit by urgency.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ByUrgency {
    #[serde(deserialize_with = "limit")]
    pub critical: Limit,
    #[serde(deserialize_with = "limit")]
    pub urgent: Limit,
    #[serde(deserialize_with = "limit")]
    pub normal: Limit,
}

impl ByUrgency {
    #[must_use]
    pub const fn of(&self, urgency: Urgency) -> Limit {
        match urgency {
            Urgency::Critical => self.critical,
            Urgency::Urgent => self.urgent,
            Urgency::Normal => self.normal,
        }
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub accept: ByUrgency,
    pub contact: ByUrgency,
    pub arrive: ByUrgency,
    pub plan: ByUrgency,
    pub resolve: ByUrgency,
    pub confirm: ByUrgency,
    pub stall: ByUrgency,
    pub triage: ByUrgency,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct CallRules {
    pub appointment_grace_minutes: i32,
    pub return_within_working_minutes: i64,
    #[serde(deserialize_with = "limit")]
    pub return_ruling: Limit,
    #[serde(deserialize_with = "limit")]
    pub assistance: Limit,
    pub pause_each_working_days: i16,
    pub pause_total_working_days: i16,
    pub pause_head_working_days: i16,
    pub case_working_days: i32,
    #[serde(deserialize_with = "limit")]
    pub redo: Limit,
    pub reopen_working_days: i64,
    pub urge_every_minutes: i64,
    pub urge_per_day: usize,
    pub text_length: usize,
    pub extension_before_working_days: i64,
    pub appointment_within_days: i64,
    pub arrival_near_metres: u32,
    pub arrival_accuracy_metres: u32,
    pub arrival_code_tries: usize,
    pub link_days: i64,
}

impl CallRules {
    /// The longest text that a county may allow, in characters.
    pub const LONGEST_TEXT: usize = 10_000;

    /// The first that is no sensible choice.
    pub(super) fn fault(&self) -> Option<Bounded> {
        let numbers = [
            ("calls.appointment_grace_minutes", self.appointment_grace_minutes.into(), (0, 240)),
            ("calls.return_within_working_minutes", self.return_within_working_minutes, (1, 2_400)),
            // The upper bound of a side matter's days stands in the schema.
            ("calls.pause_each_working_days", self.pause_each_working_days.into(), (1, 30)),
            ("calls.pause_total_working_days", self.pause_total_working_days.into(), (1, 120)),
            ("calls.pause_head_working_days", self.pause_head_working_days.into(), (0, 30)),
            ("calls.case_working_days", self.case_working_days.into(), (1, 250)),
            ("calls.extension_before_working_days", self.extension_before_working_days, (0, 10)),
            ("calls.reopen_working_days", self.reopen_working_days, (1, 120)),
            ("calls.urge_every_minutes", self.urge_every_minutes, (0, 1_440)),
            ("calls.appointment_within_days", self.appointment_within_days, (1, 365)),
            ("calls.arrival_near_metres", self.arrival_near_metres.into(), (20, 5_000)),
            ("calls.arrival_accuracy_metres", self.arrival_accuracy_metres.into(), (10, 5_000)),
            ("calls.link_days", self.link_days, (1, 90)),
        ];
        let counts = [
            Bounded::count("calls.urge_per_day", self.urge_per_day, (1, 100)),
            Bounded::count("calls.text_length", self.text_length, (100, Self::LONGEST_TEXT)),
            Bounded::count("calls.arrival_code_tries", self.arrival_code_tries, (1, 20)),
        ];
        let numbers = numbers.map(|(name, value, bounds)| Bounded::new(name, value, bounds));
        Bounded::first_beyond(numbers.into_iter().chain(counts))
    }
}

/// Supervision orders and cards (DOMAIN §6).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct SupervisionRules {
    #[serde(deserialize_with = "limit")]
    pub sign: Limit,
    #[serde(deserialize_with = "limit")]
    pub reply: Limit,
    #[serde(deserialize_with = "limit")]
    pub close: Limit,
    pub appeal_working_days: i64,
    pub text_length: usize,
}

impl SupervisionRules {
    /// The first that is no sensible choice.
    pub(super) fn fault(&self) -> Option<Bounded> {
        Bounded::first_beyond([
            Bounded::new("supervision.appeal_working_days", self.appeal_working_days, (1, 60)),
            Bounded::count("supervision.text_length", self.text_length, (100, CallRules::LONGEST_TEXT)),
        ])
    }
}

/// The limits the catalogue gives one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemLimits {
    pub accept_working_minutes: i32,
    pub respond_working_hours: i32,
    pub resolve_working_days: i32,
}

/// A ladder as it was kept, perhaps by another release: what it does not say is as shipped now, what it says beyond that is passed over.
fn readable(ladder: Value) -> serde_json::Result<Ladders> {
    let (mut said, shipped) = match (ladder, &*SHIPPED_LADDER) {
        (Value::Object(said), Value::Object(shipped)) => (said, shipped),
        (ladder, _) => return serde_json::from_value(ladder),
    };
    said.retain(|name, _| shipped.contains_key(name) || name == "items");
    for (name, value) in shipped {
        said.entry(name.clone()).or_insert_with(|| value.clone());
    }
    serde_json::from_value(Value::Object(said))
}

impl Rules {
    /// The rules of a county with these settings; without any, the defaults.
    pub fn of_county(settings: &serde_json::Value) -> Result<Arc<Self>, Box<figment::Error>> {
        match settings.as_object() {
            Some(map) if !map.is_empty() => {}
            _ => return Ok(Self::defaults()),
        }
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rules)) = known().iter().find(|(read, _)| read == settings) {
            return Ok(rules.clone());
        }
        let rules = Arc::new(Self::read(settings)?);
        let mut known = known();
        known.push_back((settings.clone(), rules.clone()));
        let surplus = known.len().saturating_sub(KEPT);
        known.drain(..surplus);
        Ok(rules)
    }

    #[must_use]
    pub fn defaults() -> Arc<Self> {
        DEFAULT.clone()
    }

    /// Reads rules that will not be asked for again: what a county may come to choose.
    ///
    /// # Errors
    /// Names the first thing that makes no sense.
    pub fn read(settings: &Value) -> Result<Self, Box<figment::Error>> {
        let (own, past) = split(settings);
        let mut rules: Self = merged(&own).extract().map_err(Box::new)?;
        let faults = [rules.calls.fault(), rules.notices.fault(), rules.supervision.fault()];
        if let Some(fault) = faults.into_iter().flatten().next() {
            return Err(Box::new(fault.to_string().into()));
        }
        let unreadable = |error: serde_json::Error| Box::new(figment::Error::from(error.to_string()));
        for PastLadder { until, ladder } in past.map_err(unreadable)? {
            match readable(ladder) {
                Ok(ladders) => rules.ladder.past.push(Past { until, ladders }),
                // Another release wrote it. What runs under it climbs by the present one, which is better than not at all.
                Err(error) => tracing::error!(%error, %until, "a past ladder cannot be read"),
            }
        }
        Ok(rules)
    }

    /// The rules that these settings make, as they are written.
    ///
    /// # Errors
    /// When the settings are none.
    pub fn written(settings: &Value) -> Result<Value, Box<figment::Error>> {
        merged(&split(settings).0).extract().map_err(Box::new)
    }

    /// How long `clock` runs for a call of this urgency and item.
    #[must_use]
    pub fn limit(&self, clock: Clock, urgency: Urgency, item: Option<ItemLimits>) -> Limit {
        let limits = &self.limits;
        let general = match clock {
            Clock::Accept => limits.accept,
            Clock::Contact => limits.contact,
            Clock::Arrive => limits.arrive,
            Clock::Plan => limits.plan,
            Clock::Resolve => limits.resolve,
            Clock::Confirm => limits.confirm,
            Clock::Stall => limits.stall,
            Clock::Triage => limits.triage,
            Clock::Assistance => return self.calls.assistance,
            Clock::ReturnRuling => return self.calls.return_ruling,
            Clock::OrderSign => return self.supervision.sign,
            Clock::OrderReply => return self.supervision.reply,
            Clock::OrderClose => return self.supervision.close,
            Clock::Appointment => {
                return Limit { amount: self.calls.appointment_grace_minutes, unit: Unit::Moment };
            }
            Clock::Promise | Clock::Pause => return Limit { amount: 0, unit: Unit::Moment },
        }
        .of(urgency);
        let of_item = item.and_then(|item| match clock {
            Clock::Accept => Some(Limit::working_minutes(item.accept_working_minutes)),
            Clock::Arrive => Some(Limit::working_minutes(item.respond_working_hours * 60)),
            Clock::Resolve => Some(Limit::working_days(item.resolve_working_days)),
            _ => None,
        });
        match (of_item, clock, urgency) {
            (Some(own), Clock::Resolve, _) | (Some(own), _, Urgency::Normal) => own,
            (Some(own), _, Urgency::Urgent) if own.unit == general.unit && own.amount < general.amount => own,
            _ => general,
        }
    }
}

/// Where settings keep the ladders that held before, beside what the county chooses.
pub(super) const PAST: &str = "past_ladders";

/// The ladders of a county until a change: whole, as they were written, with what was shipped then where it chose nothing.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PastLadder {
    pub until: DateTime<Utc>,
    pub ladder: Value,
}

/// A county's whole ladders: what its settings choose over those that were `shipped`.
///
/// # Errors
/// When either is none.
pub(super) fn whole_ladder(shipped: &Value, settings: &Value) -> Result<Value, Box<figment::Error>> {
    let own = settings.get("ladder").cloned().unwrap_or_else(|| json!({}));
    Figment::from(Serialized::defaults(shipped)).merge(Serialized::defaults(own)).extract().map_err(Box::new)
}

/// The ladders of this binary, as they are written.
pub(super) static SHIPPED_LADDER: LazyLock<Value> = LazyLock::new(|| {
    // As above: they can be read.
    let written = merged(&json!({})).extract_inner("ladder");
    written.unwrap_or_default()
});

/// What the county chooses, and what held of its ladders before.
pub(super) fn split(settings: &Value) -> (Value, serde_json::Result<Vec<PastLadder>>) {
    let mut own: Map<String, Value> = settings.as_object().cloned().unwrap_or_default();
    let past = own.remove(PAST).map_or_else(|| Ok(Vec::new()), serde_json::from_value);
    (Value::Object(own), past)
}

fn merged(own: &Value) -> Figment {
    Figment::from(Toml::string(DEFAULTS)).merge(Serialized::defaults(own))
}

/// Reads `15wm`, `2wh`, `5m`, `3wd`.
pub(super) fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limit, D::Error> {
    read_limit(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// Reads a limit as it is chosen. Zero working days are the day of receipt.
pub(super) fn read_limit(text: &str) -> Result<Limit, String> {
    parse_limit(text, i32::from(!text.ends_with("wd")))
}

/// Reads a limit of at least `least` and at most 250 working days or sixty days.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn parse_limit(text: &str, least: i32) -> Result<Limit, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let amount: i32 = digits.parse().map_err(|_| format!("`{text}` has no amount"))?;
    let limit = match unit {
        "m" => Limit::minutes(amount),
        "wm" => Limit::working_minutes(amount),
        "wh" => Limit::working_minutes(amount.saturating_mul(60)),
        "wd" => Limit::working_days(amount),
        _ => return Err(format!("`{text}`: the unit is not m, wm, wh or wd")),
    };
    let most = if limit.unit == Unit::WorkingDay { 250 } else { 60 * 24 * 60 };
    if (least..=most).contains(&limit.amount) {
        Ok(limit)
    } else {
        Err(format!("`{text}` is not a sensible limit"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ITEM: ItemLimits =
        ItemLimits { accept_working_minutes: 30, respond_working_hours: 4, resolve_working_days: 3 };

    #[test]
    fn the_item_sets_the_normal_limit_and_the_stricter_holds_when_urgent() {
        let rules = Rules::defaults();
        assert_eq!(rules.limit(Clock::Accept, Urgency::Normal, Some(ITEM)), Limit::working_minutes(30));
        assert_eq!(rules.limit(Clock::Accept, Urgency::Urgent, Some(ITEM)), Limit::working_minutes(15));
        assert_eq!(rules.limit(Clock::Accept, Urgency::Critical, Some(ITEM)), Limit::minutes(5));
        assert_eq!(rules.limit(Clock::Resolve, Urgency::Critical, Some(ITEM)), Limit::working_days(3));
        assert_eq!(rules.limit(Clock::Resolve, Urgency::Normal, None), Limit::working_days(5));
    }

    #[test]
    fn a_county_overrides_one_limit_and_keeps_the_rest() {
        let rules = Rules::of_county(&json!({"limits": {"accept": {"normal": "20wm"}}})).unwrap();
        assert_eq!(rules.limits.accept.normal, Limit::working_minutes(20));
        assert_eq!(rules.limits.contact, Rules::defaults().limits.contact);
    }

    #[test]
    fn a_limit_of_zero_minutes_or_of_years_or_an_unknown_key_is_refused() {
        for bad in ["0wm", "9999wd", "x", "15"] {
            assert!(Rules::of_county(&json!({"limits": {"accept": {"normal": bad}}})).is_err(), "{bad}");
        }
        assert!(Rules::of_county(&json!({"limitz": {}})).is_err());
    }

    #[test]
    fn a_choice_beyond_sense_is_refused_by_its_name() {
        for (name, bad) in [
            ("arrival_near_metres", json!(0)),
            ("arrival_near_metres", json!(50_000)),
            ("arrival_accuracy_metres", json!(1)),
            ("arrival_code_tries", json!(0)),
            ("arrival_code_tries", json!(1_000)),
            ("appointment_within_days", json!(-1)),
            ("link_days", json!(3_650)),
            ("text_length", json!(1_000_000)),
            ("pause_each_working_days", json!(31)),
            ("urge_per_day", json!(0)),
        ] {
            let refused = Rules::of_county(&json!({"calls": {name: bad}})).unwrap_err().to_string();
            assert!(refused.contains(name), "{refused}");
        }
        let hasty =
            Rules::of_county(&json!({"notices": {"next_channel_minutes": 0}})).unwrap_err().to_string();
        assert!(hasty.contains("notices.next_channel_minutes"), "{hasty}");
        for (name, bad) in [("appeal_working_days", 0), ("text_length", 0), ("appeal_working_days", 61)] {
            let refused = Rules::of_county(&json!({"supervision": {name: bad}})).unwrap_err().to_string();
            assert!(refused.contains(&format!("supervision.{name}")), "{refused}");
        }
        let near = Rules::of_county(&json!({"calls": {"arrival_near_metres": 500}})).unwrap();
        assert_eq!((near.calls.arrival_near_metres, near.calls.link_days), (500, 14));
    }
}
