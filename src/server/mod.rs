//! The server: listens, speaks HTTP, takes WebSockets, and stops without losing an answer.

mod address;
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
use std::io;
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
use crate::routing::Router;
use crate::supervise::keep_running;

use caller::Caller;
use descriptors::Shortage;
use host::Hosts;
use patience::Patience;
use peer::{Peer, Place};
use per_address::PerAddress;
use stream::Stream;

pub use listener::{Listener, Listeners};

/// What every connection of a server shares.
#[derive(Clone)]
pub(crate) struct Server {
    router: Router,
    /// How many connections may be open; a permit is taken before one is accepted.
    permits: Arc<Semaphore>,
    /// Set when the server stops: sockets close with 1012.
    drain: CancellationToken,
    connections: TaskTracker,
    numbers: Arc<AtomicU64>,
    /// The hosts that are answered.
    hosts: Arc<Hosts>,
    addresses: PerAddress,
}

/// Serves the routing table on these listeners until `shutdown` is done; then takes no more
/// connections and no more tasks, lets running tasks finish within `[server] drain`, answers the
/// queued ones, closes sockets with 1012, and returns.
///
/// It raises the process's soft limit on open files to what `[server] connections` needs, as far as
/// the hard limit allows.
///
/// # Errors
/// When no worker thread can be started.
pub async fn run(
    listeners: impl Into<Listeners>,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let workers = router.start()?;
    let settings = router.server();
    let listeners = listeners.into();
    let server = Server {
        hosts: Arc::new(Hosts::new(settings, &listeners)),
        addresses: PerAddress::new(settings),
        permits: Arc::new(Semaphore::new(descriptors::room(connections(&router)))),
        drain: CancellationToken::new(),
        connections: TaskTracker::new(),
        numbers: Arc::default(),
        router: router.clone(),
    };
    let accepting = futures_util::future::join_all(
        listeners
            .0
            .iter()
            .map(|listener| keep_running("accept", ACCEPT_PAUSE, || accept(listener, &server))),
    );
    tokio::select! {
        _ = accepting => {}
        () = shutdown => {}
    }
    drop(listeners);
    let patience = settings.drain.duration();
    tracing::info!(drain = ?patience, "stopping: no new connections, running tasks are finished");
    let goodbye = router.closing();
    workers.stop(patience, goodbye).await;
    server.drain.cancel();
    server.connections.close();
    if timeout(goodbye, server.connections.wait()).await.is_err() {
        tracing::warn!(connections = server.connections.len(), "connections were cut off");
    }
    if timeout(goodbye, router.finished()).await.is_err() {
        tracing::warn!("consumers were cut off");
    }
    tracing::info!("stopped");
    Ok(())
}

/// How many connections may be open: as many as the table says, if there is memory for them.
fn connections(router: &Router) -> usize {
    let (wanted, room) = (router.server().connections, router.memory().connections());
    if room < wanted {
        let memory = router.server().memory_size();
        tracing::warn!(%memory, connections = room, wanted, "server.memory has room for fewer connections than server.connections says");
    }
    wanted.min(room)
}

/// The pause after a panic.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

async fn accept(listener: &Listener, server: &Server) {
    let mut shortage = Shortage::default();
    let mut told = None;
    loop {
        // Held for the life of the socket, upgraded or not.
        let Some(permit) = permit(server, &mut told).await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shortage.ended() => continue,
        };
        match accepted {
            Ok((stream, address)) => {
                let counted = address::counted(address, server.router.server());
                let share = match server.addresses.connect(counted) {
                    Ok(share) => share.map(Arc::new),
                    Err(error) => {
                        server.connections.spawn(refuse(stream, error, permit));
                        continue;
                    }
                };
                let Some(memory) = server.router.memory().transit.hold_connection(CONNECTION)
                else {
                    tracing::warn!("no memory is free for a connection (server.memory): closed");
                    continue;
                };
                let number = server.numbers.fetch_add(1, Ordering::Relaxed);
                let peer = Peer {
                    address,
                    connection: format!("tcp-{number}").into(),
                    place: Arc::new(Place { _permit: permit, _memory: memory }),
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
async fn permit(server: &Server, told: &mut Option<Instant>) -> Option<OwnedSemaphorePermit> {
    /// How often it is logged.
    const PAUSE: Duration = Duration::from_secs(10);
    let permits = &server.permits;
    if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
        return Some(permit);
    }
    let now = Instant::now();
    if told.is_none_or(|told| now.duration_since(told) >= PAUSE) {
        *told = Some(now);
        tracing::warn!("[server] connections are all open: further clients wait to be accepted");
    }
    Arc::clone(permits).acquire_owned().await.ok()
}

/// Answers a connection that exceeds the bound of its address, without reading from it.
async fn refuse(mut stream: Stream, error: Error, _permit: OwnedSemaphorePermit) {
    /// Ample: the system's buffers are empty before the answer.
    const PATIENCE: Duration = Duration::from_secs(1);
    let answer = response::unread(&error);
    if timeout(PATIENCE, stream.write_all(answer.as_bytes())).await.is_err() {
        tracing::debug!("a refused client takes no answer");
    }
}

/// Speaks HTTP/1.1 on one connection.
async fn serve(stream: Stream, peer: Peer, server: Server) {
    let settings = server.router.server();
    let stream = Patience::new(stream, server.router.idle(), Arc::clone(&peer.upgraded));
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
        .header_read_timeout(settings.header.duration())
        .max_buf_size(settings.head.as_usize())
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
