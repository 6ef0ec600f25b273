//! What a notice about a call is told with: the JSON in `notices.params`, camelCase.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::platform::mask::{mask_phone, mask_words};

/// The facts of a call, as far as the event needs them. What is missing is left out of the text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CallParams {
    /// The short number people say on the phone.
    pub number: Option<String>,
    /// The number of a supervision order.
    pub order: Option<String>,
    pub call_id: Option<Uuid>,
    pub title: Option<String>,
    /// The enterprise's own words.
    pub text: Option<String>,
    pub state: Option<String>,
    /// `critical`, `urgent` or `normal`.
    pub urgency: Option<String>,
    pub enterprise: Option<String>,
    pub place: Option<String>,
    pub contact_name: Option<String>,
    pub contact_phone: Option<String>,
    pub department: Option<String>,
    /// The name of the officer who answers for the call.
    pub holder: Option<String>,
    /// Calls him by name in the room; shown to nobody.
    pub holder_mobile: Option<String>,
    pub item_name: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// Why this officer was asked.
    pub reason: Option<String>,
    /// When it must be accepted (T1).
    pub due_at: Option<DateTime<Utc>>,
    /// When it must be resolved (T5).
    pub resolve_due_at: Option<DateTime<Utc>>,
    pub raised_at: Option<DateTime<Utc>>,
    /// Path of the page to act on; whoever has it may act.
    pub act_path: Option<String>,
    /// What the person who did it says: a reason, an answer, a remark.
    pub note: Option<String>,
    /// To whom, or into what.
    pub to: Option<String>,
    pub until: Option<DateTime<Utc>>,
    pub approved: Option<bool>,
    pub working_days: Option<u32>,
    /// When the enterprise expects the visit.
    pub appointment_at: Option<DateTime<Utc>>,
    pub result: Option<String>,
    /// Names of departments or items that might be meant.
    pub suggestions: Vec<String>,
    /// Which promise it is about, e.g. `accept`.
    pub clock: Option<String>,
    /// When that promise is due.
    pub clock_due_at: Option<DateTime<Utc>>,
    /// How long the holder has had it, in working minutes (critical calls: minutes).
    pub held_minutes: Option<u32>,
    /// How late it is, in working minutes (critical calls: minutes); none before it is due.
    pub late_minutes: Option<u32>,
    /// How long is left until it is due, counted likewise; none from then on.
    pub left_minutes: Option<u32>,
    /// Why it is told before its time, e.g. `urge`.
    pub lifted_by: Option<String>,
    /// As what its reader is told, e.g. `deputy`.
    pub rank: Option<String>,
    /// Which rung of the ladder that is.
    pub rung: Option<i16>,
    /// The card that was given, e.g. `yellow`.
    pub card: Option<String>,
    /// Why nobody could be told, e.g. `dead_target`.
    pub why: Option<String>,
    /// Why its reader gets it here although it had gone elsewhere: `unacted` or `moved`.
    pub again: Option<String>,
    /// Of a redrawn card: what settled the matter, e.g. `call.accepted`, when, and whether its reader did it himself.
    pub done: Option<String>,
    pub done_at: Option<DateTime<Utc>>,
    pub own: Option<bool>,
}

impl CallParams {
    /// The JSON to post.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut json = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(fields) = &mut json {
            fields.retain(|_, value| !value.is_null() && *value != Value::Array(Vec::new()));
        }
        json
    }

    /// Reads posted JSON. A field in a strange form counts as missing: a notice with a hole is better than none.
    #[must_use]
    pub fn read(json: &Value) -> Self {
        let Value::Object(fields) = json else { return Self::default() };
        Self::deserialize(json).unwrap_or_else(|_| {
            let sound = fields.iter().filter(|(name, value)| {
                let alone = Map::from_iter([((*name).clone(), (*value).clone())]);
                Self::deserialize(Value::Object(alone)).is_ok()
            });
            let sound = sound.map(|(name, value)| (name.clone(), value.clone())).collect();
            Self::deserialize(Value::Object(sound)).unwrap_or_default()
        })
    }
}

/// What the enterprise is told: everything posted, except what lets one act in the holder's name and how to reach him past the office.
#[must_use]
pub fn for_enterprise(json: &Value) -> Value {
    let mut shown = json.clone();
    if let Value::Object(fields) = &mut shown {
        fields.remove("actPath");
        fields.remove("holderMobile");
    }
    shown
}

/// What is no word of a person, in which digits that look like a phone number are none.
const NO_WORDS: [&str; 3] = ["callId", "number", "order"];

/// What another system is told: the same without any phone number, wherever somebody typed one. What is not so has no key.
#[must_use]
pub fn for_systems(json: &Value) -> Value {
    let mut shown = for_enterprise(json);
    if let Value::Object(fields) = &mut shown {
        fields.retain(|_, value| !value.is_null());
        if let Some(Value::String(phone)) = fields.get_mut("contactPhone") {
            *phone = mask_phone(phone);
        }
        for (_, value) in fields.iter_mut().filter(|(name, _)| !NO_WORDS.contains(&name.as_str())) {
            mask_words(value);
        }
    }
    shown
}

#[cfg(test)]
impl CallParams {
    /// The same words in every field that a person's words can reach.
    pub fn every(words: &str) -> Self {
        let said = || Some(words.to_owned());
        Self {
            number: Some("482913607".to_owned()),
            order: None,
            call_id: None,
            title: said(),
            text: said(),
            state: said(),
            urgency: said(),
            enterprise: said(),
            place: said(),
            contact_name: said(),
            contact_phone: said(),
            department: said(),
            holder: said(),
            holder_mobile: said(),
            item_name: said(),
            actor: said(),
            reason: said(),
            due_at: None,
            resolve_due_at: None,
            raised_at: None,
            act_path: None,
            note: said(),
            to: said(),
            until: None,
            approved: None,
            working_days: None,
            appointment_at: None,
            result: said(),
            suggestions: vec![words.to_owned()],
            clock: said(),
            clock_due_at: None,
            held_minutes: None,
            late_minutes: None,
            left_minutes: None,
            lifted_by: said(),
            rank: said(),
            rung: None,
            card: said(),
            why: said(),
            again: said(),
            done: said(),
            done_at: None,
            own: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_posted_is_read_back_and_holes_stay_holes() {
        let params = CallParams {
            number: Some("A7-4711".to_owned()),
            due_at: DateTime::from_timestamp(1_790_000_000, 0),
            suggestions: vec!["供电局".to_owned()],
            ..CallParams::default()
        };
        let json = params.to_json();
        assert_eq!(
            json,
            json!({"number": "A7-4711", "dueAt": "2026-09-21T14:13:20Z", "suggestions": ["供电局"]})
        );
        assert_eq!(CallParams::read(&json), params);
    }

    #[test]
    fn a_field_in_a_strange_form_costs_only_itself() {
        let json = json!({"number": 4711, "title": "停电", "dueAt": "soon", "holder": null, "other": {}});
        let expected = CallParams { title: Some("停电".to_owned()), ..CallParams::default() };
        assert_eq!(CallParams::read(&json), expected);
        assert_eq!(CallParams::read(&json!("x")), CallParams::default());
    }

    #[test]
    fn another_system_can_neither_act_nor_phone() {
        let json = json!({
            "number": "1", "actPath": "/a/t", "holderMobile": "13800000000", "contactPhone": "13812345678",
            "text": "打13812345678", "leftMinutes": null, "lateMinutes": 0,
        });
        let expected =
            json!({"number": "1", "lateMinutes": 0, "contactPhone": "138****5678", "text": "打138****5678"});
        assert_eq!(for_systems(&json), expected);
    }

    #[test]
    fn an_enterprise_reads_what_its_officer_wrote_but_cannot_act_for_him() {
        let json = json!({
            "actPath": "/a/t", "holderMobile": "13800000000", "note": "师傅半小时到，13812345678", "contactPhone": "13912345678",
        });
        let expected = json!({"note": "师傅半小时到，13812345678", "contactPhone": "13912345678"});
        assert_eq!(for_enterprise(&json), expected);
    }

    #[test]
    fn no_phone_reaches_another_system_wherever_somebody_typed_it() {
        let every = CallParams::every("请打13812345678").to_json();
        let shown = for_systems(&every).to_string();
        assert!(shown.contains("138****5678") && !shown.contains("13812345678"), "{shown}");
        let ids = json!({"number": "13812345678", "callId": "13812345678", "order": "13812345678"});
        assert_eq!(for_systems(&ids), ids);
    }
}
