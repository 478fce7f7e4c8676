//! The server: listens, speaks HTTP, accepts WebSockets, and stops without losing an answer.

mod address;
mod admin;
mod body;
mod caller;
mod cors;
mod descriptors;
mod filter;
mod forwarded;
mod host;
mod listener;
mod patience;
mod peer;
mod per_address;
mod response;
mod stream;
mod target;
mod upgrade;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::Error;
use crate::memory::CONNECTION;
use crate::service::Service;
use crate::supervise::keep_running;

use caller::Caller;
use descriptors::Shortage;
use host::Hosts;
use patience::Patience;
use peer::{Peer, Slot};
use per_address::PerAddress;
use stream::Stream;

pub use admin::Admin;
pub use listener::{Listener, Listeners};

/// The state that all connections of a server share.
#[derive(Clone)]
pub(crate) struct Server {
    service: Service,
    /// A permit for each connection that may be open; it is taken before the connection is
    /// accepted.
    permits: Arc<Semaphore>,
    /// Cancelled when the server stops: sockets then close with 1012.
    drain: CancellationToken,
    connections: TaskTracker,
    numbers: Arc<AtomicU64>,
    /// The hosts that are answered.
    hosts: Arc<Hosts>,
    addresses: PerAddress,
}

/// Serves clients on these listeners until `shutdown` is done. Then it accepts no more connections
/// and stops the service as [`Service::stop`] does; sockets are closed with 1012.
///
/// It raises the process's soft limit on open files to what `[server] connections` needs, or to the
/// hard limit if that is lower.
pub async fn run(
    listeners: impl Into<Listeners>,
    service: Service,
    shutdown: impl Future<Output = ()>,
) {
    let listeners = listeners.into();
    let router = service.router();
    let server = Server {
        hosts: Arc::new(Hosts::new(router.server(), &listeners)),
        addresses: PerAddress::new(router.server()),
        permits: Arc::new(Semaphore::new(descriptors::room(connections(&service)))),
        drain: CancellationToken::new(),
        connections: TaskTracker::new(),
        numbers: Arc::default(),
        service: service.clone(),
    };
    drop(router);
    let accepting = futures_util::future::join_all(
        listeners
            .0
            .iter()
            .map(|listener| keep_running("accept", ACCEPT_PAUSE, || accept(listener, &server))),
    );
    // Without a listener, nothing is accepted, and the service runs all the same.
    let listens = !listeners.0.is_empty();
    tokio::select! {
        _ = accepting, if listens => {}
        () = shutdown => {}
    }
    drop(listeners);
    let patience = service.table().router().server().drain.duration();
    tracing::info!(drain = ?patience, "stopping: no new connections, running tasks are finished");
    let goodbye = service.closing();
    service.stop_work().await;
    server.drain.cancel();
    server.connections.close();
    if timeout(goodbye, server.connections.wait()).await.is_err() {
        tracing::warn!(connections = server.connections.len(), "connections were cut off");
    }
    service.finish().await;
    tracing::info!("stopped");
}

/// How many connections may be open: the number in the table, or fewer if the memory is too small.
fn connections(service: &Service) -> usize {
    let router = service.router();
    let (wanted, room) = (router.server().connections, service.memory().connections());
    if room < wanted {
        let memory = router.server().memory_size();
        tracing::warn!(%memory, connections = room, wanted, "server.memory has room for fewer connections than server.connections says");
    }
    wanted.min(room)
}

/// The pause before accepting again after a panic.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

async fn accept(listener: &Listener, server: &Server) {
    let mut shortage = Shortage::default();
    let mut last_logged = None;
    loop {
        // Held for the life of the socket, whether it is upgraded or not.
        let Some(permit) = permit(server, &mut last_logged).await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shortage.ended() => continue,
        };
        match accepted {
            Ok((stream, address)) => {
                let table = server.service.table();
                let counted = address::counted(address, table.router().server());
                let share = match server.addresses.connect(counted) {
                    Ok(share) => share.map(Arc::new),
                    Err(error) => {
                        server.connections.spawn(refuse(stream, error, permit));
                        continue;
                    }
                };
                let Some(memory) = server.service.memory().transit.hold_connection(CONNECTION)
                else {
                    tracing::warn!("no memory is free for a connection (server.memory): closed");
                    continue;
                };
                let number = server.numbers.fetch_add(1, Ordering::Relaxed);
                let peer = Peer {
                    address,
                    connection: format!("tcp-{number}").into(),
                    slot: Arc::new(Slot { _permit: permit, _memory: memory }),
                    share,
                    upgraded: Arc::default(),
                    writer: Arc::clone(stream.writer()),
                };
                server.connections.spawn(serve(stream, peer, server.clone()));
            }
            Err(error) if listener::is_clients(&error) => {
                tracing::debug!(%error, "a client left before it was accepted");
            }
            Err(error) => shortage.failed(&error).await,
        }
    }
}

/// Waits for a permit for one more connection; `None` once the semaphore is closed, which never
/// happens. The wait is logged, but not each time: `told` is when it was last logged.
async fn permit(
    server: &Server,
    last_logged: &mut Option<Instant>,
) -> Option<OwnedSemaphorePermit> {
    /// How often it is logged.
    const PAUSE: Duration = Duration::from_secs(10);
    let permits = &server.permits;
    if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        return Some(permit);
    }
    let now = Instant::now();
    if last_logged.is_none_or(|last_logged| now.duration_since(last_logged) >= PAUSE) {
        *last_logged = Some(now);
        tracing::warn!("[server] connections are all open: further clients wait to be accepted");
    }
    Arc::clone(permits).acquire_owned().await.ok()
}

/// Answers a connection that exceeds the bound of its address, without reading from it.
async fn refuse(mut stream: Stream, error: Error, _permit: OwnedSemaphorePermit) {
    /// Ample, because the system's buffers are empty before the answer.
    const PATIENCE: Duration = Duration::from_secs(1);
    let answer = response::unread(&error);
    if timeout(PATIENCE, stream.write_all(answer.as_bytes())).await.is_err() {
        tracing::debug!("a refused client does not read its answer");
    }
}

/// Speaks HTTP/1.1 on one connection.
async fn serve(stream: Stream, peer: Peer, server: Server) {
    let (header, head) = {
        let table = server.service.table();
        let settings = table.router().server();
        (settings.header.duration(), settings.head.as_usize())
    };
    let unread = server.service.clone();
    let unread = move || unread.idle_timeout();
    let stream = Patience::new(stream, unread, Arc::clone(&peer.upgraded));
    let service = TowerToHyperService::new(warp::service(filter::filter(server.clone())));
    let asked = server.clone();
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let caller = Caller::of(&mut request, &peer, &asked);
        let answer = caller.map(|caller| {
            request.extensions_mut().insert(caller);
            hyper::service::Service::call(&service, request)
        });
        async move {
            let response = match answer {
                Ok(answer) => answer.await?,
                Err(refusal) => response::from_reply(&refusal),
            };
            response::log(&method, &path, &response);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header)
        .max_buf_size(head)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = server.drain.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}
