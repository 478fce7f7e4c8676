//! A request's target (RFC 9112, section 3.2), before it is routed.

use http::{HeaderValue, Method, Request, StatusCode, Uri, header};

use crate::error::{Error, code};
use crate::reply::Reply;

/// Reduces the target to a path with its query. The host of an absolute target replaces the `Host`
/// header, as RFC 9112, section 3.2.2, demands.
///
/// # Errors
/// The reply, if the target cannot be routed: 400 for a target that only a proxy could serve, and
/// 204 for `OPTIONS *`, which asks about the service as a whole (RFC 9110, section 9.3.7).
pub(super) fn make_relative<B>(request: &mut Request<B>) -> Result<(), Box<Reply>> {
    let refuse = |message| Err(Box::new(Reply::error(&Error::new(code::BAD_MESSAGE, message))));
    let uri = request.uri();
    if *request.method() == Method::OPTIONS && uri.path() == "*" {
        return Err(Box::new(Reply::status(StatusCode::NO_CONTENT)));
    }
    if *request.method() == Method::CONNECT {
        return refuse("CONNECT is for proxies, and this service is not a proxy");
    }
    let Some(path) = uri.path_and_query().filter(|path| path.path().starts_with('/')).cloned()
    else {
        return refuse("the target of a request must begin with /");
    };
    match (uri.scheme_str(), uri.authority().map(http::uri::Authority::as_str)) {
        (None, None) => return Ok(()),
        (Some("http" | "https"), Some(authority)) if !authority.contains('@') => {
            let Ok(host) = HeaderValue::from_str(authority) else {
                return refuse("the host of the target is malformed");
            };
            // Only an existing `Host` is replaced: a client of HTTP/1.1 has to send one anyway.
            if let Some(named) = request.headers_mut().get_mut(header::HOST) {
                *named = host;
            }
        }
        _ => return refuse("the target of a request must be a path, or a URL with http://"),
    }
    *request.uri_mut() = Uri::from(path);
    Ok(())
}
