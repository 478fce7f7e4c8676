//! The address of a Redis or Valkey server, as the table writes it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

/// The address of a Redis or Valkey server:
///
/// | form | server |
/// |---|---|
/// | `redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]` | one server over TCP |
/// | `rediss://…` | the same over TLS |
/// | `redis+unix://[USER[:PASSWORD]@]/PATH[?db=DB]` | a unix socket |
/// | `redis+sentinel://[USER[:PASSWORD]@]HOST[:PORT],…/MASTER[/DB]` | the master that these sentinels name |
/// | `rediss+sentinel://…` | the same, master and sentinels over TLS |
///
/// `valkey` may stand for `redis`. `Display` and `Debug` show neither the user nor the password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    pub(super) place: Place,
    pub(super) tls: bool,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: u16,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Tcp(Address),
    Unix(PathBuf),
    Sentinels { sentinels: Vec<Address>, master: String },
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// A name, or an IP address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// The most sentinels of one address.
const SENTINELS_MAX: usize = 32;

// No message shows the text, because it may hold a password.
impl FromStr for RedisUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or(
            "this is not the URL of a Redis server\n\
             write \"redis://127.0.0.1:6379\", or \"rediss://…\" for TLS",
        )?;
        let scheme = scheme.replace("valkey", "redis");
        let (tls, kind) = match scheme.as_str() {
            "redis" => (false, Kind::Tcp),
            "rediss" => (true, Kind::Tcp),
            "redis+unix" | "unix" => (false, Kind::Unix),
            "redis+sentinel" => (false, Kind::Sentinel),
            "rediss+sentinel" => (true, Kind::Sentinel),
            _ => {
                return Err(format!(
                    "no server of Redis is reached by {scheme:?}\n\
                     write redis://, rediss://, redis+unix:// or redis+sentinel://"
                ));
            }
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match credentials.split_once(':') {
            Some((user, password)) => (user, password),
            None => (credentials, ""),
        };
        let behind_host = if matches!(kind, Kind::Unix) { "" } else { path };
        let mut segments = behind_host.split('/').filter(|segment| !segment.is_empty());
        let place = match kind {
            Kind::Unix if path.is_empty() => {
                return Err("the path of the socket is missing\n\
                            write redis+unix:///run/redis/redis.sock"
                    .to_owned());
            }
            Kind::Unix => Place::Unix(format!("/{}", decoded(path)?).into()),
            Kind::Tcp => Place::Tcp(address(hosts, PORT)?),
            Kind::Sentinel => {
                let sentinels: Result<Vec<_>, _> =
                    hosts.split(',').map(|host| address(host, SENTINEL_PORT)).collect();
                let sentinels = sentinels?;
                if sentinels.len() > SENTINELS_MAX {
                    return Err(format!("these sentinels are too many\nat most {SENTINELS_MAX}"));
                }
                let master = segments.next().ok_or(
                    "the name of the master is missing\n\
                     write redis+sentinel://HOST:26379,HOST:26379/MASTER",
                )?;
                Place::Sentinels { sentinels, master: decoded(master)? }
            }
        };
        let in_path = segments.next();
        let in_query = query.split('&').find_map(|pair| pair.strip_prefix("db="));
        if segments.next().is_some() || query.split('&').any(|pair| !is_known(pair)) {
            return Err("the end of the URL has no meaning here\n\
                        after the host comes at most the number of a database"
                .to_owned());
        }
        let database = match in_path.or(in_query) {
            None => 0,
            Some(number) => number.parse().map_err(|_| {
                "the database of a Redis server is a number\nwrite /0, or leave it out".to_owned()
            })?,
        };
        let some = |text: &str| (!text.is_empty()).then(|| decoded(text)).transpose();
        Ok(Self { place, tls, user: some(user)?, password: some(password)?, database })
    }
}

enum Kind {
    Tcp,
    Unix,
    Sentinel,
}

fn is_known(pair: &str) -> bool {
    pair.is_empty() || pair.starts_with("db=")
}

fn decoded(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| "a part of the URL is not UTF-8".to_owned())
}

fn address(text: &str, default_port: u16) -> Result<Address, String> {
    let bad = || "the URL names no server\nwrite redis://HOST:PORT".to_owned();
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or_else(bad)?;
            (host, after.strip_prefix(':'))
        }
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '@') {
        return Err(bad());
    }
    let port = match port {
        None => default_port,
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(bad)?,
    };
    Ok(Address { host: host.to_owned(), port })
}

/// Without user and password.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.tls { "s" } else { "" };
        match &self.place {
            Place::Tcp(address) => write!(f, "redis{s}://{address}")?,
            Place::Unix(path) => write!(f, "redis+unix://{}", path.display())?,
            Place::Sentinels { sentinels, master } => {
                let sentinels: Vec<_> = sentinels.iter().map(ToString::to_string).collect();
                write!(f, "redis{s}+sentinel://{}/{master}", sentinels.join(","))?;
            }
        }
        match (self.database, &self.place) {
            (0, _) => Ok(()),
            (database, Place::Unix(_)) => write!(f, "?db={database}"),
            (database, _) => write!(f, "/{database}"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisUrl").field(&self.to_string()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::RedisUrl;

    #[test]
    fn a_url_names_a_server_and_never_shows_its_password() {
        for (text, shown, user, password) in [
            ("redis://localhost", "redis://localhost:6379", None, None),
            ("redis://localhost/", "redis://localhost:6379", None, None),
            ("valkey://10.0.0.1:7000/3", "redis://10.0.0.1:7000/3", None, None),
            ("rediss://:p%40ss@h", "rediss://h:6379", None, Some("p@ss")),
            ("redis://ann:p:w@[::1]:1/0", "redis://[::1]:1", Some("ann"), Some("p:w")),
            ("redis+unix:///run/r.sock?db=2", "redis+unix:///run/r.sock?db=2", None, None),
            ("redis+unix://a:b@/run/r.sock", "redis+unix:///run/r.sock", Some("a"), Some("b")),
            (
                "redis+sentinel://u:p@a,b:1/main/2",
                "redis+sentinel://a:26379,b:1/main/2",
                Some("u"),
                Some("p"),
            ),
        ] {
            let url: RedisUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown, "{text}");
            assert_eq!((url.user.as_deref(), url.password.as_deref()), (user, password), "{text}");
            let debug = format!("{url:?}");
            assert!(password.is_none_or(|password| !debug.contains(password)), "{debug}");
        }
    }

    #[test]
    fn a_url_that_names_no_server_is_refused_without_showing_it() {
        for (text, reason) in [
            ("localhost:6379", "this is not the URL of a Redis server"),
            ("http://u:secret@h", "no server of Redis is reached by \"http\""),
            ("redis://u:secret@", "the URL names no server"),
            ("redis://u:secret@h:port", "the URL names no server"),
            ("redis://u:secret@h/main", "the database of a Redis server is a number"),
            ("redis://h/1/2", "the end of the URL has no meaning here"),
            ("redis://h?secret=1", "the end of the URL has no meaning here"),
            ("redis+unix://h", "the path of the socket is missing"),
            ("redis+sentinel://h", "the name of the master is missing"),
        ] {
            let error = text.parse::<RedisUrl>().unwrap_err();
            assert!(error.starts_with(reason), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
