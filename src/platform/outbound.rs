//! The one outbound HTTP client: timeouts, a capped answer, no redirects, no proxies, and a guard that refuses every address
//! inside somebody's network. Whoever talks to the outside goes through [`Outbound::send`].
//!
//! Always: an error or a Debug print never holds a path, a query, a header or a body, for a webhook's path is its password.

use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
pub use reqwest::{Method, StatusCode, Url};
use tokio::time::Instant;

pub mod guard;
#[cfg(test)]
mod tests;

use guard::{AllowList, Blocked, GuardedResolver};

pub use super::config::Outbound as OutboundSettings;

/// Which hosts a request may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Only these, over https on its usual port: the hosts of a provider we know.
    Pinned(&'static [&'static str]),
    /// Only what the operator has listed (`outbound.allow_private`): stand-ins for a provider, which get its secrets.
    Listed,
    /// Any host that the guard lets through.
    Any,
}

/// One request, complete. Debug shows the host alone.
#[derive(Clone)]
pub struct OutboundRequest {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub hosts: Hosts,
}

impl OutboundRequest {
    /// A POST of a JSON body.
    #[must_use]
    pub fn post_json(url: Url, body: Vec<u8>, hosts: Hosts) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        Self { method: Method::POST, url, headers, body, hosts }
    }

    /// A GET without a body.
    #[must_use]
    pub fn get(url: Url, hosts: Hosts) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Vec::new(), hosts }
    }
}

impl fmt::Debug for OutboundRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundRequest")
            .field("method", &self.method)
            .field("host", &self.url.host_str().unwrap_or("-"))
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// One answer, whole. Debug shows no body.
#[derive(Clone)]
pub struct OutboundResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// From the call of [`Outbound::send`] to the last byte.
    pub took: Duration,
}

impl fmt::Debug for OutboundResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundResponse")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("took", &self.took)
            .finish_non_exhaustive()
    }
}

/// Why a request was not sent at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the address is private, local or reserved")]
    Address,
    #[error("only https is allowed, or http to a host on the allow-list")]
    Scheme,
    #[error("the host is not one of this provider")]
    Host,
    #[error("the URL carries a user name or password")]
    Userinfo,
}

/// Why there is no answer. The texts name no URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// Not sent; sending again would be refused again.
    #[error("refused: {0}")]
    Refused(Refusal),
    #[error("no answer in time")]
    Timeout,
    /// No connection: name unknown, refused, unreachable.
    #[error("no connection: {0}")]
    Connect(&'static str),
    /// The answer is longer than the limit (bytes).
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// Certificate or handshake.
    #[error("TLS: {0}")]
    Tls(String),
    /// The exchange broke off.
    #[error("{0}")]
    Other(&'static str),
}

/// Why the client could not be built.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutboundSettingsError {
    #[error("allow-list entry {0:?} is neither host:port, an address nor a network")]
    AllowEntry(String),
    #[error("the TLS library could not be started")]
    Tls,
}

/// The client. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Outbound {
    guarded: reqwest::Client,
    allowed: reqwest::Client,
    allow: Arc<AllowList>,
    answer_limit: usize,
    longest: Duration,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("allow", &self.allow).finish_non_exhaustive()
    }
}

impl Outbound {
    /// Builds the client; on a machine without trusted certificates https fails at the handshake, plain http still works.
    pub fn new(settings: &OutboundSettings) -> Result<Self, OutboundSettingsError> {
        let allow = Arc::new(AllowList::parse(&settings.allow_private)?);
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("yijiao/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
                .timeout(Duration::from_millis(settings.timeout_ms))
        };
        let guarded = || builder().dns_resolver(GuardedResolver::new(Arc::clone(&allow)));
        Ok(Self {
            guarded: with_certificates(guarded)?,
            allowed: with_certificates(builder)?,
            allow,
            answer_limit: settings.answer_limit,
            longest: Duration::from_millis(settings.connect_timeout_ms.saturating_add(settings.timeout_ms)),
        })
    }

    /// No request takes longer than this.
    #[must_use]
    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// Sends one request and reads the whole answer, whatever its status.
    pub async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        let started = Instant::now();
        let client = self.admit(&request).map_err(OutboundError::Refused)?;
        let mut response = client
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body)
            .send()
            .await
            .map_err(|error| classify(&error))?;
        let limit = u64::try_from(self.answer_limit).unwrap_or(u64::MAX);
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(OutboundError::TooLarge(self.answer_limit));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
            if body.len().saturating_add(chunk.len()) > self.answer_limit {
                return Err(OutboundError::TooLarge(self.answer_limit));
            }
            body.extend_from_slice(&chunk);
        }
        let headers = std::mem::take(response.headers_mut());
        Ok(OutboundResponse { status: response.status(), headers, body, took: started.elapsed() })
    }

    /// Judges the URL before anything is resolved. Names are judged again, by address, in the resolver; a literal address never
    /// reaches the resolver, so it is judged here.
    fn admit(&self, request: &OutboundRequest) -> Result<&reqwest::Client, Refusal> {
        let url = &request.url;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Userinfo);
        }
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0));
        if let Hosts::Pinned(hosts) = request.hosts
            && (url.scheme() != "https" || port != 443 || !hosts.contains(&host))
        {
            return Err(Refusal::Host);
        }
        let literal = match url.host() {
            Some(url::Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(url::Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(url::Host::Domain(_)) | None => None,
        };
        let listed = self.allow.names(host, port) || literal.is_some_and(|address| self.allow.holds(address));
        if request.hosts == Hosts::Listed && !listed {
            return Err(Refusal::Host);
        }
        if listed {
            return match url.scheme() {
                "http" | "https" => Ok(&self.allowed),
                _ => Err(Refusal::Scheme),
            };
        }
        match (url.scheme(), literal) {
            ("https", Some(address)) if !guard::is_public(address) => Err(Refusal::Address),
            ("https", _) => Ok(&self.guarded),
            _ => Err(Refusal::Scheme),
        }
    }
}

fn with_certificates(
    builder: impl Fn() -> reqwest::ClientBuilder,
) -> Result<reqwest::Client, OutboundSettingsError> {
    match builder().build() {
        Ok(client) => Ok(client),
        Err(_) => {
            tracing::warn!(
                "this machine has no trusted certificates (ca-certificates): https to the outside will fail"
            );
            builder().tls_certs_only([]).build().map_err(|_| OutboundSettingsError::Tls)
        }
    }
}

/// Finds the cause in the chain of errors and forgets the rest, for reqwest's own text holds the URL.
fn classify(error: &reqwest::Error) -> OutboundError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<Blocked>() {
            return OutboundError::Refused(Refusal::Address);
        }
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return OutboundError::Tls(tls.to_string().chars().take(200).collect());
        }
        // `source` of an io::Error skips what it wraps; `get_ref` does not.
        let wrapped = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => inner.source(),
        };
    }
    if error.is_timeout() {
        OutboundError::Timeout
    } else if error.is_dns() {
        OutboundError::Connect("the name is unknown")
    } else if error.is_connect() {
        OutboundError::Connect("refused or unreachable")
    } else if error.is_builder() {
        OutboundError::Other("the request is not valid HTTP")
    } else {
        OutboundError::Other("the exchange broke off")
    }
}
