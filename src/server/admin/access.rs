//! Who may use the admin listener: whoever has its token, and no web page.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use subtle::ConstantTimeEq;

use crate::config::{AdminConfig, AllowedHost, Authority};
use crate::error::{Error, code};
use crate::reply::Reply;
use crate::server::host;

/// Checks that no web page sends this request: neither a page of another site, for which a browser
/// sends `Origin` or `Sec-Fetch-Site`, nor one whose domain resolves to this machine (DNS
/// rebinding), for which `Host` is a name.
///
/// # Errors
/// The refusal.
pub(super) fn check_caller(
    settings: &AdminConfig,
    version: Version,
    headers: &HeaderMap,
) -> Result<(), Box<Reply>> {
    let of_page = headers.contains_key(header::ORIGIN)
        || headers.get("sec-fetch-site").is_some_and(|site| site != "none");
    if of_page {
        let error = Error::new(code::FORBIDDEN, "web pages may not use the admin listener");
        return Err(Box::new(Reply::error(&error)));
    }
    let Some(host) = host::named(version, headers)? else { return Ok(()) };
    if settings.token.is_some() || is_own(settings, &host) {
        return Ok(());
    }
    tracing::info!(%host, "host refused: add it to [admin] hosts, or give [admin] a token");
    let error = Error::new(code::BAD_MESSAGE, "the admin listener does not answer for this host");
    Err(Box::new(Reply::error(&error).with_status(StatusCode::MISDIRECTED_REQUEST)))
}

/// Checks the token of a request.
///
/// # Errors
/// The refusal.
pub(super) fn check_token(settings: &AdminConfig, headers: &HeaderMap) -> Result<(), Box<Reply>> {
    let Some(token) = &settings.token else { return Ok(()) };
    let sent = headers.get(header::AUTHORIZATION).and_then(bearer).unwrap_or_default();
    // How long the comparison takes says nothing about the token but its length.
    if sent.as_bytes().ct_eq(token.expose().as_bytes()).into() {
        return Ok(());
    }
    tracing::warn!("a request without the token of [admin] was refused");
    let error = Error::new(code::AUTH, "the admin listener needs its token");
    let scheme = HeaderValue::from_static("Bearer");
    Err(Box::new(Reply::error(&error).with_header(header::WWW_AUTHENTICATE, scheme)))
}

/// The token of `Authorization: Bearer <token>` (RFC 6750, section 2.1). The scheme may be written
/// in any case (RFC 9110, section 11.1).
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

/// Whether a host needs no name service: an address, `localhost`, or one that the table lists.
fn is_own(settings: &AdminConfig, authority: &Authority) -> bool {
    let host = authority.host();
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let listed =
        settings.hosts.iter().flatten().any(|allowed: &AllowedHost| allowed.allows(authority));
    is_address || host == "localhost" || listed
}
