//! The link in a message by which one officer acts on one call with one tap, or decides one request beside it.
//!
//! It is a capability: whoever holds it acts as that officer on that call until it ends, and on nothing else. So it is sealed with a
//! key of the installation, opens nothing by itself (the page asks for a tap, because chat apps fetch links to preview them), and
//! dies after some days that the county sets. Once the call has ended the page shows nothing personal and has no buttons.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::model::{CallId, MatterId};
use crate::organisation::{CountyId, OfficerId};
use crate::platform::crypto::{hmac_sha256, same};

/// Three ids and a moment; of a request, its id before them.
const BODY: usize = 56;
const MATTER: usize = 16;
const MAC: usize = 16;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub county: CountyId,
    pub call: CallId,
    pub officer: OfficerId,
    /// The request to decide; none: the call itself.
    pub matter: Option<MatterId>,
    pub expires_at: DateTime<Utc>,
}

impl Link {
    /// A link to the call itself.
    #[must_use]
    pub const fn new(county: CountyId, call: CallId, officer: OfficerId, expires_at: DateTime<Utc>) -> Self {
        Self { county, call, officer, matter: None, expires_at }
    }

    /// The path of the page, e.g. `/a/…`.
    #[must_use]
    pub fn path(&self, key: &[u8; 32]) -> String {
        let mut bytes = Vec::with_capacity(MATTER + BODY + MAC);
        bytes.extend(self.matter.iter().flat_map(|matter| matter.0.into_bytes()));
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
        let (signed, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
        let expected = hmac_sha256(key, signed);
        if !same(mac, expected.get(..MAC)?) {
            return None;
        }
        // What was signed has one of two lengths, so neither can be taken for the other.
        let (matter, body) = signed.split_at_checked(signed.len().checked_sub(BODY)?)?;
        let matter = match matter.len() {
            0 => None,
            MATTER => Some(MatterId(Uuid::from_slice(matter).ok()?)),
            _ => return None,
        };
        let id = |from: usize| Uuid::from_slice(body.get(from..from + 16)?).ok();
        let seconds = i64::from_be_bytes(body.get(48..)?.try_into().ok()?);
        let expires_at = DateTime::from_timestamp(seconds, 0)?;
        let link =
            Self { matter, ..Self::new(CountyId(id(0)?), CallId(id(16)?), OfficerId(id(32)?), expires_at) };
        (now < expires_at).then_some(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_with_its_key_until_it_expires_and_no_bit_may_change() {
        let now = DateTime::from_timestamp(1_780_000_000, 0).unwrap();
        let expires_at = now + chrono::TimeDelta::days(14);
        let (county, call, officer) =
            (CountyId(Uuid::from_u128(1)), CallId(Uuid::from_u128(2)), OfficerId(Uuid::from_u128(3)));
        let to_call = Link::new(county, call, officer, expires_at);
        let to_matter = Link { matter: Some(MatterId(Uuid::from_u128(4))), ..to_call };
        for link in [to_call, to_matter] {
            let path = link.path(&[7; 32]);
            let token = path.strip_prefix("/a/").unwrap();
            assert_eq!(Link::open(token, &[7; 32], now), Some(link));
            assert_eq!(Link::open(token, &[8; 32], now), None);
            assert_eq!(Link::open(token, &[7; 32], expires_at), None);
            for at in 0..token.len() {
                let mut other = token.as_bytes().to_vec();
                other[at] = if other[at] == b'A' { b'B' } else { b'A' };
                assert_eq!(Link::open(std::str::from_utf8(&other).unwrap(), &[7; 32], now), None, "{at}");
            }
        }
        assert_eq!(Link::open("", &[7; 32], now), None);
    }
}
