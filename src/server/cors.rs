//! Cross-origin requests: which origins' pages may use a route, and the CORS headers for their
//! browsers (Fetch standard). Credentials are never allowed.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use warp::reply::Response;

use super::caller::Caller;
use crate::config::{Allowed, Origin, ServerConfig};
use crate::error::{Error, code};
use crate::message::Scope;
use crate::reply::Reply;

/// What `origins` allow the page of a request to do.
pub(super) struct Cors {
    allowed: Allowed,
    /// The page's origin. A client that sends none is not a browser, and could send any.
    origin: Option<HeaderValue>,
}

/// The method that a browser asks about before its page may use it (a preflight request).
pub(super) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Method> {
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    let from_page = *method == Method::OPTIONS && headers.contains_key(header::ORIGIN);
    Method::from_bytes(asked.as_bytes()).ok().filter(|_| from_page)
}

impl Cors {
    /// Checks the origins of every route that the request may reach: each of them must allow the
    /// page. Without a route, those of `[server]` apply.
    pub(super) fn of<'a>(
        routes: impl Iterator<Item = &'a [Origin]>,
        headers: &HeaderMap,
        caller: &Caller,
        settings: &ServerConfig,
    ) -> Self {
        let mut named = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = named.next() else {
            return Self { allowed: Allowed::Own, origin: None };
        };
        // Browsers send exactly one `Origin`.
        let page = origin.to_str().ok().filter(|_| named.next().is_none()).unwrap_or_default();
        let by = |origins: &[Origin]| settings.allowed(origins, page, caller.host.as_ref());
        let allowed = routes.map(by).min().unwrap_or_else(|| by(&settings.origins));
        Self { allowed, origin: Some(origin.clone()) }
    }

    /// Whether the page may open a socket.
    pub(super) fn allows(&self) -> bool {
        self.allowed > Allowed::No
    }

    /// The refusal of a request with side effects from a page that is not allowed to send it. GET,
    /// HEAD and OPTIONS do not have side effects, and the page cannot read their answers.
    pub(super) fn refusal(&self, method: &Method, scope: &Scope) -> Option<Response> {
        let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
        // A page cannot set this header. It is reliable even behind a proxy that changes `Host`,
        // unlike the comparison of hosts.
        let from_own_page = scope.header("sec-fetch-site") == Some("same-origin");
        if safe || from_own_page || self.allows() {
            return None;
        }
        let (path, origin) = (&*scope.path, scope.header("origin"));
        let way_out = "open the page from this service, or name the origin in [server] origins";
        tracing::info!(%method, path, origin, way_out, "origin refused");
        Some(refused())
    }

    /// The answer to a preflight request about the method `asked`.
    pub(super) fn answer_preflight(&self, asked: &Method, headers: &HeaderMap) -> Response {
        if !self.allows() {
            return refused();
        }
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        let allowed = response.headers_mut();
        // A method is a token (RFC 9110), which is always a valid header value.
        if let Ok(methods) = HeaderValue::from_str(asked.as_str()) {
            allowed.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        if let Some(names) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            allowed.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        response
    }

    /// Allows the page to read a response, if `origins` allow it. A page of the service itself may
    /// read it without a header: for a browser, an own origin includes the scheme, which this side
    /// may not know.
    pub(super) fn tell(&self, response: &mut Response) {
        let headers = response.headers_mut();
        // Caches must not serve one page the headers that were meant for another.
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = &self.origin else { return };
        let allowed = match self.allowed {
            Allowed::No | Allowed::Own => return,
            Allowed::Named => origin.clone(),
            Allowed::Every => HeaderValue::from_static("*"),
        };
        // A header set by the consumer stays.
        headers.entry(header::ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(allowed);
    }
}

fn refused() -> Response {
    let error = Error::new(code::REFUSED, "pages of this origin are not allowed");
    super::response::from_reply(&Reply::error(&error).with_status(StatusCode::FORBIDDEN))
}
