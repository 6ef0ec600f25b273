//! Request bodies. [`Json`] must be there, [`OptionalJson`] may be missing altogether; both refuse with a problem, and neither
//! reads further than the limit or waits longer than the patience.

use std::time::Duration;

use actix_web::body::EitherBody;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::{self, Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder};
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::invalid;
use super::problem::{CommonCode, Problem};

/// How large a body may be and how long it may take to arrive. Set for the whole application; a resource that takes more
/// (attachments) sets its own with `app_data`.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    pub bytes: usize,
    pub patience: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { bytes: 256 * 1024, patience: Duration::from_secs(10) }
    }
}

/// A JSON body; as an answer, the value written as JSON with status 200.
///
/// # Errors
/// 415 `unsupported_media_type`, 413 `body_too_large`, 408 `request_timeout`, 400 `bad_json`, 422 `invalid` with the field.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

/// A JSON body whose every field has a default, so that no body at all is valid too (a one-tap call). In the route's
/// `#[utoipa::path]` write `request_body = Option<T>`.
#[derive(Clone, Copy, Debug)]
pub struct OptionalJson<T>(pub T);

/// The raw bytes of a body, for what is verified before it is parsed.
#[derive(Clone, Debug)]
pub struct RawBody(pub Bytes);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let head = json_head(request.headers());
        let body = read(request, payload);
        Box::pin(async move {
            head?;
            invalid::json(&body.await?).map(Self)
        })
    }
}

impl<T: Serialize> Responder for Json<T> {
    type Body = EitherBody<String>;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse<Self::Body> {
        web::Json(self.0).respond_to(request)
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let head = json_head(request.headers());
        let body = read(request, payload);
        Box::pin(async move {
            let body = body.await?;
            if body.is_empty() {
                return Ok(Self(T::default()));
            }
            head?;
            invalid::json(&body).map(Self)
        })
    }
}

impl FromRequest for RawBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = read(request, payload);
        Box::pin(async move { body.await.map(Self) })
    }
}

/// `application/json` or `…+json`, not compressed.
fn json_head(headers: &HeaderMap) -> Result<(), Problem> {
    let plain = headers.get(CONTENT_ENCODING).is_none_or(|value| value.as_bytes() == b"identity");
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if plain && (kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")))
    {
        Ok(())
    } else {
        Err(CommonCode::UnsupportedMedia.into())
    }
}

fn read(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<Bytes, Problem>> + 'static {
    let limits = request.app_data::<BodyLimits>().copied().unwrap_or_default();
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    let payload = payload.take();
    async move {
        if announced.is_some_and(|length| length > limits.bytes) {
            return Err(too_large(limits));
        }
        tokio::time::timeout(limits.patience, collect(payload, limits))
            .await
            .unwrap_or_else(|_| Err(CommonCode::Timeout.into()))
    }
}

async fn collect(mut payload: Payload, limits: BodyLimits) -> Result<Bytes, Problem> {
    let Some(first) = payload.next().await else { return Ok(Bytes::new()) };
    let first = first.map_err(broken)?;
    if first.len() > limits.bytes {
        return Err(too_large(limits));
    }
    // Nearly every body comes in one piece, and is then used where it lies.
    let Some(second) = payload.next().await else { return Ok(first) };
    let mut whole = BytesMut::from(first.as_ref());
    let mut next = Some(second);
    while let Some(piece) = next {
        let piece = piece.map_err(broken)?;
        if whole.len().saturating_add(piece.len()) > limits.bytes {
            return Err(too_large(limits));
        }
        whole.extend_from_slice(&piece);
        next = payload.next().await;
    }
    Ok(whole.freeze())
}

fn too_large(limits: BodyLimits) -> Problem {
    let bytes = limits.bytes;
    CommonCode::BodyTooLarge
        .problem()
        .detail(format!("最多 {bytes} 字节"), format!("at most {bytes} bytes"))
        .with("limit", bytes)
}

fn broken(error: PayloadError) -> Problem {
    match error {
        PayloadError::Overflow => CommonCode::BodyTooLarge.into(),
        _ => CommonCode::BadRequest.into(),
    }
}
