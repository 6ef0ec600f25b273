//! The chat platforms' wire formats: what a notice looks like to each provider, how it is signed, what an answer means.
//! One file per provider. Pure: no database, no network, no clock; [`request`] makes the bytes, [`judge`] reads the answer.
//!
//! Always: no text of a person can mention anybody, make a link or pass for a field of the notice; an action link is whole or
//! the message is not made; nothing is longer than the provider takes; a Debug print never shows a credential.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::platform::outbound::{OutboundRequest, Url};

mod access_token;
mod answer;
pub mod callback;
pub mod dingtalk_app;
pub mod dingtalk_bot;
pub mod dingtalk_card;
pub mod feishu_app;
pub mod feishu_bot;
mod message;
mod person;
mod shown;
mod signature;
pub mod slack;
mod target;
#[cfg(test)]
mod tests;
pub mod text;
pub mod webhook;
pub mod wechat_subscribe;
pub mod wecom_app;
pub mod wecom_bot;

pub use access_token::{Issued, judge_token, token_request};
pub use answer::{Outcome, Unreached, Why, exists_already, for_one, judge, judge_failure, judge_strictly};
pub use message::{LINK_MAX, Line, Link, Mention, Message, Tap};
pub use person::Person;
pub use shown::{Shown, WORDED, shown};
pub use signature::SignatureRefusal;
pub use target::{Credentials, Settings, SubscribeTemplate, Target};

crate::text_enum! {
    /// A way to carry a notice.
    ChannelKind {
        /// A group robot of WeCom (企业微信).
        WecomBot = "wecom_bot",
        /// A self-built WeCom application, to one person.
        WecomApp = "wecom_app",
        /// A custom group robot of DingTalk (钉钉).
        DingtalkBot = "dingtalk_bot",
        /// An enterprise application of DingTalk, to one person.
        DingtalkApp = "dingtalk_app",
        /// A custom group bot of Feishu (飞书) or Lark.
        FeishuBot = "feishu_bot",
        /// An application of Feishu or Lark, to one person.
        FeishuApp = "feishu_app",
        /// A one-time subscription message of the WeChat mini-program.
        WechatSubscribe = "wechat_subscribe",
        /// Any receiver that speaks Standard Webhooks 1.0.0.
        Webhook = "webhook",
        /// An incoming webhook of Slack.
        Slack = "slack",
    }
}

impl ChannelKind {
    /// Whether it reaches one person; the others reach a room or a system.
    #[must_use]
    pub const fn is_personal(self) -> bool {
        match self {
            Self::WecomApp | Self::DingtalkApp | Self::FeishuApp | Self::WechatSubscribe => true,
            Self::WecomBot | Self::DingtalkBot | Self::FeishuBot | Self::Webhook | Self::Slack => false,
        }
    }

    /// Where its platform calls us back: `/bots/{this}/{channel}`; none when it never does.
    #[must_use]
    pub const fn calls_back_at(self) -> Option<&'static str> {
        match self {
            Self::WecomApp => Some("wecom"),
            Self::DingtalkApp => Some("dingtalk"),
            Self::FeishuApp => Some("feishu"),
            Self::WechatSubscribe => Some("wechat"),
            Self::WecomBot | Self::DingtalkBot | Self::FeishuBot | Self::Webhook | Self::Slack => None,
        }
    }

    /// For how long a card that reached somebody can be redrawn; none: never. WeCom's own pages say 24 hours in older and 72 in newer
    /// editions: as a refusal costs nothing, the longer is tried. DingTalk's name no limit; after two weeks nobody looks at an old card. Of
    /// all group robots no platform lets a message be edited.
    #[must_use]
    pub const fn redrawn_within(self) -> Option<TimeDelta> {
        match self {
            Self::WecomApp => Some(TimeDelta::hours(72)),
            Self::FeishuApp | Self::DingtalkApp => Some(TimeDelta::days(14)),
            Self::WecomBot
            | Self::DingtalkBot
            | Self::FeishuBot
            | Self::WechatSubscribe
            | Self::Webhook
            | Self::Slack => None,
        }
    }

    /// The provider's own hosts, the usual one first; none for a generic webhook.
    #[must_use]
    pub const fn hosts(self) -> &'static [&'static str] {
        match self {
            Self::WecomBot | Self::WecomApp => &["qyapi.weixin.qq.com"],
            Self::DingtalkBot => &["oapi.dingtalk.com"],
            Self::DingtalkApp => &["api.dingtalk.com", "oapi.dingtalk.com"],
            Self::FeishuBot | Self::FeishuApp => &["open.feishu.cn", "open.larksuite.com"],
            Self::WechatSubscribe => &["api.weixin.qq.com"],
            Self::Slack => &["hooks.slack.com"],
            Self::Webhook => &[],
        }
    }

    /// Where the provider is when no other base is set; none for a generic webhook.
    #[must_use]
    pub fn default_base(self) -> Option<Url> {
        self.hosts().first().and_then(|host| format!("https://{host}").parse().ok())
    }
}

/// Why a message cannot be made for a target. Sending again would not help; the texts show no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error("the message says nothing")]
    Empty,
    #[error("the message is {bytes} bytes, the provider takes {limit}")]
    TooLong { bytes: usize, limit: usize },
    #[error("the action link is no http(s) address of at most {LINK_MAX} bytes")]
    BadLink,
    #[error("the channel's address cannot carry a path")]
    BadBase,
    #[error("the channel has no key or signing secret")]
    MissingCredential,
    #[error("a signing secret is not in its provider's form")]
    BadSecret,
    #[error("the message's id or event name is not in the form that webhooks take")]
    BadEvent,
    #[error("the channel lacks the setting {0}")]
    MissingSetting(&'static str),
    #[error("no person is named that this channel could reach")]
    MissingPerson,
    #[error("there is no access token")]
    MissingToken,
    #[error("{0} reaches no room")]
    NoRoom(ChannelKind),
    #[error("{0} reaches no single person")]
    NoPerson(ChannelKind),
    #[error("{0} redraws nothing")]
    NoRedrawing(ChannelKind),
}

/// Makes the request that carries `message` to the room or system that `target` is. `attempt` counts from 1.
pub fn request(
    target: &Target,
    message: &Message,
    now: DateTime<Utc>,
    attempt: u32,
) -> Result<OutboundRequest, RenderError> {
    match target.kind {
        ChannelKind::WecomBot => wecom_bot::request(target, message),
        ChannelKind::DingtalkBot => dingtalk_bot::request(target, message, now),
        ChannelKind::FeishuBot => feishu_bot::request(target, message, now),
        ChannelKind::Webhook => webhook::request(target, message, now, attempt),
        ChannelKind::Slack => slack::request(target, message),
        kind @ (ChannelKind::WecomApp
        | ChannelKind::DingtalkApp
        | ChannelKind::FeishuApp
        | ChannelKind::WechatSubscribe) => Err(RenderError::NoRoom(kind)),
    }
}

/// Makes the request that carries `message` to one person by the application that `target` is.
pub fn request_to(
    target: &Target,
    message: &Message,
    person: &Person<'_>,
) -> Result<OutboundRequest, RenderError> {
    match target.kind {
        ChannelKind::WecomApp => wecom_app::request(target, message, person),
        ChannelKind::DingtalkApp => dingtalk_app::request(target, message, person),
        ChannelKind::FeishuApp => feishu_app::request(target, message, person),
        ChannelKind::WechatSubscribe => wechat_subscribe::request(target, message, person),
        kind @ (ChannelKind::WecomBot
        | ChannelKind::DingtalkBot
        | ChannelKind::FeishuBot
        | ChannelKind::Webhook
        | ChannelKind::Slack) => Err(RenderError::NoPerson(kind)),
    }
}

/// Whether the message becomes a card that can be redrawn and that not every application may send: WeCom's with a button, DingTalk's
/// interactive one. Where the platform refuses it, it can be sent plain ([`Target::plain`]).
#[must_use]
pub fn is_interactive(target: &Target, message: &Message) -> bool {
    wecom_app::has_button(target, message) || dingtalk_card::carries(target, message)
}

/// Makes the request that delivers a card which its platform made of `message` before, and of which nobody heard ([`exists_already`]).
pub fn deliver(
    target: &Target,
    message: &Message,
    person: &Person<'_>,
) -> Result<OutboundRequest, RenderError> {
    match target.kind {
        ChannelKind::DingtalkApp => dingtalk_card::deliver(target, message, person),
        kind => Err(RenderError::NoRedrawing(kind)),
    }
}

/// Makes the request that puts `message` in the place of the card that the platform knows by `handle`.
pub fn redraw(
    target: &Target,
    message: &Message,
    person: &Person<'_>,
    handle: &str,
) -> Result<OutboundRequest, RenderError> {
    match target.kind {
        ChannelKind::WecomApp => wecom_app::redraw(target, message, person, handle),
        ChannelKind::DingtalkApp => dingtalk_card::redraw(target, message, person, handle),
        ChannelKind::FeishuApp => feishu_app::redraw(target, message, person, handle),
        kind @ (ChannelKind::WecomBot
        | ChannelKind::DingtalkBot
        | ChannelKind::FeishuBot
        | ChannelKind::WechatSubscribe
        | ChannelKind::Webhook
        | ChannelKind::Slack) => Err(RenderError::NoRedrawing(kind)),
    }
}

/// The body of a robot message, refused when longer than the provider takes.
fn body_within(limit: usize, value: &Value) -> Result<Vec<u8>, RenderError> {
    let body = value.to_string().into_bytes();
    if body.len() > limit { Err(RenderError::TooLong { bytes: body.len(), limit }) } else { Ok(body) }
}
