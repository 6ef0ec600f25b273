//! Errors on the wire: RFC 9457 `application/problem+json` with a stable code and a text in the caller's language.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};

use super::lang::Lang;
use crate::platform::db::DbError;

/// A stable error code with its status and its texts. Made by [`problem_codes!`](crate::problem_codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub code: &'static str,
    pub status: u16,
    pub zh: &'static str,
    pub en: &'static str,
}

/// Declares a feature's error codes: one enum, its complete list, and the one place where status and texts stand.
#[macro_export]
macro_rules! problem_codes {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $status:literal $code:literal $zh:literal $en:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $(#[doc = $en] $variant),+ }

        impl $name {
            /// Every code of this feature.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Code, status and texts.
            #[must_use]
            pub const fn def(self) -> $crate::platform::http::problem::Code {
                match self {
                    $(Self::$variant => $crate::platform::http::problem::Code {
                        code: $code, status: $status, zh: $zh, en: $en,
                    }),+
                }
            }

            /// A problem of this code with nothing further to say.
            #[must_use]
            pub fn problem(self) -> $crate::platform::http::problem::Problem {
                self.into()
            }
        }

        impl From<$name> for $crate::platform::http::problem::Problem {
            fn from(code: $name) -> Self {
                Self::new(code.def())
            }
        }
    };
}

problem_codes! {
    /// Errors that any route may give.
    CommonCode {
        Internal = 500 "internal" "系统出了点问题，我们已记录，请稍后再试" "Something went wrong on our side; it has been recorded",
        Unavailable = 503 "unavailable" "系统暂时繁忙，请稍后再试" "The service is briefly unavailable; please try again",
        NotFound = 404 "not_found" "没有找到" "Not found",
        MethodNotAllowed = 405 "method_not_allowed" "不支持这种请求方式" "Method not allowed",
        BadRequest = 400 "bad_request" "请求的格式不对" "The request is malformed",
        BadJson = 400 "bad_json" "请求内容不是有效的 JSON（须为 UTF-8 编码）" "The body is not valid JSON in UTF-8",
        Timeout = 408 "request_timeout" "请求发送得太慢，请重试" "The request took too long to arrive; please try again",
        BodyTooLarge = 413 "body_too_large" "请求内容过大" "The body is too large",
        UnsupportedMedia = 415 "unsupported_media_type" "请求内容须为 application/json" "The body must be application/json",
        Invalid = 422 "invalid" "填写的内容有误，请检查标出的各项" "Some fields are not valid",
        RateLimited = 429 "rate_limited" "操作太频繁，请稍后再试" "Too many requests; please slow down",
        StaleVersion = 409 "stale_version" "这条记录刚刚有了变化，请刷新后再试" "The record has changed meanwhile; reload and try again",
        KeyReused = 422 "idempotency_key_reused" "同一个 Idempotency-Key 已用于另一份内容不同的请求" "This Idempotency-Key was used with another body",
        KeyInvalid = 400 "idempotency_key_invalid" "Idempotency-Key 须为 1 到 128 个可见 ASCII 字符" "Idempotency-Key must be 1 to 128 visible ASCII characters",
        BadCursor = 400 "bad_cursor" "翻页游标无效，请从第一页重新开始" "The cursor is not valid; start from the first page",
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    pub field: String,
    pub code: &'static str,
    pub zh: String,
    pub en: String,
}

impl FieldError {
    pub fn new(
        field: impl Into<String>,
        code: &'static str,
        zh: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), code, zh: zh.into(), en: en.into() }
    }
}

/// One error answer.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    code: Code,
    detail: Option<(String, String)>,
    errors: Vec<FieldError>,
    extra: Map<String, Value>,
    retry_after_s: Option<u64>,
}

impl Problem {
    #[must_use]
    pub fn new(code: Code) -> Self {
        let retry_after_s = (code.status == 503).then_some(2);
        Self(Box::new(Parts { code, detail: None, errors: Vec::new(), extra: Map::new(), retry_after_s }))
    }

    /// A 422 that names the fields.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::from(CommonCode::Invalid);
        problem.0.errors = errors;
        problem
    }

    /// What happened here in particular, in both languages.
    #[must_use]
    pub fn detail(mut self, zh: impl Into<String>, en: impl Into<String>) -> Self {
        self.0.detail = Some((zh.into(), en.into()));
        self
    }

    /// A further member of the body, e.g. the present state.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extra.insert(name.to_owned(), value.into());
        self
    }

    /// After how many seconds it is worth trying again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Its code with everything that belongs to it.
    #[must_use]
    pub fn def(&self) -> Code {
        self.0.code
    }

    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code.code
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What happened, in the caller's language, for a page.
    #[must_use]
    pub fn words(&self) -> String {
        let parts = &self.0;
        match (Lang::current(), &parts.detail) {
            (Lang::Zh, Some((zh, _))) => zh.clone(),
            (Lang::En, Some((_, en))) => en.clone(),
            (Lang::Zh, None) => parts.code.zh.to_owned(),
            (Lang::En, None) => parts.code.en.to_owned(),
        }
    }

    /// The body in one language.
    #[must_use]
    pub fn body(&self, lang: Lang) -> Value {
        let parts = &self.0;
        let pick = |zh: &str, en: &str| if lang == Lang::En { en.to_owned() } else { zh.to_owned() };
        let mut body = parts.extra.clone();
        body.insert("type".into(), json!("about:blank"));
        body.insert("status".into(), json!(parts.code.status));
        body.insert("code".into(), json!(parts.code.code));
        body.insert("title".into(), json!(pick(parts.code.zh, parts.code.en)));
        if let Some((zh, en)) = &parts.detail {
            body.insert("detail".into(), json!(pick(zh, en)));
        }
        if !parts.errors.is_empty() {
            let errors: Vec<Value> = parts
                .errors
                .iter()
                .map(|e| json!({"field": e.field, "code": e.code, "message": pick(&e.zh, &e.en)}))
                .collect();
            body.insert("errors".into(), Value::Array(errors));
        }
        Value::Object(body)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.code.status, self.0.code.code)?;
        if let Some((_, en)) = &self.0.detail {
            write!(f, ": {en}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        let lang = Lang::current();
        let mut response = HttpResponse::build(self.status());
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        response.insert_header((CONTENT_LANGUAGE, lang.tag()));
        if let Some(seconds) = self.0.retry_after_s {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            // RFC 9110 §15.5.2: a 401 says how to do better.
            response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"yijiao\""));
        }
        // The access log names the code.
        response.extensions_mut().insert(self.0.code);
        response.body(self.body(lang).to_string())
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(cause) => {
                tracing::warn!(%cause, "Postgres away");
                CommonCode::Unavailable.into()
            }
            DbError::Query(cause) => {
                tracing::error!(%cause, "query failed");
                CommonCode::Internal.into()
            }
            DbError::Address(cause) => {
                tracing::error!(%cause, "no way to Postgres");
                CommonCode::Internal.into()
            }
        }
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        DbError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_speaks_the_callers_language_and_names_fields() {
        let problem = Problem::invalid(vec![FieldError::new(
            "text",
            "too_long",
            "最多 2000 字",
            "at most 2000 characters",
        )]);
        let zh = problem.body(Lang::Zh);
        assert_eq!(zh["code"], "invalid");
        assert_eq!(zh["errors"][0]["message"], "最多 2000 字");
        assert_eq!(problem.body(Lang::En)["errors"][0]["message"], "at most 2000 characters");
        assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn an_internal_cause_never_reaches_the_body() {
        let problem =
            Problem::from(DbError::Query(diesel::result::Error::QueryBuilderError("secret table".into())));
        assert!(!problem.body(Lang::En).to_string().contains("secret"));
        assert_eq!(problem.code(), "internal");
    }
}
