//! Texts: what a notice says. One template per event and language, from `config/notices.toml`; rendered at the moment of
//! sending, so that "today" is today.
//!
//! The words of people are made harmless by the channel that carries them, phone numbers are masked here: rooms hold more people
//! than need them, and whoever acts sees them in full behind the link.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use figment::Figment;
use figment::providers::{Format as _, Toml};
use minijinja::{Environment, UndefinedBehavior};
use serde::Deserialize;
use serde_json::Value;

use super::channels::wechat_subscribe::moment;
use super::channels::{Line, Link, Mention, Message};
use super::model::NoticeId;
use super::params::{CallParams, for_systems};
use super::phrase;
use crate::platform::http::lang::Lang;
use crate::platform::mask::{mask_phone, mask_phones};
use crate::platform::outbound::Url;

const BOOK: &str = include_str!("../../config/notices.toml");

/// The event that stands for all without a text of their own.
const OTHER: &str = "other";

/// The fact that every event tells last, when there is something to tell.
const AGAIN: &str = "again";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    facts: HashMap<String, Fact>,
    /// What keys in the params are called, `kind.key`, in Chinese and English.
    names: HashMap<String, (String, String)>,
    events: HashMap<String, Event>,
}

/// Label and template of a line, per language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fact {
    zh: (String, String),
    en: (String, String),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    /// Names of facts, the important ones first.
    facts: Vec<String>,
    /// Whether the enterprise's own words follow.
    #[serde(default)]
    words: bool,
    zh: Wording,
    en: Wording,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wording {
    title: String,
    /// What the link says; none where there is no page to act on.
    act: Option<String>,
}

/// Why the book of texts cannot be used, or a text not be made.
#[derive(Debug, thiserror::Error)]
pub enum TextsError {
    #[error("texts: {0}")]
    Shape(#[from] Box<figment::Error>),
    #[error("texts: {0}")]
    Template(#[from] minijinja::Error),
    #[error("texts: event {event} names the fact {fact}, which does not exist")]
    UnknownFact { event: String, fact: String },
    #[error("texts: the event {OTHER} is missing")]
    NoOther,
    #[error("the action path makes no address")]
    BadPath,
}

/// What there is to tell.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    pub id: NoticeId,
    pub event: &'a str,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Whether the holder is to act, and so is called by name.
    pub alarms: bool,
    /// Whether one person alone reads it, who may see phone numbers in full.
    pub personal: bool,
    pub params: &'a Value,
}

/// All texts, compiled.
pub struct Texts {
    templates: Environment<'static>,
    book: Book,
    other: Event,
    public_url: String,
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Texts({} events)", self.book.events.len())
    }
}

impl Texts {
    /// Compiles the texts; links begin with `public_url`.
    pub fn new(public_url: &str) -> Result<Self, TextsError> {
        Self::from_toml(BOOK, public_url)
    }

    fn from_toml(toml: &str, public_url: &str) -> Result<Self, TextsError> {
        let book: Book = Figment::from(Toml::string(toml)).extract().map_err(Box::new)?;
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Lenient);
        for (name, fact) in &book.facts {
            templates.add_template_owned(format!("zh/fact/{name}"), fact.zh.1.clone())?;
            templates.add_template_owned(format!("en/fact/{name}"), fact.en.1.clone())?;
        }
        for (name, event) in &book.events {
            if let Some(fact) = event.facts.iter().find(|fact| !book.facts.contains_key(*fact)) {
                return Err(TextsError::UnknownFact { event: name.clone(), fact: fact.clone() });
            }
            templates.add_template_owned(format!("zh/title/{name}"), event.zh.title.clone())?;
            templates.add_template_owned(format!("en/title/{name}"), event.en.title.clone())?;
        }
        let other = book.events.get(OTHER).ok_or(TextsError::NoOther)?.clone();
        if !book.facts.contains_key(AGAIN) {
            return Err(TextsError::UnknownFact { event: OTHER.to_owned(), fact: AGAIN.to_owned() });
        }
        Ok(Self { templates, book, other, public_url: public_url.trim_end_matches('/').to_owned() })
    }

    /// The message that tells it, in `lang`, as seen at `now`.
    pub fn message(
        &self,
        telling: Telling<'_>,
        lang: Lang,
        now: DateTime<Utc>,
    ) -> Result<Message, TextsError> {
        let (name, event) = match self.book.events.get_key_value(telling.event) {
            Some((name, event)) => (name.as_str(), event),
            None => (OTHER, &self.other),
        };
        let (folder, wording) = match lang {
            Lang::Zh => ("zh", &event.zh),
            Lang::En => ("en", &event.en),
        };
        let params = CallParams::read(telling.params);
        let words = words(&params, &self.book.names, telling.personal, lang, now);
        let say = |kind: &str, name: &str| -> Result<String, TextsError> {
            let text = self.templates.get_template(&format!("{folder}/{kind}/{name}"))?.render(&words)?;
            Ok(text.trim().to_owned())
        };
        let mut lines = Vec::with_capacity(event.facts.len() + 1);
        for fact in event.facts.iter().map(String::as_str).chain([AGAIN]) {
            let value = say("fact", fact)?;
            if let (false, Some(fact)) = (value.is_empty(), self.book.facts.get(fact)) {
                let label = match lang {
                    Lang::Zh => &fact.zh.0,
                    Lang::En => &fact.en.0,
                };
                lines.push(Line::new(label, value));
            }
        }
        let text = words.get("text").filter(|text| event.words && words.get("title") != Some(*text));
        Ok(Message {
            id: telling.id.to_string(),
            event: telling.event.to_owned(),
            at: telling.at,
            data: for_systems(telling.params),
            title: say("title", name)?,
            lines,
            body: text.cloned().unwrap_or_default(),
            link: self.link(params.act_path.as_deref(), wording.act.as_deref())?,
            words: spelt(&words, &params, telling),
            mentions: params
                .holder_mobile
                .filter(|_| telling.alarms && !telling.personal)
                .map(|mobile| Mention { mobile: Some(mobile), user_id: None })
                .into_iter()
                .collect(),
        })
    }

    fn link(&self, path: Option<&str>, text: Option<&str>) -> Result<Option<Link>, TextsError> {
        let Some((path, text)) = path.filter(|path| !path.is_empty()).zip(text) else { return Ok(None) };
        if !path.starts_with('/') {
            return Err(TextsError::BadPath);
        }
        let url: Url = format!("{}{path}", self.public_url).parse().map_err(|_| TextsError::BadPath)?;
        Ok(Some(Link { text: text.to_owned(), url }))
    }
}

/// The names that templates may use; empty ones are left out.
fn words(
    params: &CallParams,
    names: &HashMap<String, (String, String)>,
    personal: bool,
    lang: Lang,
    now: DateTime<Utc>,
) -> BTreeMap<&'static str, String> {
    let named = |kind: &str, key: &Option<String>| {
        let (zh, en) = names.get(&format!("{kind}.{}", key.as_deref()?))?;
        Some(if lang == Lang::Zh { zh.clone() } else { en.clone() })
    };
    let whole = |text: &str| text.to_owned();
    let phone_shown = |phone: &str| if personal { whole(phone) } else { mask_phone(phone) };
    let text_shown = |text: &str| if personal { whole(text) } else { mask_phones(text) };
    let own = |text: &Option<String>| text.as_deref().map(text_shown);
    let moment = |at: Option<DateTime<Utc>>| at.map(|at| phrase::when(at, now, lang));
    let decision = params.approved.map(|approved| match (approved, lang) {
        (true, Lang::Zh) => "同意",
        (false, Lang::Zh) => "不同意",
        (true, Lang::En) => "approved",
        (false, Lang::En) => "not approved",
    });
    let nameless = match lang {
        Lang::Zh => "企业诉求",
        Lang::En => "a call",
    };
    let said = |text: &&Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
    let title = [&params.title, &params.item_name].into_iter().find(said).and_then(own);
    let separator = if lang == Lang::Zh { "、" } else { ", " };
    let all = [
        ("mark", Some(mark(params.urgency.as_deref(), lang).to_owned())),
        ("number", params.number.clone()),
        ("order", params.order.clone()),
        ("title", Some(title.unwrap_or_else(|| nameless.to_owned()))),
        ("text", own(&params.text)),
        ("enterprise", params.enterprise.clone()),
        ("place", params.place.clone()),
        ("contact", params.contact_name.clone()),
        ("phone", params.contact_phone.as_deref().map(phone_shown)),
        ("department", params.department.clone()),
        ("holder", params.holder.clone()),
        ("item", params.item_name.clone()),
        ("actor", params.actor.clone()),
        ("reason", own(&params.reason)),
        ("note", own(&params.note)),
        ("result", own(&params.result)),
        ("to", own(&params.to)),
        ("until", moment(params.until)),
        ("decision", decision.map(str::to_owned)),
        ("days", params.working_days.map(|days| days.to_string())),
        ("appointment", moment(params.appointment_at)),
        ("suggestions", Some(params.suggestions.join(separator))),
        ("accept_by", moment(params.due_at)),
        ("resolve_by", moment(params.resolve_due_at)),
        ("raised", moment(params.raised_at)),
        ("clock", named("clock", &params.clock)),
        ("clock_due", moment(params.clock_due_at)),
        ("held", params.held_minutes.map(|minutes| phrase::span(minutes, lang))),
        ("late", params.late_minutes.map(|minutes| phrase::span(minutes, lang))),
        ("rank", named("rank", &params.rank)),
        ("rung", params.rung.map(|rung| rung.to_string())),
        ("card", named("card", &params.card)),
        ("why", named("why", &params.why)),
        ("again", named("again", &params.again)),
        ("critical", (params.urgency.as_deref() == Some("critical")).then(|| "yes".to_owned())),
        ("masked", (!personal).then(|| "yes".to_owned())),
        ("link", params.act_path.clone().map(|_| "yes".to_owned())),
    ];
    let said = |(name, value): (&'static str, Option<String>)| {
        value.map(|value| (name, value.trim().to_owned())).filter(|(_, value)| !value.is_empty())
    };
    all.into_iter().filter_map(said).collect()
}

/// The words for a template that lives at the provider: moments in full, for it is not known when they are read there.
fn spelt(
    words: &BTreeMap<&'static str, String>,
    params: &CallParams,
    telling: Telling<'_>,
) -> BTreeMap<String, String> {
    if !telling.personal {
        return BTreeMap::new();
    }
    let mut spelt: BTreeMap<String, String> =
        words.iter().map(|(name, word)| ((*name).to_owned(), word.clone())).collect();
    for (name, at) in [
        ("at", Some(telling.at)),
        ("accept_by", params.due_at),
        ("resolve_by", params.resolve_due_at),
        ("raised", params.raised_at),
        ("until", params.until),
        ("appointment", params.appointment_at),
    ] {
        spelt.extend(at.map(|at| (name.to_owned(), moment(at))));
    }
    spelt.extend(params.call_id.map(|id| ("call_id".to_owned(), id.to_string())));
    spelt
}

fn mark(urgency: Option<&str>, lang: Lang) -> &'static str {
    match (urgency, lang) {
        (Some("critical"), Lang::Zh) => "【特急】",
        (Some("urgent"), Lang::Zh) => "【急】",
        (Some("critical"), Lang::En) => "[CRITICAL]",
        (Some("urgent"), Lang::En) => "[URGENT]",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
