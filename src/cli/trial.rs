//! `check --start`: tries whether the consumers of a table can start.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::runtime::Builder;

use crate::action::Publisher;
use crate::config::Loaded;
use crate::layer::ChannelLayer;
#[cfg(feature = "redis")]
use crate::queue;
#[cfg(feature = "redis")]
use crate::redis::Server;
use crate::routing::Router;
use crate::service::StartError;
use crate::setting::Diagnostic;
#[cfg(feature = "redis")]
use crate::setting::Span;
use crate::state::Host;

/// Tries all consumers of a table at the same time. Adds a mistake for each that cannot start, and
/// returns a sentence about each of the others that was tried.
pub(super) fn try_out(
    router: &Router,
    loaded: &mut Loaded,
) -> Result<Vec<(Arc<str>, String)>, String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no consumer can be tried: {error}"))?;
    let publisher = Publisher::new(ChannelLayer::new(router.server().groups));
    let trials = router.consumers().iter().filter_map(|used| {
        let (kind, name) = (used.state?, Arc::clone(&used.name));
        let host = Host::new(name, publisher.layer().clone(), publisher.clone());
        Some(async move { (used, kind.try_out(&used.options, host).await) })
    });
    let mut found = Vec::new();
    for (used, outcome) in runtime.block_on(join_all(trials)) {
        match outcome {
            Ok(Some(what)) => found.push((Arc::clone(&used.name), what)),
            Ok(None) => {}
            Err(error) => {
                let consumer = Arc::clone(&used.name);
                let why = StartError::State { consumer, error }.to_string();
                // A warning may have said the same.
                let is_said = |warning: &Diagnostic| {
                    warning.span == used.span && why.contains(&warning.message)
                };
                loaded.warnings.retain(|warning| !is_said(warning));
                loaded.diagnostics.push(Diagnostic::of_text(used.span, &why));
            }
        }
    }
    #[cfg(feature = "redis")]
    for why in runtime.block_on(try_servers(router)) {
        let help = "start the server, or correct url".to_owned();
        loaded.diagnostics.push(Diagnostic::new(url_span(loaded), why).help(help));
    }
    #[cfg(feature = "redis")]
    loaded.diagnostics.extend(runtime.block_on(try_store(router)));
    Ok(found)
}

/// Stores something in the store of the layer; returns a mistake if that fails.
#[cfg(feature = "redis")]
async fn try_store(router: &Router) -> Option<Diagnostic> {
    let (store, written) = (router.store()?, router.layer().store.as_ref()?);
    let error = queue::try_store(&**store).await.err()?;
    let why = format!("nothing can be stored in {}: {error}", store.place());
    Some(Diagnostic::new(written.span, why))
}

/// Where the table names the servers.
#[cfg(feature = "redis")]
fn url_span(loaded: &Loaded) -> Span {
    let layer = loaded.config.written.0.as_table().and_then(|table| table.get("layer"));
    let url = layer.and_then(|layer| layer.as_table()?.get("url"));
    url.map_or(loaded.config.layer.backend.span, |url| url.span)
}

/// Asks each server of the layer; returns a sentence about each that does not answer.
#[cfg(feature = "redis")]
async fn try_servers(router: &Router) -> Vec<String> {
    let layer = router.layer();
    let answers = layer.url.iter().map(|url| async move {
        let server = Server::new(url.clone(), layer.timeout.duration());
        let answer = server.query::<()>(&redis::cmd("PING")).await;
        answer.err().map(|failure| format!("the layer does not reach {url}: {failure}"))
    });
    join_all(answers).await.into_iter().flatten().collect()
}
