//! Origins: which sites' pages may use the service.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::host::Authority;
use super::text::{one_or_more, text_types};
use crate::setting::{nearest_of, schema};

/// The origin of pages that may open a socket and send requests that change something:
/// `"same-origin"`, `"*"`, `"https://example.com"`, `"https://example.com:8443"`,
/// `"https://*.example.com"`, or the origin of an app such as `"capacitor://localhost"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(Rule);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Rule {
    /// Pages of the service itself.
    Same,
    /// All pages.
    Any,
    /// Pages of a host, or of all hosts below it.
    Host { page: PageOrigin, below: bool },
}

/// The origin of the page that a request comes from, as its `Origin` header names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PageOrigin {
    /// In lower case.
    scheme: String,
    /// Without the scheme's default port.
    authority: Authority,
}

/// The origins of a route: one or more.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::one_or_more)]
pub struct Origins(Vec<Origin>);

/// What `origins` allow a page to do; each later variant allows more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Allowed {
    /// The page is refused.
    No,
    /// The page belongs to the service itself, so it may read every answer anyway.
    Own,
    /// `origins` names the page's origin.
    Named,
    /// Every page is allowed.
    Every,
}

impl Origin {
    /// The pages of the service itself: `"same-origin"`.
    pub(super) const SAME: Self = Self(Rule::Same);

    /// Whether this origin allows a page. `None` is a page whose origin is `null`; `hosts` are the
    /// names of the service.
    fn allows(&self, page: Option<&PageOrigin>, hosts: &[&Authority]) -> Allowed {
        let (allowed, matches) = match (&self.0, page) {
            (Rule::Any, _) => (Allowed::Every, true),
            (_, None) => (Allowed::No, true),
            (Rule::Same, Some(page)) => (Allowed::Own, hosts.iter().any(|host| page.is_of(host))),
            (Rule::Host { page: named, below: false }, Some(page)) => {
                (Allowed::Named, page == named)
            }
            (Rule::Host { page: named, below: true }, Some(page)) => {
                let below = page.authority.is_below(&named.authority);
                (Allowed::Named, page.scheme == named.scheme && below)
            }
        };
        if matches { allowed } else { Allowed::No }
    }
}

impl Origins {
    /// All names in `origins`.
    #[must_use]
    pub fn as_slice(&self) -> &[Origin] {
        &self.0
    }
}

impl Allowed {
    /// What these origins allow the page that an `Origin` header names.
    pub(crate) fn by(origins: &[Origin], header: &str, hosts: &[&Authority]) -> Self {
        let page = PageOrigin::parse(header);
        let each = origins.iter().map(|origin| origin.allows(page.as_ref(), hosts));
        each.max().unwrap_or(Self::No)
    }
}

impl PageOrigin {
    /// Reads an `Origin` header; `None` for `null` and for a malformed one.
    fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let authority = Authority::parse(authority)?.without_port(own_port(&scheme));
        Some(Self { scheme, authority })
    }

    /// Whether the page belongs to the service named `host`. The scheme is not compared, because a
    /// proxy may have ended TLS; but a page of an app never belongs to the service.
    fn is_of(&self, host: &Authority) -> bool {
        let port = own_port(&self.scheme);
        port.is_some() && host.clone().without_port(port) == self.authority
    }
}

fn own_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// Schemes that no page has as its origin, each with a help text.
const NO_PAGES: [(&str, &str); 6] = [
    ("ws", "origins are those of pages: write http://"),
    ("wss", "origins are those of pages: write https://"),
    ("ftp", "browsers show no pages over FTP"),
    ("file", "for files, browsers send the origin \"null\", which only \"*\" allows"),
    ("data", "for data URLs, browsers send the origin \"null\", which only \"*\" allows"),
    ("blob", "name the origin of the page that made it"),
];

impl FromStr for Origin {
    type Err = String;

    /// The first line of the error is the message, the second the help.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "same-origin" => return Ok(Self::SAME),
            "*" => return Ok(Self(Rule::Any)),
            _ => {}
        }
        let wrong = |help: &str| format!("{text:?} is not an origin\n{help}");
        let help = "write \"same-origin\", \"*\", \"https://example.com\" \
                    or \"https://*.example.com\"";
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong(help))?;
        let scheme = scheme.to_ascii_lowercase();
        if let Some((_, help)) = NO_PAGES.iter().find(|(name, _)| *name == scheme) {
            return Err(wrong(help));
        }
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(letters) {
            return Err(wrong(help));
        }
        if own_port(&scheme).is_none()
            && let Some(meant) = nearest_of(&scheme, &["https", "http"])
        {
            return Err(wrong(&format!("did you mean \"{meant}\"?")));
        }
        let (below, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let authority = Authority::parse(rest).filter(|_| !rest.contains('*'));
        let authority = authority.ok_or_else(|| wrong(help))?.without_port(own_port(&scheme));
        Ok(Self(Rule::Host { page: PageOrigin { scheme, authority }, below }))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rule::Same => f.write_str("same-origin"),
            Rule::Any => f.write_str("*"),
            Rule::Host { page: PageOrigin { scheme, authority }, below } => {
                write!(f, "{scheme}://{}{authority}", if *below { "*." } else { "" })
            }
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Origins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_or_more(deserializer).map(Self)
    }
}

text_types! {
    Origin: "an origin such as \"https://example.com\"", r"^(same-origin|[*]|[A-Za-z][A-Za-z0-9+.-]*://([^/?#@:\[]+|\[[^\]]+\])(:[0-9]+)?)$";
}

#[cfg(test)]
mod tests {
    use super::{Allowed, Authority, Origin};

    fn allows(rule: &Origin, origin: &str, here: &Authority) -> bool {
        Allowed::by(std::slice::from_ref(rule), origin, &[here]) > Allowed::No
    }

    #[test]
    fn an_origin_allows_its_pages_alone() {
        for (rule, origin, allowed) in [
            ("*", "null", true),
            ("same-origin", "null", false),
            ("same-origin", "http://example.com:8000", true),
            ("same-origin", "http://EXAMPLE.com:8000", true),
            ("same-origin", "https://example.com:8000", true),
            ("same-origin", "http://example.com", false),
            ("same-origin", "http://example.com:8000/", false),
            ("same-origin", "capacitor://example.com:8000", false),
            ("https://a.org", "https://a.org", true),
            ("https://a.org", "https://a.org:443", true),
            ("https://A.org:443", "https://a.org", true),
            ("https://a.org", "http://a.org", false),
            ("https://a.org", "https://a.org:8443", false),
            ("https://a.org:8443", "https://a.org:8443", true),
            ("https://*.a.org", "https://b.a.org", true),
            ("https://*.a.org", "https://c.b.a.org", true),
            ("https://*.a.org", "https://b.a.org:8443", false),
            ("https://*.a.org:8443", "https://b.a.org:8443", true),
            ("https://*.a.org", "https://a.org", false),
            ("https://*.a.org", "https://evila.org", false),
            ("https://*.a.org", "https://.a.org", false),
            ("https://bücher.example", "https://xn--bcher-kva.example", true),
            ("https://BÜCHER.example", "https://xn--bcher-kva.example", true),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example", true),
            ("https://*.bücher.example", "https://a.xn--bcher-kva.example", true),
            ("http://[::1]:8000", "http://[0:0::1]:8000", true),
            ("capacitor://localhost", "capacitor://localhost", true),
            ("capacitor://localhost", "http://localhost", false),
            ("tauri://localhost", "tauri://localhost", true),
            ("chrome-extension://abcdef", "chrome-extension://abcdef", true),
        ] {
            let here = Authority::parse("example.com:8000").unwrap();
            let parsed: Origin = rule.parse().unwrap();
            assert_eq!(allows(&parsed, origin, &here), allowed, "{rule} {origin}");
        }
        let here = Authority::parse("example.com:443").unwrap();
        assert!(allows(&Origin::SAME, "https://example.com", &here));
    }

    #[test]
    fn the_rule_that_allows_most_applies() {
        let origins = ["same-origin", "https://a.org", "*"].map(|text| text.parse().unwrap());
        let here = Authority::parse("a.org").unwrap();
        let by = |count: usize, page| Allowed::by(&origins[..count], page, &[&here]);
        assert_eq!(by(1, "https://a.org"), Allowed::Own);
        assert_eq!(by(2, "https://a.org"), Allowed::Named);
        assert_eq!(by(2, "https://b.org"), Allowed::No);
        assert_eq!(by(3, "null"), Allowed::Every);
        assert_eq!(by(0, "https://a.org"), Allowed::No);
    }

    #[test]
    fn a_wrong_origin_is_reported_with_help() {
        for (wrong, help) in [
            ("example.com", "write \"same-origin\""),
            ("https://", "write"),
            ("https://a.org/x", "write"),
            ("https://a.org/", "write"),
            ("https://*", "write"),
            ("https://a.*.org", "write"),
            ("https://example.com:443x", "write"),
            ("https://example.com:99999", "write"),
            ("http://[::1", "write"),
            ("https://user@a.org", "write"),
            ("https://a b", "write"),
            ("1a://a.org", "write"),
            ("htps://a.org", "did you mean \"https\"?"),
            ("ftp://a.org", "no pages"),
            ("wss://a.org", "write https://"),
            ("file://", "\"null\""),
        ] {
            let error = wrong.parse::<Origin>().unwrap_err();
            let (message, advice) = error.split_once('\n').unwrap();
            assert!(message.contains(wrong) && advice.contains(help), "{error}");
        }
    }
}
