//! Sound pictures of every kind that the service accepts; the other modules damage them.

use std::io::Cursor;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageFormat};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::util::photo;

/// A picture of each kind, with the kind's name.
pub(super) fn samples() -> &'static [(String, Vec<u8>)] {
    static SAMPLES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
        let photo = image::load_from_memory(&photo(48, 36)).expect("a photo");
        let mut all = jpegs(&photo);
        all.extend(pngs(&photo));
        for (name, format) in [("gif", ImageFormat::Gif), ("webp", ImageFormat::WebP)] {
            all.push((name.to_owned(), written(&photo, format)));
        }
        all.extend(
            OTHERS.map(|(name, file)| (name.to_owned(), STANDARD.decode(file).expect("base64"))),
        );
        all
    });
    &SAMPLES
}

/// The position of a JPEG's first marker of this kind.
pub(super) fn at_marker(file: &[u8], marker: u8) -> Option<usize> {
    file.windows(2).position(|two| two == [0xFF, marker])
}

fn jpegs(photo: &DynamicImage) -> Vec<(String, Vec<u8>)> {
    let kinds = [
        ("", ColorType::Rgb, photo.to_rgb8().into_raw()),
        ("grey ", ColorType::Luma, photo.to_luma8().into_raw()),
        ("CMYK ", ColorType::Cmyk, photo.to_rgba8().into_raw()),
    ];
    let mut files = Vec::new();
    for (kind, colour, samples) in kinds {
        for (matched, progressive) in [("jpeg", false), ("progressive jpeg", true)] {
            let mut file = Vec::new();
            let mut encoder = Encoder::new(&mut file, 85);
            encoder.set_progressive(progressive);
            encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
            encoder.encode(&samples, 48, 36, colour).expect("memory is writable");
            files.push((format!("{kind}{matched}"), file));
        }
    }
    files
}

fn pngs(photo: &DynamicImage) -> Vec<(String, Vec<u8>)> {
    let kinds = [
        ("png", photo.clone()),
        ("png of 16 bits with alpha", photo.to_rgba16().into()),
        ("grey png", photo.to_luma8().into()),
    ];
    let mut files: Vec<(String, Vec<u8>)> =
        kinds.map(|(name, picture)| (name.to_owned(), written(&picture, ImageFormat::Png))).into();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 48, 36);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Four);
    encoder.set_palette((0..48).collect::<Vec<u8>>());
    encoder.set_animated(2, 0).expect("two frames");
    let mut writer = encoder.write_header().expect("memory is writable");
    (0..2).for_each(|_| writer.write_image_data(&[0x3A; 24 * 36]).expect("memory is writable"));
    writer.finish().expect("memory is writable");
    files.push(("animated palette png".to_owned(), file));
    files
}

fn written(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).expect("memory is writable");
    file.into_inner()
}

/// Pictures of 16 × 12 pixels, written by libwebp.
const OTHERS: [(&str, &str); 3] = [
    (
        "lossy webp",
        "UklGRjQAAABXRUJQVlA4ICgAAABwAQCdASoQAAwAAsBMJaACdAFAAAD+645dcLZZk//nEv/oF/4C7mAA",
    ),
    (
        "transparent webp",
        "UklGRlgAAABXRUJQVlA4WAoAAAAQAAAADwAACwAAQUxQSAoAAAABB1DAiAhERP8DVlA4ICgAAABwAQCdASoQ\
         AAwAAsBMJaACdAFAAAD+645dcLZZk//nEv/oF/4C7mAA",
    ),
    (
        "animated webp",
        "UklGRrgAAABXRUJQVlA4WAoAAAACAAAADwAACwAAQU5JTQYAAAAAAAAAAABBTk1GQAAAAAAAAAAAAA8AAAsA\
         AAAAAAJWUDggKAAAADABAJ0BKhAADAACwEwloAADcAD+645f+DQKAAf//ziX/0C/8BdzAABBTk1GRAAAAAAA\
         AAAAAA8AAAsAAAAAAABWUDggLAAAADQBAJ0BKhAADAAAAEwloAADcAD+9FEf//tof/+2h//7aH/Ud/6qp6/S\
         sAAA",
    ),
];
