//! The WebSocket handshake (RFC 6455, section 4.2), which waits for the consumer of
//! `websocket.connect`.

use std::sync::atomic::Ordering;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use warp::reply::Response;

use super::peer::Peer;
use super::{Server, address, response};
use crate::auth::looks_like_token;
use crate::connection::{Connection, Decision, Receiving, run};
use crate::error::{Error, code};
use crate::memory::Held;
use crate::message::Scope;
use crate::reply::Reply;
use crate::routing::MatchedRoutes;
use crate::service::LiveRoute;

/// Whether the request asks for a WebSocket.
pub(super) fn is_wanted(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::GET
        && lists(headers, &header::CONNECTION, "upgrade")
        && lists(headers, &header::UPGRADE, "websocket")
}

/// The subprotocols that the client offers, in the client's order.
pub(super) fn subprotocols(headers: &HeaderMap) -> Vec<String> {
    words(headers, &header::SEC_WEBSOCKET_PROTOCOL).map(str::to_owned).collect()
}

/// The subprotocol to choose if the consumer chooses none and one of those offered is a token: a
/// browser that offered subprotocols gives up if none is chosen.
fn fallback_subprotocol(offered: &[String]) -> Option<String> {
    let token = offered.iter().find(|name| looks_like_token(name))?;
    Some(offered.iter().find(|name| !looks_like_token(name)).unwrap_or(token).clone())
}

/// Asks the consumer, and accepts or refuses the client.
pub(super) async fn respond(
    server: Server,
    (matched, generation): (MatchedRoutes<LiveRoute>, u64),
    scope: Scope,
    peer: Peer,
    head: Held,
    upgrade: Option<OnUpgrade>,
) -> Response {
    if !matched.has_socket() {
        return refuse(
            StatusCode::NOT_FOUND,
            code::NOT_FOUND,
            "this path does not serve a WebSocket",
        );
    }
    let version = scope.headers.get(header::SEC_WEBSOCKET_VERSION);
    if version.is_none_or(|version| version != "13") {
        let mut response = refuse(
            StatusCode::UPGRADE_REQUIRED,
            code::BAD_MESSAGE,
            "only WebSocket version 13 is supported",
        );
        let headers = response.headers_mut();
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return response;
    }
    let key = scope.headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
    let (Some(key), Some(upgrade)) = (key, upgrade) else {
        return refuse(
            StatusCode::BAD_REQUEST,
            code::BAD_MESSAGE,
            "a WebSocket handshake needs a valid Sec-WebSocket-Key",
        );
    };
    let accept = derive_accept_key(key.as_bytes());
    let fallback = fallback_subprotocol(&scope.subprotocols);
    let (counted, patience) = {
        let router = server.service.router();
        let settings = router.server();
        (address::counted(scope.ip, settings), settings.handshake.duration())
    };
    let mut connection = Connection::open(&server.service, (matched, generation), scope);
    let pace = connection.limits.get().pace;
    let receiving = Receiving::new(&server.service.memory().transit, counted, pace);
    let Decision { accepted, at, replies } = match timeout(patience, connection.decision()).await {
        Ok(Some(decision)) => decision,
        Ok(None) => {
            return refuse(
                StatusCode::INTERNAL_SERVER_ERROR,
                code::FAILED,
                "the consumer did not decide",
            );
        }
        Err(_) => {
            let error = Error::new(code::EXPIRED, "try again later");
            let cause = format!("the consumer of websocket.connect took longer than {patience:?}");
            return response::from_error(&error.because(cause));
        }
    };
    let decisive = &replies.replies[at];
    if !accepted {
        if decisive.content.is_some() {
            return response::from_reply(decisive);
        }
        let status = decisive.status.unwrap_or(StatusCode::FORBIDDEN);
        let mut response = refuse(status, code::REFUSED, "the connection is not allowed");
        response.headers_mut().extend(decisive.headers().clone());
        return response;
    }
    let response = switching(&accept, decisive, fallback);
    peer.upgraded.store(true, Ordering::Relaxed);
    let drain = server.drain.clone();
    server.connections.spawn(async move {
        // The connection keeps its places among the open connections for as long as its socket is
        // open.
        let Peer { slot: _slot, share: _share, writer, .. } = peer;
        let _head = head;
        match upgrade.await {
            Ok(upgraded) => {
                let stream = TokioIo::new(upgraded);
                run(stream, writer, connection, replies, receiving, &drain).await;
            }
            Err(error) => tracing::debug!(%error, "the client left during the handshake"),
        }
    });
    response
}

fn switching(accept: &str, decisive: &Reply, otherwise: Option<String>) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.extend(decisive.headers().clone());
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    // base64 is ASCII, so it is a valid header value.
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    let subprotocol = decisive.subprotocol().map(str::to_owned).or(otherwise);
    if let Some(Ok(subprotocol)) = subprotocol.as_deref().map(HeaderValue::from_str) {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    response
}

fn refuse(status: StatusCode, code: &'static str, message: &'static str) -> Response {
    response::from_reply(&Reply::error(&Error::new(code, message)).with_status(status))
}

/// Whether a key is 16 bytes in base64 (RFC 6455, section 4.2.1).
fn is_key(key: &HeaderValue) -> bool {
    key.len() == 24 && key.as_bytes().ends_with(b"==")
}

fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    words(headers, name).any(|listed| listed.eq_ignore_ascii_case(word))
}

fn words<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|word| !word.is_empty())
}
