//! The rooms: what each robot is, what it received lately, what is wrong with it. All bounded.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::config::{RoomConfig, SandboxConfig, SandboxConfigError};
use super::fault::Fault;
use super::shown::{Shown, ShownButton, ShownLink};
use super::throttle::Throttle;
use crate::notices::channels::ChannelKind;
use crate::platform::outbound::Url;

/// A name that no room may have: the failures of the mini-program's interface.
pub const WECHAT: &str = "wechat";

/// One message as the room's members see it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// Counts everything that happens in the sandbox, from 1: when it came, or was last redrawn.
    pub seq: u64,
    /// Where it stands among all messages: its first number.
    pub id: u64,
    pub room: String,
    pub kind: ChannelKind,
    pub at: DateTime<Utc>,
    pub title: String,
    /// Title and lines, as one reads them.
    pub text: String,
    pub lines: Vec<String>,
    pub links: Vec<ShownLink>,
    /// What acts at once.
    pub buttons: Vec<ShownButton>,
    /// What the platform shows in the place of a button that was tapped.
    pub said: Option<String>,
    /// Phones and ids that were called by name.
    pub mentions: Vec<String>,
    /// What the sender calls it: `webhook-id`, `task_id`, `uuid`; robots' messages have none.
    pub delivery_id: Option<String>,
    /// The body as it came.
    pub raw: Value,
    /// When its sender redrew it.
    pub redrawn_at: Option<DateTime<Utc>>,
    /// What the platform gave its sender to redraw it by: one as it came, in WeCom another with each tap.
    #[serde(skip)]
    pub handles: Vec<String>,
}

impl Received {
    /// The first link, the one to act.
    #[must_use]
    pub fn link(&self) -> Option<&str> {
        self.links.first().map(|link| link.url.as_str())
    }

    fn is_known_by(&self, handle: &str) -> bool {
        self.handles.iter().any(|known| known == handle)
    }
}

/// What a message is called by its sender, and by its platform.
#[derive(Clone, Debug, Default)]
pub struct KnownAs {
    pub delivery_id: Option<String>,
    pub handle: Option<String>,
}

/// What the page lists.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomShown {
    pub name: String,
    pub title: String,
    pub kind: ChannelKind,
    pub fault: Option<Fault>,
}

#[derive(Debug)]
struct Room {
    config: RoomConfig,
    throttle: Throttle,
    fault: Option<Fault>,
    messages: VecDeque<Received>,
}

/// All rooms.
#[derive(Debug)]
pub struct Rooms {
    keep: usize,
    last: u64,
    rooms: Vec<Room>,
    by_name: HashMap<String, usize>,
    by_key: HashMap<(ChannelKind, String), usize>,
    wechat_fault: Option<Fault>,
}

impl Rooms {
    pub fn new(config: SandboxConfig) -> Result<Self, SandboxConfigError> {
        let mut all = Self {
            keep: config.keep.max(1),
            last: 0,
            rooms: Vec::new(),
            by_name: HashMap::new(),
            by_key: HashMap::new(),
            wechat_fault: None,
        };
        for config in config.rooms {
            all.open(config)?;
        }
        Ok(all)
    }

    fn open(&mut self, config: RoomConfig) -> Result<(), SandboxConfigError> {
        let name = config.name.clone();
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if name.is_empty() || name == WECHAT || !name.bytes().all(sound) {
            return Err(SandboxConfigError::Name(name));
        }
        let key = match config.kind {
            ChannelKind::Webhook => name.clone(),
            kind if kind.is_personal() && config.key.is_empty() => {
                return Err(SandboxConfigError::NoApp(name));
            }
            _ => config.key.clone(),
        };
        let place = self.rooms.len();
        let taken = self.by_name.insert(name.clone(), place).is_some()
            | self.by_key.insert((config.kind, key), place).is_some();
        if taken {
            return Err(SandboxConfigError::Twice(name));
        }
        let throttle = Throttle::new(config.kind, config.limits);
        self.rooms.push(Room { config, throttle, fault: None, messages: VecDeque::new() });
        Ok(())
    }

    fn named(&mut self, name: &str) -> Option<&mut Room> {
        self.rooms.get_mut(*self.by_name.get(name)?)
    }

    pub fn config(&self, name: &str) -> Option<&RoomConfig> {
        Some(&self.rooms.get(*self.by_name.get(name)?)?.config)
    }

    /// The room that a key opens.
    pub fn keyed(&self, kind: ChannelKind, key: &str) -> Option<&RoomConfig> {
        Some(&self.rooms.get(*self.by_key.get(&(kind, key.to_owned()))?)?.config)
    }

    /// The application of this kind, when there is but one.
    pub fn only(&self, kind: ChannelKind) -> Option<&RoomConfig> {
        self.rooms.iter().map(|room| &room.config).find(|config| config.kind == kind)
    }

    /// Counts one message of the room against its platform's limits.
    pub fn admits(&mut self, name: &str, now: DateTime<Utc>) -> bool {
        self.named(name).is_some_and(|room| room.throttle.admits(now))
    }

    /// False for an unknown room.
    pub fn set_fault(&mut self, name: &str, fault: Option<Fault>) -> bool {
        let place = match name {
            WECHAT => Some(&mut self.wechat_fault),
            name => self.named(name).map(|room| &mut room.fault),
        };
        place.map(|place| *place = fault).is_some()
    }

    /// The failure that meets this request, if any; counts it.
    pub fn take_fault(&mut self, name: &str) -> Option<Fault> {
        let place = match name {
            WECHAT => &mut self.wechat_fault,
            name => &mut self.named(name)?.fault,
        };
        let fault = place.clone()?;
        match &mut place.as_mut()?.times {
            Some(0) => {
                *place = None;
                return None;
            }
            Some(times) => *times -= 1,
            None => {}
        }
        if place.as_ref().is_some_and(|fault| fault.times == Some(0)) {
            *place = None;
        }
        Some(fault)
    }

    /// Keeps a message; answers its number.
    pub fn keep(
        &mut self,
        name: &str,
        at: DateTime<Utc>,
        shown: Shown,
        raw: Value,
        known_as: KnownAs,
    ) -> Option<u64> {
        let (seq, keep) = (self.last + 1, self.keep);
        let room = self.named(name)?;
        let text = text(&shown);
        if room.messages.len() >= keep {
            room.messages.pop_front();
        }
        room.messages.push_back(Received {
            seq,
            id: seq,
            room: name.to_owned(),
            kind: room.config.kind,
            at,
            text,
            title: shown.title,
            lines: shown.lines,
            links: shown.links,
            buttons: shown.buttons,
            said: None,
            mentions: shown.mentions,
            delivery_id: known_as.delivery_id,
            raw,
            redrawn_at: None,
            handles: known_as.handle.into_iter().collect(),
        });
        self.last = seq;
        Some(seq)
    }

    /// The message that its sender redraws by this.
    pub fn handled(&self, name: &str, handle: &str) -> Option<&Received> {
        let room = self.rooms.get(*self.by_name.get(name)?)?;
        room.messages.iter().find(|message| message.is_known_by(handle))
    }

    /// Redraws a message where it stands, wherever it was delivered; answers its newest number, none when it is forgotten.
    pub fn redraw(
        &mut self,
        name: &str,
        handle: &str,
        at: DateTime<Utc>,
        shown: Shown,
        raw: Value,
    ) -> Option<u64> {
        let before = self.last;
        let mut seq = before;
        for message in &mut self.named(name)?.messages {
            if message.is_known_by(handle) {
                seq += 1;
                message.text = text(&shown);
                message.title.clone_from(&shown.title);
                message.lines.clone_from(&shown.lines);
                message.links.clone_from(&shown.links);
                message.buttons.clone_from(&shown.buttons);
                message.said = None;
                message.raw = raw.clone();
                message.seq = seq;
                message.redrawn_at = Some(at);
            }
        }
        self.last = seq;
        (seq > before).then_some(seq)
    }

    /// Where the platform of an application calls from now on.
    pub fn set_callback(&mut self, name: &str, url: Url) {
        if let Some(room) = self.named(name) {
            room.config.callback_url = Some(url);
        }
    }

    /// A message by its first number.
    pub fn message(&self, id: u64) -> Option<&Received> {
        self.rooms.iter().flat_map(|room| &room.messages).find(|message| message.id == id)
    }

    fn message_mut(&mut self, id: u64) -> Option<&mut Received> {
        self.rooms.iter_mut().flat_map(|room| &mut room.messages).find(|message| message.id == id)
    }

    /// By what a card can be redrawn, too.
    pub fn add_handle(&mut self, id: u64, handle: &str) {
        if let Some(message) = self.message_mut(id) {
            message.handles.push(handle.to_owned());
        }
    }

    /// In the place of its buttons a card says something; answers its new number.
    pub fn replace_buttons(&mut self, id: u64, says: &str) -> Option<u64> {
        let seq = self.last + 1;
        let message = self.message_mut(id)?;
        message.buttons.clear();
        message.said = Some(says.to_owned());
        message.seq = seq;
        self.last = seq;
        Some(seq)
    }

    /// What happened after `after`, in one room or in all, in the order in which it did.
    pub fn since(&self, room: Option<&str>, after: u64) -> Vec<Received> {
        let chosen = self.rooms.iter().filter(|other| room.is_none_or(|name| other.config.name == name));
        let newer = |message: &&Received| message.seq > after;
        let mut found: Vec<Received> =
            chosen.flat_map(|room| room.messages.iter().filter(newer).cloned()).collect();
        found.sort_by_key(|message| message.seq);
        found
    }

    pub fn clear(&mut self) {
        for room in &mut self.rooms {
            room.messages.clear();
        }
    }

    pub fn shown(&self) -> Vec<RoomShown> {
        let shown = |room: &Room| RoomShown {
            name: room.config.name.clone(),
            title: room.config.shown_title().to_owned(),
            kind: room.config.kind,
            fault: room.fault.clone(),
        };
        self.rooms.iter().map(shown).collect()
    }
}

/// Title and lines, as one reads them.
fn text(shown: &Shown) -> String {
    let lines = std::iter::once(&shown.title).chain(&shown.lines).filter(|line| !line.is_empty());
    lines.map(String::as_str).collect::<Vec<_>>().join("\n")
}
