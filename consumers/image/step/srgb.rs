//! `"srgb"`: the colours that every screen expects.

use moxcms::{CmsError, ColorProfile, DataColorSpace, Layout, TransformOptions};
use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind};
use crate::image::pixels::{self, look_up, luma, samples_mut};
use crate::image::work::Work;

/// Takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Srgb;

/// Samples that are converted at once: a whole number of pixels of 3 and of 4.
const BLOCK: usize = 3 * 4096;

impl Kind for Srgb {
    const ABOUT: About = About {
        name: "srgb",
        group: Group::Colour,
        summary: "colours converted to sRGB by the picture's ICC profile",
        details: "The result has no profile then, and needs none. A picture without one is sRGB already; so is, for want of better, one whose profile is damaged or for inks.",
        examples: &["\"srgb\""],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self)
    }

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let Some(icc) = work.profile.take() else { return Ok(()) };
        // What a damaged profile says cannot be told, so the colours stay as they came.
        let Ok(profile) = ColorProfile::new_from_slice(&icc) else { return Ok(()) };
        let _ = match pixels::channels(&work.picture) {
            3 => convert(&profile, Layout::Rgb, samples_mut(&mut work.picture).0),
            4 => convert(&profile, Layout::Rgba, samples_mut(&mut work.picture).0),
            _ => greys(&profile).map(|table| look_up(&mut work.picture, &table)),
        };
        Ok(())
    }
}

/// Converts RGB, with or without alpha, block by block.
fn convert(profile: &ColorProfile, layout: Layout, samples: &mut [u8]) -> Result<(), CmsError> {
    if profile.color_space != DataColorSpace::Rgb {
        return Ok(());
    }
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions::default();
    let transform = profile.create_transform_8bit(layout, &srgb, layout, options)?;
    let mut before = [0; BLOCK];
    for block in samples.chunks_mut(BLOCK) {
        let before = &mut before[..block.len()];
        before.copy_from_slice(block);
        transform.transform(before, block)?;
    }
    Ok(())
}

/// What becomes of each grey, by a profile for greys or for RGB.
fn greys(profile: &ColorProfile) -> Result<[u8; 256], CmsError> {
    let (layout, samples) = match profile.color_space {
        DataColorSpace::Gray => (Layout::Gray, 1),
        DataColorSpace::Rgb => (Layout::Rgb, 3),
        _ => return Ok(pixels::table(|sample| sample)),
    };
    let greys: Vec<u8> =
        (0..=u8::MAX).flat_map(|grey| std::iter::repeat_n(grey, samples)).collect();
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions::default();
    let transform = profile.create_transform_8bit(layout, &srgb, Layout::Rgb, options)?;
    let mut converted = [0; 3 * 256];
    transform.transform(&greys, &mut converted)?;
    let mut table = [0; 256];
    for (to, from) in table.iter_mut().zip(converted.as_chunks::<3>().0) {
        *to = luma(*from);
    }
    Ok(table)
}
