//! Headers that every answer carries.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use uuid::Uuid;

/// Names one request in the answer, in the log, and across services.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The API serves data, never pages.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// The documentation is a page of its own files; its style sheets are partly inline, its icons data URLs.
const OWN_FILES: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

/// The caller's own id when it is sane (1 to 64 of `A–Z a–z 0–9 - _ . :`), else a new one.
#[must_use]
pub fn request_id(headers: &HeaderMap) -> HeaderValue {
    let sane = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=64).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b))
    };
    headers.get(REQUEST_ID).filter(sane).cloned().unwrap_or_else(|| {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        let id = Uuid::now_v7().hyphenated().encode_lower(&mut text);
        // Hexadecimal digits and hyphens always make a header.
        HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("-"))
    })
}

/// Adds what keeps browsers from doing anything clever with an answer. A page that needs more sets its own policy first.
pub fn secure(headers: &mut HeaderMap, path: &str, https: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let docs = path == "/docs" || path.starts_with("/docs/");
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, if docs { OWN_FILES } else { NOTHING });
    }
    // Calls and people are shown by the API and by the pages behind links; the documentation is the same for all.
    if !docs && path != "/openapi.json" && !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(sent: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_str(sent).unwrap());
        request_id(&headers).to_str().unwrap().to_owned()
    }

    #[test]
    fn a_sane_id_is_kept_and_any_other_replaced() {
        assert_eq!(id_for("abc-1.2:3_4"), "abc-1.2:3_4");
        for bad in ["", "a b", "<script>", &"x".repeat(65)] {
            assert_eq!(id_for(bad).parse::<Uuid>().unwrap().get_version_num(), 7, "{bad}");
        }
    }

    #[test]
    fn a_page_may_bring_its_own_policy_and_only_the_documentation_may_be_cached() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'"));
        secure(&mut headers, "/docs/", true);
        assert_eq!(headers.get(CONTENT_SECURITY_POLICY).unwrap(), "default-src 'self'");
        assert!(headers.contains_key(STRICT_TRANSPORT_SECURITY) && !headers.contains_key(CACHE_CONTROL));
        let mut api = HeaderMap::new();
        secure(&mut api, "/api/v1/calls", false);
        assert_eq!(api.get(CACHE_CONTROL).unwrap(), "no-store");
        let mut link = HeaderMap::new();
        secure(&mut link, "/a/secret", false);
        assert_eq!(link.get(CACHE_CONTROL).unwrap(), "no-store");
        assert!(!api.contains_key(STRICT_TRANSPORT_SECURITY));
    }
}
