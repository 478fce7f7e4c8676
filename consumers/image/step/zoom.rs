//! `{ zoom = 0.5 }`: larger or smaller by a factor.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind, Takes};
use super::value::within;
use crate::image::geometry::Geometry;
use crate::image::resize::scaled;
use crate::image::work::Work;

/// A factor for both sides.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Zoom(f64);

impl TryFrom<f64> for Zoom {
    type Error = String;

    fn try_from(factor: f64) -> Result<Self, String> {
        within("zoom", factor, 0.001..=100.0).map(Self)
    }
}

impl Zoom {
    /// The longest sides that there are stay as they are: what is made of them is refused anyway.
    fn zoomed(self, size: (u32, u32)) -> (u32, u32) {
        scaled(size, self.0).unwrap_or((u32::MAX, u32::MAX))
    }
}

impl Kind for Zoom {
    const ABOUT: About = About {
        name: "zoom",
        group: Group::Size,
        takes: Takes::Value,
        summary: "larger or smaller by a factor",
        details: "The factor is 0.001 to 100. It goes over the `zoom` of the header, not in its place.",
        examples: &["{ zoom = 0.5 }"],
        ..About::PLAIN
    };

    fn geometry(&self, size: (u32, u32)) -> Option<Result<Geometry, Error>> {
        Some(Ok(Geometry::resized(size, self.zoomed(size))))
    }

    fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
        self.zoomed(size)
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let size = work.size();
        work.reshape("zoom", &Geometry::resized(size, self.zoomed(size)))
    }
}
