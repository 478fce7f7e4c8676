//! `{ jpeg = { quality = 80 } }`, `"png"`, `"webp"`, `"gif"`, `"avif"`: the format of the result.
//!
//! They do not change the picture: the plan reads the encoding before the picture is decoded.

use serde::Deserialize;

use super::about::{About, Group, Key, Kind, Takes};
use super::shape::Shape;
use crate::encoding::Encoding;

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

const QUALITY: Shape = Shape::Whole(1, 100);

impl TryFrom<i64> for Quality {
    type Error = String;

    fn try_from(quality: i64) -> Result<Self, String> {
        let quality = QUALITY.whole("quality", quality)?;
        Ok(Self(u8::try_from(quality).unwrap_or(100)))
    }
}

impl Kind for Jpeg {
    const ABOUT: About = About {
        name: "jpeg",
        group: Group::Format,
        takes: Takes::Either,
        summary: "writes the result as JPEG, 4:2:0",
        details: "Transparency becomes white.",
        examples: &["\"jpeg\"", "{ jpeg = { quality = 80 } }"],
        value: None,
        keys: &[Key { name: "quality", shape: QUALITY, meaning: "1 to 100", default: "95" }],
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
}

/// Formats without a value.
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
        }
    )*};
}

plain! {
    Png, "png": "writes the result as PNG",
        "It is lossless. A picture of at most 256 colours is written with a palette; others are compressed for speed rather than size.";
    Gif, "gif": "writes the result as GIF",
        "It has at most 256 colours, chosen for the picture. Each pixel is either opaque or transparent.";
}

/// Lossless WebP, or lossy WebP with this quality.
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
        summary: "writes the result as lossless WebP, or with a quality as lossy WebP",
        details: "A quality needs a program that was built with the feature `turbo`. A picture of more than 4 megapixels with transparency is always lossless. Without this step, a lossy WebP stays lossy, of quality 90; a program without `turbo` writes it as JPEG of quality 90, or as lossless WebP if it has transparency.",
        examples: &["\"webp\"", "{ webp = { quality = 80 } }"],
        value: None,
        keys: &[Key {
            name: "quality",
            shape: QUALITY,
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
        summary: "writes the result as AVIF, in programs that were built with the feature `avif`",
        details: "AVIF files are the smallest, and take by far the longest to write.",
        examples: &["\"avif\"", "{ avif = { quality = 60 } }"],
        value: None,
        keys: &[Key { name: "quality", shape: QUALITY, meaning: "1 to 100", default: "80" }],
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
}
