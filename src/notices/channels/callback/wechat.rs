//! WeChat (微信小程序): what the mini-program's platform pushes. Only sealed pushes are read; their `msg_signature` counts, not the `signature`
//! that covers no content.

use serde::Deserialize;
use serde_json::Value;

use super::envelope::signs;
use super::{Envelope, Query, Refusal, Signed, field, sealed_text};

/// What the platform wants to read when an administrator saves the address.
///
/// # Errors
/// [`Refusal`].
pub fn check(token: &str, query: &Query) -> Result<String, Refusal> {
    let signed = Signed::by(query, &["signature"])?;
    let echo = query.any(&["echostr"])?;
    if signs(token, signed) { Ok(echo.to_owned()) } else { Err(Refusal::SignatureMismatch) }
}

/// What a request carries, as it was sealed.
///
/// # Errors
/// [`Refusal`].
pub fn open(envelope: &Envelope, query: &Query, body: &[u8]) -> Result<String, Refusal> {
    envelope.open(Signed::by(query, &["msg_signature"])?, &sealed_text(body)?)
}

/// What became of one template.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Subscribed {
    pub template_id: String,
    /// `accept` or `reject`; of a message that was sent there is none.
    #[serde(default)]
    pub subscribe_status_string: String,
    /// Of a message that was sent: 0, or what went wrong.
    #[serde(default)]
    pub error_code: Number,
    /// The same in words.
    #[serde(default)]
    pub error_status: String,
    /// The message, or where the person was asked: what tells one from another.
    #[serde(default, rename = "MsgID")]
    pub msg_id: Number,
    #[serde(default)]
    pub popup_scene: Number,
}

/// A number that stands as such in one format and as a text in the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Value")]
pub struct Number(pub String);

impl From<Value> for Number {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self(text),
            Value::Number(number) => Self(number.to_string()),
            _ => Self::default(),
        }
    }
}

/// What a person of an enterprise did with his subscriptions, or what became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    pub openid: String,
    /// Unix seconds, as it came.
    pub created: String,
    pub event: SubscriptionEvent,
    pub list: Vec<Subscribed>,
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubscriptionEvent {
    /// He was asked, and answered.
    Popup,
    /// He changed it in his settings.
    Change,
    /// A message was sent to him.
    Sent,
}

impl SubscriptionEvent {
    /// The word of the event, and the element in which XML hides its list.
    const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Popup, "subscribe_msg_popup_event", "SubscribeMsgPopupEvent"),
        (Self::Change, "subscribe_msg_change_event", "SubscribeMsgChangeEvent"),
        (Self::Sent, "subscribe_msg_sent_event", "SubscribeMsgSentEvent"),
    ];
}

/// Reads what [`open`] gave; none for what is of no concern here.
///
/// # Errors
/// [`Refusal::BadEvent`] when it is neither XML nor JSON, or such an event without a list.
pub fn read(text: &str) -> Result<Option<Pushed>, Refusal> {
    let message = super::parse(text)?;
    let named = field(&message, "Event");
    let Some((event, _, element)) = SubscriptionEvent::ALL.into_iter().find(|(_, word, _)| *word == named)
    else {
        return Ok(None);
    };
    let list = message.get("List").or_else(|| message.get(element)?.get("List"));
    let list = match list {
        Some(Value::Array(list)) => list.clone(),
        Some(one) => vec![one.clone()],
        None => return Err(Refusal::BadEvent),
    };
    let list = list.into_iter().map(serde_json::from_value).collect::<Result<_, _>>();
    Ok(Some(Pushed {
        openid: field(&message, "FromUserName"),
        created: field(&message, "CreateTime"),
        event,
        list: list.map_err(|_| Refusal::BadEvent)?,
    }))
}
