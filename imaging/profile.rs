//! The colour profile of a picture: an ICC profile, or one made from the chunks that a PNG may have
//! instead.

use std::borrow::Cow;

use image::{DynamicImage, RgbImage};
use moxcms::{ColorProfile, ProfileText};

use crate::codec::Index;
use crate::codec::metadata::{self, PngColours};
use crate::encoding::Encoding;
use crate::error::Error;
use crate::format::Format;
use crate::guard::guarded;
use crate::picture::Picture;
use crate::probe::Probe;

mod transform;

#[cfg(test)]
mod tests;

/// The colour profile of a picture. A picture without one is in sRGB.
#[derive(Debug, Clone)]
pub struct Profile(Stated);

#[derive(Debug, Clone)]
enum Stated {
    /// An ICC profile, which results can carry.
    Icc(Vec<u8>),
    /// Made from PNG's `cICP`, or `gAMA` and `cHRM`. A result cannot carry it, so the picture is
    /// converted.
    Chunks(Box<ColorProfile>),
}

impl Profile {
    /// The profile of a file. `None` if the file lacks one, or if the profile does not describe the
    /// file's colours: one for greys in a file of colours, or one for CMYK.
    #[must_use]
    pub fn of(index: &Index<'_>, probe: &Probe) -> Option<Self> {
        let stated = match probe.format {
            Format::Png => match metadata::png_colours(index) {
                PngColours::Icc(icc) => Stated::Icc(icc),
                PngColours::Chunks(profile) => Stated::Chunks(profile),
                PngColours::Srgb => return None,
            },
            _ => Stated::Icc(metadata::icc(index)?),
        };
        let profile = Self(stated);
        let is_grey = match probe.format {
            Format::Jpeg => probe.channels == 1,
            // The colour type in the header: grey, or grey with alpha.
            Format::Png => matches!(index.file().get(25), Some(0 | 4)),
            Format::Webp | Format::Gif | Format::Avif => false,
        };
        let describes = profile.is_for_rgb() && !probe.cmyk || profile.is_for_grey() && is_grey;
        // An ICC profile of sRGB is kept, so that the result can carry it.
        (describes && (profile.is_icc() || !profile.is_srgb())).then_some(profile)
    }

    /// Whether its colours are those of sRGB, so that no conversion is needed.
    #[must_use]
    pub fn is_srgb(&self) -> bool {
        self.is_for_rgb() && self.parsed().is_ok_and(|profile| transform::is_srgb(&profile))
    }

    /// Whether it is an ICC profile, which a result can carry.
    #[must_use]
    pub fn is_icc(&self) -> bool {
        matches!(self.0, Stated::Icc(_))
    }

    /// The name in an ICC profile; in English if it has several languages.
    pub(crate) fn name(&self) -> Option<String> {
        let description = self.parsed().ok()?.description.clone()?;
        Some(match description {
            ProfileText::PlainString(name) => name,
            ProfileText::Localizable(names) => {
                let english = names.iter().position(|name| name.language == "en");
                names.into_iter().nth(english.unwrap_or_default())?.value
            }
            ProfileText::Description(name) => name.ascii_string,
        })
    }

    /// Converts a picture to sRGB. `false` if the profile is damaged or of an unsupported kind: the
    /// picture is then unchanged.
    pub fn to_srgb(&self, picture: &mut DynamicImage) -> bool {
        let convert = || transform::to_srgb(&*self.parsed()?, picture);
        let converted = guarded(convert, Error::failed);
        if let Err(error) = &converted {
            tracing::debug!(?error, "a colour profile cannot be used");
        }
        converted.is_ok()
    }

    /// The picture's colours in sRGB; unchanged if they cannot be converted.
    pub(crate) fn shown(&self, colours: &[[u8; 3]]) -> Vec<[u8; 3]> {
        let width = u32::try_from(colours.len()).unwrap_or_default();
        let row = RgbImage::from_raw(width, 1, colours.as_flattened().to_vec());
        let mut row = DynamicImage::from(row.unwrap_or_default());
        self.to_srgb(&mut row);
        row.as_bytes().as_chunks().0.to_vec()
    }

    /// Returns itself if a file of this encoding can carry it with this picture. Otherwise converts
    /// the picture to sRGB, if the profile allows that.
    pub fn settled(self, encoding: Encoding, picture: &mut Picture) -> Option<Self> {
        if self.carried_by(encoding, picture).is_some() {
            return Some(self);
        }
        if let Picture::Pixels(pixels) = picture {
            self.to_srgb(pixels);
        }
        None
    }

    /// The most memory for conversion by it, in bytes, beyond what every picture may take.
    pub(crate) fn tables(&self) -> u64 {
        /// Longer profiles may contain tables, which several of their tags may share. Each tag's
        /// table becomes `f32` on its own.
        const WITHOUT_TABLES: usize = 4 << 10;
        const COPIES: u64 = 16;
        /// 33 levels of each channel, in several stages.
        const GRID: u64 = 4 << 20;
        match &self.0 {
            Stated::Icc(icc) if icc.len() > WITHOUT_TABLES => icc.len() as u64 * COPIES + GRID,
            _ => 0,
        }
    }

    /// The ICC profile for a file of this encoding with this picture. `None` if the file cannot
    /// carry it, or it does not describe the file's pixels (ICC.1:2022, 7.2.6).
    #[must_use]
    pub fn carried_by(&self, encoding: Encoding, picture: &Picture) -> Option<&[u8]> {
        let Stated::Icc(icc) = &self.0 else { return None };
        let written_grey = match (encoding, picture) {
            (Encoding::Jpeg(_) | Encoding::Png, Picture::Pixels(DynamicImage::ImageLuma8(_)))
            | (Encoding::Png, Picture::Pixels(DynamicImage::ImageLumaA8(_))) => true,
            (Encoding::Jpeg(_) | Encoding::Png | Encoding::Webp | Encoding::LossyWebp(_), _) => {
                false
            }
            // The encoder of AVIF does not write profiles.
            (Encoding::Gif | Encoding::Avif(_), _) => return None,
        };
        (self.is_for_grey() == written_grey).then_some(icc)
    }

    fn is_for_rgb(&self) -> bool {
        match &self.0 {
            Stated::Icc(icc) => icc.get(16..20) == Some(b"RGB "),
            Stated::Chunks(_) => true,
        }
    }

    fn is_for_grey(&self) -> bool {
        matches!(&self.0, Stated::Icc(icc) if icc.get(16..20) == Some(b"GRAY"))
    }

    fn parsed(&self) -> Result<Cow<'_, ColorProfile>, Error> {
        match &self.0 {
            Stated::Icc(icc) => {
                let parse = || Ok(Cow::Owned(ColorProfile::new_from_slice(icc)?));
                guarded(parse, Error::failed)
            }
            Stated::Chunks(profile) => Ok(Cow::Borrowed(profile)),
        }
    }
}
