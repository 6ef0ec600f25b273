//! The link in a message by which one officer acts on one call with one tap.
//!
//! It is a capability: whoever holds it acts as that officer on that call until it ends, and on nothing else. So it is sealed with a
//! key of the installation, opens nothing by itself (the page asks for a tap, because chat apps fetch links to preview them), and
//! dies after two weeks. Once the call has ended the page shows nothing personal and has no buttons.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::model::CallId;
use crate::organisation::{CountyId, OfficerId};
use crate::platform::crypto::{hmac_sha256, same};

/// How long a link lives.
const LIFE: TimeDelta = TimeDelta::days(14);
const MAC: usize = 16;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub county: CountyId,
    pub call: CallId,
    pub officer: OfficerId,
    pub expires_at: DateTime<Utc>,
}

impl Link {
    /// A link that lives from `now`.
    #[must_use]
    pub fn new(county: CountyId, call: CallId, officer: OfficerId, now: DateTime<Utc>) -> Self {
        Self { county, call, officer, expires_at: now + LIFE }
    }

    /// The path of the page, e.g. `/a/…`.
    #[must_use]
    pub fn path(&self, key: &[u8; 32]) -> String {
        let mut bytes = Vec::with_capacity(56 + MAC);
        for id in [self.county.0, self.call.0, self.officer.0] {
            bytes.extend_from_slice(id.as_bytes());
        }
        bytes.extend_from_slice(&self.expires_at.timestamp().to_be_bytes());
        let mac = hmac_sha256(key, &bytes);
        bytes.extend(mac.iter().take(MAC));
        format!("/a/{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The link of a token, if it is whole, ours and alive.
    #[must_use]
    pub fn open(token: &str, key: &[u8; 32], now: DateTime<Utc>) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (body, mac) = bytes.split_at_checked(56)?;
        let expected = hmac_sha256(key, body);
        if mac.len() != MAC || !same(mac, expected.get(..MAC)?) {
            return None;
        }
        let id = |from: usize| Uuid::from_slice(body.get(from..from + 16)?).ok();
        let seconds = i64::from_be_bytes(body.get(48..)?.try_into().ok()?);
        let expires_at = DateTime::from_timestamp(seconds, 0)?;
        let link =
            Self { county: CountyId(id(0)?), call: CallId(id(16)?), officer: OfficerId(id(32)?), expires_at };
        (now < expires_at).then_some(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_with_its_key_until_it_expires_and_no_bit_may_change() {
        let now = DateTime::from_timestamp(1_780_000_000, 0).unwrap();
        let link = Link::new(
            CountyId(Uuid::from_u128(1)),
            CallId(Uuid::from_u128(2)),
            OfficerId(Uuid::from_u128(3)),
            now,
        );
        let path = link.path(&[7; 32]);
        let token = path.strip_prefix("/a/").unwrap();
        assert_eq!(Link::open(token, &[7; 32], now), Some(link));
        assert_eq!(Link::open(token, &[8; 32], now), None);
        assert_eq!(Link::open(token, &[7; 32], now + LIFE), None);
        for at in 0..token.len() {
            let mut other = token.as_bytes().to_vec();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(Link::open(std::str::from_utf8(&other).unwrap(), &[7; 32], now), None, "{at}");
        }
        assert_eq!(Link::open("", &[7; 32], now), None);
    }
}
