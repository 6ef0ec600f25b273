//! Group robot of WeCom (企业微信 消息推送): `POST /cgi-bin/webhook/send?key=`, no signature.
//!
//! Markdown names people by userid only, text by phone too; so a message that must call somebody known by phone goes as text.

use serde_json::{Value, json};

use super::{Mention, Message, RenderError, Target, text};
use crate::platform::outbound::OutboundRequest;

/// Bytes of `text.content` and `markdown.content`.
pub const TEXT_MAX: usize = 2048;
pub const MARKDOWN_MAX: usize = 4096;
const TITLE_MAX: usize = 150;
/// Mentions stand inside Markdown and take room from the text.
const MENTIONS_MAX: usize = 10;

pub(super) fn request(target: &Target, message: &Message) -> Result<OutboundRequest, RenderError> {
    let mut url = target.endpoint(&["cgi-bin", "webhook", "send"])?;
    url.query_pairs_mut().append_pair("key", target.credentials.token()?);
    let by_phone_only =
        |mention: &Mention| mention.sound_user_id().is_none() && mention.sound_mobile().is_some();
    let body = if message.mentions.iter().any(by_phone_only) {
        as_text(target, message)?
    } else {
        as_markdown(target, message)?
    };
    Ok(OutboundRequest::post_json(url, body.to_string().into_bytes(), target.allowed_hosts()))
}

fn as_markdown(target: &Target, message: &Message) -> Result<Value, RenderError> {
    let title = target.title(message, text::markdown, TITLE_MAX)?;
    let mut parts = text::facts(&message.lines, text::markdown, |label| format!("**{label}**："));
    parts.extend(text::quoted(&message.body, text::markdown, "> "));
    let mut tail: Vec<String> = message.sound_link()?.map(text::markdown_link).into_iter().collect();
    let people = message.mentions.iter().filter_map(Mention::sound_user_id);
    let called: String = people.take(MENTIONS_MAX).map(|id| format!("<@{id}>")).collect();
    if !called.is_empty() {
        tail.push(called);
    }
    let content = text::layout("\n", MARKDOWN_MAX, &format!("### {title}"), &parts, &tail)?;
    Ok(json!({ "msgtype": "markdown", "markdown": { "content": content } }))
}

fn as_text(target: &Target, message: &Message) -> Result<Value, RenderError> {
    let title = target.title(message, text::plain, TITLE_MAX)?;
    let mut parts = text::facts(&message.lines, text::plain, |label| format!("{label}："));
    parts.extend(text::quoted(&message.body, text::plain, "│ "));
    let link =
        message.sound_link()?.map(|link| format!("{}：{}", text::link_text(link, text::plain), link.url));
    let tail: Vec<String> = link.into_iter().collect();
    let content = text::layout("\n", TEXT_MAX, &text::headline(&title), &parts, &tail)?;
    // A person known by both is called once, by phone.
    let (by_phone, others): (Vec<&Mention>, Vec<&Mention>) =
        message.mentions.iter().take(MENTIONS_MAX).partition(|mention| mention.sound_mobile().is_some());
    let phones: Vec<&str> = by_phone.into_iter().filter_map(Mention::sound_mobile).collect();
    let ids: Vec<&str> = others.into_iter().filter_map(Mention::sound_user_id).collect();
    let text = json!({ "content": content, "mentioned_list": ids, "mentioned_mobile_list": phones });
    Ok(json!({ "msgtype": "text", "text": text }))
}
