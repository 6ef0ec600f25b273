//! The outermost layer around every request: its id, its language, its log line, its metrics, the headers of its answer. Whatever
//! goes wrong inside, panics included, leaves as a problem.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{ACCEPT_LANGUAGE, ALLOW, CONTENT_TYPE, HeaderValue};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError as _, web};
use futures_util::FutureExt as _;
use tracing::Instrument as _;
use uuid::Uuid;

use super::caller::CallerAccount;
use super::headers;
use super::lang::Lang;
use super::operation::is_operation;
use super::problem::{Code, CommonCode, Problem};
use super::routes::Routes;
use super::unread::Unread;

/// What [`observe`] goes by; set once per worker with `app_data`.
#[derive(Clone, Debug)]
pub struct Surroundings {
    pub routes: web::Data<Routes>,
    /// People reach the service over TLS.
    pub https: bool,
}

/// The middleware.
pub async fn observe(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let seen = Seen::of(&request);
    let unread = Unread::watch(&mut request);
    let lang = Lang::accept(request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()));
    let span = tracing::error_span!("request", id = seen.id.to_str().unwrap_or_default());
    match lang.scope(answer(request, next)).instrument(span.clone()).await {
        Ok(mut response) => {
            seen.dress(response.response_mut());
            let route = response.request().match_pattern();
            let account = response.request().extensions().get::<CallerAccount>().map(|caller| caller.0);
            span.in_scope(|| seen.record(response.response(), route, account));
            Ok(match unread {
                Some(unread) => unread.hold(response),
                None => response,
            })
        }
        Err(mut response) => {
            seen.dress(&mut response);
            let route = seen.around.as_ref().and_then(|around| around.routes.pattern(seen.uri.path()));
            span.in_scope(|| seen.record(&response, route.map(str::to_owned), None));
            Err(InternalError::from_response("answered as a problem", response).into())
        }
    }
}

/// `Err` when the request itself was lost on the way, by a panic or by a middleware's error.
async fn answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, HttpResponse> {
    match AssertUnwindSafe(async move { next.call(request).await }).catch_unwind().await {
        Ok(Ok(response)) => Ok(as_problem(response.map_into_boxed_body())),
        Ok(Err(error)) => {
            let response = error.error_response();
            Err(in_its_place(&response, Some(&error)).unwrap_or(response))
        }
        // The panic hook has logged it.
        Err(_) => Err(CommonCode::Internal.problem().error_response()),
    }
}

fn as_problem(response: ServiceResponse) -> ServiceResponse {
    match in_its_place(response.response(), response.response().error()) {
        Some(problem) => ServiceResponse::new(response.into_parts().0, problem),
        None => response,
    }
}

/// The problem to say instead of an error answer that no route meant: one of actix's own, or one without a body.
fn in_its_place(response: &HttpResponse, error: Option<&Error>) -> Option<HttpResponse> {
    let status = response.status();
    if status.as_u16() < 400
        || response.extensions().get::<Code>().is_some()
        || (error.is_none() && response.headers().contains_key(CONTENT_TYPE))
    {
        return None;
    }
    let code = match status {
        StatusCode::BAD_REQUEST => CommonCode::BadRequest,
        StatusCode::NOT_FOUND => CommonCode::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => CommonCode::MethodNotAllowed,
        StatusCode::REQUEST_TIMEOUT => CommonCode::Timeout,
        StatusCode::PAYLOAD_TOO_LARGE => CommonCode::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => CommonCode::UnsupportedMedia,
        StatusCode::SERVICE_UNAVAILABLE => CommonCode::Unavailable,
        status if status.is_server_error() => {
            tracing::error!(error = error.map(tracing::field::display), "not answered");
            CommonCode::Internal
        }
        _ => return None,
    };
    let mut problem = Problem::from(code).error_response();
    if let Some(allow) = response.headers().get(ALLOW) {
        problem.headers_mut().insert(ALLOW, allow.clone());
    }
    Some(problem)
}

/// What is remembered of a request, for it is gone when it has been answered.
struct Seen {
    started: Instant,
    method: Method,
    uri: Uri,
    id: HeaderValue,
    around: Option<Surroundings>,
}

impl Seen {
    fn of(request: &ServiceRequest) -> Self {
        Self {
            started: Instant::now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            id: headers::request_id(request.headers()),
            around: request.app_data::<Surroundings>().cloned(),
        }
    }

    fn dress(&self, response: &mut HttpResponse) {
        let https = self.around.as_ref().is_some_and(|around| around.https);
        headers::secure(response.headers_mut(), self.uri.path(), https);
        response.headers_mut().insert(headers::REQUEST_ID, self.id.clone());
    }

    /// One line and two metrics. The route's pattern stands for the path: ids, queries and bodies are nobody's business there.
    fn record(&self, response: &HttpResponse, route: Option<String>, account: Option<Uuid>) {
        let took = self.started.elapsed();
        let (method, status) = (method_name(&self.method), response.status().as_u16());
        let route = route.unwrap_or_else(|| "unmatched".to_owned());
        let code = response.extensions().get::<Code>().map(|code| code.code);
        let account = account.map(tracing::field::display);
        let ms = milliseconds(took);
        if is_operation(self.uri.path()) {
            tracing::debug!(target: "yijiao::access", method, route, status, code, ms, "request");
        } else {
            tracing::info!(target: "yijiao::access", method, route, status, code, ms, account, "request");
        }
        metrics::histogram!(
            "http_request_duration_seconds",
            "method" => method, "route" => route.clone(), "status" => class_name(status)
        )
        .record(took.as_secs_f64());
        metrics::counter!(
            "http_requests_total",
            "method" => method, "route" => route, "status" => status.to_string()
        )
        .increment(1);
    }
}

/// With two decimals.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 100_000.0).round() / 100.0
}

/// A caller may invent methods; labels must stay few.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn class_name(status: u16) -> &'static str {
    match status {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}
