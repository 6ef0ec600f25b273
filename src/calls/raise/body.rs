//! What a tap says, checked.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::calls::desk::Desk;
use crate::calls::model::Entrance;
use crate::calls::standing::Person;
use crate::catalogue::Catalogue;
use crate::deadlines::limits::{CallRules, Urgency};
use crate::organisation::EnterpriseId;
use crate::platform::http::problem::{FieldError, Problem};
use crate::platform::http::text::TextRule;

/// The body of a tap; an empty one is a valid one-tap call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Raise {
    /// A service item of the catalogue.
    pub item_code: Option<String>,
    /// What it is about, in the enterprise's own words.
    pub text: Option<String>,
    /// `normal` when not given.
    pub urgency: Option<Urgency>,
    /// Whether the officer is asked to come; true when not given.
    pub visit: Option<bool>,
    /// An agreed hour; replaces T1–T3.
    pub appointment_at: Option<DateTime<Utc>>,
    /// Where to come; the enterprise's address when not given.
    pub place: Option<String>,
    pub contact_name: Option<String>,
    /// The number to call; the enterprise's contact when not given.
    pub contact_phone: Option<String>,
    pub attachment_ids: Option<Vec<Uuid>>,
    /// Which enterprise; needed only by members of several, and by officials who record a call for one.
    pub enterprise_id: Option<EnterpriseId>,
    /// For officials: by phone, letter or visit.
    pub entrance: Option<Entrance>,
}

/// A checked tap of one person.
#[derive(Clone, Debug)]
pub struct Tap {
    pub person: Person,
    /// Raised by an official for the enterprise, through this door.
    pub on_behalf: Option<Entrance>,
    pub enterprise: Option<EnterpriseId>,
    pub words: Words,
    pub text: String,
    pub urgency: Urgency,
    pub visit: bool,
    pub appointment_at: Option<DateTime<Utc>>,
    pub place: Option<String>,
    pub contact_name: Option<String>,
    pub contact_phone: Option<String>,
    /// The idempotency key and the fingerprint of the request.
    pub key: Option<(String, [u8; 32])>,
    /// Nothing was said and no key given: the button was pressed, and pressed once more it means the same.
    pub bare: bool,
    pub now: DateTime<Utc>,
}

/// What the tap says about its matter.
#[derive(Clone, Debug, PartialEq)]
pub enum Words {
    /// Nothing: the enterprise's lead officer is asked.
    Nothing,
    /// An item, chosen by the enterprise or clear from its words.
    Item(String),
    /// Words that fit no item clearly; the likeliest ones go along.
    Unclear(Value),
}

/// Characters of a line: forms and messages have room for no more.
const LINE: usize = 200;

impl Tap {
    /// What the county's rules and the present moment say to it. The rules come with the tap's context, so a tap is not read twice
    /// for them; and whoever repeats a tap with its key is answered even when what it agreed on is over.
    ///
    /// # Errors
    /// 422 with the fields that are wrong.
    pub fn check(&self, rules: &CallRules) -> Result<(), Problem> {
        let mut errors = Vec::new();
        errors.extend(TextRule::block(rules.text_length).optional("text", Some(&self.text)).err());
        if self.appointment_at.is_some_and(|at| at <= self.now) {
            errors.push(appointment("预约时间须在现在之后", "must be in the future"));
        }
        let days = rules.appointment_within_days;
        if self.appointment_at.is_some_and(|at| at > self.now + TimeDelta::days(days)) {
            errors.push(appointment(
                format!("预约时间须在现在之后、{days} 天之内"),
                format!("must be in the next {days} days"),
            ));
        }
        if errors.is_empty() { Ok(()) } else { Err(Problem::invalid(errors)) }
    }
}

fn appointment(zh: impl Into<String>, en: impl Into<String>) -> FieldError {
    FieldError::new("appointmentAt", "out_of_range", zh, en)
}

impl Raise {
    /// Checks the body as far as every county agrees. The words are routed by the caller, who knows the catalogue.
    ///
    /// # Errors
    /// 422 with all fields that are wrong.
    pub fn check(
        self,
        person: Person,
        key: Option<(String, [u8; 32])>,
        now: DateTime<Utc>,
    ) -> Result<Tap, Problem> {
        let bare = key.is_none() && Self { enterprise_id: None, ..self.clone() } == Self::default();
        let mut errors = Vec::new();
        let mut keep = |result: Result<Option<String>, FieldError>| match result {
            Ok(text) => text,
            Err(error) => {
                errors.push(error);
                None
            }
        };
        let item = keep(TextRule::line(32).optional("itemCode", self.item_code.as_deref()));
        let text = keep(TextRule::block(CallRules::LONGEST_TEXT).optional("text", self.text.as_deref()));
        let place = keep(TextRule::line(LINE).optional("place", self.place.as_deref()));
        let contact_name = keep(TextRule::line(40).optional("contactName", self.contact_name.as_deref()));
        let contact_phone = keep(TextRule::line(20).optional("contactPhone", self.contact_phone.as_deref()));
        if contact_phone.as_deref().is_some_and(|phone| !is_phone(phone)) {
            errors.push(FieldError::new(
                "contactPhone",
                "not_a_phone",
                "请填写有效的电话号码",
                "not a phone number",
            ));
        }
        if self.attachment_ids.as_ref().is_some_and(|ids| !ids.is_empty()) {
            errors.push(FieldError::new(
                "attachmentIds",
                "unknown_attachment",
                "没有这个附件",
                "no such attachment",
            ));
        }
        let on_behalf = match (self.entrance, person.powers.records_for_others()) {
            (None | Some(Entrance::Enterprise), _) => None,
            (Some(entrance), true) => Some(entrance),
            (Some(_), false) => {
                let (zh, en) =
                    ("只有营商办和部门可以代企业登记", "only officials record a call for an enterprise");
                errors.push(FieldError::new("entrance", "not_allowed", zh, en));
                None
            }
        };
        if on_behalf.is_some() && self.enterprise_id.is_none() {
            errors.push(FieldError::new("enterpriseId", "required", "请选择企业", "say which enterprise"));
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        Ok(Tap {
            person,
            on_behalf,
            enterprise: self.enterprise_id,
            words: item.map_or(Words::Nothing, Words::Item),
            text: text.unwrap_or_default(),
            urgency: self.urgency.unwrap_or(Urgency::Normal),
            visit: self.visit.unwrap_or(true),
            appointment_at: self.appointment_at,
            place,
            contact_name,
            contact_phone,
            key,
            bare,
            now,
        })
    }
}

/// Checks the body and routes its words by the catalogue.
///
/// # Errors
/// 422 with all fields that are wrong; 503 when Postgres is away.
pub async fn checked(
    desk: &Desk,
    catalogue: &Catalogue,
    person: Person,
    body: Raise,
    key: Option<(String, [u8; 32])>,
    now: DateTime<Utc>,
) -> Result<Tap, Problem> {
    let county = person.county;
    let mut tap = body.check(person, key, now)?;
    if tap.words == Words::Nothing && !tap.text.is_empty() {
        let suggestion = catalogue.suggest(&desk.db, county, &tap.text).await?;
        tap.words = match suggestion.items.first() {
            Some(best) if suggestion.clear => Words::Item(best.item_code.clone()),
            _ => Words::Unclear(json!(suggestion.items)),
        };
    }
    Ok(tap)
}

/// Digits with the usual separators, 5 to 20 characters, at least five digits.
fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits >= 5 && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '(' | ')'))
}
