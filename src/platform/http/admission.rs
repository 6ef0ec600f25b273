//! Who is let in: nobody before Postgres has shown that it keeps counties apart, and nobody too often.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _};

use super::caller::{TrustedProxies, WhoCalls, address_name};
use super::operation::is_operation;
use super::problem::CommonCode;
use super::rate_limit::{Limiter, Verdict};

/// Opens once; closed, only the operation routes answer.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<AtomicBool>);

impl Gate {
    pub fn open(&self) {
        self.0.store(true, Ordering::Release);
    }

    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What [`admit`] goes by; set once per worker with `app_data`.
#[derive(Clone)]
pub struct Admission {
    pub gate: Gate,
    /// `None` when nobody is limited.
    pub limiter: Option<Limiter>,
    /// The same for chat platforms, which call from few addresses for everybody.
    pub platforms: Option<Limiter>,
    /// `None` when callers are told by their address alone.
    pub who: Option<WhoCalls>,
    pub proxies: TrustedProxies,
}

/// The middleware: 503 `unavailable` while the gate is closed, 429 `rate_limited` for a caller who comes too often.
pub async fn admit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if !is_operation(request.path())
        && let Some(admission) = request.app_data::<Admission>()
    {
        if !admission.gate.is_open() {
            return Ok(request.error_response(CommonCode::Unavailable.problem()));
        }
        if let Verdict::Wait(ms) = admission.rate(&request).await {
            let seconds = ms.div_ceil(1000).max(1);
            return Ok(request.error_response(CommonCode::RateLimited.problem().retry_after(seconds)));
        }
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

impl Admission {
    async fn rate(&self, request: &ServiceRequest) -> Verdict {
        // What is no platform's is refused by its signature, but not for nothing.
        let is_callback = request.path().starts_with("/bots/");
        let limiter = if is_callback { &self.platforms } else { &self.limiter };
        let Some(limiter) = limiter else { return Verdict::Pass };
        let caller = self.who.as_ref().and_then(|who| who(request));
        let name = match (caller, request.peer_addr()) {
            (Some(caller), _) => {
                request.extensions_mut().insert(caller);
                caller.0.to_string()
            }
            (None, Some(peer)) => {
                let address = address_name(self.proxies.client(peer.ip(), request.headers()));
                if is_callback { format!("bots:{address}") } else { address }
            }
            (None, None) => return Verdict::Pass,
        };
        limiter.take(&name).await
    }
}
