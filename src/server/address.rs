//! Who a client is and what it calls this service, behind proxies or not.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crate::config::ServerConfig;
use http::{HeaderMap, header};

/// Whether what this peer says about others is believed: it is one of `[server] trusted_proxies`,
/// or comes over a unix socket when there are any.
pub(super) fn is_trusted(peer: Option<IpAddr>, settings: &ServerConfig) -> bool {
    match peer {
        Some(peer) => settings.trusts(peer),
        None => !settings.trusted_proxies.is_empty(),
    }
}

/// The client's address: the peer's, or behind trusted proxies the last address of
/// `X-Forwarded-For` that is not one of theirs.
pub(super) fn client(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    settings: &ServerConfig,
) -> Option<IpAddr> {
    let mut client = peer;
    let forwarded =
        headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let forwarded: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    for address in forwarded.iter().rev() {
        if !is_trusted(client, settings) {
            break;
        }
        let Some(address) = parse(address.trim()) else { break };
        client = Some(address.to_canonical());
    }
    client
}

/// The address by which a client's share is counted: of IPv6 its /64, which one household has.
/// `None` for a client on this machine and for a trusted proxy itself: many clients may stand
/// behind either.
pub(super) fn counted(client: Option<IpAddr>, settings: &ServerConfig) -> Option<IpAddr> {
    let client = client.filter(|ip| !ip.is_loopback() && !settings.trusts(*ip))?;
    Some(match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    })
}

/// An address, with a port behind it or not.
fn parse(address: &str) -> Option<IpAddr> {
    let with_port = || address.parse::<SocketAddr>().ok().map(|address| address.ip());
    address.parse().ok().or_else(with_port)
}

/// What the URLs in replies begin with: `[server] public_url`, or else what the client itself
/// called this service.
pub(super) fn public_url(settings: &ServerConfig, headers: &HeaderMap, trusted: bool) -> Arc<str> {
    if let Some(configured) = &settings.public_url {
        return configured.as_str().into();
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let secure = trusted && text("x-forwarded-proto").is_some_and(|proto| proto.trim() == "https");
    let scheme = if secure { "https" } else { "http" };
    match text(header::HOST.as_str()).filter(|host| is_host(host)) {
        Some(host) => format!("{scheme}://{host}").into(),
        // Without a host, a URL of this service begins with its path.
        None => "".into(),
    }
}

fn is_host(host: &str) -> bool {
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
    !host.is_empty() && host.len() <= 255 && host.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{ServerConfig, client, public_url};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_forwarded_address_counts_only_from_trusted_proxies() {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let settings = ServerConfig { trusted_proxies, ..ServerConfig::default() };
        for (peer, forwarded, expected) in [
            (Some("10.0.0.1"), "1.2.3.4", Some("1.2.3.4")),
            (Some("10.0.0.1"), "6.6.6.6, 1.2.3.4, 10.0.0.9", Some("1.2.3.4")),
            (Some("10.0.0.1"), "1.2.3.4:5678", Some("1.2.3.4")),
            (Some("10.0.0.1"), "nonsense", Some("10.0.0.1")),
            (Some("9.9.9.9"), "1.2.3.4", Some("9.9.9.9")),
            (None, "1.2.3.4", Some("1.2.3.4")),
        ] {
            let peer = peer.map(|peer: &str| peer.parse().unwrap());
            let found = client(peer, &headers(&[("x-forwarded-for", forwarded)]), &settings);
            assert_eq!(found, expected.map(|ip: &str| ip.parse().unwrap()), "{forwarded}");
        }
        let nobody =
            client(None, &headers(&[("x-forwarded-for", "1.2.3.4")]), &ServerConfig::default());
        assert_eq!(nobody, None);
    }

    #[test]
    fn urls_begin_with_what_the_client_calls_the_service() {
        let host = [("host", "pictures.example:8000"), ("x-forwarded-proto", "https")];
        for (configured, pairs, trusted, expected) in [
            (Some("https://x"), &host[..], false, "https://x"),
            (None, &host, false, "http://pictures.example:8000"),
            (None, &host, true, "https://pictures.example:8000"),
            (None, &[("host", "a\"><script>")], false, ""),
            (None, &[], false, ""),
        ] {
            let public_url_of = |text: &str| text.parse().unwrap();
            let settings = ServerConfig {
                public_url: configured.map(public_url_of),
                ..ServerConfig::default()
            };
            assert_eq!(&*public_url(&settings, &headers(pairs), trusted), expected);
        }
    }
}
