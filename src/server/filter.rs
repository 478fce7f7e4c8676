//! The one warp filter: an HTTP request becomes a scope and goes to its route.

use std::sync::Arc;

use bytes::Buf;
use futures_util::Stream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use warp::Filter;
use warp::reply::Response;

use super::caller::Caller;
use super::cors::{self, Cors};
use super::{Server, address, body, response, upgrade};
use crate::connection::{Receiving, request, unauthorised};
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
        .and(warp::ext::get::<Caller>())
        .and(warp::ext::optional::<OnUpgrade>())
        .and(warp::body::stream())
        .then(move |method, path: warp::path::FullPath, query, headers, caller, upgrade, body| {
            let path = path.as_str().to_owned();
            let scope = scope(&server, path, query, headers, &caller);
            respond(server.clone(), method, scope, caller, upgrade, body)
        })
}

fn scope(
    server: &Server,
    path: String,
    query: String,
    headers: HeaderMap,
    caller: &Caller,
) -> Scope {
    let settings = server.router.server();
    Scope {
        ip: caller.ip,
        connection: Arc::clone(&caller.peer.connection),
        subprotocols: upgrade::subprotocols(&headers),
        public_url: caller.public_url(settings),
        claims: None,
        origin_allowed: false,
        path,
        query,
        headers,
    }
}

async fn respond<S, B>(
    server: Server,
    method: Method,
    mut scope: Scope,
    caller: Caller,
    upgrade: Option<OnUpgrade>,
    body: S,
) -> Response
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let way = server.router.way(&scope.path);
    // For as long as the scope lives.
    let beyond = head_size(&scope).saturating_sub(HEAD_OWN);
    let Some(head) = server.router.memory().transit.hold_connection(beyond) else {
        return response::from_reply(&response::no_memory());
    };
    let settings = server.router.server();
    if upgrade::is_wanted(&method, &scope.headers) {
        let origins = way.connect().map(|route| route.origins());
        scope.origin_allowed =
            Cors::of(origins.into_iter(), &scope.headers, &caller, settings).allows();
        return upgrade::respond(server, way, scope, caller.peer, head, upgrade).await;
    }
    let preflight = cors::preflight(&method, &scope.headers);
    let asked = preflight.as_ref().unwrap_or(&method);
    let cors = Cors::of(way.origins_of_request(asked), &scope.headers, &caller, settings);
    scope.origin_allowed = cors.allows();
    let mut response = match (way.takes(asked), preflight) {
        (Err(refusal), _) => refused(&refusal, &way),
        // Before any token: a browser sends none with it.
        (Ok(()), Some(asked)) => cors.answer_preflight(&asked, &scope.headers),
        (Ok(()), None) => match cors.refusal(&method, &scope) {
            Some(refusal) => refusal,
            None => answer(&server, &way, method, scope, body).await,
        },
    };
    cors.tell(&mut response);
    response
}

/// The answer of the route's consumer, or why the request does not reach the consumer.
async fn answer<S, B>(server: &Server, way: &Way, method: Method, scope: Scope, body: S) -> Response
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    // Before the body is read, so that a client without any of the tokens cannot send one.
    if let Err(error) = way.admits(&method, &scope) {
        return response::from_reply(&unauthorised(&error, &scope));
    }
    let settings = server.router.server();
    let (limits, transit) = (way.request_limits(), &server.router.memory().transit);
    let counted = address::counted(scope.ip, settings);
    let bounds = body::Bounds {
        limit: way.body_limit(&method),
        pause: limits.idle.duration(),
        patience: settings.answer.duration(),
    };
    let receiving = Receiving::new(transit, counted, limits.pace.bytes());
    let body = match body::read(body, &scope.headers, bounds, receiving).await {
        Ok(body) => body,
        Err(unread) => {
            tracing::info!(%method, path = scope.path, reason = %unread, "body refused");
            return response::from_reply(&unread.reply());
        }
    };
    let patience = bounds.patience;
    let (reply, error) = request(&server.router, way, scope, method, body, patience).await;
    let transit = &server.router.memory().transit;
    let response = response::from_reply(&response::counted(reply, transit));
    match error {
        Some(error) => response::with_cause(response, &error),
        None => response,
    }
}

/// How much of a request's head counts as the connection's own memory, bytes.
const HEAD_OWN: usize = 4 << 10;

/// The memory of a request's head, bytes: its texts, and each header's place in the map.
fn head_size(scope: &Scope) -> usize {
    const HEADER: usize = 96;
    let headers = scope.headers.iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + HEADER);
    scope.path.len() + scope.query.len() + headers.sum::<usize>()
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
    response::from_reply(&reply)
}
