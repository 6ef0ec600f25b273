//! What stands in the address: [`Path`] and [`Query`].

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::de::DeserializeOwned;

use super::invalid;
use super::problem::{CommonCode, Problem};

/// The variable parts of the path. What cannot be an id names nothing: 404 `not_found`.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let path = web::Path::<T>::from_request(request, payload).into_inner();
        ready(path.map(|path| Self(path.into_inner())).map_err(|_| CommonCode::NotFound.into()))
    }
}

/// The query string. 422 `invalid` with the field. A list takes this beside [`super::cursor::Paging`], not flattened into it:
/// serde cannot read numbers through `flatten` here.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(invalid::query(request.query_string()).map(Self))
    }
}
