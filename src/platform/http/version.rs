//! Changes say which version they were made on: `If-Match` (an `ETag` we gave) or `expectedVersion` in the body.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{ETAG, HeaderName, IF_MATCH};
use actix_web::{FromRequest, HttpRequest};

use super::problem::{CommonCode, FieldError, Problem};

/// The version in `If-Match`: `"7"`, or `W/"7"` as some proxies make of it. `None` when missing or `*`.
///
/// # Errors
/// 400 `bad_request` when it is not an `ETag` of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(pub Option<i32>);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match request.headers().get(IF_MATCH) {
            None => Ok(Self(None)),
            Some(value) => read(value.to_str().unwrap_or_default()).map(Self),
        })
    }
}

impl IfMatch {
    /// The version that the change was made on, from the header or the body's `expectedVersion`.
    ///
    /// # Errors
    /// 422 `invalid` when both are given and differ.
    pub fn or(self, expected: Option<i32>) -> Result<Option<i32>, Problem> {
        match (self.0, expected) {
            (Some(header), Some(body)) if header != body => Err(Problem::invalid(vec![FieldError::new(
                "expectedVersion",
                "contradicts_if_match",
                "与 If-Match 不一致",
                "contradicts If-Match",
            )])),
            (header, body) => Ok(header.or(body)),
        }
    }
}

fn read(value: &str) -> Result<Option<i32>, Problem> {
    let value = value.trim();
    if value == "*" {
        return Ok(None);
    }
    let tag = value.strip_prefix("W/").unwrap_or(value);
    tag.strip_prefix('"')
        .and_then(|tag| tag.strip_suffix('"'))
        .and_then(|version| version.parse().ok())
        .map(Some)
        .ok_or_else(|| {
            CommonCode::BadRequest
                .problem()
                .detail("If-Match 须为本系统给出的 ETag", "If-Match must be an ETag of ours")
        })
}

/// Refuses a change that was made on another version than the present one; without an expectation anything goes.
///
/// # Errors
/// 409 `stale_version` with the present `version`.
pub fn check(expected: Option<i32>, present: i32) -> Result<(), Problem> {
    if expected.is_none_or(|expected| expected == present) {
        Ok(())
    } else {
        Err(CommonCode::StaleVersion.problem().with("version", present))
    }
}

/// The `ETag` header of a version, for `insert_header`.
#[must_use]
pub fn etag(version: i32) -> (HeaderName, String) {
    (ETAG, format!("\"{version}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_of_ours_is_read_back_weak_or_strong() {
        assert_eq!(read(&etag(7).1).unwrap(), Some(7));
        assert_eq!(read("W/\"7\"").unwrap(), Some(7));
        assert_eq!(read("*").unwrap(), None);
        for bad in ["7", "\"x\"", "", "\"1\", \"2\""] {
            assert_eq!(read(bad).unwrap_err().code(), "bad_request", "{bad}");
        }
    }

    #[test]
    fn header_and_body_must_not_contradict_and_the_present_version_decides() {
        assert_eq!(IfMatch(Some(3)).or(Some(3)).unwrap(), Some(3));
        assert_eq!(IfMatch(None).or(Some(4)).unwrap(), Some(4));
        assert_eq!(IfMatch(Some(3)).or(Some(4)).unwrap_err().code(), "invalid");
        assert!(check(None, 9).is_ok());
        assert_eq!(check(Some(8), 9).unwrap_err().code(), "stale_version");
    }
}
