//! The one warp filter: an HTTP request becomes a scope and goes to its route.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use tokio::time::timeout;
use warp::Filter;
use warp::reply::Response;

use super::peer::Peer;
use super::{Server, address, response, upgrade};
use crate::connection::{request, unauthorised};
use crate::error::{Error, code};
use crate::message::Scope;
use crate::reply::Reply;
use crate::routing::{Refusal, Way};

pub(super) fn filter(
    server: Server,
) -> impl Filter<Extract = (Response,), Error = warp::Rejection> + Clone {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Peer>())
        .and(warp::ext::optional::<OnUpgrade>())
        .and(warp::body::stream())
        .then(move |method, path: warp::path::FullPath, query, headers, peer, upgrade, body| {
            let path = path.as_str().to_owned();
            let scope = scope(&server, path, query, headers, &peer);
            respond(server.clone(), method, scope, peer, upgrade, body)
        })
}

fn scope(server: &Server, path: String, query: String, headers: HeaderMap, peer: &Peer) -> Scope {
    let settings = server.router.server();
    let trusted = address::is_trusted(peer.address, settings);
    let origin_allowed = upgrade::origin_allowed(&headers, settings);
    Scope {
        ip: address::client(peer.address, &headers, settings),
        connection: Arc::clone(&peer.connection),
        subprotocols: upgrade::subprotocols(&headers),
        public_url: address::public_url(settings, &headers, trusted),
        claims: None,
        origin_allowed,
        path,
        query,
        headers,
    }
}

async fn respond<S, B>(
    server: Server,
    method: Method,
    scope: Scope,
    peer: Peer,
    upgrade: Option<OnUpgrade>,
    body: S,
) -> Response
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let way = server.router.way(&scope.path);
    if upgrade::is_wanted(&method, &scope.headers) {
        return upgrade::respond(server, way, scope, peer, upgrade).await;
    }
    if let Err(refusal) = way.takes(&method) {
        return refused(&refusal, &way);
    }
    // Before the body is read: who has no token sends nothing.
    if let Some(Err(error)) = way.token_of_request(&method).map(|token| token.verify(&scope)) {
        return response::from_reply(unauthorised(&error, &scope));
    }
    let limit = way.body_limit(&method);
    let patience = server.router.server().answer.duration();
    let pause = way.request_limits().idle.duration();
    let body = match timeout(patience, read(body, limit, &scope.headers, pause)).await {
        Ok(Ok(body)) => body,
        Ok(Err(refusal)) => return response::from_reply(refusal),
        Err(_) => return response::from_reply(too_slow()),
    };
    let (asked, path) = (method.clone(), scope.path.clone());
    let reply = request(&server.router, &way, scope, method, body, patience).await;
    let response = response::from_reply(reply);
    tracing::debug!(method = %asked, path, status = response.status().as_u16(), "request answered");
    response
}

fn refused(refusal: &Refusal, way: &Way) -> Response {
    let reply = match refusal {
        Refusal::NotFound if way.has_socket() => {
            let error = Error::new(code::BAD_MESSAGE, "a WebSocket is served here");
            let websocket = HeaderValue::from_static("websocket");
            Reply::error(&error)
                .with_status(StatusCode::UPGRADE_REQUIRED)
                .with_header(header::UPGRADE, websocket)
        }
        Refusal::NotFound => Reply::error(&Error::new(code::NOT_FOUND, "there is nothing here")),
        Refusal::Method(methods) => {
            let allowed: Vec<_> = methods.iter().map(Method::as_str).collect();
            let allowed = allowed.join(", ");
            let error = Error::new(code::BAD_MESSAGE, format!("this path takes {allowed}"));
            let reply = Reply::error(&error).with_status(StatusCode::METHOD_NOT_ALLOWED);
            match HeaderValue::from_str(&allowed) {
                Ok(allowed) => reply.with_header(header::ALLOW, allowed),
                Err(_) => reply,
            }
        }
    };
    response::from_reply(reply)
}

/// How much memory a body gets before more of it has come.
const RESERVED_AT_ONCE: usize = 256 << 10;

fn too_slow() -> Reply {
    let error = Error::new(code::EXPIRED, "the body came too slowly");
    Reply::error(&error).with_status(StatusCode::REQUEST_TIMEOUT)
}

/// Reads the body: of so many bytes at most, and with pauses of so long at most.
async fn read<S, B>(
    body: S,
    limit: usize,
    headers: &HeaderMap,
    pause: Duration,
) -> Result<Bytes, Reply>
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let too_big = || {
        let error = Error::new(code::TOO_BIG, format!("a body of {limit} bytes is taken at most"));
        // What is still coming is not read: the connection has to end.
        Reply::error(&error).with_header(header::CONNECTION, HeaderValue::from_static("close"))
    };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let announced = announced.and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
    if announced > limit {
        return Err(too_big());
    }
    let mut bytes = BytesMut::new();
    let mut body = std::pin::pin!(body);
    loop {
        let Ok(part) = timeout(pause, body.next()).await else { return Err(too_slow()) };
        match part {
            None => return Ok(bytes.freeze()),
            Some(Err(error)) => {
                let error = Error::new(code::BAD_MESSAGE, "the body is cut short").because(error);
                return Err(Reply::error(&error));
            }
            Some(Ok(part)) if bytes.len() + part.remaining() > limit => return Err(too_big()),
            Some(Ok(mut part)) => {
                // What was announced is within the limit, but memory follows what has come.
                if bytes.is_empty() {
                    bytes.reserve(announced.min(RESERVED_AT_ONCE).max(part.remaining()));
                }
                while part.has_remaining() {
                    let chunk = part.chunk();
                    bytes.extend_from_slice(chunk);
                    let read = chunk.len();
                    part.advance(read);
                }
            }
        }
    }
}
