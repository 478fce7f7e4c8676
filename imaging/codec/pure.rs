//! The codec in Rust: decodes with our own JPEG decoders, png, image-webp and gif, and encodes with
//! jpeg-encoder, png and image-webp.

use super::{encode, gif, jpeg, png, webp};
use crate::buffers::Buffers;
use crate::codec::fault::{cut_short, damaged, undecodable};
use crate::codec::options::DecodeOptions;
use crate::encoding::Encoding;
use crate::error::Error;
use crate::format::Format;
use crate::guard::guarded;
use crate::picture::Picture;
use crate::probe::Probe;

/// See [`Codec::decode`](super::Codec::decode).
pub(super) fn decode(
    file: &[u8],
    probe: &Probe,
    options: DecodeOptions,
    buffers: &mut Buffers,
) -> Result<Picture, Error> {
    let decode = || match probe.format {
        Format::Jpeg => jpeg::decode(file, probe, options, buffers),
        Format::Png => png::decode(file, probe, buffers).map(Picture::Pixels),
        Format::Webp => webp::decode(file, probe, buffers).map(Picture::Pixels),
        Format::Gif => gif::decode(file, probe, buffers).map(Picture::Pixels),
        Format::Avif => Err(damaged(Format::Avif, "it is written only")),
    };
    let picture = guarded(decode, |panic| undecodable(probe.format, panic))
        .map_err(|error| cut_short(probe, error))?;
    let (width, height) = probe.stored();
    let scale = (width.div_ceil(options.scale), height.div_ceil(options.scale));
    if ![scale, probe.stored()].contains(&picture.size()) {
        return Err(damaged(probe.format, "its parts have different sizes"));
    }
    Ok(picture)
}

/// See [`Codec::encoding`](super::Codec::encoding).
pub(super) fn encoding(asked: Encoding, picture: &Picture) -> Encoding {
    match asked {
        Encoding::LossyWebp(_) if picture.is_opaque() => Encoding::Jpeg(Encoding::INSTEAD_OF_WEBP),
        Encoding::LossyWebp(_) => Encoding::Webp,
        asked => asked,
    }
}

/// See [`Codec::encode`](super::Codec::encode).
pub(super) fn encode(
    picture: &Picture,
    encoding: Encoding,
    profile: Option<&[u8]>,
    buffers: &mut Buffers,
) -> Result<Vec<u8>, Error> {
    match (picture, encoding) {
        (Picture::Pixels(pixels), _) => encode::encode(pixels, encoding, profile, buffers),
        (Picture::Planes(planes), Encoding::Jpeg(quality)) => {
            encode::planes(planes, quality, profile)
        }
        (Picture::Planes(_), _) => Err(Error::failed("planes are written as JPEG alone")),
    }
}
