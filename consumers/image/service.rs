//! The picture service as it is used: what the table says, and what all of its workers share.

use std::sync::Arc;

use serde::Deserialize;
use waterway::Budget;

use super::Pictures;
use super::cache::Cache;
use super::codec::{self, Codec};
use super::folding::Folding;
use super::header::{Header, Response};
use super::job::Worked;

/// What workers of one `[consumer.<name>]` share.
#[derive(Deserialize)]
#[serde(from = "Pictures")]
pub struct Service {
    /// What the table says.
    pub pictures: Pictures,
    pub(super) codec: &'static dyn Codec,
    pub(super) budget: Budget,
    pub(super) folding: Folding<Wish, Worked>,
    pub(super) cache: Cache<Wish, Worked>,
}

/// What is wanted of a picture: who wants the same of equal pictures gets the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Wish {
    result: Arc<str>,
    /// The factor's bits: the same number is the same wish.
    zoom: u64,
    inline: bool,
    /// What the service is called, which stands in what clients are told of failures.
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

impl From<Pictures> for Service {
    fn from(pictures: Pictures) -> Self {
        Self {
            codec: codec::built_in(),
            budget: Budget::new(pictures.limits.in_flight.as_usize()),
            folding: Folding::new(),
            cache: Cache::new(pictures.cache),
            pictures,
        }
    }
}
