//! Bodies that nobody reads to their end.
//!
//! After an answer, actix closes a connection whose request announced a length and was not read. A chunked body it reads on,
//! for as long as the client cares to send, in order to use the connection again. Here the unread rest is held by the answer
//! instead, and actix closes then too.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::TRANSFER_ENCODING;
use actix_web::web::Bytes;
use futures_util::Stream;

/// The body of one chunked request, shared by the route that reads it and the answer that may have to hold it.
pub(super) struct Unread(Rc<RefCell<Body>>);

struct Body {
    payload: Payload,
    ended: bool,
}

impl Unread {
    /// `None` unless the body is chunked.
    pub(super) fn watch(request: &mut ServiceRequest) -> Option<Self> {
        if !request.headers().contains_key(TRANSFER_ENCODING) {
            return None;
        }
        let body = Rc::new(RefCell::new(Body { payload: request.take_payload(), ended: false }));
        request.set_payload(Payload::Stream { payload: Box::pin(Reader(Rc::clone(&body))) });
        Some(Self(body))
    }

    /// Lets the answer hold what was not read.
    pub(super) fn hold(self, response: ServiceResponse) -> ServiceResponse {
        if self.0.borrow().ended {
            return response;
        }
        response.map_body(|_, body| BoxBody::new(Holding { body, _unread: self }))
    }
}

struct Reader(Rc<RefCell<Body>>);

impl Stream for Reader {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut body = self.0.borrow_mut();
        let piece = Pin::new(&mut body.payload).poll_next(context);
        if matches!(piece, Poll::Ready(None)) {
            body.ended = true;
        }
        piece
    }
}

struct Holding {
    body: BoxBody,
    _unread: Unread,
}

impl MessageBody for Holding {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
