//! The address that events are posted to: the key `http` of a consumer.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;
use serde::{Deserialize, Deserializer, de};
use url::{Host, Url};

use super::reach::is_public;

/// An `http` or `https` URL without user information and fragment.
///
/// Its `Display` and `Debug` show the scheme, the host and the port alone, because a path or a query
/// may contain a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
    uri: Uri,
}

impl Endpoint {
    /// The URL of requests.
    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Whether requests go over TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The host in small letters and punycode; an IPv6 address is in brackets.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// The host, if it is an address.
    pub(super) fn address(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }

    /// Whether the host itself says that it is not public: by its address, or as `localhost`.
    pub(crate) fn is_private(&self) -> bool {
        let name = self.host().trim_end_matches('.');
        let is_local = name == "localhost" || name.ends_with(".localhost");
        is_local || self.address().is_some_and(|address| !is_public(address))
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const HELP: &str = "write a URL such as \"https://crm.example/events\"";
        let url = Url::parse(text).map_err(|error| format!("not a URL: {error}\n{HELP}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme();
            return Err(format!("a webhook is not reached over {scheme}\n{HELP}"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a webhook's URL has no user and no password\n\
                        sign its events instead: secret = \"${NAME}\""
                .to_owned());
        }
        if url.fragment().is_some() {
            return Err("a webhook's URL has no part after a #\nleave it out".to_owned());
        }
        let uri = url.as_str().parse().map_err(|error| format!("not a URL: {error}\n{HELP}"))?;
        Ok(Self { url, uri })
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.url.scheme(), self.host())?;
        self.url.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_plain_url() {
        for (text, shown, private) in [
            ("https://crm.example/events", "https://crm.example", false),
            ("HTTPS://CRM.example:8443/e?key=s", "https://crm.example:8443", false),
            ("http://bücher.example", "http://xn--bcher-kva.example", false),
            ("http://localhost:9000/x", "http://localhost:9000", true),
            ("http://api.localhost./x", "http://api.localhost.", true),
            ("http://127.1/x", "http://127.0.0.1", true),
            ("http://0x7f000001/x", "http://127.0.0.1", true),
            ("http://[::1]:81/x", "http://[::1]:81", true),
            ("http://[::ffff:8.8.8.8]/x", "http://[::ffff:808:808]", true),
            ("http://8.8.8.8/x", "http://8.8.8.8", false),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(
                (endpoint.to_string().as_str(), endpoint.is_private()),
                (shown, private),
                "{text}"
            );
        }
    }

    #[test]
    fn other_urls_are_mistakes_with_a_way_out() {
        for text in [
            "",
            "crm.example/events",
            "ftp://crm.example/",
            "https://",
            "https://user@crm.example/",
            "https://user:word@crm.example/",
            "https://crm.example/#part",
            "unix:/run/crm",
        ] {
            let mistake = text.parse::<Endpoint>().unwrap_err();
            assert!(mistake.contains('\n'), "{text}: {mistake}");
            assert!(!mistake.contains("word@"), "{mistake}");
        }
    }
}
