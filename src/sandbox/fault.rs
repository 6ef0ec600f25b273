//! Failures that can be switched on for a room: what the platforms and the roads to them do on bad days.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::exchange::{Said, answer};
use crate::notices::channels::ChannelKind;

/// One failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    pub mode: Mode,
    /// How many requests it meets; all until cleared when absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// Seconds, for the modes that tell a wait or take one.
    #[serde(default)]
    pub seconds: Option<u64>,
}

impl Fault {
    /// The next `times` requests.
    #[must_use]
    pub fn times(mode: Mode, times: u32) -> Self {
        Self { mode, times: Some(times), seconds: None }
    }

    /// Every request until cleared.
    #[must_use]
    pub fn always(mode: Mode) -> Self {
        Self { mode, times: None, seconds: None }
    }

    /// With a wait in seconds.
    #[must_use]
    pub fn seconds(self, seconds: u64) -> Self {
        Self { seconds: Some(seconds), ..self }
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The platform's "busy, try again".
    Busy,
    /// The platform's "too fast".
    RateLimited,
    /// The robot, group or endpoint is gone.
    Dead,
    /// The platform's "signature wrong".
    WrongSign,
    /// The platform's "message too long or malformed".
    BadMessage,
    /// HTTP 500 with a page.
    Http500,
    /// HTTP 429; Retry-After when `seconds` is given.
    Http429,
    /// HTTP 302 to somewhere else.
    Redirect,
    /// HTTP 200 with a login page, as a captive portal sends.
    Html200,
    /// HTTP 200 with a broken JSON.
    Garbage,
    /// HTTP 200 with JSON, but not the platform's.
    NoCode,
    /// Half of the announced body, then the connection breaks.
    Half,
    /// A body of one gigabyte.
    Huge,
    /// No answer for `seconds` (60).
    Timeout,
    /// The message is taken, the answer is lost: who sends again sends twice.
    LostAnswer,
}

impl Mode {
    /// The answer of this failure on a platform.
    pub(super) async fn answer(self, kind: ChannelKind, seconds: Option<u64>) -> HttpResponse {
        match self {
            Self::Busy => answer(kind, Said::Busy),
            Self::RateLimited => answer(kind, Said::TooFast),
            Self::Dead => answer(kind, Said::Gone),
            Self::WrongSign => answer(kind, Said::WrongSign),
            Self::BadMessage => answer(kind, Said::BadMessage),
            Self::Http500 => page(StatusCode::INTERNAL_SERVER_ERROR),
            Self::Http429 => {
                let mut response = HttpResponse::TooManyRequests();
                if let Some(seconds) = seconds {
                    response.insert_header(("retry-after", seconds.to_string()));
                }
                response.finish()
            }
            Self::Redirect => {
                HttpResponse::Found().insert_header(("location", "/sandbox/elsewhere")).finish()
            }
            Self::Html200 => page(StatusCode::OK),
            Self::Garbage => HttpResponse::Ok().content_type("application/json").body("{\"errcode\":"),
            Self::NoCode => HttpResponse::Ok()
                .json(serde_json::json!({ "status": 1111, "wait": 5, "source": "x5", "punish": "deny" })),
            Self::Half | Self::LostAnswer => broken(),
            Self::Huge => {
                let chunk = Bytes::from(vec![b'x'; 1 << 16]);
                HttpResponse::Ok().streaming(stream::repeat(chunk).take(1 << 14).map(Ok::<_, std::io::Error>))
            }
            Self::Timeout => {
                tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(60))).await;
                HttpResponse::GatewayTimeout().finish()
            }
        }
    }
}

fn page(status: StatusCode) -> HttpResponse {
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .body("<html><body>请先登录</body></html>")
}

/// Announces more than it sends, then fails, so that the server closes the connection.
fn broken() -> HttpResponse {
    let parts = [Ok(Bytes::from_static(b"{\"errcode\":")), Err(std::io::Error::other("switched on"))];
    HttpResponse::Ok().body(SizedStream::new(100, stream::iter(parts)))
}
