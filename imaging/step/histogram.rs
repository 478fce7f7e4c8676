//! `{ histogram = 64 }`: how many pixels have each shade.

use image::DynamicImage;
use serde::Deserialize;
use serde_json::json;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use crate::error::Error;
use crate::pixels::luma;
use crate::shades;
use crate::workpiece::Workpiece;

/// The number of shades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub(super) struct Histogram(usize);

/// 256 shades are divided evenly.
const BINS: Shape = Shape::WholeOf(&[2, 4, 8, 16, 32, 64, 128, 256]);

impl TryFrom<i64> for Histogram {
    type Error = String;

    fn try_from(bins: i64) -> Result<Self, String> {
        let bins = BINS.whole("histogram", bins)?;
        Ok(Self(usize::try_from(bins).unwrap_or(64)))
    }
}

impl Histogram {
    fn counts(self, picture: &DynamicImage) -> [Vec<u32>; 4] {
        let mut counts = [[0_u32; 256]; 4];
        shades::for_each_opaque(picture, |pixel @ [r, g, b]| {
            for (counts, sample) in counts.iter_mut().zip([luma(pixel), r, g, b]) {
                counts[usize::from(sample)] += 1;
            }
        });
        counts.map(|counts| counts.chunks(256 / self.0).map(|bin| bin.iter().sum()).collect())
    }
}

impl Kind for Histogram {
    const ABOUT: About = About {
        name: "histogram",
        group: Group::Answer,
        takes: Takes::Either,
        summary: "`histogram`: the number of pixels of each shade",
        details: "It has `luma`, and for a colour picture `red`, `green` and `blue`. Each is a list of 2, 4, 8, 16, 32, 64, 128 or 256 counts, 64 by default, dark first. Pixels that are more than half transparent do not count.",
        examples: &["\"histogram\"", "{ histogram = 16 }"],
        value: Some(BINS),
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self(64))
    }

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let [luma, red, green, blue] = self.counts(&piece.picture);
        let histogram = if piece.picture.color().has_color() {
            json!({"luma": luma, "red": red, "green": green, "blue": blue})
        } else {
            json!({"luma": luma})
        };
        piece.fields.insert("histogram".into(), histogram);
        Ok(())
    }
}
