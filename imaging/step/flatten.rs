//! `"flatten"`: replaces transparency by a colour.

use image::DynamicImage;
use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use crate::buffers::Buffers;
use crate::colour::Colour;
use crate::error::Error;
use crate::pixels::{from_samples, has_alpha, luma, over, samples};
use crate::workpiece::Workpiece;

/// The colour behind transparent parts.
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
    fn flattened(
        self,
        picture: DynamicImage,
        buffers: &mut Buffers,
    ) -> Result<DynamicImage, Error> {
        let Colour([red, green, blue, _]) = self.0;
        let size = (picture.width(), picture.height());
        Ok(match picture {
            DynamicImage::ImageLumaA8(_) if self.0.is_grey() => {
                let pixels = samples(&picture).0.as_chunks::<2>().0;
                let below = luma([red, green, blue]);
                let mut flat = buffers.take(pixels.len())?;
                for (to, &[grey, alpha]) in flat.iter_mut().zip(pixels) {
                    *to = over(grey, below, alpha);
                }
                from_samples(size, 1, flat)
            }
            DynamicImage::ImageRgba8(_) => {
                let pixels = samples(&picture).0.as_chunks::<4>().0;
                let mut flat = buffers.take(pixels.len() * 3)?;
                for (to, &[r, g, b, alpha]) in flat.as_chunks_mut().0.iter_mut().zip(pixels) {
                    *to = [over(r, red, alpha), over(g, green, alpha), over(b, blue, alpha)];
                }
                from_samples(size, 3, flat)
            }
            DynamicImage::ImageLumaA8(_) => {
                return self.flattened(picture.to_rgba8().into(), buffers);
            }
            opaque => opaque,
        })
    }
}

impl Kind for Flatten {
    const ABOUT: About = About {
        name: "flatten",
        group: Group::Shape,
        takes: Takes::Either,
        summary: "replaces transparency by white or another colour",
        details: "A picture without transparency stays as it is. In a JPEG, transparency becomes white without this step.",
        examples: &["\"flatten\"", "{ flatten = \"#202020\" }"],
        value: Some(Shape::Colour),
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self(Colour::WHITE))
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        if has_alpha(&piece.picture) {
            piece.bring_to_srgb();
        }
        piece.picture = self.flattened(std::mem::take(&mut piece.picture), piece.buffers)?;
        Ok(())
    }
}
