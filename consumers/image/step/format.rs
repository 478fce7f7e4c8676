//! `{ jpeg = { quality = 80 } }`, `"png"`, `"webp"`, `"gif"`, `"avif"`: how the result is written.
//!
//! Nothing is done to the picture: the plan asks for the encoding before anything is decoded.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Key, Kind, Takes};
use crate::image::codec::Encoding;
use crate::image::work::Work;

/// The quality of a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Jpeg {
    quality: Quality,
}

impl Default for Jpeg {
    fn default() -> Self {
        Self { quality: Quality(Encoding::JPEG_QUALITY) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
struct Quality(u8);

impl TryFrom<i64> for Quality {
    type Error = String;

    fn try_from(quality: i64) -> Result<Self, String> {
        match u8::try_from(quality) {
            Ok(fits @ 1..=100) => Ok(Self(fits)),
            _ => Err(format!("quality = {quality}: it is 1 to 100")),
        }
    }
}

impl Kind for Jpeg {
    const ABOUT: About = About {
        name: "jpeg",
        group: Group::Format,
        takes: Takes::Either,
        summary: "the result as JPEG, 4:2:0",
        details: "What is transparent is white in it.",
        examples: &["\"jpeg\"", "{ jpeg = { quality = 80 } }"],
        keys: &[Key { name: "quality", meaning: "1 to 100", default: "95" }],
    };

    fn bare() -> Option<Self> {
        Some(Self::default())
    }

    fn needs_pixels(&self) -> bool {
        false
    }

    fn encoding(&self) -> Option<Encoding> {
        Some(Encoding::Jpeg(self.quality.0))
    }

    fn apply(&self, _: &mut Work<'_>) -> Result<(), Error> {
        Ok(())
    }
}

/// Formats that take nothing.
macro_rules! plain {
    ($($kind:ident, $name:literal: $summary:literal, $details:literal;)*) => {$(
        /// Takes nothing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        pub(super) struct $kind;

        impl Kind for $kind {
            const ABOUT: About = About {
                name: $name,
                group: Group::Format,
                summary: $summary,
                details: $details,
                examples: &[concat!("\"", $name, "\"")],
                ..About::PLAIN
            };

            fn bare() -> Option<Self> {
                Some(Self)
            }

            fn needs_pixels(&self) -> bool {
                false
            }

            fn encoding(&self) -> Option<Encoding> {
                Some(Encoding::$kind)
            }

            fn apply(&self, _: &mut Work<'_>) -> Result<(), Error> {
                Ok(())
            }
        }
    )*};
}

plain! {
    Png, "png": "the result as PNG",
        "Nothing is lost. A picture of at most 256 colours is written with a palette; others are compressed fast rather than far.";
    Gif, "gif": "the result as GIF",
        "It has 256 colours, chosen for the picture, and what is half transparent is transparent or not.";
}

/// Lossless WebP, or lossy of a quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Webp {
    quality: Option<Quality>,
}

impl Kind for Webp {
    const ABOUT: About = About {
        name: "webp",
        group: Group::Format,
        takes: Takes::Either,
        summary: "the result as lossless WebP, or lossy WebP of a quality",
        details: "A quality is for programs that were built with the feature `turbo`. A picture of more than 4 megapixels that is transparent somewhere is written lossless in any case. Without this step a lossy WebP comes back lossy, of quality 90; a program without `turbo` writes it as JPEG of quality 90, or, if it is transparent somewhere, as lossless WebP.",
        examples: &["\"webp\"", "{ webp = { quality = 80 } }"],
        keys: &[Key {
            name: "quality",
            meaning: "1 to 100; without it the result is lossless",
            default: "none",
        }],
    };

    fn bare() -> Option<Self> {
        Some(Self::default())
    }

    fn needs_pixels(&self) -> bool {
        false
    }

    fn encoding(&self) -> Option<Encoding> {
        Some(self.quality.map_or(Encoding::Webp, |Quality(quality)| Encoding::LossyWebp(quality)))
    }

    fn apply(&self, _: &mut Work<'_>) -> Result<(), Error> {
        Ok(())
    }
}

/// The quality of an AVIF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Avif {
    quality: Quality,
}

impl Default for Avif {
    fn default() -> Self {
        Self { quality: Quality(Encoding::AVIF_QUALITY) }
    }
}

impl Kind for Avif {
    const ABOUT: About = About {
        name: "avif",
        group: Group::Format,
        takes: Takes::Either,
        summary: "the result as AVIF, in programs that were built with the feature `avif`",
        details: "It is the smallest, and takes by far the longest to write.",
        examples: &["\"avif\"", "{ avif = { quality = 60 } }"],
        keys: &[Key { name: "quality", meaning: "1 to 100", default: "80" }],
    };

    fn bare() -> Option<Self> {
        Some(Self::default())
    }

    fn needs_pixels(&self) -> bool {
        false
    }

    fn encoding(&self) -> Option<Encoding> {
        Some(Encoding::Avif(self.quality.0))
    }

    fn apply(&self, _: &mut Work<'_>) -> Result<(), Error> {
        Ok(())
    }
}
