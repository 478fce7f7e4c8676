//! The client of a request, and the name by which it reached this service, behind proxies or not.

use std::net::IpAddr;
use std::sync::Arc;

use http::Request;

use super::address::counted;
use super::forwarded::Forwarded;
use super::peer::Peer;
use super::{Server, target};
use crate::config::{Authority, ServerConfig};
use crate::reply::Reply;

/// The client of a request, and the name by which it reached this service. It is among the
/// request's extensions.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) peer: Peer,
    /// The client's address; `None` over a unix socket without a trusted proxy.
    pub(super) ip: Option<IpAddr>,
    /// The host and port that the request names; HTTP/1.0 may omit them.
    pub(super) host: Option<Authority>,
    /// Whether the client uses TLS, at least as far as the proxy.
    secure: bool,
}

impl Caller {
    /// Checks a request before warp, which panics at targets without a path.
    ///
    /// # Errors
    /// The reply to a request that must not be routed.
    pub(super) fn of<B>(
        request: &mut Request<B>,
        peer: &Peer,
        server: &Server,
    ) -> Result<Self, Box<Reply>> {
        let Server { service, hosts, addresses, .. } = server;
        let table = service.table();
        let settings = table.router().server();
        let Forwarded { ip, host, secure } =
            Forwarded::read(peer.address, request.headers(), settings);
        let counted = counted(ip, settings);
        let refuse = |error| Box::new(Reply::error(&error));
        addresses.request(counted).map_err(refuse)?;
        target::make_relative(request)?;
        let host = hosts.check(request.version(), request.headers(), host)?;
        let mut peer = peer.clone();
        // A proxy's connection carries the requests of many clients, so each request counts as a
        // connection of its client.
        if ip != peer.address {
            peer.share = addresses.connect(counted).map_err(refuse)?.map(Arc::new);
        }
        Ok(Self { peer, ip, host, secure })
    }

    /// The beginning of URLs in replies: `[server] public_url`, or else the scheme and host that
    /// the client used.
    pub(super) fn public_url(&self, settings: &ServerConfig) -> Arc<str> {
        if let Some(configured) = &settings.public_url {
            return configured.as_str().into();
        }
        let scheme = if self.secure { "https" } else { "http" };
        match &self.host {
            Some(host) => format!("{scheme}://{host}").into(),
            // Without a host, a URL of this service begins with its path.
            None => "".into(),
        }
    }
}
