//! The admin listener: operators and other programs of the deployment see the state of the service,
//! and send to its clients.

mod access;
mod answer;
mod body;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use futures_util::future::join_all;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::descriptors::Shortage;
use super::listener::{self, Listener};
use super::patience::Patience;
use super::stream::Stream;
use super::{ACCEPT_PAUSE, response, target};
use crate::config::{AdminConfig, Listen};
use crate::service::Service;
use crate::supervise::keep_running;

/// The listeners of `[admin]`.
#[derive(Debug)]
pub struct Admin {
    listeners: Vec<Listener>,
    settings: AdminConfig,
}

/// The parts that all connections of the listener share.
#[derive(Debug)]
struct Shared {
    service: Service,
    settings: AdminConfig,
    /// A permit for each connection that may be open; it is taken before the connection is accepted.
    permits: Arc<Semaphore>,
}

/// The largest head of a request, in bytes.
const HEAD: usize = 16 << 10;

impl Admin {
    /// Listens at the addresses of `[admin]`. Answers begin with [`run`](Self::run).
    ///
    /// # Errors
    /// The address, and the system's error, such as an address in use.
    pub async fn bind(settings: &AdminConfig) -> Result<Self, (Listen, io::Error)> {
        let mut listeners = Vec::new();
        for listen in &settings.listen {
            let listener = Listener::bind(&listen.to_string()).await;
            listeners.push(listener.map_err(|error| (listen.clone(), error))?);
        }
        Ok(Self { listeners, settings: settings.clone() })
    }

    /// Where it listens, in readable form.
    pub fn addresses(&self) -> impl Iterator<Item = String> {
        self.listeners.iter().map(Listener::address)
    }

    /// Answers requests about this service until the future is dropped, also while the service stops.
    pub async fn run(self, service: Service) {
        let Self { listeners, settings } = self;
        let permits = Arc::new(Semaphore::new(settings.connections.min(Semaphore::MAX_PERMITS)));
        let shared = Arc::new(Shared { service, settings, permits });
        let accepting = listeners.iter().map(|listener| {
            keep_running("accept (admin)", ACCEPT_PAUSE, || accept(listener, &shared))
        });
        join_all(accepting).await;
    }
}

async fn accept(listener: &Listener, shared: &Arc<Shared>) {
    let mut shortage = Shortage::default();
    // Dropping it ends the connections.
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&shared.permits).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, Arc::clone(shared), permit));
            }
            Err(error) if listener::is_clients(&error) => {
                tracing::debug!(%error, "a client left before it was accepted");
            }
            Err(error) => shortage.failed(&error).await,
        }
    }
}

/// Speaks HTTP/1.1 on one connection.
async fn serve(stream: Stream, shared: Arc<Shared>, _permit: OwnedSemaphorePermit) {
    let patience = shared.settings.patience.duration();
    let stream = Patience::new(stream, move || patience, Arc::default());
    let service = service_fn(|mut request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move {
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            let reply = match target::make_relative(&mut request) {
                Ok(()) => answer::answer(&shared, request).await,
                Err(refusal) => *refusal,
            };
            let answer = response::from_reply(&reply);
            response::log(&method, &path, &answer);
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection of the admin listener ended");
    }
}
