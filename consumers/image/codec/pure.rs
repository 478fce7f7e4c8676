//! The built-in codec: zune-jpeg, png, image-webp and gif in, jpeg-encoder, png and image-webp out.

use image::DynamicImage;
use waterway::Error;

use super::{BAD_IMAGE, Codec, Decoded, Encoding, Format, Limits, Probe, damaged};
use super::{encode, gif, jpeg, png, webp};

/// Codecs written in Rust throughout.
pub(super) struct Pure;

impl Codec for Pure {
    fn probe(&self, file: &[u8]) -> Result<Probe, Error> {
        match Format::of(file) {
            Some(Format::Jpeg) => jpeg::probe(file),
            Some(Format::Png) => png::probe(file),
            Some(Format::Webp) => webp::probe(file),
            Some(Format::Gif) => gif::probe(file),
            None => Err(Error::new(BAD_IMAGE, "this is not a JPEG, PNG, WebP or GIF picture")),
        }
    }

    fn decode(&self, file: &[u8], limits: &Limits) -> Result<Decoded, Error> {
        let probe = self.probe(file)?;
        limits.check(&probe)?;
        let mut picture = match probe.format {
            Format::Jpeg => jpeg::decode(file, &probe),
            Format::Png => png::decode(file, &probe),
            Format::Webp => webp::decode(file, &probe),
            Format::Gif => gif::decode(file, &probe),
        }?;
        if (picture.width(), picture.height()) != probe.stored() {
            return Err(damaged(probe.format, "its parts are not of one size"));
        }
        picture.apply_orientation(probe.orientation);
        Ok(Decoded { picture, truncated: probe.truncated })
    }

    fn encode(&self, picture: &DynamicImage, encoding: Encoding) -> Result<Vec<u8>, Error> {
        encode::encode(picture, encoding)
    }
}
