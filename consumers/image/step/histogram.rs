//! `{ histogram = 64 }`: how often each shade is there.

use image::DynamicImage;
use serde::Deserialize;
use serde_json::json;
use waterway::Error;

use super::about::{About, Group, Kind, Takes};
use crate::image::colour;
use crate::image::pixels::luma;
use crate::image::work::Work;

/// How many shades are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub(super) struct Histogram(usize);

impl TryFrom<i64> for Histogram {
    type Error = String;

    fn try_from(bins: i64) -> Result<Self, String> {
        match usize::try_from(bins) {
            Ok(bins @ (2 | 4 | 8 | 16 | 32 | 64 | 128 | 256)) => Ok(Self(bins)),
            _ => Err(format!("histogram = {bins}: it is 2, 4, 8, 16, 32, 64, 128 or 256 shades")),
        }
    }
}

impl Histogram {
    fn counts(self, picture: &DynamicImage) -> [Vec<u32>; 4] {
        let mut counts = [[0_u32; 256]; 4];
        colour::for_each_opaque(picture, |pixel @ [r, g, b]| {
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
        summary: "`histogram`: how many pixels have each shade",
        details: "`luma`, and of a colour picture `red`, `green` and `blue`: lists of 2, 4, 8, 16, 32, 64, 128 or 256 counts, 64 by default, dark first. What is more than half transparent does not count.",
        examples: &["\"histogram\"", "{ histogram = 16 }"],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self(64))
    }

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let [luma, red, green, blue] = self.counts(&work.picture);
        let histogram = if work.picture.color().has_color() {
            json!({"luma": luma, "red": red, "green": green, "blue": blue})
        } else {
            json!({"luma": luma})
        };
        work.fields.insert("histogram".into(), histogram);
        Ok(())
    }
}
