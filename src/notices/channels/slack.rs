//! Incoming webhook of Slack: `POST /services/T…/B…/X…`. The path is the credential; the answer is the word `ok`.

use serde_json::json;

use super::{Message, RenderError, Target, text};
use crate::platform::outbound::OutboundRequest;

/// Characters of a header block and of a section.
pub const HEADER_MAX: usize = 150;
pub const SECTION_MAX: usize = 3000;

pub(super) fn request(target: &Target, message: &Message) -> Result<OutboundRequest, RenderError> {
    let key: Vec<&str> = target.credentials.token()?.trim_matches('/').split('/').collect();
    let sound = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if key.len() != 3 || !key.iter().all(sound) {
        return Err(RenderError::BadSecret);
    }
    let mut path = vec!["services"];
    path.extend(key);
    let url = target.endpoint(&path)?;
    let title = target.title(message, text::markdown, HEADER_MAX)?;
    let mut parts = text::facts(&message.lines, text::markdown, |label| format!("*{label}*："));
    parts.extend(text::quoted(&message.body, text::markdown, "│ "));
    let link = message.sound_link()?.map(|link| {
        // Only these end or split a link.
        let url = link.url.as_str().replace('|', "%7C").replace('>', "%3E").replace('&', "&amp;");
        format!("<{url}|{}>", text::link_text(link, text::markdown))
    });
    let tail: Vec<String> = link.into_iter().collect();
    let content = text::layout("\n", SECTION_MAX, "", &parts, &tail)?;
    let mut blocks = vec![json!({ "type": "header", "text": { "type": "plain_text", "text": title } })];
    if !content.trim().is_empty() {
        blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": content.trim_start() } }));
    }
    let body = json!({ "text": title, "blocks": blocks });
    Ok(OutboundRequest::post_json(url, body.to_string().into_bytes(), target.allowed_hosts()))
}
