//! Which addresses may be reached: public unicast only, unless the allow-list says otherwise (no SSRF, no DNS rebinding).
//!
//! The resolver filters what the connection is then made to, so a name cannot answer twice differently.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::OutboundSettingsError;

/// What may be reached although it is not public.
#[derive(Debug, Default)]
pub struct AllowList {
    hosts: Vec<(String, u16)>,
    networks: Vec<IpNet>,
}

impl AllowList {
    /// Reads `host:port`, an address, or a network. A bare name is refused: an opening is made for one port.
    pub fn parse(entries: &[String]) -> Result<Self, OutboundSettingsError> {
        let mut list = Self::default();
        for entry in entries {
            if let Ok(network) = entry.parse::<IpNet>() {
                list.networks.push(network);
            } else if let Ok(address) = entry.parse::<IpAddr>() {
                list.networks.push(IpNet::from(address));
            } else {
                let (host, port) = entry
                    .rsplit_once(':')
                    .and_then(|(host, port)| Some((host, port.parse().ok()?)))
                    .filter(|(host, _)| url::Host::parse(host).is_ok())
                    .ok_or_else(|| OutboundSettingsError::AllowEntry(entry.clone()))?;
                list.hosts.push((host.to_lowercase(), port));
            }
        }
        Ok(list)
    }

    /// Whether this very host and port is on the list.
    #[must_use]
    pub fn names(&self, host: &str, port: u16) -> bool {
        self.hosts.iter().any(|(allowed, at)| allowed == host && *at == port)
    }

    /// Whether the address lies in a listed network.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

/// Whether an address belongs to the public internet (IANA special-purpose registries, both families) and is no cloud's
/// metadata service.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = match a {
        0 | 10 | 127 | 224..=255 => true,
        100 => (64..128).contains(&b),
        // Azure's wire server stands on a public-looking address.
        168 => address == Ipv4Addr::new(168, 63, 129, 16),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)) || (b == 88 && c == 99),
        198 => b == 18 || b == 19 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        _ => false,
    };
    !reserved
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = || {
        let ([g1, g2], [h1, h2]) = (g.to_be_bytes(), h.to_be_bytes());
        is_public_v4(Ipv4Addr::new(g1, g2, h1, h2))
    };
    match (a, b) {
        // NAT64 (RFC 6052): as public as the IPv4 address inside.
        (0x64, 0xff9b) => [c, d, e, f] == [0; 4] && embedded(),
        // IETF assignments and Teredo, documentation, 6to4, documentation again (RFC 9637).
        (0x2001, 0..0x200 | 0xdb8) | (0x2002, _) | (0x3fff, 0..0x1000) => false,
        // Everything else that is public lies in 2000::/3; mapped, unique local, link-local and multicast do not.
        _ => (0x2000..0x4000).contains(&a),
    }
}

/// A name that resolved to forbidden addresses only.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to a private, local or reserved address")]
pub struct Blocked;

/// Resolves through the system and drops every forbidden address.
#[derive(Clone, Debug)]
pub struct GuardedResolver {
    allow: Arc<AllowList>,
}

impl GuardedResolver {
    #[must_use]
    pub fn new(allow: Arc<AllowList>) -> Self {
        Self { allow }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = Arc::clone(&self.allow);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let open: Vec<SocketAddr> =
                found.into_iter().filter(|at| is_public(at.ip()) || allow.holds(at.ip())).collect();
            if open.is_empty() {
                return Err(Blocked.into());
            }
            Ok::<Addrs, _>(Box::new(open.into_iter()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for inside in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "168.63.129.16",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside} must be refused");
        }
        for outside in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "223.255.255.255",
            "2400:3200::1",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(is_public(outside.parse().unwrap()), "{outside} must be let through");
        }
    }

    #[test]
    fn the_allow_list_opens_exactly_what_it_names() {
        let entries =
            ["127.0.0.1:8099", "Sandbox:80", "10.1.0.0/16", "[::1]:7000", "192.168.0.9"].map(str::to_owned);
        let list = AllowList::parse(&entries).unwrap();
        assert!(list.names("127.0.0.1", 8099) && list.names("sandbox", 80) && list.names("[::1]", 7000));
        assert!(!list.names("127.0.0.1", 8098) && !list.names("sandbox.evil.cn", 80));
        assert!(list.holds("10.1.9.9".parse().unwrap()) && list.holds("192.168.0.9".parse().unwrap()));
        assert!(list.holds("::ffff:10.1.9.9".parse().unwrap()));
        assert!(!list.holds("10.2.0.1".parse().unwrap()) && !list.holds("127.0.0.1".parse().unwrap()));
        for wrong in ["sandbox", "sandbox:http", ":80", "10.0.0.0/40", ""] {
            assert!(AllowList::parse(&[wrong.to_owned()]).is_err(), "{wrong:?}");
        }
    }
}
