//! `{ fill = [320, 240] }`: exactly this size, stretched.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind, Takes};
use super::value::Size;
use crate::image::geometry::Geometry;
use crate::image::work::Work;

/// The size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Fill(Size);

impl Kind for Fill {
    const ABOUT: About = About {
        name: "fill",
        group: Group::Size,
        takes: Takes::Value,
        summary: "exactly this size, stretched where the proportions are others",
        details: "Width and height, 1 to 65535 px each. See `cover` and `pad` to keep the proportions.",
        examples: &["{ fill = [320, 240] }"],
        ..About::PLAIN
    };

    fn geometry(&self, size: (u32, u32)) -> Option<Result<Geometry, Error>> {
        Some(Ok(Geometry::resized(size, self.0.get())))
    }

    fn size_after(&self, _: (u32, u32)) -> (u32, u32) {
        self.0.get()
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let geometry = Geometry::resized(work.size(), self.0.get());
        work.reshape("fill", &geometry)
    }
}
