//! Generic webhooks by Standard Webhooks 1.0.0 (<https://github.com/standard-webhooks/standard-webhooks>), symmetric `v1`.
//!
//! The id is the notice's and the same on every attempt; the timestamp is fresh. Every live secret signs, so that a receiver
//! may change over in its own time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use secrecy::ExposeSecret;
use serde_json::json;

use super::signature::within;
use super::{Message, RenderError, SignatureRefusal, Target, body_within};
use crate::platform::crypto;
use crate::platform::outbound::{HeaderName, HeaderValue, OutboundRequest};

/// Bytes of a payload. The specification advises less than 20 KB; nothing is cut, so the refusal lies higher.
pub const BODY_MAX: usize = 64 * 1024;
/// Skew that receivers tolerate in the reference libraries, either way.
pub const TOLERANCE: TimeDelta = TimeDelta::seconds(300);
const PREFIX: &str = "whsec_";

pub(super) fn request(
    target: &Target,
    message: &Message,
    now: DateTime<Utc>,
    attempt: u32,
) -> Result<OutboundRequest, RenderError> {
    let event_is_sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    let id_is_sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let sound = !message.event.is_empty()
        && message.event.bytes().all(event_is_sound)
        && !message.id.is_empty()
        && message.id.bytes().all(id_is_sound);
    if !sound {
        return Err(RenderError::BadEvent);
    }
    let at = message.at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let payload = json!({ "type": message.event, "timestamp": at, "data": message.data });
    let body = body_within(BODY_MAX, &payload)?;

    let timestamp = now.timestamp();
    let sign = |secret: &secrecy::SecretString| sign(secret.expose_secret(), &message.id, timestamp, &body);
    let signatures: Option<Vec<String>> = target.credentials.secrets.iter().map(sign).collect();
    let signatures = signatures.ok_or(RenderError::BadSecret)?;
    if signatures.is_empty() {
        return Err(RenderError::MissingCredential);
    }
    let mut request = OutboundRequest::post_json(target.base_url.clone(), body, target.allowed_hosts());
    for (name, value) in [
        ("webhook-id", message.id.clone()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", signatures.join(" ")),
        // Ours: lets a receiver see that it was slow or wrong before.
        ("yijiao-attempt", attempt.to_string()),
    ] {
        let value = HeaderValue::from_str(&value).map_err(|_| RenderError::BadEvent)?;
        request.headers.insert(HeaderName::from_static(name), value);
    }
    Ok(request)
}

/// A fresh signing secret: `whsec_` and 32 random bytes.
#[must_use]
pub fn fresh_secret() -> String {
    let bytes: [u8; 32] = rand::random();
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// One `v1,…` signature; `None` when the secret is not base64 (with or without `whsec_`). `timestamp` in seconds.
#[must_use]
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX).unwrap_or(secret)).ok()?;
    if key.is_empty() {
        return None;
    }
    let message = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    Some(format!("v1,{}", STANDARD.encode(crypto::hmac_sha256(&key, &message))))
}

/// The three headers of a delivery, as received.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignedHeaders<'a> {
    pub id: Option<&'a str>,
    pub timestamp: Option<&'a str>,
    /// Blank-separated; other versions and malformed tokens are skipped.
    pub signature: Option<&'a str>,
}

/// Verifies a delivery against every live secret, within [`TOLERANCE`] of `now`; any match will do.
pub fn verify(
    secrets: &[&str],
    headers: SignedHeaders<'_>,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), SignatureRefusal> {
    let SignedHeaders { id: Some(id), timestamp: Some(timestamp), signature: Some(signature) } = headers
    else {
        return Err(SignatureRefusal::MissingHeader);
    };
    let seconds = within(timestamp, 1, now, TOLERANCE)?;
    let mut matched = false;
    for secret in secrets {
        let expected = sign(secret, id, seconds, body).ok_or(SignatureRefusal::BadSecret)?;
        for given in signature.split_ascii_whitespace() {
            matched |= crypto::same(expected.as_bytes(), given.as_bytes());
        }
    }
    if matched { Ok(()) } else { Err(SignatureRefusal::Mismatch) }
}
