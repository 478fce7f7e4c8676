//! The headers in which proxies describe a client: `X-Forwarded-…`, or `Forwarded` (RFC 7239).

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use super::address::is_trusted;
use crate::config::{Authority, ServerConfig};

/// A client as described by the trusted proxies in front of this service.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Forwarded {
    /// The client's address: the peer's, or that of the last hop before the trusted proxies.
    pub(super) ip: Option<IpAddr>,
    /// The host and port that the client used.
    pub(super) host: Option<Authority>,
    /// Whether the client uses TLS.
    pub(super) secure: bool,
}

impl Forwarded {
    /// Reads the headers of a request from this peer. `Forwarded` counts only if no `X-Forwarded-…`
    /// header is there, because a proxy that sets those may pass on a client's own `Forwarded`.
    pub(super) fn read(peer: Option<IpAddr>, headers: &HeaderMap, settings: &ServerConfig) -> Self {
        if !is_trusted(peer, settings) {
            return Self { ip: peer, host: None, secure: false };
        }
        let [addresses, hosts, schemes] =
            ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"].map(|n| list(headers, n));
        let forwarded = list(headers, "forwarded");
        let hops: Vec<Hop<'_>> = if [&addresses, &hosts, &schemes].iter().all(|l| l.is_empty()) {
            forwarded.iter().map(|element| Hop::read(element)).collect()
        } else {
            addresses.into_iter().map(|address| Hop { address, ..Hop::default() }).collect()
        };
        let (mut ip, mut last) = (peer, Hop::default());
        // Each proxy appends to the list, so the peer has written the last hop.
        for hop in hops.into_iter().rev() {
            if !is_trusted(ip, settings) {
                break;
            }
            let address = parse(hop.address);
            last = hop;
            let Some(address) = address else { break };
            ip = Some(address.to_canonical());
        }
        // The first value is the scheme of the client itself, whatever the proxies use between
        // them.
        let host = hosts.first().copied().unwrap_or(last.host);
        let scheme = schemes.first().copied().unwrap_or(last.scheme);
        let secure = ["https", "wss"].iter().any(|secure| scheme.eq_ignore_ascii_case(secure));
        Self { ip, host: Authority::parse(host), secure }
    }
}

/// A proxy's statement about the hop before it; a missing part is an empty text.
#[derive(Default)]
struct Hop<'a> {
    address: &'a str,
    host: &'a str,
    scheme: &'a str,
}

impl<'a> Hop<'a> {
    /// Reads an element of `Forwarded`: `for=1.2.3.4;host=example.com;proto=https`.
    fn read(element: &'a str) -> Self {
        let mut hop = Self::default();
        for pair in split(element, ';') {
            let (name, value) = pair.split_once('=').unwrap_or_default();
            let field = match name.trim().to_ascii_lowercase().as_str() {
                "for" => &mut hop.address,
                "host" => &mut hop.host,
                "proto" => &mut hop.scheme,
                _ => continue,
            };
            *field = value.trim().trim_matches('"');
        }
        hop
    }
}

/// The elements of a list header, which may have several lines.
fn list<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| split(line, ',')).map(str::trim).collect()
}

/// Splits at a character, except between quotes.
fn split(text: &str, at: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |c| {
        quoted ^= c == '"';
        c == at && !quoted
    })
}

/// An address, with or without a port; IPv6 with or without brackets.
fn parse(address: &str) -> Option<IpAddr> {
    let with_port = || address.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bare = address.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::{Forwarded, HeaderMap, ServerConfig};

    /// Returns `address host`, followed by `tls` if the client uses it; 10.0.0.0/8 are proxies.
    fn read(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let settings = ServerConfig { trusted_proxies, ..ServerConfig::default() };
        let Forwarded { ip, host, secure } =
            Forwarded::read(peer.parse().ok(), &headers, &settings);
        let ip = ip.map(|ip| ip.to_string());
        let host = host.map(|host| host.to_string());
        let elements = [ip, host, secure.then(|| "tls".to_owned())];
        elements.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let (address, host, scheme) = ("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto");
        let all = [(address, "1.2.3.4"), (host, "a.org"), (scheme, "https")];
        let forwarded = "for=1.2.3.4;host=a.org;proto=https";
        for (peer, lines, expected) in [
            ("10.0.0.1", &all[..], "1.2.3.4 a.org tls"),
            ("unix", &all, "1.2.3.4 a.org tls"),
            ("9.9.9.9", &all, "9.9.9.9"),
            ("10.0.0.1", &[(address, "6.6.6.6, 1.2.3.4, 10.0.0.9")], "1.2.3.4"),
            ("10.0.0.1", &[(address, "6.6.6.6"), (address, "1.2.3.4")], "1.2.3.4"),
            ("10.0.0.1", &[(address, "1.2.3.4:5678")], "1.2.3.4"),
            ("10.0.0.1", &[(address, "[2001:db8::1]:5678")], "2001:db8::1"),
            ("10.0.0.1", &[(address, "::ffff:1.2.3.4")], "1.2.3.4"),
            ("10.0.0.1", &[(address, "nonsense")], "10.0.0.1"),
            ("10.0.0.1", &[(scheme, "wss")], "10.0.0.1 tls"),
            ("10.0.0.1", &[(scheme, "HTTPS")], "10.0.0.1 tls"),
            ("10.0.0.1", &[(scheme, "https, http")], "10.0.0.1 tls"),
            ("10.0.0.1", &[(scheme, "http, https")], "10.0.0.1"),
            ("10.0.0.1", &[(scheme, "ws")], "10.0.0.1"),
            ("10.0.0.1", &[(host, "a.org:8443, b.org")], "10.0.0.1 a.org:8443"),
            ("10.0.0.1", &[(host, "a\"><script>")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", forwarded)], "1.2.3.4 a.org tls"),
            ("9.9.9.9", &[("forwarded", forwarded)], "9.9.9.9"),
            ("10.0.0.1", &[("forwarded", forwarded), (address, "1.2.3.4")], "1.2.3.4"),
            (
                "10.0.0.1",
                &[("forwarded", "For=\"[2001:db8::1]:47\"; Proto=WSS")],
                "2001:db8::1 tls",
            ),
            (
                "10.0.0.1",
                &[("forwarded", "for=\"[2001:db8::1]\";host=\"a.org:80\"")],
                "2001:db8::1 a.org:80",
            ),
            // Entries written by the client itself are not believed.
            (
                "10.0.0.1",
                &[("forwarded", "for=6.6.6.6;host=evil.org;proto=https, for=1.2.3.4;host=a.org")],
                "1.2.3.4 a.org",
            ),
            (
                "10.0.0.1",
                &[("forwarded", "for=1.2.3.4;host=a.org"), ("forwarded", "for=10.0.0.7;host=b")],
                "1.2.3.4 a.org",
            ),
            ("10.0.0.1", &[("forwarded", "for=unknown;host=\"a,b;c\"")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", "for=\"_hidden\";proto=https")], "10.0.0.1 tls"),
            ("10.0.0.1", &[("forwarded", ";;=,\"")], "10.0.0.1"),
        ] {
            assert_eq!(read(peer, lines), expected, "{peer} {lines:?}");
        }
        let headers = [(address.parse().unwrap(), HeaderValue::from_static("1.2.3.4"))];
        let settings = ServerConfig::default();
        let nobody = Forwarded::read(None, &headers.into_iter().collect(), &settings);
        assert_eq!(nobody, Forwarded { ip: None, host: None, secure: false });
    }
}
