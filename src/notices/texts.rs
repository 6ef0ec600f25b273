//! Texts: what a notice says. One template per event and language, from `config/notices.toml` or in the county's own words ([`own`]);
//! rendered at the moment of sending, so that "today" is today. Own words that fail then give way to those shipped.
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

use names::{DONE, NAMES, spelt, words};
use own::{Memo, Own, OwnTemplates};
use wording::{EventText, OwnLine, folder, line_path};

use super::channels::{ChannelKind, Line, Link, Mention, Message, Tap};
use super::model::NoticeId;
use super::params::{CallParams, for_systems};
use super::redraw::REDRAWN;
use crate::platform::http::lang::Lang;
use crate::platform::outbound::Url;

mod change;
mod check;
mod names;
pub mod own;
mod preview;
pub mod routes;
mod sample;
mod view;
pub mod wording;

const BOOK: &str = include_str!("../../config/notices.toml");

/// The event that stands for all without a text of their own.
const OTHER: &str = "other";

/// Events that no county words: what stands for all, and a test by whoever would change it.
const NOT_OWN: [&str; 2] = [OTHER, "channel.test"];

/// The fact that every event tells last, when there is something to tell.
const AGAIN: &str = "again";

/// What the line is called that says why its reader gets a notice.
const WHY_YOU: &str = "label";
/// What a room, a person of an enterprise, and an officer is told of it unless the event says otherwise.
const WHY_ROOM: &str = "room";
const WHY_MEMBER: &str = "enterprise";
const WHY_OFFICER: &str = "concerned";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    facts: HashMap<String, Fact>,
    /// What keys in the params are called, `kind.key`, in Chinese and English.
    names: HashMap<String, (String, String)>,
    /// Why its reader gets a notice, by what he is in the matter: templates in Chinese and English.
    why_you: HashMap<String, (String, String)>,
    /// What settled a matter, by event, as its redrawn cards say it: templates in Chinese and English.
    #[serde(default)]
    done: HashMap<String, (String, String)>,
    /// What a card's own button says, by its verb, in Chinese and English.
    #[serde(default)]
    tap: HashMap<String, (String, String)>,
    /// What the link beside it says when it would say the same.
    #[serde(default)]
    see: (String, String),
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
    /// As what an officer is told in person; there is one for every event by which somebody is asked to act.
    officer: Option<String>,
    /// As what everybody is told, wherever he reads it.
    anybody: Option<String>,
    /// What a card's own button does at once.
    tap: Option<String>,
    zh: Wording,
    en: Wording,
}

impl Event {
    /// Which of the reasons for getting it holds for a reader; none for a system, which needs no reason.
    fn why(&self, reader: Reader<'_>) -> Option<&str> {
        let own = match reader {
            Reader::System => return None,
            Reader::Officer => self.officer.as_deref().unwrap_or(WHY_OFFICER),
            Reader::Member => WHY_MEMBER,
            Reader::Room(_) => WHY_ROOM,
        };
        Some(self.anybody.as_deref().unwrap_or(own))
    }
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wording {
    title: String,
    /// What the link says; none where there is no page to act on.
    act: Option<String>,
}

impl Fact {
    /// Label and template.
    const fn said(&self, lang: Lang) -> &(String, String) {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
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
    #[error("texts: there is no why for {0}")]
    UnknownWhy(String),
    #[error("texts: there is no button for {0}")]
    UnknownTap(String),
    #[error("texts: the event {OTHER} is missing")]
    NoOther,
    #[error("the action path makes no address")]
    BadPath,
    #[error("texts: what the county keeps is no text: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("texts: the title says nothing")]
    Empty,
}

/// Who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader<'a> {
    /// An officer, alone; or an administrator.
    Officer,
    /// A person of an enterprise, alone.
    Member,
    /// The room of the department called so; none: one of the county.
    Room(Option<&'a str>),
    System,
}

impl<'a> Reader<'a> {
    /// Who reads what a channel carries; `room_of`: the department whose room it is.
    #[must_use]
    pub const fn of(kind: ChannelKind, room_of: Option<&'a str>) -> Self {
        match kind {
            ChannelKind::WechatSubscribe => Self::Member,
            ChannelKind::Webhook => Self::System,
            ChannelKind::WecomApp | ChannelKind::DingtalkApp | ChannelKind::FeishuApp => Self::Officer,
            ChannelKind::WecomBot
            | ChannelKind::DingtalkBot
            | ChannelKind::FeishuBot
            | ChannelKind::Slack => Self::Room(room_of),
        }
    }

    /// Whether one person alone reads it, who may see phone numbers in full.
    #[must_use]
    pub const fn is_personal(self) -> bool {
        matches!(self, Self::Officer | Self::Member)
    }
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
    pub reader: Reader<'a>,
    /// What carries it; none: the inbox.
    pub kind: Option<ChannelKind>,
    /// The county's own words for it.
    pub own: Option<Own<'a>>,
    pub params: &'a Value,
}

/// All texts, compiled.
pub struct Texts {
    templates: Environment<'static>,
    book: Book,
    other: Event,
    public_url: String,
    memo: Memo,
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
        for (kind, sayings) in [("why_you", &book.why_you), (DONE, &book.done)] {
            for (name, (zh, en)) in sayings {
                templates.add_template_owned(format!("zh/{kind}/{name}"), zh.clone())?;
                templates.add_template_owned(format!("en/{kind}/{name}"), en.clone())?;
            }
        }
        let named = book.events.values().flat_map(|event| event.officer.iter().chain(&event.anybody));
        let fixed = [WHY_YOU, WHY_ROOM, WHY_MEMBER, WHY_OFFICER].into_iter();
        if let Some(name) =
            named.map(String::as_str).chain(fixed).find(|name| !book.why_you.contains_key(*name))
        {
            return Err(TextsError::UnknownWhy(name.to_owned()));
        }
        let mut verbs = book.events.values().filter_map(|event| event.tap.as_ref());
        if let Some(verb) = verbs.find(|verb| !book.tap.contains_key(*verb)) {
            return Err(TextsError::UnknownTap(verb.clone()));
        }
        let other = book.events.get(OTHER).filter(|_| book.done.contains_key(OTHER));
        let other = other.ok_or(TextsError::NoOther)?.clone();
        if !book.facts.contains_key(AGAIN) {
            return Err(TextsError::UnknownFact { event: OTHER.to_owned(), fact: AGAIN.to_owned() });
        }
        Ok(Self {
            templates,
            book,
            other,
            public_url: public_url.trim_end_matches('/').to_owned(),
            memo: Memo::default(),
        })
    }

    /// The message that tells it, in `lang`, as seen at `now`: in the county's own words when there are any and they can be said.
    pub fn message(
        &self,
        telling: Telling<'_>,
        lang: Lang,
        now: DateTime<Utc>,
    ) -> Result<Message, TextsError> {
        if let Some(own) = telling.own {
            let compiled = self.memo.compiled(telling.event, own);
            match compiled.and_then(|own| self.compose(telling, Some(&own), lang, now)) {
                Ok(message) => return Ok(message),
                Err(error) => {
                    let (notice, event, version) = (telling.id, telling.event, own.version);
                    tracing::warn!(%error, %notice, event, county = %own.county, version, "a county's own words fail; those shipped are sent");
                    metrics::counter!("notices_own_words_failed_total").increment(1);
                }
            }
        }
        self.compose(telling, None, lang, now)
    }

    fn compose(
        &self,
        telling: Telling<'_>,
        own: Option<&OwnTemplates>,
        lang: Lang,
        now: DateTime<Utc>,
    ) -> Result<Message, TextsError> {
        let (name, event) = match self.book.events.get_key_value(telling.event) {
            Some((name, event)) => (name.as_str(), event),
            None => (OTHER, &self.other),
        };
        let shipped_act = match lang {
            Lang::Zh => event.zh.act.as_deref(),
            Lang::En => event.en.act.as_deref(),
        };
        let params = CallParams::read(telling.params);
        let mut words = self.words(telling, lang, now);
        if telling.event == REDRAWN {
            words.insert(DONE, self.done(params.done.as_deref(), lang, &words)?);
        }
        let own_text = own.map(|own| &own.text);
        let title = match own.and_then(|own| Some((own, own.text.title_at(telling.kind, lang)?))) {
            Some((own, path)) => own.say(&path, &words)?,
            None => self.say("title", name, lang, &words)?,
        };
        if title.is_empty() {
            return Err(TextsError::Empty);
        }
        let mut lines = match own.and_then(|own| Some((own, own.text.lines_at(telling.kind, lang)?))) {
            Some((own, (at, lines))) => own_lines(own, &at, lines, &words)?,
            None => self.facts(event.facts.iter().map(String::as_str), lang, &words)?,
        };
        let why = event.why(telling.reader).map(|why| self.why_you(why, lang, &words)).transpose()?;
        lines.extend(why);
        let again = self.facts([AGAIN].into_iter(), lang, &words)?;
        lines.extend(again.into_iter().map(|line| Line { kept: true, ..line }));
        let follow = own_text.and_then(|own| own.words).unwrap_or(event.words);
        let text = words.get("text").filter(|text| follow && words.get("title") != Some(*text));
        // Where there is no page to act on, nobody gives it a link.
        let act = shipped_act.map(|act| own_text.and_then(|own| own.act(telling.kind, lang)).unwrap_or(act));
        Ok(Message {
            id: telling.id.to_string(),
            event: telling.event.to_owned(),
            at: telling.at,
            data: for_systems(telling.params),
            title,
            lines,
            body: text.cloned().unwrap_or_default(),
            link: self.link(params.act_path.as_deref(), act)?,
            tap: event
                .tap
                .as_deref()
                .filter(|_| is_his_to_take(&params))
                .and_then(|verb| self.tap(verb, act, lang)),
            words: spelt(&words, &params, telling),
            mentions: params
                .holder_mobile
                .filter(|_| telling.alarms && !telling.reader.is_personal())
                .map(|mobile| Mention { mobile: Some(mobile), user_id: None })
                .into_iter()
                .collect(),
        })
    }

    fn words(&self, telling: Telling<'_>, lang: Lang, now: DateTime<Utc>) -> BTreeMap<&'static str, String> {
        words(&CallParams::read(telling.params), &self.book.names, telling, lang, now)
    }

    /// The line that says why its reader gets it: ours alone, and whole whatever else there is to say.
    fn why_you(
        &self,
        why: &str,
        lang: Lang,
        words: &BTreeMap<&'static str, String>,
    ) -> Result<Line, TextsError> {
        let label = self.say("why_you", WHY_YOU, lang, words)?;
        Ok(Line::kept(label, self.say("why_you", why, lang, words)?))
    }

    /// What settled the matter.
    fn done(
        &self,
        event: Option<&str>,
        lang: Lang,
        words: &BTreeMap<&'static str, String>,
    ) -> Result<String, TextsError> {
        let known = event.filter(|event| self.book.done.contains_key(*event));
        self.say(DONE, known.unwrap_or(OTHER), lang, words)
    }

    /// The button that does a verb, beside a link that says `act`.
    fn tap(&self, verb: &str, act: Option<&str>, lang: Lang) -> Option<Tap> {
        let pick = |(zh, en): &(String, String)| if lang == Lang::Zh { zh.clone() } else { en.clone() };
        let text = pick(self.book.tap.get(verb)?);
        let see = act.filter(|act| *act != text).map_or_else(|| pick(&self.book.see), str::to_owned);
        Some(Tap { verb: verb.to_owned(), text, see })
    }

    /// Whether somebody is asked to act by such an event.
    fn alarms(&self, event: &str) -> bool {
        self.book.events.get(event).is_some_and(|event| event.officer.is_some())
    }

    fn say(
        &self,
        kind: &str,
        name: &str,
        lang: Lang,
        words: &BTreeMap<&'static str, String>,
    ) -> Result<String, TextsError> {
        let path = format!("{}/{kind}/{name}", folder(lang));
        Ok(self.templates.get_template(&path)?.render(words)?.trim().to_owned())
    }

    /// The shipped facts of these names, without those that say nothing.
    fn facts<'f>(
        &self,
        names: impl Iterator<Item = &'f str>,
        lang: Lang,
        words: &BTreeMap<&'static str, String>,
    ) -> Result<Vec<Line>, TextsError> {
        let mut lines = Vec::new();
        for name in names {
            let value = self.say("fact", name, lang, words)?;
            if let (false, Some(fact)) = (value.is_empty(), self.book.facts.get(name)) {
                lines.push(Line::new(&fact.said(lang).0, value));
            }
        }
        Ok(lines)
    }

    /// The events for which a county may have its own words.
    fn events(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.book.events.keys().map(String::as_str).collect();
        all.retain(|event| !NOT_OWN.contains(event));
        all.sort_unstable();
        all
    }

    /// The words of an event as shipped, in the form of a county's own; none for an event that is not the county's to word.
    fn shipped(&self, event: &str) -> Option<EventText> {
        let found = self.book.events.get(event).filter(|_| !NOT_OWN.contains(&event))?;
        let wording = |lang: Lang, of: &Wording| {
            let facts = found.facts.iter().filter_map(|name| self.book.facts.get(name));
            let line = |fact: &Fact| {
                let (label, text) = fact.said(lang).clone();
                OwnLine { label, text }
            };
            wording::Wording {
                title: Some(of.title.clone()),
                act: of.act.clone(),
                lines: Some(facts.map(line).collect()),
            }
        };
        Some(EventText {
            zh: wording(Lang::Zh, &found.zh),
            en: wording(Lang::En, &found.en),
            words: Some(found.words),
            kinds: BTreeMap::new(),
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

/// As what the people of the responsible department are told of a step; others may not take a call.
const OF_THE_DEPARTMENT: [&str; 5] = ["holder", "backup", "section_head", "deputy", "head"];

/// Whether its reader may take the call that is told of, as long as nobody has: he is of the department, and nobody had taken it.
fn is_his_to_take(params: &CallParams) -> bool {
    let untaken = params.clock.as_deref().is_none_or(|clock| clock == "accept");
    untaken && params.rank.as_deref().is_none_or(|rank| OF_THE_DEPARTMENT.contains(&rank))
}

/// The county's own lines, without those that say nothing.
fn own_lines(
    own: &OwnTemplates,
    at: &str,
    lines: &[OwnLine],
    words: &BTreeMap<&'static str, String>,
) -> Result<Vec<Line>, TextsError> {
    let mut said = Vec::with_capacity(lines.len());
    for (nth, line) in lines.iter().enumerate() {
        let value = own.say(&line_path(at, nth), words)?;
        if !value.is_empty() {
            said.push(Line::new(&line.label, value));
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests;
