//! What the platforms call us back with: somebody tapped a button of a card, allowed a message, or an administrator is setting the address
//! up. Verified before parsed: the signature over what came, then the content, and every refusal has a name.
//!
//! WeCom, DingTalk and WeChat share one [`Envelope`]; Feishu has a form of its own. The stand-in for the platforms makes with the same code
//! what it sends us.

use std::collections::HashMap;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;

pub mod dingtalk;
mod envelope;
pub mod feishu;
#[cfg(test)]
mod tests;
pub mod wechat;
pub mod wecom;
mod xml;

pub use envelope::{Envelope, Sealed};

/// What an administrator has set up with a platform so that it can call us back. Debug shows nothing of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Callback {
    /// Token of WeCom, DingTalk and WeChat, Verification Token of Feishu.
    pub token: SecretString,
    /// EncodingAESKey (43 characters), aes_key of DingTalk, Encrypt Key of Feishu (any text).
    pub key: SecretString,
}

impl Callback {
    /// The envelope of WeCom, DingTalk and WeChat for what is meant for `receiver`; none when the key is none.
    #[must_use]
    pub fn envelope(&self, receiver: &str) -> Option<Envelope> {
        Envelope::new(self.token.expose_secret(), self.key.expose_secret(), receiver)
    }
}

crate::text_enum! {
    /// Why a request is not taken for the platform's.
    Refusal {
        MissingParameter = "missing_parameter",
        MissingHeader = "missing_header",
        BadEnvelope = "bad_envelope",
        SignatureMismatch = "signature_mismatch",
        TokenMismatch = "token_mismatch",
        StaleTimestamp = "stale_timestamp",
        BadBase64 = "bad_base64",
        BadCiphertextLength = "bad_ciphertext_length",
        BadPadding = "bad_padding",
        BadLengthField = "bad_length_field",
        ReceiveIdMismatch = "receive_id_mismatch",
        BadUtf8 = "bad_utf8",
        /// Rightly sealed, but nothing that the platform's pages describe.
        BadEvent = "bad_event",
    }
}

/// The query of a request, decoded; of a repeated parameter the first.
#[derive(Clone, Debug, Default)]
pub struct Query(HashMap<String, String>);

impl Query {
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut known = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            known.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Self(known)
    }

    /// What was given by any of these names.
    fn any(&self, names: &[&str]) -> Result<&str, Refusal> {
        names.iter().find_map(|name| self.0.get(*name)).map(String::as_str).ok_or(Refusal::MissingParameter)
    }
}

/// What is signed besides the content.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    pub signature: &'a str,
    pub timestamp: &'a str,
    pub nonce: &'a str,
}

impl<'a> Signed<'a> {
    fn by(query: &'a Query, signature: &[&str]) -> Result<Self, Refusal> {
        Ok(Self {
            signature: query.any(signature)?,
            timestamp: query.any(&["timestamp"])?,
            nonce: query.any(&["nonce"])?,
        })
    }
}

/// The sealed text in a body, which is XML or JSON as the platform or its console wants it.
fn sealed_text(body: &[u8]) -> Result<String, Refusal> {
    let body = std::str::from_utf8(body).map_err(|_| Refusal::BadEnvelope)?;
    let fields = parse(body).map_err(|_| Refusal::BadEnvelope)?;
    let sealed = ["Encrypt", "encrypt"].iter().find_map(|name| fields.get(*name)?.as_str());
    sealed.map(str::to_owned).ok_or(Refusal::BadEnvelope)
}

/// A message in XML or JSON as one tree; elements become fields, repeated ones lists.
///
/// # Errors
/// [`Refusal::BadEvent`] for what is neither.
pub fn parse(text: &str) -> Result<Value, Refusal> {
    match text.trim_start().as_bytes().first() {
        None => Ok(Value::Null),
        Some(b'<') => xml::tree(text).ok_or(Refusal::BadEvent),
        Some(_) => serde_json::from_str(text).map_err(|_| Refusal::BadEvent),
    }
}

/// A field of a message as text; numbers, too, which stand as such in JSON.
#[must_use]
pub fn field(message: &Value, name: &str) -> String {
    match message.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}
