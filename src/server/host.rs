//! Checks the `Host` of a request: it must be there, and be one that the service answers.

use http::{HeaderMap, StatusCode, Version, header};

use super::listener::{Listener, Listeners};
use crate::config::{AllowedHost, Authority, Listen, PublicUrl, ServerConfig};
use crate::error::{Error, code};
use crate::reply::Reply;

/// The hosts that the service answers.
///
/// A page can make its own domain resolve to this machine (DNS rebinding), and would then count as
/// a page of the service. Only `Host` shows that the browser means a different service.
#[derive(Debug)]
pub(super) struct Hosts(Vec<AllowedHost>);

impl Hosts {
    /// `[server] hosts`. If the key is missing, a service on loopback addresses without trusted
    /// proxies answers only the names of this machine, and any other service answers every host.
    pub(super) fn new(settings: &ServerConfig, listeners: &Listeners) -> Self {
        if let Some(hosts) = &settings.hosts {
            return Self(hosts.clone());
        }
        let local = |listener: &Listener| match listener {
            Listener::Tcp(listener) => {
                let address = listener.local_addr().ok()?;
                let host = Authority::parse(&address.to_string())?.host().to_owned();
                address.ip().to_canonical().is_loopback().then_some(host)
            }
            Listener::Unix(_) => None,
        };
        let addresses: Option<Vec<String>> = listeners.0.iter().map(local).collect();
        let Some(addresses) = addresses.filter(|_| settings.trusted_proxies.is_empty()) else {
            return Self(vec![AllowedHost::Any]);
        };
        let written = settings.listen.iter().filter_map(Listen::host);
        let outside = settings.public_url.as_ref().map(PublicUrl::authority);
        let hosts = addresses.into_iter().chain(written).chain(["localhost".to_owned()]);
        let hosts = hosts.chain(outside.map(|outside| outside.host().to_owned()));
        Self(hosts.map(AllowedHost::Is).collect())
    }

    /// The host that the client used: the one that a trusted proxy forwards, or its `Host`, which
    /// HTTP/1.0 may omit.
    ///
    /// # Errors
    /// The reply: 400 where RFC 9112, section 3.2, demands it, 421 for a host that is not answered.
    pub(super) fn check(
        &self,
        version: Version,
        headers: &HeaderMap,
        forwarded: Option<Authority>,
    ) -> Result<Option<Authority>, Box<Reply>> {
        let Some(host) = forwarded.or(named(version, headers)?) else { return Ok(None) };
        if self.0.iter().any(|allowed| allowed.allows(&host)) {
            return Ok(Some(host));
        }
        tracing::info!(%host, "host refused: if it is a name of this service, add it to [server] hosts");
        let error = Error::new(code::BAD_MESSAGE, "this service does not answer for this host");
        Err(Box::new(Reply::error(&error).with_status(StatusCode::MISDIRECTED_REQUEST)))
    }
}

/// The only `Host` of the request.
pub(super) fn named(
    version: Version,
    headers: &HeaderMap,
) -> Result<Option<Authority>, Box<Reply>> {
    let refuse = |message| Err(Box::new(Reply::error(&Error::new(code::BAD_MESSAGE, message))));
    let mut values = headers.get_all(header::HOST).iter();
    match (values.next(), values.next()) {
        (None, _) if version <= Version::HTTP_10 => Ok(None),
        (None, _) => refuse("a request needs a Host header"),
        (Some(_), Some(_)) => refuse("a request may have only one Host header"),
        (Some(host), None) => match host.to_str().ok().and_then(Authority::parse) {
            None => refuse("the Host header is malformed"),
            host => Ok(host),
        },
    }
}
