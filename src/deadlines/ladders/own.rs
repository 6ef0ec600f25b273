//! What a county chooses, as it goes over the wire: camelCase names, limits as text. In settings the same stands under snake_case names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::platform::http::invalid;
use crate::platform::http::problem::FieldError;

/// Steps by clock.
pub type ByClock = BTreeMap<String, Vec<OwnStep>>;

/// The county's own rules; what it does not name is as shipped.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OwnRules {
    /// By clock, then by urgency: `{"accept": {"normal": "20wm"}}`. `m`: minutes round the clock; `wm`, `wh`, `wd`: working minutes, hours,
    /// days.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, BTreeMap<String, String>>,
    /// The rules of calls by name: `{"redo": "5wd", "urgePerDay": 3}`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub calls: Map<String, Value>,
    /// The limits of supervision orders and cards: `{"sign": "4wh"}`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub supervision: Map<String, Value>,
    /// In which hours news that asks for nothing waits: `{"quietFrom": "22:00", "quietUntil": "07:00"}`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub notices: Map<String, Value>,
    #[serde(skip_serializing_if = "OwnLadder::is_empty")]
    pub ladder: OwnLadder,
}

/// The county's own ladders.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OwnLadder {
    /// The last step fires again after each such span.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1wd")]
    pub repeat: Option<String>,
    /// Up to which rung an urge of the enterprise lifts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urge_lifts_to: Option<i16>,
    /// Up to which rung a call lifts whose officer no channel reaches. What others owe beside it (rulings, help) only tells, and lifts to
    /// the top.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreached_lifts_to: Option<i16>,
    /// By clock; a clock's steps are replaced as a whole.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub clocks: ByClock,
    /// By the code of an item, then by clock.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<String, ByClock>,
}

impl OwnLadder {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnStep {
    /// 0 the responsible officer himself … 6 the draft of a hand-over.
    pub rung: i16,
    /// `50%` of the limit, `due`, or a delay after it.
    #[schema(example = "+15wm")]
    pub at: String,
    /// `holder`, `backup`, `section_head`, `deputy`, `head`, `business_office`, `inspectorate`.
    #[schema(example = json!(["backup", "section_head"]))]
    pub to: Vec<String>,
    /// `blue`, `yellow`, `red`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// Issues a supervision order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub order: bool,
    /// Drafts a hand-over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hand_over: bool,
}

impl OwnRules {
    /// As settings keep it.
    ///
    /// # Errors
    /// Never for what was read from JSON.
    pub fn to_settings(&self) -> serde_json::Result<Value> {
        Ok(renamed(serde_json::to_value(self)?, snake))
    }

    /// From settings as a file writes them.
    ///
    /// # Errors
    /// The first thing that has not the form of a rule.
    pub(super) fn written(settings: Value) -> Result<Self, FieldError> {
        invalid::member(renamed(settings, camel))
    }

    /// From settings, or from the rules they make.
    ///
    /// # Errors
    /// When a hand in Postgres wrote something else.
    pub fn of_settings(settings: Value) -> serde_json::Result<Self> {
        serde_json::from_value(renamed(settings, camel))
    }
}

type Rename = fn(&str) -> String;

/// Renames what has names of ours: clocks and the codes of items keep theirs.
fn renamed(mut rules: Value, rename: Rename) -> Value {
    for section in ["calls", "supervision", "notices", "ladder"] {
        if let Some(section) = rules.get_mut(section) {
            keys(section, rename);
        }
    }
    let Some(ladder) = rules.get_mut("ladder") else { return rules };
    let in_items = |ladder: &mut Value| {
        for clocks in children(ladder.get_mut("items")) {
            steps(Some(clocks), rename);
        }
    };
    in_items(ladder);
    steps(ladder.get_mut("clocks"), rename);
    rules
}

fn steps(clocks: Option<&mut Value>, rename: Rename) {
    for steps in children(clocks) {
        for step in steps.as_array_mut().into_iter().flatten() {
            keys(step, rename);
        }
    }
}

fn children(object: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    object.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
}

fn keys(object: &mut Value, rename: Rename) {
    if let Value::Object(map) = object {
        *map = std::mem::take(map).into_iter().map(|(key, value)| (rename(&key), value)).collect();
    }
}

/// `handOver` → `hand_over`
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// `hand_over` → `handOver`
pub(super) fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut raise = false;
    for c in name.chars() {
        match c {
            '_' => raise = true,
            c if std::mem::take(&mut raise) => camel.push(c.to_ascii_uppercase()),
            c => camel.push(c),
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadlines::limits::Rules;
    use serde_json::json;

    #[test]
    fn names_change_and_codes_and_clocks_do_not() {
        let settings = json!({
            "calls": {"urge_per_day": 2},
            "ladder": {
                "urge_lifts_to": 2,
                "clocks": {"return_ruling": [{"rung": 6, "at": "due", "to": ["business_office"], "hand_over": true}]},
                "items": {"Gd_01": {"accept": [{"rung": 1, "at": "due", "to": ["head"]}]}},
            },
        });
        let own = OwnRules::of_settings(settings.clone()).unwrap();
        assert!(own.ladder.clocks["return_ruling"][0].hand_over);
        assert!(own.ladder.items.contains_key("Gd_01"));
        let wire = serde_json::to_value(&own).unwrap();
        assert_eq!(wire["calls"]["urgePerDay"], 2);
        assert_eq!(wire["ladder"]["clocks"]["return_ruling"][0]["handOver"], true);
        assert_eq!(own.to_settings().unwrap(), settings);
    }

    #[test]
    fn the_rules_as_shipped_have_the_same_form() {
        let shipped = OwnRules::of_settings(Rules::written(&Value::Null).unwrap()).unwrap();
        assert_eq!(shipped.limits["accept"]["critical"], "5m");
        assert_eq!(shipped.calls["urgePerDay"], 3);
        assert_eq!(shipped.notices["quietFrom"], "22:00");
        assert!(shipped.ladder.clocks["accept"][6].hand_over);
        assert_eq!(Rules::read(&shipped.to_settings().unwrap()).unwrap(), *Rules::defaults());
    }
}
