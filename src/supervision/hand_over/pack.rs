//! The hash of the frozen evidence.

use serde_json::Value;

use crate::platform::crypto::sha256;

/// SHA-256 over the pack as canonical JSON: keys in order, no white space. The same before and after Postgres has kept it.
#[must_use]
pub fn hash(pack: &Value) -> [u8; 32] {
    let mut pack = pack.clone();
    pack.sort_all_objects();
    sha256(pack.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_keys_does_not_matter_and_every_value_does() {
        let read = |text: &str| hash(&serde_json::from_str(text).unwrap());
        let one = read(r#"{"b": [{"y": 1, "x": "停电"}], "a": null}"#);
        assert_eq!(one, read(r#"{"a":null,"b":[{"x":"停电","y":1}]}"#));
        assert_ne!(one, read(r#"{"a":null,"b":[{"x":"停电","y":2}]}"#));
        assert_ne!(one, read(r#"{"b":[{"x":"停电","y":1}]}"#));
    }
}
