//! The only warp filter: it turns an HTTP request into a scope and passes it to its route.

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
use crate::routing::{MatchedRoutes, Refusal, Route};
use crate::service::LiveRoute;

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
    let table = server.service.table();
    Scope {
        ip: caller.ip,
        connection: Arc::clone(&caller.peer.connection),
        subprotocols: upgrade::subprotocols(&headers),
        public_url: caller.public_url(table.router().server()),
        path: path.into(),
        query: query.into(),
        headers,
        ..Scope::default()
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
    let table = server.service.table();
    let matched = table.matched(&scope.path);
    // The memory is held for as long as the scope exists.
    let beyond = head_size(&scope).saturating_sub(HEAD_OWN);
    let Some(head) = server.service.memory().transit.hold_connection(beyond) else {
        return response::from_reply(&response::no_memory());
    };
    let settings = table.router().server();
    if upgrade::is_wanted(&method, &scope.headers) {
        let origins = matched.connect().map(Route::origins);
        scope.origin_allowed =
            Cors::of(origins.into_iter(), &scope.headers, &caller, settings).allows();
        let matched = (matched, table.generation());
        return upgrade::respond(server, matched, scope, caller.peer, head, upgrade).await;
    }
    let preflight = cors::preflight(&method, &scope.headers);
    let asked = preflight.as_ref().unwrap_or(&method);
    let cors = Cors::of(matched.origins_of_request(asked), &scope.headers, &caller, settings);
    scope.origin_allowed = cors.allows();
    let mut response = match (matched.takes(asked), preflight) {
        (Err(refusal), _) => refused(&refusal, &matched),
        // Before tokens are checked, because a browser's preflight carries none.
        (Ok(()), Some(asked)) => cors.answer_preflight(&asked, &scope.headers),
        (Ok(()), None) => match cors.refusal(&method, &scope) {
            Some(refusal) => refusal,
            None => answer(&server, &matched, method, scope, body).await,
        },
    };
    cors.tell(&mut response);
    response
}

/// The answer of the route's consumer, or the reason why the request does not reach it.
async fn answer<S, B>(
    server: &Server,
    matched: &MatchedRoutes<LiveRoute>,
    method: Method,
    scope: Scope,
    body: S,
) -> Response
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    // Before the body is read, so that a client without the needed tokens cannot send one.
    if let Err(error) = matched.admits(&method, &scope) {
        return response::from_reply(&unauthorised(&error, &scope));
    }
    let table = server.service.table();
    let settings = table.router().server();
    let (limits, transit) = (matched.request_limits(), &server.service.memory().transit);
    let counted = address::counted(scope.ip, settings);
    let bounds = body::Bounds {
        limit: matched.body_limit(&method),
        pause: limits.idle.duration(),
        patience: settings.answer.duration(),
    };
    let receiving = Receiving::new(transit, counted, limits.pace.bytes());
    let body = match body::read(body, &scope.headers, bounds, receiving).await {
        Ok(body) => body,
        Err(unread) => {
            tracing::info!(%method, path = &*scope.path, reason = %unread, "body refused");
            return response::from_reply(&unread.reply());
        }
    };
    let patience = bounds.patience;
    let (reply, error) = request(&server.service, matched, scope, method, body, patience).await;
    let transit = &server.service.memory().transit;
    let response = response::from_reply(&response::counted(reply, transit));
    match error {
        Some(error) => response::with_cause(response, &error),
        None => response,
    }
}

/// How many bytes of a request's head are covered by the connection's own memory.
const HEAD_OWN: usize = 4 << 10;

/// The memory of a request's head, in bytes: its texts, and each header's slot in the map.
fn head_size(scope: &Scope) -> usize {
    const HEADER: usize = 96;
    let headers = scope.headers.iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + HEADER);
    scope.path.len() + scope.query.len() + headers.sum::<usize>()
}

fn refused(refusal: &Refusal, matched: &MatchedRoutes<LiveRoute>) -> Response {
    let reply = match refusal {
        Refusal::NotFound if matched.has_socket() => {
            let error = Error::new(code::BAD_MESSAGE, "this path serves a WebSocket");
            let websocket = HeaderValue::from_static("websocket");
            Reply::error(&error)
                .with_status(StatusCode::UPGRADE_REQUIRED)
                .with_header(header::UPGRADE, websocket)
        }
        Refusal::NotFound => {
            Reply::error(&Error::new(code::NOT_FOUND, "nothing is served at this path"))
        }
        Refusal::Method(methods) => {
            let allowed: Vec<_> = methods.iter().map(Method::as_str).collect();
            let allowed = allowed.join(", ");
            let error = Error::new(code::BAD_MESSAGE, format!("this path accepts only {allowed}"));
            let reply = Reply::error(&error).with_status(StatusCode::METHOD_NOT_ALLOWED);
            match HeaderValue::from_str(&allowed) {
                Ok(allowed) => reply.with_header(header::ALLOW, allowed),
                Err(_) => reply,
            }
        }
    };
    response::from_reply(&reply)
}
