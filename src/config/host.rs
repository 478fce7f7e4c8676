//! Host names in normal form, and the hosts that the service answers.

use std::fmt;
use std::str::FromStr;

use super::text::text_types;

/// A host with an optional port, as in a `Host` header or a URL (RFC 3986, section 3.2). It has a
/// normal form, so that hosts can be compared: lower case, punycode, no trailing dot, and IP
/// addresses in their shortest form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Authority {
    host: String,
    port: Option<u16>,
}

/// A `Host` that the service answers: `"example.com"`, `"*.example.com"` for all hosts below it, or
/// `"*"` for every host. The port is ignored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AllowedHost {
    /// Every host.
    Any,
    /// One host, in lower case and punycode.
    Is(String),
    /// All hosts below this one, but not the host itself.
    Below(String),
}

impl Authority {
    /// Reads `host` or `host:port`; `None` for anything else, such as user information.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            // Inside brackets, colons belong to an IPv6 address.
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (text, ""),
        };
        // An empty port means no port (RFC 3986, section 3.2.3); Rust would also parse a sign.
        let port = match port {
            "" => None,
            digits if digits.starts_with('+') => return None,
            digits => Some(digits.parse().ok()?),
        };
        // Hosts are read as in browsers: percent-encoding is decoded, Unicode becomes punycode (UTS
        // 46).
        let host = url::Host::parse(host).ok()?.to_string();
        let host = host.strip_suffix('.').unwrap_or(&host);
        // Browsers accept further characters, such as quotes. No real name contains them, and every
        // page would have to escape them.
        let usual =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        let is_host = !host.is_empty() && host.chars().all(usual);
        is_host.then(|| Self { host: host.to_owned(), port })
    }

    /// The host; an IPv6 address is in brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The same host, without its port if that is `port`, the scheme's default.
    pub(crate) fn without_port(self, port: Option<u16>) -> Self {
        Self { port: self.port.filter(|own| Some(*own) != port), ..self }
    }

    /// Whether it is below `other` at the same port, as `a.b.org` is below `b.org`.
    pub(super) fn is_below(&self, other: &Self) -> bool {
        self.port == other.port && is_below(&self.host, &other.host)
    }
}

impl AllowedHost {
    /// Whether `authority` is one of these hosts.
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
                Err(format!("{text:?} names a port\nleave it out: a host is allowed at every port"))
            }
            None => Err(format!("{text:?} is not a host\n{help}")),
        }
    }
}

text_types! {
    AllowedHost: "a host such as \"example.com\"", r"^([^/:]+|\[.+\])$";
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
    fn a_host_is_allowed_at_every_port() {
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
