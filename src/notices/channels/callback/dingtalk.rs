//! DingTalk (钉钉): event subscriptions over HTTP. The address is checked by an event like any other, and each wants a sealed `success`.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Envelope, Query, Refusal, Signed, sealed_text};

/// What every event is answered with.
pub const TAKEN: &str = "success";

/// How old a request may be: as long as the platform's own robots allow.
const FRESH: TimeDelta = TimeDelta::hours(1);

/// What a request carries, as it was sealed.
///
/// # Errors
/// [`Refusal`].
pub fn open(envelope: &Envelope, query: &Query, body: &[u8], now: DateTime<Utc>) -> Result<String, Refusal> {
    let signed = Signed::by(query, &["msg_signature", "signature"])?;
    let text = envelope.open(signed, &sealed_text(body)?)?;
    let at = signed.timestamp.parse().ok().and_then(DateTime::from_timestamp_millis);
    match at {
        Some(at) if (now - at).abs() <= FRESH => Ok(text),
        _ => Err(Refusal::StaleTimestamp),
    }
}

/// An answer as it goes over the wire: sealed, in JSON.
#[must_use]
pub fn reply(envelope: &Envelope, text: &str, timestamp: &str, nonce: &str, salt: [u8; 16]) -> Value {
    let sealed = envelope.seal(text, timestamp, nonce, salt);
    json!({
        "msg_signature": sealed.signature, "timeStamp": timestamp, "nonce": nonce, "encrypt": sealed.encrypt,
    })
}
