//! The `Idempotency-Key` header, and the fingerprint that tells a repeated request from another one under the same key.
//! The row that remembers them belongs to the verb's transaction ([`take`], [`known`]); a slice of taps writes its own with everything else.

mod store;

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::problem::{CommonCode, Problem};

pub use store::{Known, Taking, known, take};

/// The key the caller chose, 1 to 128 visible ASCII characters; `None` when he sent none.
///
/// # Errors
/// 400 `idempotency_key_invalid`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all("idempotency-key");
        let key = match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => read(value.as_bytes()).map(Some),
            (Some(_), Some(_)) => Err(CommonCode::KeyInvalid.into()),
        };
        ready(key.map(Self))
    }
}

fn read(value: &[u8]) -> Result<String, Problem> {
    let fine = (1..=128).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
    match std::str::from_utf8(value) {
        Ok(key) if fine => Ok(key.to_owned()),
        _ => Err(CommonCode::KeyInvalid.into()),
    }
}

/// SHA-256 over route and body. Equal for requests that mean the same: order of fields, white space, and fields that are null or
/// missing make no difference. `route` includes the ids in the path.
#[must_use]
pub fn fingerprint(route: &str, body: &impl Serialize) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(route.as_bytes());
    hash.update([0]);
    // A request body came from JSON, so it can be written as JSON.
    let mut body = serde_json::to_value(body).unwrap_or_default();
    drop_nulls(&mut body);
    body.sort_all_objects();
    hash.update(body.to_string().as_bytes());
    hash.finalize().into()
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_short_and_visible() {
        assert!(read(b"tap-0192").is_ok());
        assert!(read(&[b'x'; 128]).is_ok());
        for bad in [b"".as_slice(), &[b'x'; 129], b"a b", b"a\x7f", "键".as_bytes()] {
            assert_eq!(read(bad).unwrap_err().code(), "idempotency_key_invalid");
        }
    }

    #[test]
    fn a_fingerprint_sees_meaning_not_spelling() {
        let a: Value = serde_json::from_str(r#"{"b": [ {"y":1,"x":null} ], "a": 1}"#).unwrap();
        let b: Value = serde_json::from_str(r#"{"a":1,"b":[{"y":1}],"c":null}"#).unwrap();
        assert_eq!(fingerprint("POST /calls", &a), fingerprint("POST /calls", &b));
        assert_ne!(fingerprint("POST /calls", &a), fingerprint("POST /other", &a));
        assert_ne!(fingerprint("POST /calls", &a), fingerprint("POST /calls", &json!({"a": 1})));
        assert_ne!(fingerprint("r", &json!([1, 2])), fingerprint("r", &json!([2, 1])));
    }
}
