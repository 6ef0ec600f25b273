//! Robot of a DingTalk enterprise application (钉钉企业内部应用), to one person: an interactive card ([`super::dingtalk_card`]) where there is
//! something to open, else, and where the platform takes no such card, `POST /v1.0/robot/oToMessages/batchSend`.
//!
//! One person a call, so that each delivery is known: a call succeeds although the person got nothing, and names him in a list then.

use secrecy::ExposeSecret as _;
use serde_json::json;

use super::person::secret_header;
use super::{Message, Person, RenderError, Target, dingtalk_card, text};
use crate::platform::outbound::{HeaderName, OutboundRequest};

/// Carries the access token.
pub const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-acs-dingtalk-access-token");
/// Bytes of the Markdown text: a screen long.
pub const TEXT_MAX: usize = 6000;
pub(super) const TITLE_MAX: usize = 150;
/// Two blanks before the break, or the client joins the lines.
pub(super) const NEWLINE: &str = "  \n";

pub(super) fn token_request(target: &Target) -> Result<OutboundRequest, RenderError> {
    let url = target.endpoint(&["v1.0", "oauth2", "accessToken"])?;
    let body = json!({ "appKey": target.app_id()?, "appSecret": target.app_secret()? });
    Ok(OutboundRequest::post_json(url, body.to_string().into_bytes(), target.allowed_hosts()))
}

pub(super) fn request(
    target: &Target,
    message: &Message,
    person: &Person<'_>,
) -> Result<OutboundRequest, RenderError> {
    let link = message.sound_link()?;
    if let Some(link) = link.filter(|_| dingtalk_card::carries(target, message)) {
        return dingtalk_card::request(target, message, link, person);
    }
    let url = target.endpoint(&["v1.0", "robot", "oToMessages", "batchSend"])?;
    let title = target.title(message, text::markdown, TITLE_MAX)?;
    let content = text::layout(NEWLINE, TEXT_MAX, &format!("### {title}"), &content(message), &[])?;
    let (key, param) = match link {
        Some(link) => {
            let button = text::link_text(link, text::plain);
            let card = json!({ "title": title, "text": content, "singleTitle": button, "singleURL": link.url.as_str() });
            ("sampleActionCard", card)
        }
        None => ("sampleMarkdown", json!({ "title": title, "text": content })),
    };
    let body = json!({
        "robotCode": target.robot_code()?, "userIds": [person.user_id()?], "msgKey": key, "msgParam": param.to_string(),
    });
    let mut request = OutboundRequest::post_json(url, body.to_string().into_bytes(), target.allowed_hosts());
    request.headers.insert(TOKEN_HEADER, secret_header(person.token()?.expose_secret())?);
    Ok(request)
}

/// What the message says, line by line.
pub(super) fn content(message: &Message) -> Vec<text::Part> {
    let mut parts = text::facts(&message.lines, text::markdown, |label| format!("**{label}**："));
    parts.extend(text::quoted(&message.body, text::markdown, "> "));
    parts
}
