//! Robot of a DingTalk enterprise application (钉钉企业内部应用), to one person: `POST /v1.0/robot/oToMessages/batchSend`.
//!
//! One person a call, so that each delivery is known: a call succeeds although the person got nothing, and names him in a list then.

use secrecy::ExposeSecret as _;
use serde_json::json;

use super::person::secret_header;
use super::{Message, Person, RenderError, Target, text};
use crate::platform::outbound::{HeaderName, OutboundRequest};

/// Carries the access token.
pub const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-acs-dingtalk-access-token");
/// Bytes of the Markdown text: a screen long.
pub const TEXT_MAX: usize = 6000;
const TITLE_MAX: usize = 150;
/// Two blanks before the break, or the client joins the lines.
const NEWLINE: &str = "  \n";

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
    let url = target.endpoint(&["v1.0", "robot", "oToMessages", "batchSend"])?;
    let title = target.title(message, text::markdown, TITLE_MAX)?;
    let mut parts = text::facts(&message.lines, text::markdown, |label| format!("**{label}**："));
    parts.extend(text::quoted(&message.body, text::markdown, "> "));
    let content = text::layout(NEWLINE, TEXT_MAX, &format!("### {title}"), &parts, &[])?;
    let (key, param) = match message.sound_link()? {
        Some(link) => {
            let button = text::link_text(link, text::plain);
            let card = json!({ "title": title, "text": content, "singleTitle": button, "singleURL": link.url.as_str() });
            ("sampleActionCard", card)
        }
        None => ("sampleMarkdown", json!({ "title": title, "text": content })),
    };
    let robot = match target.settings.robot_code.as_deref() {
        Some(robot) => robot,
        None => target.app_id()?,
    };
    let body = json!({
        "robotCode": robot, "userIds": [person.user_id()?], "msgKey": key, "msgParam": param.to_string(),
    });
    let mut request = OutboundRequest::post_json(url, body.to_string().into_bytes(), target.allowed_hosts());
    request.headers.insert(TOKEN_HEADER, secret_header(person.token()?.expose_secret())?);
    Ok(request)
}
