//! Who calls: the account when known, else the address.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use ipnet::IpNet;
use uuid::Uuid;

use crate::platform::config::ConfigError;

/// The account on whose behalf a request runs. Whoever proves it puts it into the request's extensions; the access log and the
/// rate limit read it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerAccount(pub Uuid);

/// Tells the caller from the head of a request, cheaply and without I/O: it runs before the rate limit. `None` when the token is
/// missing or wrong; the route's own extractor refuses it later.
pub type WhoCalls = Arc<dyn Fn(&ServiceRequest) -> Option<CallerAccount> + Send + Sync>;

/// The proxies whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Reads addresses and networks, e.g. `127.0.0.1`, `10.0.0.0/8`.
    pub fn read(entries: &[String]) -> Result<Self, ConfigError> {
        let nets: Option<Vec<IpNet>> = entries
            .iter()
            .map(|entry| entry.parse().ok().or_else(|| entry.parse::<IpAddr>().ok().map(IpNet::from)))
            .collect();
        nets.map(|nets| Self(nets.into())).ok_or(ConfigError::Value {
            key: "http.trusted_proxies",
            why: "takes addresses and networks such as 127.0.0.1 or 10.0.0.0/8",
        })
    }

    /// The client's address: walking back from the peer, the first that is no trusted proxy.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut address = peer.to_canonical();
        if !self.trusts(address) {
            return address;
        }
        let forwarded: Vec<&str> =
            headers.get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).collect();
        for entry in forwarded.iter().rev().flat_map(|value| value.rsplit(',')) {
            match entry.trim().parse::<IpAddr>() {
                Ok(before) => address = before.to_canonical(),
                Err(_) => break,
            }
            if !self.trusts(address) {
                break;
            }
        }
        address
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }
}

/// The name of an address for counting: an IPv6 customer holds a whole /64.
#[must_use]
pub fn address_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn client(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let trusted: Vec<String> = trusted.iter().map(ToString::to_string).collect();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(value).unwrap());
        }
        TrustedProxies::read(&trusted).unwrap().client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_about_its_neighbour() {
        assert_eq!(client(&[], "203.0.113.9", &["1.2.3.4"]), "203.0.113.9");
        assert_eq!(client(&["127.0.0.1"], "127.0.0.1", &["6.6.6.6, 1.2.3.4"]), "1.2.3.4");
        assert_eq!(
            client(&["127.0.0.1", "10.0.0.0/8"], "127.0.0.1", &["6.6.6.6, 1.2.3.4", "10.1.1.1"]),
            "1.2.3.4"
        );
        assert_eq!(client(&["127.0.0.1"], "::ffff:127.0.0.1", &["nonsense"]), "127.0.0.1");
        assert_eq!(client(&["127.0.0.1"], "127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn addresses_of_one_customer_count_together() {
        let name = |text: &str| address_name(text.parse().unwrap());
        assert_eq!(name("2001:db8:1:2:3::1"), name("2001:db8:1:2:ffff::9"));
        assert_ne!(name("192.0.2.1"), name("192.0.2.2"));
    }

    #[test]
    fn a_wrong_entry_is_refused_by_the_name_of_its_key() {
        let error = TrustedProxies::read(&["proxy.local".into()]).unwrap_err().to_string();
        assert!(error.contains("http.trusted_proxies"), "{error}");
    }
}
