//! The rooms of a sandbox, from a TOML text or from code.

use figment::Figment;
use figment::providers::{Format, Toml};
use secrecy::SecretString;
use serde::Deserialize;

use crate::notices::channels::{ChannelKind, Credentials};

/// All rooms, and the mini-program.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SandboxConfig {
    /// Messages kept in each room.
    pub keep: usize,
    pub rooms: Vec<RoomConfig>,
    pub wechat: MiniProgramConfig,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self { keep: 200, rooms: Vec::new(), wechat: MiniProgramConfig::default() }
    }
}

/// One robot in one group, or one webhook receiver.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomConfig {
    /// Short and unique, for addresses: letters, digits, `_`, `-`.
    pub name: String,
    /// What the page shows; the name when empty.
    #[serde(default)]
    pub title: String,
    /// `wecom_bot`, `dingtalk_bot`, `feishu_bot` or `webhook`.
    pub kind: ChannelKind,
    /// The robot's key, access token or hook token; a webhook has none.
    #[serde(default)]
    pub key: String,
    /// Signing secrets, newest first; any of them is good. A robot without one checks no signature.
    #[serde(default)]
    pub secrets: Vec<SecretString>,
    /// A robot with a keyword refuses messages without it.
    #[serde(default)]
    pub keyword: Option<String>,
    /// Whether the platform's rate limits apply.
    #[serde(default = "yes")]
    pub limits: bool,
}

fn yes() -> bool {
    true
}

impl RoomConfig {
    /// A room without keyword, with the platform's limits.
    #[must_use]
    pub fn new(kind: ChannelKind, name: &str, key: &str, secrets: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            title: String::new(),
            kind,
            key: key.to_owned(),
            secrets: secrets.iter().map(|secret| SecretString::from(*secret)).collect(),
            keyword: None,
            limits: true,
        }
    }

    pub(super) fn credentials(&self) -> Credentials {
        Credentials { token: SecretString::from(self.key.as_str()), secrets: self.secrets.clone() }
    }

    pub(super) fn shown_title(&self) -> &str {
        if self.title.is_empty() { &self.name } else { &self.title }
    }
}

/// The one mini-program; empty fields accept any caller.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MiniProgramConfig {
    pub app_id: String,
    pub app_secret: SecretString,
}

/// Why a sandbox cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum SandboxConfigError {
    #[error("sandbox: {0}")]
    Shape(#[from] Box<figment::Error>),
    #[error("sandbox: {0}")]
    Table(#[from] csv::Error),
    #[error("sandbox: two rooms share the name or key of {0:?}")]
    Twice(String),
    #[error("sandbox: {0:?} is no room name (letters, digits, _, -)")]
    Name(String),
    #[error("sandbox: room {room:?}: {kind} is no room")]
    Kind { room: String, kind: ChannelKind },
}

/// A line of a county's `channels.csv`, as far as a room needs it.
#[derive(Deserialize)]
struct ChannelLine {
    code: String,
    kind: ChannelKind,
    name: String,
    token: String,
    secrets: String,
}

impl SandboxConfig {
    /// The rooms of a county's `channels.csv`, so that the county can be rehearsed with its own channels.
    ///
    /// # Errors
    /// `Table` with the line that cannot be read.
    pub fn from_channels_csv(text: &str) -> Result<Self, SandboxConfigError> {
        let mut rooms = Vec::new();
        for line in csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes()).deserialize() {
            let line: ChannelLine = line?;
            let secrets: Vec<&str> = line.secrets.split('|').filter(|secret| !secret.is_empty()).collect();
            let room = RoomConfig::new(line.kind, &line.code, &line.token, &secrets);
            rooms.push(RoomConfig { title: line.name, ..room });
        }
        Ok(Self { rooms, ..Self::default() })
    }

    /// With the mini-program that the service is set up for.
    #[must_use]
    pub fn with_mini_program(mut self, app_id: &str, app_secret: &SecretString) -> Self {
        self.wechat = MiniProgramConfig { app_id: app_id.to_owned(), app_secret: app_secret.clone() };
        self
    }

    /// Reads the TOML form: `keep`, `[[rooms]]`, `[wechat]`.
    pub fn from_toml(text: &str) -> Result<Self, SandboxConfigError> {
        Figment::from(Toml::string(text))
            .extract()
            .map_err(|error| SandboxConfigError::Shape(Box::new(error)))
    }
}
