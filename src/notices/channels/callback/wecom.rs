//! WeCom (企业微信): the check of the address, messages and events of a self-built application, and the answer that changes a card's button.
//!
//! No window is described for the timestamp, and a repetition is told from its content: who taps a card twice changes nothing.

use serde_json::Value;

use super::{Envelope, Query, Refusal, Signed, parse, sealed_text};

const SIGNATURE: [&str; 1] = ["msg_signature"];

/// What the platform wants to read when an administrator saves the address.
///
/// # Errors
/// [`Refusal`].
pub fn check(envelope: &Envelope, query: &Query) -> Result<String, Refusal> {
    envelope.open(Signed::by(query, &SIGNATURE)?, query.any(&["echostr"])?)
}

/// What a request carries, as it was sealed.
///
/// # Errors
/// [`Refusal`].
pub fn open(envelope: &Envelope, query: &Query, body: &[u8]) -> Result<String, Refusal> {
    let signed = Signed::by(query, &SIGNATURE)?;
    envelope.open(signed, &sealed_text(body)?)
}

/// Somebody tapped a button of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tapped {
    pub user_id: String,
    /// What the card was sent as: the notice's id.
    pub task_id: String,
    /// What stands behind the button.
    pub key: String,
    /// By which the card can be redrawn once, from now on.
    pub response_code: String,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Tapped(Tapped),
    /// Somebody wrote to the application.
    Text {
        user_id: String,
    },
    Other,
}

/// Reads what [`open`] gave.
///
/// # Errors
/// [`Refusal::BadEvent`] when it is neither XML nor JSON.
pub fn read(text: &str) -> Result<Heard, Refusal> {
    let message = parse(text)?;
    let of = |name: &str| super::field(&message, name);
    Ok(match (of("MsgType").as_str(), of("Event").as_str()) {
        ("event", "template_card_event") => Heard::Tapped(Tapped {
            user_id: of("FromUserName"),
            task_id: of("TaskId"),
            key: of("EventKey"),
            response_code: of("ResponseCode"),
        }),
        ("text", _) => Heard::Text { user_id: of("FromUserName") },
        _ => Heard::Other,
    })
}

/// What the button says from now on, to who tapped it. `at` in Unix seconds.
#[must_use]
pub fn new_button(corporation: &str, user_id: &str, at: i64, says: &str) -> String {
    passive(
        corporation,
        user_id,
        at,
        "update_button",
        &format!("<Button>{}</Button>", leaf("ReplaceName", says)),
    )
}

/// A text in answer to a text. `at` in Unix seconds.
#[must_use]
pub fn text(corporation: &str, user_id: &str, at: i64, says: &str) -> String {
    passive(corporation, user_id, at, "text", &leaf("Content", says))
}

fn passive(corporation: &str, user_id: &str, at: i64, kind: &str, content: &str) -> String {
    let (to, from, kind) =
        (leaf("ToUserName", user_id), leaf("FromUserName", corporation), leaf("MsgType", kind));
    format!("<xml>{to}{from}<CreateTime>{at}</CreateTime>{kind}{content}</xml>")
}

/// An answer as it goes over the wire: sealed, in XML.
#[must_use]
pub fn reply(envelope: &Envelope, text: &str, timestamp: &str, nonce: &str, salt: [u8; 16]) -> String {
    let sealed = envelope.seal(text, timestamp, nonce, salt);
    let (encrypt, signature) = (leaf("Encrypt", &sealed.encrypt), leaf("MsgSignature", &sealed.signature));
    format!("<xml>{encrypt}{signature}<TimeStamp>{timestamp}</TimeStamp>{}</xml>", leaf("Nonce", nonce))
}

/// An element of text, in which no text can end what it stands in.
fn leaf(name: &str, text: &str) -> String {
    format!("<{name}><![CDATA[{}]]></{name}>", text.replace("]]>", "]]]]><![CDATA[>"))
}

/// What somebody who tapped is shown on his button, at most so many characters.
pub const BUTTON_MAX: usize = 16;

/// The fields of a sealed answer, for who reads one.
///
/// # Errors
/// [`Refusal`].
pub fn open_reply(envelope: &Envelope, body: &[u8]) -> Result<Value, Refusal> {
    let body = std::str::from_utf8(body).map_err(|_| Refusal::BadEnvelope)?;
    let fields = parse(body).map_err(|_| Refusal::BadEnvelope)?;
    let of = |name: &str| super::field(&fields, name);
    let (signature, timestamp, nonce) = (of("MsgSignature"), of("TimeStamp"), of("Nonce"));
    let signed = Signed { signature: &signature, timestamp: &timestamp, nonce: &nonce };
    parse(&envelope.open(signed, &of("Encrypt"))?)
}
