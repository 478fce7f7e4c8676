//! `"flatten"`: without transparency, on a colour.

use image::DynamicImage;
use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind, Takes};
use super::value::Colour;
use crate::image::pixels::{from_samples, has_alpha, luma, over, samples};
use crate::image::scratch;
use crate::image::work::Work;

/// What shows where nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Colour")]
pub(super) struct Flatten(Colour);

impl TryFrom<Colour> for Flatten {
    type Error = String;

    fn try_from(colour: Colour) -> Result<Self, String> {
        if colour.is_opaque() {
            return Ok(Self(colour));
        }
        Err(format!("flatten = \"{colour}\": it is onto a colour without alpha"))
    }
}

impl Flatten {
    fn flattened(self, picture: DynamicImage) -> Result<DynamicImage, Error> {
        let Colour([red, green, blue, _]) = self.0;
        let size = (picture.width(), picture.height());
        Ok(match picture {
            DynamicImage::ImageLumaA8(_) if self.0.is_grey() => {
                let pixels = samples(&picture).0.as_chunks::<2>().0;
                let below = luma([red, green, blue]);
                let mut flat = scratch::take(pixels.len())?;
                for (to, &[grey, alpha]) in flat.iter_mut().zip(pixels) {
                    *to = over(grey, below, alpha);
                }
                from_samples(size, 1, flat)
            }
            DynamicImage::ImageRgba8(_) => {
                let pixels = samples(&picture).0.as_chunks::<4>().0;
                let mut flat = scratch::take(pixels.len() * 3)?;
                for (to, &[r, g, b, alpha]) in flat.as_chunks_mut().0.iter_mut().zip(pixels) {
                    *to = [over(r, red, alpha), over(g, green, alpha), over(b, blue, alpha)];
                }
                from_samples(size, 3, flat)
            }
            DynamicImage::ImageLumaA8(_) => return self.flattened(picture.to_rgba8().into()),
            opaque => opaque,
        })
    }
}

impl Kind for Flatten {
    const ABOUT: About = About {
        name: "flatten",
        group: Group::Shape,
        takes: Takes::Either,
        summary: "without transparency, on white or another colour",
        details: "A picture without alpha stays as it is. A JPEG is flattened onto white by itself.",
        examples: &["\"flatten\"", "{ flatten = \"#202020\" }"],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self(Colour::WHITE))
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        if has_alpha(&work.picture) {
            work.bring_to_srgb();
        }
        work.picture = self.flattened(std::mem::take(&mut work.picture))?;
        Ok(())
    }
}
