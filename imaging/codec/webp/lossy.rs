//! Lossy WebP files, by libwebp.

use std::borrow::Cow;

use image::DynamicImage;
use webp::{Encoder, PixelLayout, WebPConfig, WebPEncodingError};

use super::chunks;
use crate::encoding::Encoding;
use crate::error::Error;
use crate::memory;
use crate::picture::Picture;

/// libwebp's effort, from 0 to 6. Its default, 4, takes twice the time, and 18 bytes more for each
/// pixel of noise. Its files are up to 4 % smaller for a picture at half its size, and up to a
/// fifth smaller at full size.
const METHOD: i32 = 2;

/// The start of a file, before its first chunk, and the length of the chunk `VP8X`, in bytes.
const BEGIN: usize = 12;
const EXTENDED: usize = 18;

/// Whether a picture can be written within the memory that [`Encoding::held`] counts.
pub(crate) fn takes(picture: &Picture) -> bool {
    let (width, height) = picture.size();
    u64::from(width) * u64::from(height) <= Encoding::TRANSPARENT_WEBP_MAX || picture.is_opaque()
}

/// The picture as a file that carries this profile.
///
/// # Errors
/// `ErrorKind::NoMemory` if the system refuses the memory for it, `ErrorKind::Failed` if a side is
/// longer than 16,383.
pub(crate) fn encode(
    picture: &DynamicImage,
    quality: u8,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, Error> {
    let mut config =
        WebPConfig::new().map_err(|()| Error::failed("libwebp has an unexpected version"))?;
    config.quality = quality.into();
    config.method = METHOD;
    let picture = match picture {
        DynamicImage::ImageRgb8(_) | DynamicImage::ImageRgba8(_) => Cow::Borrowed(picture),
        DynamicImage::ImageLuma8(_) => Cow::Owned(picture.to_rgb8().into()),
        other => Cow::Owned(other.to_rgba8().into()),
    };
    let layout = if picture.color().has_alpha() { PixelLayout::Rgba } else { PixelLayout::Rgb };
    let (width, height) = (picture.width(), picture.height());
    let encoder = Encoder::new(picture.as_bytes(), layout, width, height);
    let file = encoder.encode_advanced(&config).map_err(failed)?;
    Ok(match profile {
        Some(profile) => with_profile(&file, (width, height), profile)?,
        None => file.to_vec(),
    })
}

fn failed(error: WebPEncodingError) -> Error {
    let cause = format!("libwebp: {error:?}");
    match error {
        // libwebp reports the second one if the system refused memory for a copy of the picture.
        WebPEncodingError::VP8_ENC_ERROR_OUT_OF_MEMORY
        | WebPEncodingError::VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY
        | WebPEncodingError::VP8_ENC_ERROR_NULL_PARAMETER => memory::no_memory(cause),
        _ => Error::failed(cause),
    }
}

/// The file as libwebp writes it, with a profile before the picture.
fn with_profile(file: &[u8], size: (u32, u32), profile: &[u8]) -> Result<Vec<u8>, Error> {
    let mut carrying = memory::reserved(chunks::HEADERS + profile.len() + file.len())?;
    chunks::begin(&mut carrying);
    let (flags, picture) = match file.get(BEGIN..).unwrap_or_default() {
        [b'V', b'P', b'8', b'X', _, _, _, _, flags, ..] => {
            (*flags, file.get(BEGIN + EXTENDED..).unwrap_or_default())
        }
        picture => (0, picture),
    };
    chunks::put(&mut carrying, *b"VP8X", &chunks::extended(flags | chunks::ICC, size));
    chunks::put(&mut carrying, *b"ICCP", profile);
    carrying.extend(picture);
    chunks::end(&mut carrying);
    Ok(carrying)
}

#[cfg(test)]
mod tests {
    use image::DynamicImage;
    use image::metadata::Orientation;

    use super::*;
    use crate::codec::{Codec, DecodeOptions, Index, metadata};
    use crate::error::ErrorKind;
    use crate::samples::photo;
    use crate::worker::Worker;

    /// The mean difference of two pictures, in levels.
    fn difference(one: &DynamicImage, other: &DynamicImage) -> f64 {
        let (one, other) = (one.to_rgba8(), other.to_rgba8());
        assert_eq!(one.dimensions(), other.dimensions());
        let sum: u32 = one.iter().zip(other.iter()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        f64::from(sum) / f64::from(one.width() * one.height() * 4)
    }

    #[test]
    fn every_kind_of_picture_is_written_with_its_profile_and_read_again() {
        let rgb = photo(101, 67);
        let mut clear = rgb.to_rgba8();
        clear.enumerate_pixels_mut().for_each(|(x, _, pixel)| pixel.0[3] = x.to_le_bytes()[0]);
        let clear = DynamicImage::ImageRgba8(clear);
        let mut profile = [0; 133];
        profile[3] = 133;
        profile[36..40].copy_from_slice(b"acsp");
        for picture in [
            DynamicImage::ImageLuma8(rgb.to_luma8()),
            DynamicImage::ImageLumaA8(clear.to_luma_alpha8()),
            rgb.clone(),
            clear,
            photo(1, 1),
        ] {
            let kind = picture.color();
            for profile in [None, Some(&profile[..])] {
                let file = encode(&picture, 90, profile).unwrap();
                let index = Index::of(&file).unwrap();
                assert_eq!(metadata::icc(&index).as_deref(), profile, "{kind:?}");
                let probe = crate::codec::probe(&file).unwrap();
                assert_eq!(probe.orientation, Orientation::NoTransforms);
                assert!(probe.lossy_webp && !probe.truncated, "{kind:?}: {probe:?}");
                let Picture::Pixels(read) = Worker::with_codec(Codec::Pure, 0)
                    .decode(&file, &probe, DecodeOptions::PIXELS)
                    .unwrap()
                else {
                    panic!("pixels");
                };
                assert_eq!(read.color().has_alpha(), kind.has_alpha());
                let off = difference(&picture, &read);
                assert!(off < 6.0, "{kind:?} differs by {off:.1}");
            }
        }
    }

    #[test]
    fn what_libwebp_cannot_write_is_an_error() {
        for (width, height) in [(16_384, 1), (1, 16_384)] {
            let error = encode(&DynamicImage::new_rgb8(width, height), 90, None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Failed);
        }
        assert!(encode(&DynamicImage::new_rgb8(16_383, 1), 90, None).is_ok());
    }

    #[test]
    fn a_large_picture_with_transparency_stays_lossless() {
        let lossy = Encoding::LossyWebp(90);
        let encoding = |picture: DynamicImage| {
            Worker::with_codec(Codec::Turbo, 0).encoding(lossy, &picture.into())
        };
        let mut opaque = DynamicImage::new_rgba8(2001, 2000);
        assert_eq!(encoding(opaque.clone()), Encoding::Webp);
        opaque.as_mut_rgba8().unwrap().pixels_mut().for_each(|pixel| pixel.0[3] = 255);
        assert_eq!(encoding(opaque), lossy);
        assert_eq!(encoding(DynamicImage::new_rgba8(2000, 2000)), lossy);
        assert_eq!(encoding(DynamicImage::new_rgb8(2001, 2000)), lossy);
    }
}
