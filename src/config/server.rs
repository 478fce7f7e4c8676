//! `[server]`: where the service listens, and the bounds for its network clients.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::address::{Listen, Proxy, PublicUrl};
use super::host::{AllowedHost, Authority};
use super::origin::{Allowed, Origin};
use super::text::{above_zero, any_number, one_or_more, some_or_more};
use crate::machine::memory_limit;
use crate::setting::{Period, Rate, Size, Spanned, Time, schema};

/// The network.
///
/// ### Origins
///
/// An entry is `"same-origin"`, `"*"`, `"https://example.com"`, `"https://*.example.com"` (not
/// `example.com` itself), or the origin of an app such as `"capacitor://localhost"`. Names may be
/// written in Unicode or punycode. The host of `public_url` counts as the service's own.
///
/// Pages of other origins get 403. A request without `Origin` does not come from a page and passes.
/// A request with `Sec-Fetch-Site: same-origin` passes too, because only the browser can set this
/// header.
///
/// Pages that are listed may also read the answers (CORS): `Access-Control-Allow-Origin` is their
/// origin, or `*` if every page may read them, never with credentials. Preflight requests are
/// answered before any token is checked.
///
/// ### Addresses
///
/// `connections_per_address`, `requests_per_address` and `half_received` count an IPv6 address by
/// its /64. Clients on this machine, unix sockets and trusted proxies are not counted. Behind a
/// trusted proxy, the first two count the WebSockets, running requests and requests of each
/// forwarded address.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// The folder where the table's paths begin: folders, unix sockets, files of watermarks and
    /// fonts. It is itself relative to the working folder. `waterway check` prints every path in
    /// full.
    // The program makes it its working folder; a program of your own has to do so with
    // `std::env::set_current_dir` before it builds the router.
    #[schemars(extend("x-default" = "the working folder", "x-bound" = "an existing folder"))]
    pub root: Option<Spanned<PathBuf>>,
    /// Addresses: `"127.0.0.1:8000"`, `"[::]:8000"`, `"localhost:8000"`, `"unix:PATH"`.
    #[serde(deserialize_with = "one_or_more")]
    #[schemars(transform = schema::one_or_more)]
    pub listen: Vec<Listen>,
    /// `Host` headers that are answered, at every port: `"example.com"`, `"*.example.com"` (not
    /// `example.com` itself), or `"*"`. A request with another host gets 421. This protects against
    /// DNS rebinding, where a foreign page's own domain resolves to this service.
    #[serde(deserialize_with = "some_or_more")]
    #[schemars(
        transform = schema::one_or_more,
        extend("x-default" = "on loopback addresses without `trusted_proxies`: `localhost`, the \
            addresses in `listen`, and the host of `public_url`. Otherwise any host, with a warning \
            of `check`")
    )]
    pub hosts: Option<Vec<AllowedHost>>,
    /// Beginning of the URLs in replies.
    #[schemars(extend(
        "x-default" = "`http://` and the client's `Host`; `https://` if a trusted proxy says so",
        "x-bound" = "http or https, without a query"
    ))]
    pub public_url: Option<PublicUrl>,
    /// Origins of pages that may open a socket, send requests other than GET, HEAD and OPTIONS, and
    /// read the answers: see [Origins](#origins). A route may have its own.
    #[serde(deserialize_with = "one_or_more")]
    #[schemars(transform = schema::one_or_more)]
    pub origins: Vec<Origin>,
    /// Time that running tasks have when the service stops; `"0s"` does not wait.
    pub drain: Time,
    /// When the table is read again while it is served, besides on SIGHUP. `"watch"` is like
    /// `serve --watch`.
    pub reload: ReloadOn,
    /// Time that a connection keeps the instance of a socket consumer, or its program with `mode =
    /// "lines"`, that a reload has changed or removed; then it is closed with 1012.
    pub retire: Time,
    /// Threads for sockets and for the consumers of their events. 0 means one per core; or one for
    /// every two cores if a queue has workers, because further threads make a small picture a tenth
    /// more expensive. A consumer that blocks stops all clients of its thread.
    #[serde(deserialize_with = "threads")]
    #[schemars(range(max = THREADS_MAX))]
    pub threads: usize,
    /// Connections that may be open at once; further ones wait to be accepted. The number is lower
    /// if the limit on open files or `memory` is too small for it, and then the log says how many
    /// there may be.
    #[serde(deserialize_with = "connections")]
    #[schemars(range(min = 1, max = CONNECTIONS_MAX))]
    pub connections: usize,
    /// Connections that one address may have open at once; further ones get 503 with `Retry-After`,
    /// and the log names the address. [Addresses](#addresses) says how addresses
    /// are counted.
    #[serde(deserialize_with = "connections")]
    #[schemars(range(min = 1, max = CONNECTIONS_MAX))]
    pub connections_per_address: usize,
    /// Requests and handshakes that one address may send; one period's worth may come at once.
    /// Further ones get 429 with `Retry-After`, and the log names the address.
    #[schemars(extend("x-bound" = Rate::BOUND))]
    pub requests_per_address: Rate,
    /// Memory for the data of all clients. Half is for tasks in progress. The other half is for
    /// connections (24 KiB each, at most half of this half), messages, bodies, queued tasks (at most
    /// a quarter of this half) and unsent replies. The program itself and the workers' buffers are
    /// not included.
    #[serde(deserialize_with = "memory")]
    #[schemars(extend(
        "x-default" = "a third of the memory that the machine, the cgroup or the process's own \
            limit allows",
        "x-bound" = schema::at_least(Size::new(MEMORY_MIN))
    ))]
    pub memory: Option<Size>,
    /// Bytes of half-received messages and bodies that one address may have. One message of the
    /// largest size that a route accepts is always allowed.
    #[serde(deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub half_received: Size,
    /// Time in which the head of a request must arrive.
    #[serde(deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub header: Time,
    /// Size of the head of a request.
    #[serde(deserialize_with = "head")]
    #[schemars(extend("x-bound" = schema::at_least(Size::new(HEAD_MIN))))]
    pub head: Size,
    /// Time for the consumer of `websocket.connect`; after that the client gets 503.
    #[serde(deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub handshake: Time,
    /// Time for the answer to an `http.request`; after that the client gets 504.
    #[serde(deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub answer: Time,
    /// Addresses of proxies whose `X-Forwarded-For`, `X-Forwarded-Host` and `X-Forwarded-Proto` are
    /// believed: `"10.0.0.1"`, `"10.0.0.0/8"`. `Forwarded` (RFC 7239) is read only if none of these
    /// headers is there. The proxy must set or remove each of these headers, because clients can
    /// send them too. If the list is not empty, the peer of a unix socket is believed too.
    #[serde(deserialize_with = "any_number")]
    #[schemars(transform = schema::any_number, extend("default" = []))]
    pub trusted_proxies: Vec<Proxy>,
    /// Groups that one client may be in.
    #[serde(deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub groups: usize,
}

/// When the table is read again: `[server] reload`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReloadOn {
    /// Only when the service is asked to.
    #[default]
    Off,
    /// Also after each change of the files.
    Watch,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            root: None,
            listen: vec![Listen::Tcp { host: "127.0.0.1".into(), port: 8000 }],
            public_url: None,
            hosts: None,
            origins: vec![Origin::SAME],
            drain: Time::from_secs(10),
            reload: ReloadOn::Off,
            retire: Time::from_secs(600),
            threads: 0,
            connections: 10_000,
            connections_per_address: 1_000,
            requests_per_address: Rate::Per { count: REQUESTS, period: Period::Second },
            memory: None,
            half_received: Size::new(64 << 20),
            header: Time::from_secs(10),
            head: Size::new(64 << 10),
            handshake: Time::from_secs(5),
            answer: Time::from_secs(120),
            trusted_proxies: Vec::new(),
            groups: 64,
        }
    }
}

impl ServerConfig {
    /// What these origins allow the page that an `Origin` header names, if the request's `Host` is
    /// `host`.
    pub(crate) fn allowed(
        &self,
        origins: &[Origin],
        header: &str,
        host: Option<&Authority>,
    ) -> Allowed {
        // A proxy may replace `Host`, so pages of `public_url` count as the service's own too.
        let outside = self.public_url.as_ref().map(PublicUrl::authority);
        let hosts: Vec<&Authority> = host.into_iter().chain(outside).collect();
        Allowed::by(origins, header, &hosts)
    }

    /// How much memory the service may use: `memory`, or a third of the memory that the machine,
    /// the process's cgroup or its own limit allows, in whole MiB.
    pub(crate) fn memory_size(&self) -> Size {
        let third = || Size::new((memory_limit() / 3) >> 20 << 20);
        self.memory.unwrap_or_else(third).max(Size::new(MEMORY_MIN))
    }

    /// Whether this peer is a trusted proxy.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|proxy| proxy.contains(peer))
    }
}

/// A page with a few hundred pictures loads them all at once, perhaps for several readers of one
/// address.
const REQUESTS: NonZeroU32 = NonZeroU32::new(1_000).expect("it is not zero");

/// With less, a single photo could not be processed.
const MEMORY_MIN: u64 = 32 << 20;

fn memory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Size>, D::Error> {
    let size = Size::deserialize(deserializer)?;
    if size.bytes() < MEMORY_MIN {
        return Err(D::Error::custom(format!(
            "{size} of memory is too little to work with\nwrite \"32MiB\" or more; \"512MiB\" is plenty for a small machine"
        )));
    }
    Ok(Some(size))
}

/// The smallest that hyper works with.
const HEAD_MIN: u64 = 8 << 10;

const THREADS_MAX: usize = 256;

fn threads<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let threads = usize::deserialize(deserializer)?;
    if threads > THREADS_MAX {
        return Err(D::Error::custom(format!(
            "{threads} threads are too many\nat most {THREADS_MAX}; 0 lets the service choose"
        )));
    }
    Ok(threads)
}

/// More than the ports and the file descriptors of a machine allow.
const CONNECTIONS_MAX: usize = 10_000_000;

fn connections<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let connections: usize = above_zero(deserializer)?;
    if connections > CONNECTIONS_MAX {
        return Err(D::Error::custom(format!(
            "{connections} connections are too many\nat most {CONNECTIONS_MAX}"
        )));
    }
    Ok(connections)
}

fn head<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
    let size = Size::deserialize(deserializer)?;
    if size.bytes() < HEAD_MIN {
        return Err(D::Error::custom(
            "the head of a request can need 8 KiB\nwrite \"8KiB\" or more",
        ));
    }
    Ok(size)
}
