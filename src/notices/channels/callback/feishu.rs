//! Feishu and Lark (飞书): events and taps on cards. Signed over the raw body by a plain SHA-256, sealed by AES-256-CBC with a vector of its
//! own, and with a token inside. The check of the address alone comes unsigned: it is told by the token.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::envelope::{padded, unpadded};
use super::{Callback, Refusal, field};
use crate::platform::crypto;

/// Bytes of a block, of the cipher and of the padding.
const BLOCK: usize = 16;

/// The headers that sign a request.
pub const TIMESTAMP: &str = "x-lark-request-timestamp";
pub const NONCE: &str = "x-lark-request-nonce";
pub const SIGNATURE: &str = "x-lark-signature";

/// What came.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The platform checks the address and wants to read this.
    Challenge(String),
    Event {
        id: String,
        kind: String,
        event: Value,
    },
}

/// Somebody tapped a button of a card.
#[derive(Clone, Debug, PartialEq)]
pub struct Tapped {
    /// By each of the names that the platform has for a person.
    pub operator: Value,
    /// What stands behind the button.
    pub value: Value,
}

/// What a request carries. `header` gives a header by its lower-case name.
///
/// # Errors
/// [`Refusal`].
pub fn open<'a>(
    callback: &Callback,
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
) -> Result<Heard, Refusal> {
    let key = Some(callback.key.expose_secret()).filter(|key| !key.is_empty());
    let signed = header(TIMESTAMP).zip(header(NONCE)).zip(header(SIGNATURE));
    if let Some((key, ((timestamp, nonce), given))) = key.zip(signed)
        && !crypto::same(sign(key, timestamp, nonce, body).as_bytes(), given.as_bytes())
    {
        return Err(Refusal::SignatureMismatch);
    }
    let outer: Value = serde_json::from_slice(body).map_err(|_| Refusal::BadEnvelope)?;
    let message = match outer.get("encrypt") {
        Some(sealed) => {
            let sealed = sealed.as_str().ok_or(Refusal::BadEnvelope)?;
            let text = unseal(key.ok_or(Refusal::BadEnvelope)?, sealed)?;
            serde_json::from_str(&text).map_err(|_| Refusal::BadEvent)?
        }
        None => outer,
    };
    let is_check = field(&message, "type") == "url_verification";
    if !is_check && key.is_some() && signed.is_none() {
        return Err(Refusal::MissingHeader);
    }
    let head = message.get("header").unwrap_or(&message);
    let token = field(head, "token");
    if !crypto::same(token.as_bytes(), callback.token.expose_secret().as_bytes()) {
        return Err(Refusal::TokenMismatch);
    }
    if is_check {
        return Ok(Heard::Challenge(field(&message, "challenge")));
    }
    let event = message.get("event").cloned().ok_or(Refusal::BadEvent)?;
    let (id, kind) = match message.get("header") {
        Some(head) => (field(head, "event_id"), field(head, "event_type")),
        None => (field(&message, "uuid"), field(&event, "type")),
    };
    if kind.is_empty() { Err(Refusal::BadEvent) } else { Ok(Heard::Event { id, kind, event }) }
}

/// Reads the event `card.action.trigger`.
///
/// # Errors
/// [`Refusal::BadEvent`] when nobody tapped, or nothing.
pub fn tapped(event: &Value) -> Result<Tapped, Refusal> {
    let operator = event.get("operator").cloned().ok_or(Refusal::BadEvent)?;
    let value = event.pointer("/action/value").cloned().ok_or(Refusal::BadEvent)?;
    Ok(Tapped { operator, value })
}

/// What who tapped sees at once; the card itself is redrawn as every other.
#[must_use]
pub fn toast(is_done: bool, says: &str) -> Value {
    json!({ "toast": { "type": if is_done { "success" } else { "warning" }, "content": says } })
}

/// Lower-case hex.
#[must_use]
pub fn sign(key: &str, timestamp: &str, nonce: &str, body: &[u8]) -> String {
    let hash = Sha256::new().chain_update(timestamp).chain_update(nonce).chain_update(key).chain_update(body);
    hex::encode(hash.finalize())
}

/// Seals a text; `salt` is random.
#[must_use]
pub fn seal(key: &str, text: &str, salt: [u8; BLOCK]) -> String {
    let bytes = padded(text.as_bytes().to_vec(), BLOCK);
    let encryptor = cbc::Encryptor::<Aes256>::new(&crypto::sha256(key.as_bytes()).into(), &salt.into());
    let sealed = encryptor.encrypt_padded_vec::<NoPadding>(&bytes);
    STANDARD.encode([salt.as_slice(), &sealed].concat())
}

/// Opens what [`seal`] made.
///
/// # Errors
/// [`Refusal`].
pub fn unseal(key: &str, sealed: &str) -> Result<String, Refusal> {
    let bytes = STANDARD.decode(sealed).map_err(|_| Refusal::BadBase64)?;
    let (initial, sealed) = bytes.split_first_chunk::<BLOCK>().ok_or(Refusal::BadCiphertextLength)?;
    if sealed.is_empty() || sealed.len() % BLOCK != 0 {
        return Err(Refusal::BadCiphertextLength);
    }
    let mut bytes = sealed.to_vec();
    let plain = cbc::Decryptor::<Aes256>::new(&crypto::sha256(key.as_bytes()).into(), &(*initial).into())
        .decrypt_padded::<NoPadding>(&mut bytes)
        .map_err(|_| Refusal::BadCiphertextLength)?;
    String::from_utf8(unpadded(plain, BLOCK)?.to_vec()).map_err(|_| Refusal::BadUtf8)
}
