//! What a notice says, whatever carries it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::RenderError;
use crate::platform::outbound::Url;

/// What a notice says, whatever carries it. Every text may come from a person and is made harmless when rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The notice's id: the same on every attempt. No `.` in it.
    pub id: String,
    /// What happened, for machines: `call.raised`. `[A-Za-z0-9_.]`.
    pub event: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The facts, for machines; only generic webhooks carry them.
    pub data: Value,
    /// The headline; the notification on the phone shows it.
    pub title: String,
    /// Facts for people, the important ones first.
    pub lines: Vec<Line>,
    /// Free text below the facts; may be empty.
    pub body: String,
    /// The one thing to do.
    pub link: Option<Link>,
    /// The same at once, by a button of a card whose platform calls us back; the link then only shows.
    pub tap: Option<Tap>,
    /// Who is called by name.
    pub mentions: Vec<Mention>,
    /// The single words of the text, for templates that live at the provider.
    pub words: BTreeMap<String, String>,
}

/// One fact: `时限：14:30 前接单`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub label: String,
    pub value: String,
    /// Whole, however much else there is to say; short, therefore.
    pub kept: bool,
}

impl Line {
    #[must_use]
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), kept: false }
    }

    /// One that no other pushes out of the message.
    #[must_use]
    pub fn kept(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { kept: true, ..Self::new(label, value) }
    }
}

/// A link to act: http or https, at most [`LINK_MAX`] bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub text: String,
    pub url: Url,
}

/// What a button of a card does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// The verb, as it comes back.
    pub verb: String,
    pub text: String,
    /// What the link beside it says.
    pub see: String,
}

/// A person to call by name in a group. Providers take what they understand; malformed ids are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mention {
    pub mobile: Option<String>,
    /// WeCom userid, DingTalk userid, Feishu open_id.
    pub user_id: Option<String>,
}

impl Mention {
    /// By what he is called at the provider.
    #[must_use]
    pub const fn by_id(user_id: String) -> Self {
        Self { mobile: None, user_id: Some(user_id) }
    }

    pub(super) fn sound_mobile(&self) -> Option<&str> {
        let sound = |text: &&str| {
            let digits = text.strip_prefix('+').unwrap_or(text);
            (5..=20).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
        };
        self.mobile.as_deref().filter(sound)
    }

    pub(super) fn sound_user_id(&self) -> Option<&str> {
        let sound = |text: &&str| {
            (1..=64).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte))
                && !text.trim_start_matches('@').eq_ignore_ascii_case("all")
        };
        self.user_id.as_deref().filter(sound)
    }
}

/// Longest action link, in bytes.
pub const LINK_MAX: usize = 2048;

impl Message {
    /// Refuses a link that a chat app would not open, or that no message has room for.
    pub(super) fn sound_link(&self) -> Result<Option<&Link>, RenderError> {
        match &self.link {
            Some(link) if link.url.as_str().len() > LINK_MAX => Err(RenderError::BadLink),
            Some(link) if !matches!(link.url.scheme(), "http" | "https") => Err(RenderError::BadLink),
            link => Ok(link.as_ref()),
        }
    }
}
