//! CMYK as sRGB shows it, by the colour profile of the file.

use std::sync::Arc;

use moxcms::{ColorProfile, Layout, Transform8BitExecutor, TransformOptions};

use crate::codec::index::Index;
use crate::codec::metadata;
use crate::error::Error;
use crate::guard::guarded;

/// The most memory that a profile of at most 1 MiB and its tables take, in bytes. Several tags may
/// share a table, each becomes `f32`, and there are 17 levels of each ink.
pub(crate) const HELD: u64 = 20 << 20;

/// The conversion of a file's CMYK to sRGB.
pub(super) struct Cmyk(Arc<Transform8BitExecutor>);

impl Cmyk {
    /// By the profile of a file. `None` without a profile for CMYK, or with a damaged one: viewers
    /// then multiply the inks, and so does this decoder.
    pub(super) fn of(file: &[u8]) -> Option<Self> {
        let icc = metadata::icc(&Index::of(file)?)?;
        if icc.get(16..20) != Some(b"CMYK") {
            return None;
        }
        let transform = || {
            let (profile, srgb) = (ColorProfile::new_from_slice(&icc)?, ColorProfile::new_srgb());
            let options = TransformOptions::default();
            Ok(profile.create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgb, options)?)
        };
        match guarded(transform, Error::failed) {
            Ok(transform) => Some(Self(transform)),
            Err(error) => {
                tracing::debug!(?error, "a profile for inks cannot be used");
                None
            }
        }
    }

    /// Converts a row of pixels; 255 is all of an ink.
    ///
    /// # Errors
    /// `ErrorKind::Failed` if the rows have different lengths.
    pub(super) fn convert(&self, cmyk: &[u8], to: &mut [u8]) -> Result<(), Error> {
        Ok(self.0.transform(cmyk, to)?)
    }
}

#[cfg(test)]
mod tests {
    use jpeg_encoder::{ColorType, Encoder};

    use super::*;
    use crate::codec::{Codec, DecodeOptions};
    use crate::picture::Picture;
    use crate::samples::profiles::{INKS, cmyk};
    use crate::worker::Worker;

    /// A JPEG of one colour.
    fn file(cmyk: [u8; 4], kind: ColorType, profile: Option<&[u8]>) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 100);
        if let Some(profile) = profile {
            encoder.add_icc_profile(profile).unwrap();
        }
        encoder.encode(&cmyk.repeat(16 * 16), 16, 16, kind).unwrap();
        file
    }

    fn shown(file: &[u8]) -> [u8; 3] {
        let (_, probe) = crate::codec::read(file).unwrap();
        match Worker::with_codec(Codec::Pure, 0)
            .decode(file, &probe, DecodeOptions::PIXELS)
            .unwrap()
        {
            Picture::Pixels(pixels) => pixels.to_rgb8().get_pixel(8, 8).0,
            Picture::Planes(_) => panic!("planes of inks"),
        }
    }

    #[test]
    fn inks_look_as_their_profile_says_and_are_multiplied_without_one() {
        let profile = cmyk();
        let damaged: &[u8] = &[&profile[..200], &[0xA5; 40]].concat();
        let of_greys = ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
        let none: [Option<&[u8]>; 3] = [None, Some(damaged), Some(&of_greys)];
        let [cyan, magenta, yellow, black] = INKS;
        // Half of cyan lets half of the light through that full cyan keeps out.
        let table = [
            ([0; 4], [255; 3], [255; 3]),
            ([255, 0, 0, 0], cyan, [0, 255, 255]),
            ([0, 255, 0, 0], magenta, [255, 0, 255]),
            ([0, 0, 255, 0], yellow, [255, 255, 0]),
            ([0, 0, 0, 255], black, [0; 3]),
            ([128, 0, 0, 0], [127, 206, 239], [127, 255, 255]),
        ];
        for (cmyk, by_profile, multiplied) in table {
            for kind in [ColorType::Cmyk, ColorType::CmykAsYcck] {
                let check = |profile, expected: [u8; 3]| {
                    let shown = shown(&file(cmyk, kind, profile));
                    let near = shown.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 4);
                    assert!(near, "{cmyk:?}: {shown:?}, expected {expected:?}");
                };
                check(Some(&profile), by_profile);
                for profile in none {
                    check(profile, multiplied);
                }
            }
        }
    }
}
