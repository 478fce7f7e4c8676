//! Decodes and encodes pictures: the only module that knows picture formats.
//!
//! A [`Codec`] can be exchanged as a whole. `Codec::Pure` is written entirely in Rust and always
//! available. The feature `turbo` adds `Codec::Turbo`, which writes JPEG with libjpeg-turbo.
//! The default is the fastest codec of the build.

mod baseline;
mod begin;
mod bytes;
mod canvas;
mod encode;
mod fault;
mod general;
mod gif;
pub(crate) mod huffman;
#[cfg(feature = "turbo")]
mod icc;
mod index;
mod indexed_colour;
mod jpeg;
pub mod metadata;
mod options;
mod planar;
mod png;
mod pure;
mod segments;
mod tables;
pub(crate) mod transform;
#[cfg(feature = "turbo")]
mod turbo;
mod unsupported;
mod webp;

use image::DynamicImage;

use self::fault::damaged;
pub use self::index::{Index, SEGMENTS_MAX};
pub use self::options::DecodeOptions;
use crate::buffers::Buffers;
use crate::encoding::Encoding;
use crate::error::Error;
use crate::format::Format;
use crate::limits::Limits;
use crate::picture::Picture;
use crate::probe::Probe;

/// A way to decode and to encode pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// Written in Rust throughout: it needs no C compiler.
    Pure,
    /// libjpeg-turbo for JPEG and libwebp for lossy WebP. The rest is as in [`Pure`](Self::Pure).
    #[cfg(feature = "turbo")]
    Turbo,
}

impl Default for Codec {
    fn default() -> Self {
        Self::BUILT_IN
    }
}

impl Codec {
    /// The fastest codec that is built in.
    #[cfg(feature = "turbo")]
    pub const BUILT_IN: Self = Self::Turbo;
    /// The fastest codec that is built in.
    #[cfg(not(feature = "turbo"))]
    pub const BUILT_IN: Self = Self::Pure;

    /// The picture as it is stored; [`Probe::orientation`] says how to turn it upright. Of an
    /// animation it is the first frame. Missing data of a file that was cut short are grey.
    ///
    /// The caller must check the file's properties against its limits first.
    ///
    /// # Errors
    /// [`BadPicture`](crate::ErrorKind::BadPicture) when the picture is damaged, or cut short so far
    /// that nothing of it can be shown.
    pub(crate) fn decode(
        self,
        file: &[u8],
        probe: &Probe,
        options: DecodeOptions,
        buffers: &mut Buffers,
    ) -> Result<Picture, Error> {
        match self {
            Self::Pure => pure::decode(file, probe, options, buffers),
            #[cfg(feature = "turbo")]
            Self::Turbo => turbo::decode(file, probe, options, buffers),
        }
    }

    /// The encoding in which this codec writes the picture: the one that is asked for, or another
    /// one if the codec cannot write that.
    pub(crate) fn encoding(self, asked: Encoding, picture: &Picture) -> Encoding {
        match self {
            Self::Pure => pure::encoding(asked, picture),
            #[cfg(feature = "turbo")]
            Self::Turbo => turbo::encoding(asked, picture),
        }
    }

    /// The picture as a file, with this ICC profile if the format and the kind of file can have it.
    /// A format without alpha shows the picture on white. [`encoding`](Self::encoding) says which
    /// encodings are possible.
    ///
    /// # Errors
    /// [`Failed`](crate::ErrorKind::Failed) if the encoder refuses the picture.
    pub(crate) fn encode(
        self,
        picture: &Picture,
        encoding: Encoding,
        profile: Option<&[u8]>,
        buffers: &mut Buffers,
    ) -> Result<Vec<u8>, Error> {
        match self {
            Self::Pure => pure::encode(picture, encoding, profile, buffers),
            #[cfg(feature = "turbo")]
            Self::Turbo => turbo::encode(picture, encoding, profile, buffers),
        }
    }
}

/// The index of a file's segments, and the properties of the picture. Takes at most one pass over
/// the file, and no memory except for the index, which [`SEGMENTS_MAX`] bounds.
///
/// # Errors
/// `ErrorKind::BadPicture` if the file has an unsupported format or a damaged header.
pub fn read(file: &[u8]) -> Result<(Index<'_>, Probe), Error> {
    unsupported::check_stripped(file)?;
    let index = Index::of(file).ok_or_else(|| unsupported::error(file))?;
    let mut probe = match index.format() {
        Format::Jpeg => jpeg::probe(&index),
        Format::Png => png::probe(&index),
        Format::Webp => webp::probe(&index),
        Format::Gif => gif::probe(&index),
        Format::Avif => Err(damaged(Format::Avif, "it is written only")),
    }?;
    probe.held += index.bytes();
    Ok((index, probe))
}

/// The probe of a file: see [`read`].
///
/// # Errors
/// [`BadPicture`](crate::ErrorKind::BadPicture) when the file is of no format that is taken, or its
/// header is damaged.
pub fn probe(file: &[u8]) -> Result<Probe, Error> {
    read(file).map(|(_, probe)| probe)
}

/// The pixels of a file, upright, by the codec that is built in.
///
/// # Errors
/// [`BadPicture`](crate::ErrorKind::BadPicture): it is beyond the limits, or cannot be decoded.
pub fn pixels(file: &[u8], limits: &Limits) -> Result<DynamicImage, Error> {
    let probe = probe(file)?;
    limits.check(&probe)?;
    let mut buffers = Buffers::default();
    let picture = Codec::BUILT_IN.decode(file, &probe, DecodeOptions::PIXELS, &mut buffers)?;
    match picture.turned(probe.orientation) {
        Picture::Pixels(pixels) => Ok(pixels),
        Picture::Planes(_) => Err(Error::failed("the decoder gave planes in place of pixels")),
    }
}

#[cfg(test)]
mod tests;
