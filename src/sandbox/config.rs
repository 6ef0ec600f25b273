//! The rooms of a sandbox, from a TOML text or from code.

use figment::Figment;
use figment::providers::{Format, Toml};
use secrecy::SecretString;
use serde::Deserialize;

use crate::notices::channels::callback::Callback;
use crate::notices::channels::{ChannelKind, Credentials, Settings};
use crate::platform::outbound::Url;

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

/// One robot in one group, one webhook receiver, or all people that one application reaches.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomConfig {
    /// Short and unique, for addresses: letters, digits, `_`, `-`.
    pub name: String,
    /// What the page shows; the name when empty.
    #[serde(default)]
    pub title: String,
    pub kind: ChannelKind,
    /// The robot's key, access token or hook token; a webhook has none. The id of an application; the path of a Slack webhook.
    #[serde(default)]
    pub key: String,
    /// Signing secrets, newest first; any of them is good. A robot without one checks no signature. An application's secret.
    #[serde(default)]
    pub secrets: Vec<SecretString>,
    /// A robot with a keyword refuses messages without it.
    #[serde(default)]
    pub keyword: Option<String>,
    /// What an application is set up with at its platform.
    #[serde(default)]
    pub app: Settings,
    /// The people an application reaches; everybody when empty.
    #[serde(default)]
    pub people: Vec<String>,
    /// Whether the platform's rate limits apply.
    #[serde(default = "yes")]
    pub limits: bool,
    /// By what the platform proves itself when it calls the service back.
    #[serde(default)]
    pub callback: Option<Callback>,
    /// Where it calls, once that was saved.
    #[serde(skip)]
    pub callback_url: Option<Url>,
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
            app: Settings { app_id: kind.is_personal().then(|| key.to_owned()), ..Settings::default() },
            people: Vec::new(),
            limits: true,
            callback: None,
            callback_url: None,
        }
    }

    pub(super) fn credentials(&self) -> Credentials {
        let token = if self.kind.is_personal() { "" } else { self.key.as_str() };
        Credentials {
            token: SecretString::from(token),
            secrets: self.secrets.clone(),
            callback: self.callback.clone(),
            ..Credentials::default()
        }
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
    #[error("sandbox: {room:?}: the settings cannot be read: {error}")]
    Settings { room: String, error: serde_json::Error },
    #[error("sandbox: {0:?} is an application without appId")]
    NoApp(String),
}

/// A line of a county's `channels.csv`, as far as a room needs it.
#[derive(Deserialize)]
struct ChannelLine {
    code: String,
    kind: ChannelKind,
    name: String,
    token: String,
    secrets: String,
    #[serde(default)]
    settings: String,
    #[serde(default)]
    callback_token: String,
    #[serde(default)]
    callback_key: String,
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
            let app: Settings = match line.settings.trim() {
                "" => Settings::default(),
                json => serde_json::from_str(json)
                    .map_err(|error| SandboxConfigError::Settings { room: line.code.clone(), error })?,
            };
            let key = match &app.app_id {
                Some(id) if line.kind.is_personal() => id.clone(),
                None if line.kind.is_personal() => return Err(SandboxConfigError::NoApp(line.code)),
                _ => line.token,
            };
            let room = RoomConfig::new(line.kind, &line.code, &key, &secrets);
            let callback = (!line.callback_token.is_empty())
                .then(|| Callback { token: line.callback_token.into(), key: line.callback_key.into() });
            rooms.push(RoomConfig { title: line.name, app, callback, ..room });
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
