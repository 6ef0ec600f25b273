//! Receivers of generic webhooks: verify as Standard Webhooks asks, 204 when taken.

use actix_web::HttpResponse;
use secrecy::ExposeSecret;
use serde_json::json;

use super::config::RoomConfig;
use super::exchange::{Call, Refused, Said};
use super::shown::Shown;
use crate::notices::channels::webhook::{SignedHeaders, verify};

pub fn says(said: Said) -> HttpResponse {
    match said {
        Said::Taken => HttpResponse::NoContent().finish(),
        Said::UnknownKey => HttpResponse::NotFound().finish(),
        Said::Busy => HttpResponse::ServiceUnavailable().finish(),
        Said::TooFast => HttpResponse::TooManyRequests().finish(),
        Said::Gone => HttpResponse::Gone().finish(),
        Said::WrongSign => HttpResponse::Unauthorized().finish(),
        Said::BadMessage => HttpResponse::BadRequest().finish(),
    }
}

pub fn guard(room: &RoomConfig, call: &Call<'_>) -> Result<(), Refused> {
    let secrets: Vec<&str> = room.secrets.iter().map(ExposeSecret::expose_secret).collect();
    let headers = SignedHeaders {
        id: call.header("webhook-id"),
        timestamp: call.header("webhook-timestamp"),
        signature: call.header("webhook-signature"),
    };
    verify(&secrets, headers, call.body, call.now)
        .map_err(|why| Refused { status: 401, body: json!({ "error": why.to_string() }) })
}

pub fn read(_: &RoomConfig, call: &Call<'_>) -> Result<Shown, Refused> {
    let refused = |why: &str| Refused { status: 400, body: json!({ "error": why }) };
    let event =
        call.json.get("type").and_then(|event| event.as_str()).ok_or_else(|| refused("type is missing"))?;
    let data = call.json.get("data").ok_or_else(|| refused("data is missing"))?;
    Ok(Shown::any(event, data))
}
