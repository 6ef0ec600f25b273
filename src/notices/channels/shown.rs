//! What a message comes to in each kind of channel: the very text that its reader sees, and how much of it there may be.

use chrono::DateTime;
use secrecy::SecretString;
use serde_json::Value;

use super::{
    ChannelKind, Credentials, Message, Person, RenderError, Settings, Target, dingtalk_app, dingtalk_bot,
    dingtalk_card, feishu_bot, request, request_to, slack, wecom_app, wecom_bot,
};

/// A message as its readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub text: String,
    /// Bytes of the text, without what stands on a button.
    pub bytes: usize,
    /// The most that this kind shows; what is more is cut.
    pub limit: usize,
}

/// The kinds that carry texts for people. A generic webhook carries facts, and the words of a subscription message stand at WeChat.
pub const WORDED: [ChannelKind; 7] = [
    ChannelKind::WecomBot,
    ChannelKind::WecomApp,
    ChannelKind::DingtalkBot,
    ChannelKind::DingtalkApp,
    ChannelKind::FeishuBot,
    ChannelKind::FeishuApp,
    ChannelKind::Slack,
];

/// The message as `kind` shows it, in a channel without settings of its own.
///
/// # Errors
/// When it cannot be made; also for a kind that carries no texts.
pub fn shown(kind: ChannelKind, message: &Message) -> Result<Shown, RenderError> {
    let target = stand_in(kind)?;
    let made = if kind.is_personal() {
        let token = SecretString::from("token");
        request_to(&target, message, &Person { user_id: "somebody", token: Some(&token) })
    } else {
        request(&target, message, DateTime::UNIX_EPOCH, 1)
    };
    let body: Value = serde_json::from_slice(&made?.body).unwrap_or_default();
    read(kind, &body).ok_or(RenderError::Empty)
}

fn stand_in(kind: ChannelKind) -> Result<Target, RenderError> {
    let token = if kind == ChannelKind::Slack { "T0/B0/X0" } else { "key" };
    let settings = Settings { app_id: Some("app".to_owned()), agent_id: Some(1), ..Settings::default() };
    let base_url = kind.default_base().ok_or(RenderError::BadBase)?;
    Ok(Target {
        kind,
        base_url,
        credentials: Credentials::new(token, &["secret"]),
        settings,
        calls_back: false,
    })
}

fn read(kind: ChannelKind, body: &Value) -> Option<Shown> {
    let at = |body: &Value, path: &str| body.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let of = |text: String, button: Option<String>, limit: usize| {
        let bytes = text.len();
        let text = button.map_or(text.clone(), |button| format!("{text}\n[{button}]"));
        Shown { text, bytes, limit }
    };
    match kind {
        ChannelKind::WecomBot => {
            let text = at(body, "/text/content").map(|text| of(text, None, wecom_bot::TEXT_MAX));
            text.or_else(|| Some(of(at(body, "/markdown/content")?, None, wecom_bot::MARKDOWN_MAX)))
        }
        ChannelKind::WecomApp => {
            let text = at(body, "/text/content").map(|text| of(text, None, wecom_app::TEXT_MAX));
            text.or_else(|| card(body.get("template_card")?))
        }
        ChannelKind::DingtalkBot => {
            let plain = at(body, "/markdown/text").map(|text| of(text, None, dingtalk_bot::TEXT_MAX));
            let button = at(body, "/actionCard/singleTitle");
            plain.or_else(|| Some(of(at(body, "/actionCard/text")?, button, dingtalk_bot::TEXT_MAX)))
        }
        ChannelKind::DingtalkApp => {
            if let Some(words) = body.pointer("/cardData/cardParamMap") {
                return interactive(words);
            }
            let param: Value = serde_json::from_str(&at(body, "/msgParam")?).ok()?;
            Some(of(at(&param, "/text")?, at(&param, "/singleTitle"), dingtalk_app::TEXT_MAX))
        }
        ChannelKind::FeishuBot => feishu(body.get("card")?),
        ChannelKind::FeishuApp => feishu(&serde_json::from_str(&at(body, "/content")?).ok()?),
        ChannelKind::Slack => {
            let below = at(body, "/blocks/1/text/text").map(|text| format!("\n{text}")).unwrap_or_default();
            Some(of(format!("{}{below}", at(body, "/text")?), None, slack::HEADER_MAX + slack::SECTION_MAX))
        }
        ChannelKind::WechatSubscribe | ChannelKind::Webhook => None,
    }
}

/// A card of WeCom, row by row.
fn card(card: &Value) -> Option<Shown> {
    let at = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let mut lines = vec![at(card, "/main_title/title")?];
    for row in card.get("horizontal_content_list").and_then(Value::as_array).into_iter().flatten() {
        lines.push(format!("{}：{}", at(row, "/keyname")?, at(row, "/value")?));
    }
    lines.extend(at(card, "/sub_title_text"));
    let text = lines.join("\n");
    let button =
        at(card, "/button_list/0/text").or_else(|| at(card, "/jump_list/0/title")).unwrap_or_default();
    Some(Shown { bytes: text.len(), text: format!("{text}\n[{button}]"), limit: wecom_app::CARD_MAX })
}

/// An interactive card of DingTalk: its title, its text, its button.
fn interactive(words: &Value) -> Option<Shown> {
    let at = |name: &str| words.get(name).and_then(Value::as_str);
    let text = format!("{}\n{}", at("title")?, at("markdown")?);
    let buttons: Value = serde_json::from_str(at("sys_full_json_obj")?).ok()?;
    let button = buttons.pointer("/msgButtons/0/text").and_then(Value::as_str)?;
    let limit = dingtalk_app::TITLE_MAX + 1 + dingtalk_card::VALUE_MAX;
    Some(Shown { bytes: text.len(), text: format!("{text}\n[{button}]"), limit })
}

/// A card of Feishu: its header, its text, its button.
fn feishu(card: &Value) -> Option<Shown> {
    let at = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let mut text = at(card, "/header/title/content")?;
    let mut button = String::new();
    for element in card.get("elements").and_then(Value::as_array).into_iter().flatten() {
        match element.get("tag").and_then(Value::as_str) {
            Some("div") => text = format!("{text}\n{}", at(element, "/text/content").unwrap_or_default()),
            Some("action") => {
                button = at(element, "/actions/0/text/content")
                    .map(|says| format!("\n[{says}]"))
                    .unwrap_or_default();
            }
            _ => {}
        }
    }
    let limit = feishu_bot::TITLE_MAX + feishu_bot::TEXT_MAX;
    Some(Shown { bytes: text.len(), text: format!("{text}{button}"), limit })
}
