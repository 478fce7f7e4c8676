//! The codec in Rust: JPEG decoders of our own, png, image-webp and gif in, jpeg-encoder, png and image-webp out.

use waterway::Error;

use super::{Codec, Encoding, Format, Picture, Probe, Wanted, cut_short, damaged, undecodable};
use super::{encode, gif, jpeg, png, webp};
use crate::image::guard::guarded;

/// Codecs written in Rust throughout.
pub(super) struct Pure;

impl Codec for Pure {
    fn decode(&self, file: &[u8], probe: &Probe, wanted: Wanted) -> Result<Picture, Error> {
        let decode = || match probe.format {
            Format::Jpeg => jpeg::decode(file, probe, wanted),
            Format::Png => png::decode(file, probe).map(Picture::Pixels),
            Format::Webp => webp::decode(file, probe).map(Picture::Pixels),
            Format::Gif => gif::decode(file, probe).map(Picture::Pixels),
            Format::Avif => Err(damaged(Format::Avif, "it is written only")),
        };
        let picture = guarded(decode, |panic| undecodable(probe.format, panic))
            .map_err(|error| cut_short(probe, error))?;
        let (width, height) = probe.stored();
        let shrunk = (width.div_ceil(wanted.shrunk), height.div_ceil(wanted.shrunk));
        if ![shrunk, probe.stored()].contains(&picture.size()) {
            return Err(damaged(probe.format, "its parts are not of one size"));
        }
        Ok(picture)
    }

    fn encoding(&self, asked: Encoding, picture: &Picture) -> Encoding {
        match asked {
            Encoding::LossyWebp(_) if picture.is_opaque() => {
                Encoding::Jpeg(Encoding::INSTEAD_OF_WEBP)
            }
            Encoding::LossyWebp(_) => Encoding::Webp,
            asked => asked,
        }
    }

    fn encode(
        &self,
        picture: &Picture,
        encoding: Encoding,
        profile: Option<&[u8]>,
    ) -> Result<Vec<u8>, Error> {
        match (picture, encoding) {
            (Picture::Pixels(pixels), _) => encode::encode(pixels, encoding, profile),
            (Picture::Planes(planes), Encoding::Jpeg(quality)) => {
                encode::planes(planes, quality, profile)
            }
            (Picture::Planes(_), _) => Err(Error::failed("planes are written as JPEG alone")),
        }
    }
}
