//! Interactive cards of a DingTalk application (钉钉互动卡片), which can be redrawn: `POST /v1.0/card/instances/createAndDeliver` to one person,
//! `PUT /v1.0/card/instances` afterwards. A card that is there already, because nobody heard that it was made, is delivered as it is:
//! `POST /v1.0/card/instances/deliver`.
//!
//! A card is a template and its words. The usual template is the one that the vendor's own SDK brings for everybody (a title, a Markdown text,
//! buttons), so that no county has to build one; a channel may name another with the same variables. The application needs the permission
//! `Card.Instance.Write`. `outTrackId` is the notice's id: by it the card is known from then on.
//!
//! The buttons open pages. What a tap on a card's own button would send us is signed without its content, so it proves nothing.

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::dingtalk_app::{NEWLINE, TITLE_MAX, TOKEN_HEADER, content};
use super::person::secret_header;
use super::{ChannelKind, Link, Message, Person, RenderError, Target, text};
use crate::platform::outbound::{Method, OutboundRequest};

/// The template of the vendor's SDK: `MarkdownButtonCardInstance`.
pub const TEMPLATE: &str = "1366a1eb-bc54-4859-ac88-517c56a9acb1.schema";
/// Bytes of one word of a card.
pub const VALUE_MAX: usize = 1024;
/// Where a card stands that an application's robot writes to one person.
pub const SPACE: &str = "dtv1.card//IM_ROBOT.";

/// Whether the message becomes such a card: one with a link that has room in it.
pub(super) fn carries(target: &Target, message: &Message) -> bool {
    target.kind == ChannelKind::DingtalkApp
        && target.settings.interactive != Some(false)
        && message.link.as_ref().is_some_and(|link| buttons(link, Asks::Now).len() <= VALUE_MAX)
}

pub(super) fn request(
    target: &Target,
    message: &Message,
    link: &Link,
    person: &Person<'_>,
) -> Result<OutboundRequest, RenderError> {
    let words = words(target, message, link, Asks::Now)?;
    // The list of chats and the phone's lock screen show it.
    let title = target.title(message, text::plain, TITLE_MAX)?;
    let mut body = delivery(target, message, person)?;
    body.extend(fields(json!({
        "cardTemplateId": target.settings.card_template.as_deref().unwrap_or(TEMPLATE),
        "cardData": { "cardParamMap": words },
        "imRobotOpenSpaceModel": {
            "supportForward": false, "lastMessageI18n": { "ZH_CN": title, "EN_US": title },
            "notification": { "alertContent": title },
        },
    })));
    post(target, person, "createAndDeliver", body)
}

/// Delivers the card that was made for this message before.
pub(super) fn deliver(
    target: &Target,
    message: &Message,
    person: &Person<'_>,
) -> Result<OutboundRequest, RenderError> {
    post(target, person, "deliver", delivery(target, message, person)?)
}

pub(super) fn redraw(
    target: &Target,
    message: &Message,
    person: &Person<'_>,
    handle: &str,
) -> Result<OutboundRequest, RenderError> {
    let link = message.sound_link()?.ok_or(RenderError::BadLink)?;
    let body = json!({
        "outTrackId": handle, "cardData": { "cardParamMap": words(target, message, link, Asks::NoMore)? },
    });
    let url = target.endpoint(&["v1.0", "card", "instances"])?;
    let request = OutboundRequest::post_json(url, body.to_string().into_bytes(), target.allowed_hosts());
    bearing(OutboundRequest { method: Method::PUT, ..request }, person)
}

/// Which card, and to whom.
fn delivery(
    target: &Target,
    message: &Message,
    person: &Person<'_>,
) -> Result<Map<String, Value>, RenderError> {
    Ok(fields(json!({
        "outTrackId": message.id,
        "openSpaceId": format!("{SPACE}{}", person.user_id()?),
        "userIdType": 1,
        "imRobotOpenDeliverModel": { "spaceType": "IM_ROBOT", "robotCode": target.robot_code()? },
    })))
}

fn fields(json: Value) -> Map<String, Value> {
    if let Value::Object(fields) = json { fields } else { Map::new() }
}

fn post(
    target: &Target,
    person: &Person<'_>,
    verb: &str,
    body: Map<String, Value>,
) -> Result<OutboundRequest, RenderError> {
    let url = target.endpoint(&["v1.0", "card", "instances", verb])?;
    let body = Value::Object(body).to_string().into_bytes();
    bearing(OutboundRequest::post_json(url, body, target.allowed_hosts()), person)
}

fn bearing(mut request: OutboundRequest, person: &Person<'_>) -> Result<OutboundRequest, RenderError> {
    request.headers.insert(TOKEN_HEADER, secret_header(person.token()?.expose_secret())?);
    Ok(request)
}

/// Whether a card still asks its reader to act.
#[derive(Clone, Copy, Debug)]
enum Asks {
    Now,
    NoMore,
}

fn words(target: &Target, message: &Message, link: &Link, asks: Asks) -> Result<Value, RenderError> {
    let lines = text::layout(NEWLINE, VALUE_MAX + NEWLINE.len(), "", &content(message), &[])?;
    Ok(json!({
        "title": target.title(message, text::plain, TITLE_MAX)?,
        "markdown": lines.trim_start(),
        "tips": "",
        "sys_full_json_obj": buttons(link, asks),
    }))
}

/// JSON within JSON. Phones of one make read an address of their own.
fn buttons(link: &Link, asks: Asks) -> String {
    let color = match asks {
        Asks::Now => "blue",
        Asks::NoMore => "gray",
    };
    let (says, url) = (text::link_text(link, text::plain), link.url.as_str());
    let button = json!({ "text": says, "color": color, "url": url, "iosUrl": url });
    json!({ "msgButtons": [button] }).to_string()
}
