//! Pages of other origins: which of them may use a route, and the CORS headers for their browsers
//! (Fetch standard). Credentials are never allowed.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use warp::reply::Response;

use super::caller::Caller;
use crate::config::{Allowed, Origin, ServerConfig};
use crate::error::{Error, code};
use crate::message::Scope;
use crate::reply::Reply;

/// What `origins` allow the page that sends a request.
pub(super) struct Cors {
    allowed: Allowed,
    /// The page's origin. A client without one is not a browser, and could send any origin.
    origin: Option<HeaderValue>,
}

/// The method that the browser asks about before its page may send it (a preflight request).
pub(super) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Method> {
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    let from_page = *method == Method::OPTIONS && headers.contains_key(header::ORIGIN);
    Method::from_bytes(asked.as_bytes()).ok().filter(|_| from_page)
}

impl Cors {
    /// Looks at the origins of every route that the request may reach: each has to allow the page.
    /// Without a route, those of `[server]` count.
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
        // A browser sends one.
        let page = origin.to_str().ok().filter(|_| named.next().is_none()).unwrap_or_default();
        let by = |origins: &[Origin]| settings.allowed(origins, page, caller.host.as_ref());
        let allowed = routes.map(by).min().unwrap_or_else(|| by(&settings.origins));
        Self { allowed, origin: Some(origin.clone()) }
    }

    /// Whether the page may open a socket.
    pub(super) fn allows(&self) -> bool {
        self.allowed > Allowed::No
    }

    /// The refusal of a request that changes something and comes from a page that may not send it.
    /// GET, HEAD and OPTIONS change nothing, and the page cannot read the answers.
    pub(super) fn refusal(&self, method: &Method, scope: &Scope) -> Option<Response> {
        let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
        // A page cannot set this header. Behind a proxy that changes `Host`, it is right where the
        // comparison of hosts is not.
        let from_own_page = scope.header("sec-fetch-site") == Some("same-origin");
        if safe || from_own_page || self.allows() {
            return None;
        }
        tracing::info!(%method, path = scope.path, origin = scope.header("origin"), "origin refused");
        Some(refused())
    }

    /// The answer to a preflight request about this method.
    pub(super) fn answer_preflight(&self, asked: &Method, headers: &HeaderMap) -> Response {
        if !self.allows() {
            return refused();
        }
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        let told = response.headers_mut();
        // A method's name is a token, which a header's value can be.
        if let Ok(methods) = HeaderValue::from_str(asked.as_str()) {
            told.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        }
        if let Some(names) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            told.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
        response
    }

    /// Lets the page read a response, where it may. A page of the service itself reads it anyway:
    /// for a browser, its origin has the service's scheme too, which this side may not know.
    pub(super) fn tell(&self, response: &mut Response) {
        let headers = response.headers_mut();
        // Caches must not give a page the headers that another page was sent.
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = &self.origin else { return };
        let told = match self.allowed {
            Allowed::No | Allowed::Own => return,
            Allowed::Named => origin.clone(),
            Allowed::Every => HeaderValue::from_static("*"),
        };
        // A header that the consumer has set stays.
        headers.entry(header::ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(told);
    }
}

fn refused() -> Response {
    let error = Error::new(code::REFUSED, "not allowed for pages of this origin");
    super::response::from_reply(&Reply::error(&error).with_status(StatusCode::FORBIDDEN))
}
