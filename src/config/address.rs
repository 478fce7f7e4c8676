//! Addresses: where the server listens, its public URL, and the proxies that it trusts.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Serialize, Serializer};

use super::host::Authority;
use super::text::text_types;

/// Where the server listens: `"127.0.0.1:8000"`, `"[::1]:8000"`, `"localhost:8000"` or
/// `"unix:run/waterway.sock"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Listen {
    /// A TCP address.
    Tcp {
        /// An IP address without brackets, or a name that is looked up when the server starts.
        host: String,
        /// The port; 0 lets the system choose one.
        port: u16,
    },
    /// The path of a unix socket.
    Unix(PathBuf),
}

/// The beginning of the URLs in replies: `http://` or `https://`, a host, and optionally a path. A
/// trailing slash is dropped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicUrl {
    text: String,
    authority: Authority,
}

/// A proxy whose `X-Forwarded-For` is believed: `"10.0.0.1"` or `"10.0.0.0/8"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Proxy(IpNet);

impl Listen {
    /// The URL that reaches this address on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Unix(_) => "http://localhost".into(),
            Self::Tcp { host, port } => match host.parse::<IpAddr>() {
                Ok(ip) if ip.is_unspecified() => format!("http://localhost:{port}"),
                Ok(ip) => format!("http://{}", SocketAddr::new(ip, *port)),
                Err(_) => format!("http://{host}:{port}"),
            },
        }
    }

    /// The host in the form used in URLs; `None` for a unix socket.
    pub(crate) fn host(&self) -> Option<String> {
        match self {
            Self::Unix(_) => None,
            Self::Tcp { host, .. } => match host.parse::<IpAddr>() {
                Ok(IpAddr::V6(ip)) => Some(format!("[{ip}]")),
                _ => Some(host.to_ascii_lowercase()),
            },
        }
    }

    /// Whether only this machine can reach it, judging by its text alone.
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Self::Unix(_) => false,
            Self::Tcp { host, .. } => match host.parse::<IpAddr>() {
                Ok(ip) => ip.to_canonical().is_loopback(),
                Err(_) => host.eq_ignore_ascii_case("localhost"),
            },
        }
    }
}

impl PublicUrl {
    /// The URL, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host, with the port if the URL names one.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }
}

impl Proxy {
    /// Whether this address is one of the proxy's.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.0.contains(&ip.to_canonical())
    }
}

text_types! {
    Listen: "an address such as \"127.0.0.1:8000\"", "^(unix:.+|.+:[0-9]+)$";
    PublicUrl: "a URL such as \"http://127.0.0.1:8000\"", "^[Hh][Tt][Tt][Pp][Ss]?://";
    Proxy: "an address such as \"10.0.0.1\" or \"10.0.0.0/8\"", "^[0-9a-fA-F.:]+(/[0-9]+)?$";
}

/// The first line is the message, the second the help.
type Wrong = String;

impl FromStr for Listen {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err("\"unix:\" names no path\nwrite \"unix:run/waterway.sock\"".into()),
                path => Ok(Self::Unix(path.into())),
            };
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self::Tcp { host: address.ip().to_string(), port: address.port() });
        }
        if text.parse::<u16>().is_ok() {
            return Err(format!("{text:?} names no address\nwrite \"127.0.0.1:{text}\""));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_';
        match text.rsplit_once(':').map(|(host, port)| (host, port.parse())) {
            Some((host, Ok(port))) if !host.is_empty() && host.chars().all(allowed) => {
                Ok(Self::Tcp { host: host.to_owned(), port })
            }
            Some(("", Ok(port))) => Err(format!(
                "{text:?} names no host\nwrite \"127.0.0.1:{port}\", or \"0.0.0.0:{port}\" for all"
            )),
            _ => Err(format!(
                "{text:?} is not an address\nwrite \"127.0.0.1:8000\" or \"unix:run/waterway.sock\""
            )),
        }
    }
}

impl FromStr for PublicUrl {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let Some(host) = host.filter(|host| !host.is_empty() && !host.starts_with('/')) else {
            return Err(format!(
                "{text:?} is not a URL\nwrite it with http:// or https://, and a host"
            ));
        };
        if host.contains(|c: char| c == '?' || c == '#' || c.is_whitespace() || c.is_control()) {
            return Err(format!("{text:?} cannot be the beginning of a URL\nleave out the query"));
        }
        let Some(authority) = Authority::parse(host.split('/').next().unwrap_or_default()) else {
            return Err(format!("{text:?} names no host\nwrite \"https://example.com\""));
        };
        Ok(Self { text: text.trim_end_matches('/').to_owned(), authority })
    }
}

impl FromStr for Proxy {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        if text == "*" {
            return Err("\"*\" would let every client forge its address\n\
                        name the proxies: \"10.0.0.1\" or \"10.0.0.0/8\""
                .into());
        }
        let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map(canonical).map(Self).map_err(|_| {
            format!(
                "{text:?} is not an IP address or network\nwrite \"10.0.0.1\" or \"10.0.0.0/8\""
            )
        })
    }
}

/// IPv4 peers are compared as IPv4, so `::ffff:10.0.0.0/104` is read as `10.0.0.0/8`.
fn canonical(net: IpNet) -> IpNet {
    const MAPPED: u8 = 96;
    let v4 = match net {
        IpNet::V6(net) if net.prefix_len() >= MAPPED => net.addr().to_ipv4_mapped(),
        _ => None,
    };
    v4.and_then(|v4| Ipv4Net::new(v4, net.prefix_len() - MAPPED).ok()).map_or(net, IpNet::V4)
}

impl Serialize for Listen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown() {
        for (text, url) in [
            ("127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("0.0.0.0:80", "http://localhost:80"),
            ("[::1]:8000", "http://[::1]:8000"),
            ("localhost:0", "http://localhost:0"),
            ("unix:run/waterway.sock", "http://localhost"),
        ] {
            let listen: Listen = text.parse().unwrap();
            assert_eq!((listen.to_string().as_str(), listen.url().as_str()), (text, url));
        }
        for text in ["8000", ":8000", "a b:1", "host", "host:99999", "unix:", ""] {
            assert!(text.parse::<Listen>().unwrap_err().contains("\nwrite "), "{text}");
        }
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        for (text, ip, contains) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("10.0.0.0/8", "10.9.9.9", true),
            ("10.0.0.0/8", "::ffff:10.9.9.9", true),
            ("fd00::/8", "fd12::1", true),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("::ffff:10.0.0.1", "10.0.0.2", false),
            ("::ffff:10.0.0.0/104", "10.9.9.9", true),
            ("::ffff:10.0.0.0/104", "11.0.0.1", false),
            ("::/0", "fd12::1", true),
        ] {
            let proxy: Proxy = text.parse().unwrap();
            assert_eq!(proxy.contains(ip.parse().unwrap()), contains, "{text} {ip}");
        }
        assert!("10.0.0.0/33".parse::<Proxy>().is_err());
    }

    #[test]
    fn a_public_url_has_no_slash_at_its_end() {
        assert_eq!("https://a.org/x/".parse::<PublicUrl>().unwrap().as_str(), "https://a.org/x");
        for wrong in [
            "a.org",
            "http://",
            "http:///x",
            "https://a.org/?x",
            "https://a.org:443x",
            "http://[::1",
            "https://user@a.org",
        ] {
            assert!(wrong.parse::<PublicUrl>().is_err(), "{wrong}");
        }
    }
}
