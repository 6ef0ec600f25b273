//! Self-built application of WeCom (企业微信自建应用), to one person: `POST /cgi-bin/message/send?access_token=`.
//!
//! A card of the kind `text_notice`, which needs no callback address; without a link, for which a card asks, a text. The card's
//! `task_id` is the notice's id. The platform's own check for repeated content is a second line of defence for retries; its window is
//! short, because two notices may well say the same.

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{Message, Person, RenderError, Target, text};
use crate::platform::outbound::OutboundRequest;

/// Bytes of `text.content`.
pub const TEXT_MAX: usize = 2048;
/// Rows of a card's `horizontal_content_list`.
pub const ROWS_MAX: usize = 6;
/// Bytes; the vendor advises 36, 30 and 160 characters for the title, a value and the text below.
const TITLE_MAX: usize = 108;
const VALUE_MAX: usize = 120;
const SUBTITLE_MAX: usize = 480;
/// Bytes of everything that a card shows.
pub const CARD_MAX: usize = TITLE_MAX + ROWS_MAX * (text::LABEL_MAX + VALUE_MAX) + SUBTITLE_MAX;
/// Seconds within which the same content to the same person is sent once.
const REPEATED_WITHIN: u32 = 60;

pub(super) fn token_request(target: &Target) -> Result<OutboundRequest, RenderError> {
    let mut url = target.endpoint(&["cgi-bin", "gettoken"])?;
    url.query_pairs_mut()
        .append_pair("corpid", target.app_id()?)
        .append_pair("corpsecret", target.app_secret()?);
    Ok(OutboundRequest::get(url, target.allowed_hosts()))
}

pub(super) fn request(
    target: &Target,
    message: &Message,
    person: &Person<'_>,
) -> Result<OutboundRequest, RenderError> {
    let mut url = target.endpoint(&["cgi-bin", "message", "send"])?;
    url.query_pairs_mut().append_pair("access_token", person.token()?.expose_secret());
    let agent = target.settings.agent_id.ok_or(RenderError::MissingSetting("agentId"))?;
    let (kind, content) = content(target, message)?;
    let body = json!({
        "touser": person.user_id()?, "msgtype": kind, "agentid": agent, kind: content,
        "enable_duplicate_check": 1, "duplicate_check_interval": REPEATED_WITHIN,
    });
    Ok(OutboundRequest::post_json(url, body.to_string().into_bytes(), target.allowed_hosts()))
}

fn content(target: &Target, message: &Message) -> Result<(&'static str, Value), RenderError> {
    let title = target.title(message, text::plain, TITLE_MAX)?;
    let facts = text::facts(&message.lines, text::plain, |label| format!("{label}："));
    let words = text::quoted(&message.body, text::plain, "│ ");
    let Some(link) = message.sound_link()? else {
        let parts: Vec<text::Part> = facts.into_iter().chain(words).collect();
        let content = text::layout("\n", TEXT_MAX, &text::headline(&title), &parts, &[])?;
        return Ok(("text", json!({ "content": content })));
    };
    let facts = in_rows(facts);
    let (rows, rest) = facts.split_at(facts.len().min(ROWS_MAX));
    let rows: Vec<Value> = rows
        .iter()
        .map(|part| json!({ "keyname": part.prefix.trim_end_matches('：'), "value": text::cut(&part.text, VALUE_MAX) }))
        .collect();
    let below: Vec<String> =
        rest.iter().chain(&words).map(|part| format!("{}{}", part.prefix, part.text)).collect();
    let mut card = json!({
        "card_type": "text_notice",
        "task_id": message.id,
        "main_title": { "title": title },
        "horizontal_content_list": rows,
        "jump_list": [{ "type": 1, "title": text::link_text(link, text::plain), "url": link.url.as_str() }],
        "card_action": { "type": 1, "url": link.url.as_str() },
    });
    if let (false, Some(card)) = (below.is_empty(), card.as_object_mut()) {
        card.insert("sub_title_text".to_owned(), text::cut(&below.join("\n"), SUBTITLE_MAX).into());
    }
    Ok(("template_card", card))
}

/// The text below the rows may be cut: what is kept stands in the last of them.
fn in_rows(facts: Vec<text::Part>) -> Vec<text::Part> {
    if facts.len() <= ROWS_MAX {
        return facts;
    }
    let (kept, mut others): (Vec<_>, Vec<_>) = facts.into_iter().partition(|part| part.kept);
    let below = others.split_off(others.len().min(ROWS_MAX.saturating_sub(kept.len())));
    others.into_iter().chain(kept).chain(below).collect()
}
