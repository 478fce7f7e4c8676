//! `[server]`: where the service listens, and what it takes from the network.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::address::{Listen, Proxy, PublicUrl};
use super::host::{AllowedHost, Authority};
use super::origin::{Allowed, Origin};
use super::text::{above_zero, any_number, one_or_more, some_or_more};
use crate::machine::memory_limit;
use crate::setting::{At, Period, Rate, Size, Time};

/// `[server]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Where the paths of the table begin: folders, unix sockets, files of watermarks and fonts,
    /// but not those of `include`, which begin at their file. It is itself relative to the working
    /// folder. The program makes it its working folder; a program of your own has to do that with
    /// [`std::env::set_current_dir`] before it builds the router. Default: the working folder.
    pub root: Option<At<PathBuf>>,
    /// Where to listen: `"127.0.0.1:8000"`, `"[::]:8000"`, `"unix:run/waterway.sock"`, or a list.
    /// Default `["127.0.0.1:8000"]`.
    #[serde(deserialize_with = "one_or_more")]
    pub listen: Vec<Listen>,
    /// What the URLs in replies begin with. Default: `http://` and what the client itself calls
    /// this service in its `Host` header; `https://` when a trusted proxy says so.
    pub public_url: Option<PublicUrl>,
    /// Which `Host` is answered: `"example.com"`, `"*.example.com"`, `"*"` for any, or a list;
    /// requests with another host get 421. Default: `localhost`, the addresses listened on and the
    /// host of `public_url`, if every listener is a loopback TCP address and `trusted_proxies` is
    /// empty; otherwise any.
    #[serde(deserialize_with = "some_or_more")]
    pub hosts: Option<Vec<AllowedHost>>,
    /// Which pages may open a socket or send a request with a method other than GET, HEAD and
    /// OPTIONS: `"same-origin"`, `"*"`, `"https://example.com"`, `"https://*.example.com"`, or a
    /// list. A route may have its own. Default `["same-origin"]`.
    #[serde(deserialize_with = "one_or_more")]
    pub origins: Vec<Origin>,
    /// How long running tasks may finish when the service stops. Default `"10s"`; `"0s"` does not wait.
    pub drain: Time,
    /// How many threads serve the sockets, 256 the most; 0 is one per core, and where a queue has
    /// workers one for every two. Default 0. Consumers of sockets run on them too: one that blocks
    /// stops the clients of its thread.
    #[serde(deserialize_with = "threads")]
    pub threads: usize,
    /// How many connections are open at once, 10 million the most; more wait to be accepted.
    /// Default 10000.
    #[serde(deserialize_with = "connections")]
    pub connections: usize,
    /// How many connections one address may have open, IPv6 by /64; further ones get 503. Behind
    /// `trusted_proxies`, the WebSockets and the requests under way of the forwarded address count.
    /// This machine's own clients and the proxies themselves are not counted. Default 1000.
    #[serde(deserialize_with = "connections")]
    pub connections_per_address: usize,
    /// How many HTTP requests and handshakes one address may send; up to one period's worth may
    /// come at once. The same addresses are counted as for `connections_per_address`. Further
    /// requests get 429. Default `"1000/s"`.
    pub requests_per_address: Rate,
    /// How much memory the service may use for clients' data, at least 32 MiB: half for tasks under
    /// way, half for connections, messages, queued tasks and unsent replies. Default: a third of
    /// the memory that the machine, the process's cgroup or its own limit allows.
    #[serde(deserialize_with = "memory")]
    pub memory: Option<Size>,
    /// How many bytes of half-received messages and bodies one address (IPv6 by /64) may have. One
    /// message of the largest size that a route takes is always accepted. Clients on this machine
    /// and trusted proxies are not counted. Default `"64MiB"`.
    #[serde(deserialize_with = "above_zero")]
    pub half_received: Size,
    /// How long the head of a request may take to arrive. Default `"10s"`.
    #[serde(deserialize_with = "above_zero")]
    pub header: Time,
    /// How large the head of a request may be, 8 KiB at the least. Default `"64KiB"`.
    #[serde(deserialize_with = "head")]
    pub head: Size,
    /// How long the consumer of `websocket.connect` may take to answer; then the client gets 503.
    /// Default `"5s"`.
    #[serde(deserialize_with = "above_zero")]
    pub handshake: Time,
    /// How long the answer to an `http.request` may take; then the client gets 504.
    /// Default `"2m"`.
    #[serde(deserialize_with = "above_zero")]
    pub answer: Time,
    /// The proxies whose `X-Forwarded-For`, `-Host` and `-Proto`, or `Forwarded`, are believed:
    /// `"10.0.0.1"`, `"10.0.0.0/8"`, or a list; with any, a unix socket's peer is believed too.
    /// Default `[]`.
    #[serde(deserialize_with = "any_number")]
    pub trusted_proxies: Vec<Proxy>,
    /// How many groups one client may be in. Default 64.
    #[serde(deserialize_with = "above_zero")]
    pub groups: usize,
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
    /// What these origins allow the page that an `Origin` header names, if the service is called
    /// `host`.
    pub(crate) fn allowed(
        &self,
        origins: &[Origin],
        header: &str,
        host: Option<&Authority>,
    ) -> Allowed {
        // A proxy may put another name into `Host`; what the service is called outside is its own
        // origin too.
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

/// A page with some hundred pictures is loaded at once, perhaps by several readers of one address.
const REQUESTS: NonZeroU32 = NonZeroU32::new(1_000).expect("it is not zero");

/// With less, not even one photo could be worked on.
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

/// hyper cannot do with less.
const HEAD_MIN: u64 = 8 << 10;

const THREADS_MAX: usize = 256;

fn threads<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let threads = usize::deserialize(deserializer)?;
    if threads > THREADS_MAX {
        return Err(D::Error::custom(format!(
            "{threads} threads are too many\nat most {THREADS_MAX}; 0 leaves it to the service"
        )));
    }
    Ok(threads)
}

/// Beyond what the ports and the file descriptors of a machine allow.
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
