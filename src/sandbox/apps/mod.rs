//! Applications that write to one person: their token endpoints and what the four platforms have in common.
//!
//! All people of an application share one room on the page; the message says to whom it went.

use std::collections::{HashMap, VecDeque};

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::Sandbox;
use super::config::RoomConfig;
use super::exchange::{Refused, Said};
use super::fault::Mode;
use super::rooms::KnownAs;
use super::shown::Shown;
use super::throttle::Throttle;
use crate::notices::channels::ChannelKind;
use crate::platform::crypto;

pub mod dingtalk;
pub mod feishu;
pub mod subscribe;
pub mod wecom;

/// Life of an access token, in seconds.
pub const TOKEN_LIFE: i64 = 7200;
/// Life of what redraws a card of WeCom, in hours.
const CODE_LIFE: i64 = 72;
/// Messages remembered to tell repetitions.
const REMEMBERED: usize = 10_000;

/// What the platforms remember of their applications.
#[derive(Debug, Default)]
pub struct Apps {
    /// Newest last, by room.
    tokens: HashMap<String, VecDeque<(String, DateTime<Utc>)>>,
    asked: HashMap<String, u64>,
    people: HashMap<(String, String), Throttle>,
    /// What was sent lately, by the sender's own mark.
    sent: VecDeque<(String, DateTime<Utc>)>,
    /// What cards were sent lately, by the codes that redraw them once.
    codes: VecDeque<Code>,
}

/// What redraws one card of one person, once.
#[derive(Clone, Debug)]
pub struct Code {
    code: String,
    room: String,
    person: String,
    issued_at: DateTime<Utc>,
    is_spent: bool,
}

impl Apps {
    fn note_asked(&mut self, room: &str) {
        *self.asked.entry(room.to_owned()).or_default() += 1;
    }

    /// The good token of an application, a new one when there is none.
    fn issue(&mut self, room: &str, now: DateTime<Utc>) -> (String, i64) {
        let tokens = self.tokens.entry(room.to_owned()).or_default();
        if tokens.back().is_none_or(|(_, until)| *until <= now) {
            tokens.push_back((crypto::random_token(), now + TimeDelta::seconds(TOKEN_LIFE)));
        }
        tokens.truncate(16);
        let newest = tokens.back().map(|(token, until)| (token.clone(), (*until - now).num_seconds()));
        newest.unwrap_or_default()
    }

    /// The application that a token speaks for.
    fn bearer(&self, token: &str, now: DateTime<Utc>) -> Bearer {
        let found = self.tokens.iter().find_map(|(room, tokens)| {
            let known = tokens.iter().find(|(known, _)| crypto::same(known.as_bytes(), token.as_bytes()))?;
            Some((room.clone(), known.1))
        });
        match found {
            Some((room, until)) if now < until => Bearer::Good(room),
            Some(_) => Bearer::Expired,
            None => Bearer::Unknown,
        }
    }

    pub fn revoke(&mut self, room: &str) {
        self.tokens.remove(room);
    }

    pub fn asked(&self, room: &str) -> u64 {
        self.asked.get(room).copied().unwrap_or(0)
    }

    /// A new code that redraws a card of a person once.
    pub fn fresh_code(&mut self, room: &str, person: &str, now: DateTime<Utc>) -> String {
        let code = crypto::random_token();
        let (room, person) = (room.to_owned(), person.to_owned());
        self.note_code(Code { code: code.clone(), room, person, issued_at: now, is_spent: false });
        code
    }

    /// Notes by what a card is redrawn.
    fn note_code(&mut self, code: Code) {
        self.codes.push_back(code);
        if self.codes.len() > REMEMBERED {
            self.codes.pop_front();
        }
    }

    /// Whose card a code redraws; none for one that is unknown, too old or spent. It is spent from now on.
    fn spend_code(&mut self, room: &str, code: &str, now: DateTime<Utc>) -> Option<String> {
        let known = self.codes.iter_mut().find(|known| known.room == room && known.code == code)?;
        if known.is_spent || now - known.issued_at >= TimeDelta::hours(CODE_LIFE) {
            return None;
        }
        known.is_spent = true;
        Some(known.person.clone())
    }

    /// Counts one message to one person.
    fn admits(&mut self, room: &RoomConfig, person: &str, now: DateTime<Utc>) -> bool {
        let key = (room.name.clone(), person.to_owned());
        self.people.entry(key).or_insert_with(|| Throttle::of_person(room.kind, room.limits)).admits(now)
    }

    /// Whether the same was sent within `seconds` before.
    fn is_repeated(&mut self, mark: &str, seconds: i64, now: DateTime<Utc>) -> bool {
        let recent = |at: DateTime<Utc>| now - at < TimeDelta::seconds(seconds);
        let repeated = self.sent.iter().any(|(known, at)| known == mark && recent(*at));
        self.sent.push_back((mark.to_owned(), now));
        if self.sent.len() > REMEMBERED {
            self.sent.pop_front();
        }
        repeated
    }
}

/// What a token is worth.
pub enum Bearer {
    Good(String),
    Expired,
    Unknown,
}

pub fn routes(service: &mut web::ServiceConfig) {
    service
        .configure(wecom::routes)
        .configure(dingtalk::routes)
        .configure(feishu::routes)
        .configure(subscribe::routes);
}

/// The application, when its secret is right.
fn authenticate(sandbox: &Sandbox, kind: ChannelKind, id: &str, secret: &str) -> Result<RoomConfig, Denied> {
    let room = sandbox.rooms().keyed(kind, id).cloned().ok_or(Denied::UnknownApp)?;
    sandbox.apps().note_asked(&room.name);
    let right =
        |known: &secrecy::SecretString| crypto::same(known.expose_secret().as_bytes(), secret.as_bytes());
    if room.secrets.iter().any(right) { Ok(room) } else { Err(Denied::WrongSecret) }
}

/// Why an application gets no token.
#[derive(Clone, Copy, Debug)]
pub enum Denied {
    UnknownApp,
    WrongSecret,
}

/// A request to write to somebody.
pub struct Letter<'a> {
    pub room: RoomConfig,
    pub json: &'a Value,
    pub body: &'a [u8],
    pub now: DateTime<Utc>,
}

/// What the platform makes of a letter.
pub struct Read {
    pub shown: Shown,
    pub people: Vec<String>,
    /// The sender's own mark, and for how many seconds the platform knows it.
    pub mark: Option<(String, i64)>,
    /// Whether the platform gives a code to redraw it by.
    pub interactive: bool,
}

/// A letter is judged, kept unless it repeats one, and answered.
async fn deliver(
    sandbox: &Sandbox,
    kind: ChannelKind,
    room: Result<RoomConfig, Refused>,
    body: &[u8],
    read: impl FnOnce(&Letter<'_>) -> Result<Read, Refused>,
    taken: impl FnOnce(&Taken) -> Refused,
) -> HttpResponse {
    let judge = |letter: &Letter<'_>| {
        let read = read(letter)?;
        Ok(taken(&keep(sandbox, letter, read)?))
    };
    exchange(sandbox, kind, room, body, judge).await
}

/// A request of an application; faults that are switched on come first.
async fn exchange(
    sandbox: &Sandbox,
    kind: ChannelKind,
    room: Result<RoomConfig, Refused>,
    body: &[u8],
    judge: impl FnOnce(&Letter<'_>) -> Result<Refused, Refused>,
) -> HttpResponse {
    let room = match room {
        Ok(room) => room,
        Err(refused) => return refused.respond(),
    };
    let fault = sandbox.rooms().take_fault(&room.name);
    if let Some(fault) = fault.as_ref().filter(|fault| fault.mode != Mode::LostAnswer) {
        return fault.mode.answer(kind, fault.seconds).await;
    }
    let json = serde_json::from_slice(body).unwrap_or_default();
    let letter = Letter { room, json: &json, body, now: sandbox.clock.now() };
    let response = judge(&letter).unwrap_or_else(|refused| refused).respond();
    match fault {
        Some(fault) => fault.mode.answer(kind, fault.seconds).await,
        None => response,
    }
}

/// Who got it and who did not.
#[derive(Debug, Default)]
pub struct Taken {
    pub unknown: Vec<String>,
    pub throttled: Vec<String>,
    pub message_id: String,
    /// What WeChat calls it; none when nobody got it.
    pub number: Option<i64>,
    /// What the card is redrawn by; a repetition gets none anew.
    pub handle: Option<String>,
}

fn keep(sandbox: &Sandbox, letter: &Letter<'_>, read: Read) -> Result<Taken, Refused> {
    let Letter { room, now, .. } = letter;
    if !sandbox.rooms().admits(&room.name, *now) {
        return Err(too_fast(room.kind));
    }
    let known = |person: &String| room.people.is_empty() || room.people.contains(person);
    let (known, unknown): (Vec<String>, Vec<String>) = read.people.into_iter().partition(known);
    let message_id = match &read.mark {
        Some((mark, _)) => hex::encode(crypto::sha256(mark.as_bytes()).get(..8).unwrap_or_default()),
        None => crypto::random_token(),
    };
    let mut taken = Taken { unknown, message_id, ..Taken::default() };
    match room.kind {
        ChannelKind::FeishuApp => taken.handle = Some(format!("om_{}", taken.message_id)),
        // A card of DingTalk is called what its sender calls it.
        ChannelKind::DingtalkApp => taken.handle = read.mark.as_ref().map(|(mark, _)| mark.clone()),
        _ => {}
    }
    let repeated = read.mark.as_ref().is_some_and(|(mark, seconds)| {
        sandbox.apps().is_repeated(&format!("{}\n{mark}", room.name), *seconds, *now)
    });
    for person in known {
        if repeated {
            continue;
        }
        if !sandbox.apps().admits(room, &person, *now) {
            taken.throttled.push(person);
            continue;
        }
        if read.interactive {
            taken.handle = Some(sandbox.apps().fresh_code(&room.name, &person, *now));
        }
        let mut shown = read.shown.clone();
        shown.mentions.insert(0, person);
        let delivery_id = read.mark.as_ref().map(|(mark, _)| mark.clone());
        let known_as = KnownAs { delivery_id, handle: taken.handle.clone() };
        let seq = sandbox.rooms().keep(&room.name, *now, shown, letter.json.clone(), known_as);
        taken.number = seq.map(|seq| subscribe::message_id(*now, seq));
        sandbox.news.send_modify(|last| *last = (*last).max(seq.unwrap_or(0)));
    }
    Ok(taken)
}

/// The card is another from now on, where it stands.
fn redrawn(sandbox: &Sandbox, letter: &Letter<'_>, handle: &str, shown: Shown) {
    let seq = sandbox.rooms().redraw(&letter.room.name, handle, letter.now, shown, letter.json.clone());
    sandbox.news.send_modify(|last| *last = (*last).max(seq.unwrap_or(0)));
}

fn too_fast(kind: ChannelKind) -> Refused {
    match kind {
        ChannelKind::DingtalkApp => dingtalk::says(Said::TooFast),
        ChannelKind::FeishuApp => feishu::says(Said::TooFast),
        _ => wecom::says(Said::TooFast),
    }
}

/// A header as text.
fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
