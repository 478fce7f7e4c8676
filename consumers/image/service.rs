//! The picture service in use: its options, and the state that all of its workers share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use imaging::Pipeline;
use waterway::memory::Budget;
use waterway::{Error, Host, Stateful};

use super::cache::Cache;
use super::coalescing::Coalescing;
use super::header::{Header, Response};
use super::options::Pictures;
use super::pipelines;
use super::worked::Worked;
use super::workers::Workers;
use crate::storage::Storage;

/// The state of one `[consumer.<name>]` of pictures. All queues and routes that name it share it.
pub struct Service {
    /// The table's options.
    pub pictures: Pictures,
    pub(super) workers: Workers,
    pub(super) budget: Budget,
    pub(super) coalescing: Coalescing<Wish, Worked>,
    pub(super) cache: Cache<Wish, Worked>,
}

/// The work that is requested for a picture: equal requests for equal pictures get the same result.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wish {
    result: Arc<str>,
    /// The bits of the factor: equal numbers are equal requests.
    zoom: u64,
    inline: bool,
    /// The service's address, which clients get in the answers to failures.
    public_url: Arc<str>,
}

impl Wish {
    pub(super) fn new(header: &Header, public_url: &Arc<str>) -> Self {
        Self {
            result: Arc::clone(&header.result),
            zoom: header.zoom.to_bits(),
            inline: header.response == Response::Inline,
            public_url: Arc::clone(public_url),
        }
    }
}

impl Service {
    /// A service with these options, whose steps have the files that they need.
    pub(super) fn new(pictures: Pictures) -> Self {
        Self {
            workers: Workers::new(pictures.limits.buffers.as_usize()),
            budget: Budget::new(pictures.limits.in_flight.as_usize()),
            coalescing: Coalescing::new(),
            cache: Cache::new(pictures.cache),
            pictures,
        }
    }
}

impl Stateful for Service {
    type Options = Pictures;

    /// Creates the folder of the pictures if it is missing, tries to write to it, and reads the
    /// files of steps.
    async fn start(pictures: Pictures, _: &Host) -> Result<Self, Error> {
        let prepared = tokio::task::spawn_blocking(move || prepare(pictures)).await?;
        prepared.map(Self::new).map_err(Error::failed)
    }

    /// The files of watermarks and fonts.
    fn files(pictures: &Pictures) -> Vec<PathBuf> {
        let steps = pictures.results.values().flat_map(Pipeline::steps);
        steps.filter_map(|step| step.file().map(Path::to_owned)).collect()
    }
}

fn prepare(pictures: Pictures) -> Result<Pictures, String> {
    if let Storage::Folder(folder) = &pictures.storage {
        folder.prepare().map_err(|error| {
            let folder = folder.absolute();
            let help = "choose another folder, or let the service's user write to it";
            format!("cannot write to {}: {error}\n{help}", folder.display())
        })?;
    }
    let results = pipelines::load(&pictures.results)?;
    Ok(Pictures { results, ..pictures })
}
