//! Application of Feishu and Lark (飞书自建应用), to one person: `POST /open-apis/im/v1/messages` with an interactive card.
//!
//! `uuid` is the notice's id: the platform sends one and the same id once within an hour. A card is redrawn by `PATCH` of its message, within
//! 14 days, when it said before and says after that it is a shared one (`update_multi`).

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::person::secret_header;
use super::{Message, Person, RenderError, Target, body_within, feishu_bot, text};
use crate::platform::outbound::{Method, OutboundRequest, header};

/// Bytes of a card's request.
pub const BODY_MAX: usize = 30 * 1024;
/// What kind of id a person is known by, unless the settings say otherwise.
pub const ID_TYPE: &str = "open_id";
/// The kind that no callback names.
const MAIL: &str = "email";

pub(super) fn token_request(target: &Target) -> Result<OutboundRequest, RenderError> {
    let url = target.endpoint(&["open-apis", "auth", "v3", "tenant_access_token", "internal"])?;
    let body = json!({ "app_id": target.app_id()?, "app_secret": target.app_secret()? });
    Ok(OutboundRequest::post_json(url, body.to_string().into_bytes(), target.allowed_hosts()))
}

pub(super) fn request(
    target: &Target,
    message: &Message,
    person: &Person<'_>,
) -> Result<OutboundRequest, RenderError> {
    let mut url = target.endpoint(&["open-apis", "im", "v1", "messages"])?;
    let id_type = target.settings.user_id_type.as_deref().unwrap_or(ID_TYPE);
    url.query_pairs_mut().append_pair("receive_id_type", id_type);
    let card = with_tap(card(target, message)?, target, message);
    let body = json!({
        "receive_id": person.user_id()?, "msg_type": "interactive", "content": card.to_string(), "uuid": message.id,
    });
    bearing(OutboundRequest::post_json(url, body_within(BODY_MAX, &body)?, target.allowed_hosts()), person)
}

pub(super) fn redraw(
    target: &Target,
    message: &Message,
    person: &Person<'_>,
    handle: &str,
) -> Result<OutboundRequest, RenderError> {
    let url = target.endpoint(&["open-apis", "im", "v1", "messages", handle])?;
    let mut card = card(target, message)?;
    // Nothing is asked any more.
    for (part, calm) in [("/header/template", "grey"), ("/elements/1/actions/0/type", "default")] {
        if let Some(part) = card.pointer_mut(part) {
            *part = Value::from(calm);
        }
    }
    let body = body_within(BODY_MAX, &json!({ "content": card.to_string() }))?;
    let request = OutboundRequest::post_json(url, body, target.allowed_hosts());
    bearing(OutboundRequest { method: Method::PATCH, ..request }, person)
}

/// A robot's card, and a shared one: one that could be redrawn.
fn card(target: &Target, message: &Message) -> Result<Value, RenderError> {
    let mut card = feishu_bot::card(target, message)?;
    if let Some(Value::Object(config)) = card.get_mut("config") {
        config.insert("update_multi".to_owned(), true.into());
    }
    Ok(card)
}

/// With a button before the link that acts at once, where a tap reaches us and tells who tapped: a person whom we know by his mail address
/// alone is not told.
fn with_tap(mut card: Value, target: &Target, message: &Message) -> Value {
    let known = target.settings.user_id_type.as_deref() != Some(MAIL);
    let says = |words: &str| json!({ "tag": "plain_text", "content": text::plain(words) });
    let actions = card.get_mut("elements").and_then(Value::as_array_mut);
    let actions = actions.and_then(|elements| elements.last_mut()?.get_mut("actions"));
    let tap = target.tap(message).filter(|_| known);
    if let (Some(tap), Some(link), Some(actions)) = (tap, &message.link, actions) {
        let value = json!({ "notice": message.id, "verb": tap.verb });
        *actions = json!([
            { "tag": "button", "type": "primary", "text": says(&tap.text), "value": value },
            { "tag": "button", "type": "default", "text": says(&tap.see), "url": link.url.as_str() },
        ]);
    }
    card
}

fn bearing(mut request: OutboundRequest, person: &Person<'_>) -> Result<OutboundRequest, RenderError> {
    let bearer = format!("Bearer {}", person.token()?.expose_secret());
    request.headers.insert(header::AUTHORIZATION, secret_header(&bearer)?);
    Ok(request)
}
