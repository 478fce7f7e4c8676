//! Hosts as URLs name them, and those that the service answers for.

use std::fmt;
use std::str::FromStr;

use super::text::text_types;

/// A host and perhaps a port, as in a `Host` header or in a URL (RFC 3986, section 3.2), in a
/// normal form that can be compared: small letters, punycode, no dot at the end, IP addresses in
/// their shortest form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Authority {
    host: String,
    port: Option<u16>,
}

/// A `Host` that the service answers: `"example.com"`, `"*.example.com"` for all below it, or
/// `"*"` for every one. The port does not matter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AllowedHost {
    /// Every host.
    Any,
    /// One host, in small letters and punycode.
    Is(String),
    /// All hosts below this one, but not the host itself.
    Below(String),
}

impl Authority {
    /// Reads `host` or `host:port`; `None` for anything else, such as user information.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            // The colons of an IPv6 address stand within brackets.
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (text, ""),
        };
        // An empty port counts as no port (RFC 3986, section 3.2.3); a number may have a sign in Rust.
        let port = match port {
            "" => None,
            digits if digits.starts_with('+') => return None,
            digits => Some(digits.parse().ok()?),
        };
        // Read as browsers do: percent-encoding is decoded, Unicode becomes punycode (UTS 46).
        let host = url::Host::parse(host).ok()?.to_string();
        let host = host.strip_suffix('.').unwrap_or(&host);
        // Browsers accept more, such as quotes. No real name has them, and every page would have to
        // escape them.
        let usual =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        let is_host = !host.is_empty() && host.chars().all(usual);
        is_host.then(|| Self { host: host.to_owned(), port })
    }

    /// The host, in brackets where it is an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The same without this port, if it is the scheme's default one.
    pub(crate) fn without_port(self, port: Option<u16>) -> Self {
        Self { port: self.port.filter(|own| Some(*own) != port), ..self }
    }

    /// Whether it is below the other one, at the same port: `a.b.org` is below `b.org`.
    pub(super) fn is_below(&self, other: &Self) -> bool {
        self.port == other.port && is_below(&self.host, &other.host)
    }
}

impl AllowedHost {
    /// Whether this is one of the hosts.
    pub(crate) fn allows(&self, authority: &Authority) -> bool {
        match self {
            Self::Any => true,
            Self::Is(host) => authority.host == *host,
            Self::Below(host) => is_below(&authority.host, host),
        }
    }
}

fn is_below(host: &str, above: &str) -> bool {
    let sub = host.strip_suffix(above).and_then(|sub| sub.strip_suffix('.'));
    sub.is_some_and(|sub| !sub.is_empty())
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl FromStr for AllowedHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let help = "write \"example.com\", \"*.example.com\" or \"*\"";
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        if text.contains("://") {
            return Err(format!("{text:?} is a URL\nleave out the scheme: {help}"));
        }
        match Authority::parse(name).filter(|_| !name.contains('*')) {
            Some(Authority { host, port: None }) if below => Ok(Self::Below(host)),
            Some(Authority { host, port: None }) => Ok(Self::Is(host)),
            Some(Authority { .. }) => {
                Err(format!("{text:?} names a port\nleave it out: a host counts at every port"))
            }
            None => Err(format!("{text:?} is not a host\n{help}")),
        }
    }
}

text_types! {
    AllowedHost: "a host such as \"example.com\"";
}

#[cfg(test)]
mod tests {
    use super::{AllowedHost, Authority};

    #[test]
    fn a_host_has_one_form() {
        for (text, form) in [
            ("example.com", Some("example.com")),
            ("EXAMPLE.com:8000", Some("example.com:8000")),
            ("example.com.", Some("example.com")),
            ("example.com:", Some("example.com")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("a_b", Some("a_b")),
            ("127.0.0.1:80", Some("127.0.0.1:80")),
            ("[::1]", Some("[::1]")),
            ("[0:0:0:0:0:0:0:1]:8000", Some("[::1]:8000")),
            ("", None),
            (".", None),
            (":80", None),
            ("[::1", None),
            ("::1", None),
            ("a:443x", None),
            ("a:+1", None),
            ("a:99999", None),
            ("a:1:2", None),
            ("user@a", None),
            ("a b", None),
            ("a/b", None),
            ("a,b", None),
            ("a\"b", None),
            ("%61.org", Some("a.org")),
            ("a%22b", None),
            ("\"><script>", None),
        ] {
            let found = Authority::parse(text).map(|authority| authority.to_string());
            assert_eq!(found.as_deref(), form, "{text}");
        }
    }

    #[test]
    fn a_host_is_answered_by_its_name_at_every_port() {
        for (rule, host, allowed) in [
            ("*", "anything", true),
            ("a.org", "a.org", true),
            ("a.org", "A.org:8000", true),
            ("a.org", "b.a.org", false),
            ("*.a.org", "b.a.org:1", true),
            ("*.a.org", "c.b.a.org", true),
            ("*.a.org", "a.org", false),
            ("*.a.org", "evila.org", false),
            ("Bücher.example", "xn--bcher-kva.example", true),
            ("[::1]", "[0::1]:8000", true),
            ("10.0.0.1", "10.0.0.1", true),
        ] {
            let rule: AllowedHost = rule.parse().unwrap();
            assert_eq!(rule.allows(&Authority::parse(host).unwrap()), allowed, "{rule:?} {host}");
        }
        for wrong in ["", "a.org:80", "https://a.org", "a.*", "*.", "a b", "*a.org", "[::1"] {
            assert!(wrong.parse::<AllowedHost>().unwrap_err().contains('\n'), "{wrong}");
        }
    }
}
