//! Where a message goes and what opens the door. No Debug print shows a credential.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::callback::Callback;
use super::{ChannelKind, Message, RenderError, Tap, text};
use crate::platform::outbound::{Hosts, Url};

/// What opens a channel. Debug shows nothing of it.
#[derive(Clone, Default, Deserialize)]
pub struct Credentials {
    /// The key, token or access token in the robot's URL; empty for a generic webhook.
    #[serde(default)]
    pub token: SecretString,
    /// Signing secrets, newest first. Robots use the first; a generic webhook signs with all of them. An application's secret.
    #[serde(default)]
    pub secrets: Vec<SecretString>,
    /// The whole address of a generic webhook, which may hold a key anywhere; empty for everything else.
    #[serde(default)]
    pub url: SecretString,
    /// By what we know the platform when it calls us back.
    #[serde(default)]
    pub callback: Option<Callback>,
}

impl Credentials {
    /// From plain texts, as an administrator typed them.
    #[must_use]
    pub fn new(token: &str, secrets: &[&str]) -> Self {
        Self {
            token: token.into(),
            secrets: secrets.iter().map(|secret| SecretString::from(*secret)).collect(),
            ..Self::default()
        }
    }

    /// The same for a generic webhook at this address.
    #[must_use]
    pub fn at(self, url: &str) -> Self {
        Self { url: url.into(), ..self }
    }

    /// The same for an application whose platform calls us back.
    #[must_use]
    pub fn called_back(self, callback: Option<Callback>) -> Self {
        Self { callback, ..self }
    }

    /// The JSON that is sealed at rest; `serde_json` reads it back.
    #[must_use]
    pub fn reveal_json(&self) -> String {
        let secrets: Vec<&str> = self.secrets.iter().map(ExposeSecret::expose_secret).collect();
        let mut json = serde_json::json!({ "token": self.token.expose_secret(), "secrets": secrets });
        if let Some(json) = json.as_object_mut() {
            if !self.url.expose_secret().is_empty() {
                json.insert("url".to_owned(), self.url.expose_secret().into());
            }
            if let Some(Callback { token, key }) = &self.callback {
                let callback =
                    serde_json::json!({ "token": token.expose_secret(), "key": key.expose_secret() });
                json.insert("callback".to_owned(), callback);
            }
        }
        json.to_string()
    }

    pub(super) fn token(&self) -> Result<&str, RenderError> {
        match self.token.expose_secret() {
            "" => Err(RenderError::MissingCredential),
            token => Ok(token),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials(***, {} secrets)", self.secrets.len())
    }
}

/// What an administrator may set on a channel beside its credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// A robot secured by keywords takes only messages with one of them; this one is put into the title when absent.
    pub keyword: Option<String>,
    /// The application: WeCom's corpid, DingTalk's appKey, Feishu's app_id, WeChat's appid.
    pub app_id: Option<String>,
    /// WeCom's number of the application within the corporation.
    pub agent_id: Option<i64>,
    /// Whether the cards of WeCom (with buttons) and DingTalk (interactive ones) can be redrawn; when absent, unless the platform refuses such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interactive: Option<bool>,
    /// DingTalk's template of interactive cards, when it is not the one of the vendor's SDK.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_template: Option<String>,
    /// DingTalk's robot of the application, when it is not called like the application.
    pub robot_code: Option<String>,
    /// What Feishu's people are known by: `open_id` (when absent), `user_id`, `union_id` or `email`.
    pub user_id_type: Option<String>,
    /// WeChat's subscription templates, by event.
    pub templates: BTreeMap<String, SubscribeTemplate>,
    /// The page of the mini-program that a subscription message opens; `{callId}` stands for the call.
    pub page: Option<String>,
    /// `developer`, `trial` or `formal` (when absent): the version of the mini-program that is opened.
    pub program_state: Option<String>,
}

/// A subscription template of WeChat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct SubscribeTemplate {
    pub id: String,
    /// Which of the texts' words fills which field: `{"thing1": "title"}`.
    pub data: BTreeMap<String, String>,
    /// Another page than the channel's.
    pub page: Option<String>,
}

/// Where a message goes. Debug shows the host alone.
#[derive(Clone)]
pub struct Target {
    pub kind: ChannelKind,
    /// The provider's base, [`ChannelKind::default_base`] or a stand-in; for a generic webhook the whole URL.
    pub base_url: Url,
    pub credentials: Credentials,
    pub settings: Settings,
    /// Whether a tap on a card's own button reaches us.
    pub calls_back: bool,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("kind", &self.kind)
            .field("host", &self.base_url.host_str().unwrap_or("-"))
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Characters of an answer kept in the attempt log.
const EXCERPT_MAX: usize = 500;

/// A part of an address this long may be a key.
const KEY_MIN: usize = 6;

impl Target {
    /// The beginning of an answer for the attempt log: one line, without this channel's secrets.
    #[must_use]
    pub fn excerpt(&self, body: &[u8]) -> String {
        let mut shown = String::from_utf8_lossy(body).into_owned();
        for secret in self.secret_texts() {
            shown = shown.replace(&secret, "***");
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            shown = shown.replace(&encoded, "***");
        }
        shown.chars().take(EXCERPT_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// Everything by which somebody could send in our name, the longest first: keys and secrets, and of a webhook's address the whole
    /// and every part that may be a key.
    fn secret_texts(&self) -> Vec<String> {
        let credentials = &self.credentials;
        let callback = credentials.callback.iter().flat_map(|callback| [&callback.token, &callback.key]);
        let known = std::iter::once(&credentials.token).chain(&credentials.secrets).chain(callback);
        let mut texts: Vec<String> = known.map(|secret| secret.expose_secret().to_owned()).collect();
        let mut parts: Vec<String> =
            credentials.token.expose_secret().split('/').map(str::to_owned).collect();
        if self.kind == ChannelKind::Webhook {
            let url = &self.base_url;
            let query = url.query().unwrap_or_default();
            texts.extend([url.as_str(), url.path(), query].map(str::to_owned));
            texts.extend(url.query().map(|query| format!("{}?{query}", url.path())));
            parts.extend(
                url.path().split('/').chain([url.username()]).chain(url.password()).map(str::to_owned),
            );
            parts.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        }
        texts.retain(|text| text.len() > 1);
        texts.extend(parts.into_iter().filter(|part| part.len() >= KEY_MIN));
        texts.sort_unstable_by_key(|text| std::cmp::Reverse(text.len()));
        texts
    }

    /// A provider's own host is pinned, and any other base must be a stand-in that the operator knows of: it gets the channel's secrets. Where a
    /// webhook goes is its receiver's affair.
    pub(super) fn allowed_hosts(&self) -> Hosts {
        let known = self.kind.hosts();
        if self.base_url.host_str().is_some_and(|host| known.contains(&host)) {
            Hosts::Pinned(known)
        } else if known.is_empty() {
            Hosts::Any
        } else {
            Hosts::Listed
        }
    }

    /// The base with path segments added, each encoded.
    pub(super) fn endpoint(&self, segments: &[&str]) -> Result<Url, RenderError> {
        let mut url = self.base_url.clone();
        url.path_segments_mut().map_err(|()| RenderError::BadBase)?.pop_if_empty().extend(segments);
        Ok(url)
    }

    /// What a button of a card may do at once: only where the platform calls us back.
    pub(super) fn tap<'m>(&self, message: &'m Message) -> Option<&'m Tap> {
        message.tap.as_ref().filter(|_| self.calls_back)
    }

    /// The same without interactive cards.
    #[must_use]
    pub fn plain(&self) -> Self {
        Self { settings: Settings { interactive: Some(false), ..self.settings.clone() }, ..self.clone() }
    }

    /// DingTalk's robot, by which an application writes.
    pub(super) fn robot_code(&self) -> Result<&str, RenderError> {
        self.settings.robot_code.as_deref().map_or_else(|| self.app_id(), Ok)
    }

    pub(super) fn app_id(&self) -> Result<&str, RenderError> {
        let id = self.settings.app_id.as_deref().filter(|id| !id.is_empty());
        id.ok_or(RenderError::MissingSetting("appId"))
    }

    pub(super) fn app_secret(&self) -> Result<&str, RenderError> {
        self.signing_secret().filter(|secret| !secret.is_empty()).ok_or(RenderError::MissingCredential)
    }

    pub(super) fn signing_secret(&self) -> Option<&str> {
        self.credentials.secrets.first().map(ExposeSecret::expose_secret)
    }

    /// The title as it is sent: harmless, not too long, with the robot's keyword in front when it lacks it.
    pub(super) fn title(
        &self,
        message: &Message,
        escape: fn(&str) -> String,
        max: usize,
    ) -> Result<String, RenderError> {
        let title = text::short(&message.title, escape, max);
        if title.is_empty() {
            return Err(RenderError::Empty);
        }
        let keyword = self.settings.keyword.as_deref().unwrap_or_default();
        let title = if title.contains(keyword) { title } else { format!("{keyword} {title}") };
        Ok(text::cut(&title, max))
    }
}
