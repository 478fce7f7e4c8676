//! `{ fit = [320, 320] }`: into a box.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind, Takes};
use super::value::Size;
use crate::image::geometry::Geometry;
use crate::image::resize::fitted;
use crate::image::work::Work;

/// The box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Fit(Size);

impl Kind for Fit {
    const ABOUT: About = About {
        name: "fit",
        group: Group::Size,
        takes: Takes::Value,
        summary: "into a box, proportions kept; never larger than it was",
        details: "Width and height of the box, 1 to 65535 px each. A picture that is within it already is left alone.",
        examples: &["{ fit = [320, 320] }"],
        ..About::PLAIN
    };

    fn geometry(&self, size: (u32, u32)) -> Option<Result<Geometry, Error>> {
        Some(Ok(Geometry::resized(size, fitted(size, self.0.get()))))
    }

    fn size_after(&self, (width, height): (u32, u32)) -> (u32, u32) {
        (width.min(self.0.width), height.min(self.0.height))
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let size = work.size();
        work.reshape("fit", &Geometry::resized(size, fitted(size, self.0.get())))
    }
}
