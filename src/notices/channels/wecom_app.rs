//! Self-built application of WeCom (企业微信自建应用), to one person: `POST /cgi-bin/message/send?access_token=`.
//!
//! A card with a button (`button_interaction`), by whose `response_code` it is redrawn once (`update_template_card`). Where the platform calls
//! us back, its first button acts at once (`type` 0, [`super::callback::wecom`]); else its buttons are links (`type` 1), which need no callback; whether the platform nevertheless wants an application with such cards to have a callback
//! address is not written down, so a card that it refuses goes as a `text_notice`, which needs none, and a channel may ask for nothing else
//! (`interactive: false`). Without a link, for which a card asks, a text. The card's `task_id` is the notice's id. The platform's own check for
//! repeated content is a second line of defence for retries; its window is short, because two notices may well say the same.

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::{ChannelKind, Link, Message, Person, RenderError, Target, text};
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

/// Whether the message becomes a card with a button.
pub(super) fn has_button(target: &Target, message: &Message) -> bool {
    target.kind == ChannelKind::WecomApp
        && target.settings.interactive != Some(false)
        && message.link.is_some()
}

pub(super) fn request(
    target: &Target,
    message: &Message,
    person: &Person<'_>,
) -> Result<OutboundRequest, RenderError> {
    let (kind, content) = content(target, message)?;
    let body = json!({
        "touser": person.user_id()?, "msgtype": kind, "agentid": agent(target)?, kind: content,
        "enable_duplicate_check": 1, "duplicate_check_interval": REPEATED_WITHIN,
    });
    post(target, person, "send", &body)
}

/// The new card has a link instead of a button.
pub(super) fn redraw(
    target: &Target,
    message: &Message,
    person: &Person<'_>,
    handle: &str,
) -> Result<OutboundRequest, RenderError> {
    let link = message.sound_link()?.ok_or(RenderError::BadLink)?;
    let mut card = card(target, message, link)?;
    card.extend(notice(link));
    let body = json!({
        "userids": [person.user_id()?], "agentid": agent(target)?, "response_code": handle, "template_card": card,
    });
    post(target, person, "update_template_card", &body)
}

fn agent(target: &Target) -> Result<i64, RenderError> {
    target.settings.agent_id.ok_or(RenderError::MissingSetting("agentId"))
}

fn post(
    target: &Target,
    person: &Person<'_>,
    verb: &str,
    body: &Value,
) -> Result<OutboundRequest, RenderError> {
    let mut url = target.endpoint(&["cgi-bin", "message", verb])?;
    url.query_pairs_mut().append_pair("access_token", person.token()?.expose_secret());
    Ok(OutboundRequest::post_json(url, body.to_string().into_bytes(), target.allowed_hosts()))
}

fn content(target: &Target, message: &Message) -> Result<(&'static str, Value), RenderError> {
    let Some(link) = message.sound_link()? else {
        let title = target.title(message, text::plain, TITLE_MAX)?;
        let facts = text::facts(&message.lines, text::plain, |label| format!("{label}："));
        let words = text::quoted(&message.body, text::plain, "│ ");
        let parts: Vec<text::Part> = facts.into_iter().chain(words).collect();
        let content = text::layout("\n", TEXT_MAX, &text::headline(&title), &parts, &[])?;
        return Ok(("text", json!({ "content": content })));
    };
    let mut card = card(target, message, link)?;
    card.insert("task_id".to_owned(), message.id.as_str().into());
    if has_button(target, message) {
        let opens = |says: String, style: u8| json!({ "type": 1, "text": says, "style": style, "url": link.url.as_str() });
        let buttons = match target.tap(message) {
            // What stands behind it comes back when it is tapped.
            Some(tap) => {
                let acts = json!({ "type": 0, "text": text::plain(&tap.text), "style": 1, "key": tap.verb });
                vec![acts, opens(text::plain(&tap.see), 2)]
            }
            None => vec![opens(link_text(link), 1)],
        };
        card.insert("card_type".to_owned(), "button_interaction".into());
        card.insert("button_list".to_owned(), buttons.into());
    } else {
        card.extend(notice(link));
    }
    Ok(("template_card", Value::Object(card)))
}

/// What makes a card one that only tells: a link below it.
fn notice(link: &Link) -> [(String, Value); 2] {
    let jump = json!([{ "type": 1, "title": link_text(link), "url": link.url.as_str() }]);
    [("card_type".to_owned(), "text_notice".into()), ("jump_list".to_owned(), jump)]
}

fn link_text(link: &Link) -> String {
    text::link_text(link, text::plain)
}

/// What all cards have: a title, rows, what does not fit into rows, and the page that opens at a tap.
fn card(target: &Target, message: &Message, link: &Link) -> Result<Map<String, Value>, RenderError> {
    let title = target.title(message, text::plain, TITLE_MAX)?;
    let facts = in_rows(text::facts(&message.lines, text::plain, |label| format!("{label}：")));
    let words = text::quoted(&message.body, text::plain, "│ ");
    let (rows, rest) = facts.split_at(facts.len().min(ROWS_MAX));
    let rows: Vec<Value> = rows
        .iter()
        .map(|part| json!({ "keyname": part.prefix.trim_end_matches('：'), "value": text::cut(&part.text, VALUE_MAX) }))
        .collect();
    let below: Vec<String> =
        rest.iter().chain(&words).map(|part| format!("{}{}", part.prefix, part.text)).collect();
    let mut card = Map::from_iter([
        ("main_title".to_owned(), json!({ "title": title })),
        ("horizontal_content_list".to_owned(), rows.into()),
        ("card_action".to_owned(), json!({ "type": 1, "url": link.url.as_str() })),
    ]);
    if !below.is_empty() {
        card.insert("sub_title_text".to_owned(), text::cut(&below.join("\n"), SUBTITLE_MAX).into());
    }
    Ok(card)
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
