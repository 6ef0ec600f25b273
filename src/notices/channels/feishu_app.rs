//! Application of Feishu and Lark (飞书自建应用), to one person: `POST /open-apis/im/v1/messages` with an interactive card.
//!
//! `uuid` is the notice's id: the platform sends one and the same id once within an hour.

use secrecy::ExposeSecret as _;
use serde_json::json;

use super::person::secret_header;
use super::{Message, Person, RenderError, Target, body_within, feishu_bot};
use crate::platform::outbound::{OutboundRequest, header};

/// Bytes of a card's request.
pub const BODY_MAX: usize = 30 * 1024;
/// What kind of id a person is known by, unless the settings say otherwise.
const ID_TYPE: &str = "open_id";

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
    let card = feishu_bot::card(target, message)?;
    let body = json!({
        "receive_id": person.user_id()?, "msg_type": "interactive", "content": card.to_string(), "uuid": message.id,
    });
    let body = body_within(BODY_MAX, &body)?;
    let mut request = OutboundRequest::post_json(url, body, target.allowed_hosts());
    let bearer = format!("Bearer {}", person.token()?.expose_secret());
    request.headers.insert(header::AUTHORIZATION, secret_header(&bearer)?);
    Ok(request)
}
