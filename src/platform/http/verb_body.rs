//! The body of a verb: the order itself and the version that the caller saw.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::body::OptionalJson;
use super::invalid;
use super::problem::{FieldError, Problem};

/// An order of type `T`; an empty body is an empty object. `expectedVersion` stands beside the order's own fields and makes the
/// verb refuse when the call has another version by now, as `If-Match` does.
#[derive(Clone, Copy, Debug)]
pub struct VerbBody<T> {
    pub order: T,
    pub expected_version: Option<i32>,
}

/// The order of a verb that says nothing further.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl<T: DeserializeOwned + 'static> FromRequest for VerbBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = OptionalJson::<Map<String, Value>>::from_request(request, payload);
        Box::pin(async move {
            let mut body = body.await?.0;
            let expected_version = match body.remove("expectedVersion") {
                None | Some(Value::Null) => None,
                Some(version) => Some(read_version(&version)?),
            };
            let order = invalid::value(Value::Object(body))?;
            Ok(Self { order, expected_version })
        })
    }
}

fn read_version(value: &Value) -> Result<i32, Problem> {
    value.as_i64().and_then(|version| i32::try_from(version).ok()).ok_or_else(|| {
        Problem::invalid(vec![FieldError::new(
            "expectedVersion",
            "wrong_type",
            "须为整数",
            "must be an integer",
        )])
    })
}
