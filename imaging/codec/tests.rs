//! Decoded and encoded pictures of every codec.

// Sizes and colours in tests are small.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, GenericImageView, Luma, Rgba, RgbaImage};
use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::samples::*;
use crate::worker::Worker;

/// A picture, upright.
#[derive(Debug)]
struct Decoded {
    picture: DynamicImage,
    truncated: bool,
}

fn decode(file: &[u8]) -> Result<Decoded, Error> {
    decode_within(file, &Limits::default())
}

fn decode_within(file: &[u8], limits: &Limits) -> Result<Decoded, Error> {
    let picture = pixels(file, limits)?;
    Ok(Decoded { picture, truncated: probe(file)?.truncated })
}

#[test]
fn each_format_is_told_by_its_content_and_decoded() {
    let photo = photo(70, 50);
    for (name, file) in one_of_each(&photo) {
        let probe = probe(&file).unwrap();
        assert_eq!((probe.width, probe.height), (70, 50), "{name}");
        assert!(!probe.truncated, "{name}");
        let decoded = decode(&file).unwrap();
        assert!(!decoded.truncated, "{name}");
        assert!(differs(&decoded.picture, &photo) < 8.0, "{name}");
    }
}

/// The mean difference of two pictures' samples.
fn differs(one: &DynamicImage, other: &DynamicImage) -> f64 {
    let (one, other) = (one.to_rgb8(), other.to_rgb8());
    assert_eq!(one.dimensions(), other.dimensions());
    let sum: u64 = one.iter().zip(other.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / one.len() as f64
}

#[test]
fn what_is_lossless_comes_back_as_it_was() {
    let rgba = RgbaImage::from_fn(9, 5, |x, y| Rgba([x as u8, y as u8, 7, (x * y * 5) as u8]));
    let pictures: [DynamicImage; 4] = [
        photo(9, 5),
        rgba.into(),
        image::GrayImage::from_fn(9, 5, |x, y| Luma([(x * y) as u8])).into(),
        image::GrayAlphaImage::from_pixel(9, 5, image::LumaA([8, 9])).into(),
    ];
    for picture in pictures {
        for encoding in [Encoding::Png, Encoding::Webp] {
            let file = Worker::new(0).encode(&picture.clone().into(), encoding, None).unwrap();
            let decoded = decode(&file).unwrap().picture;
            assert_eq!(decoded.to_rgba8(), picture.to_rgba8(), "{encoding:?}");
        }
    }
}

#[test]
fn sixteen_bits_and_palettes_become_eight_bits() {
    let deep = DynamicImage::ImageRgb16(photo(20, 10).to_rgb16());
    let mut file = Vec::new();
    deep.write_to(&mut std::io::Cursor::new(&mut file), image::ImageFormat::Png).unwrap();
    assert_eq!(decode(&file).unwrap().picture, photo(20, 10));
}

#[test]
fn kinds_that_only_others_write_are_decoded() {
    // 16 × 12 pixels of one colour each, written by libwebp and libjpeg.
    let table = [
        (
            "lossy webp",
            "UklGRjQAAABXRUJQVlA4ICgAAABwAQCdASoQAAwAAsBMJaACdAFAAAD+645dcLZZk//nEv/oF/4C7mAA",
            [200, 40, 60, 255],
        ),
        (
            "transparent webp",
            "UklGRlgAAABXRUJQVlA4WAoAAAAQAAAADwAACwAAQUxQSAoAAAABB1DAiAhERP8DVlA4ICgAAABwAQCdASoQAAwA\
             AsBMJaACdAFAAAD+645dcLZZk//nEv/oF/4C7mAA",
            [200, 40, 60, 128],
        ),
        (
            "animated webp",
            "UklGRrgAAABXRUJQVlA4WAoAAAACAAAADwAACwAAQU5JTQYAAAAAAAAAAABBTk1GQAAAAAAAAAAAAA8AAAsAAAAA\
             AAJWUDggKAAAADABAJ0BKhAADAACwEwloAADcAD+645f+DQKAAf//ziX/0C/8BdzAABBTk1GRAAAAAAAAAAAAA8A\
             AAsAAAAAAABWUDggLAAAADQBAJ0BKhAADAAAAEwloAADcAD+9FEf//tof/+2h//7aH/Ud/6qp6/SsAAA",
            [200, 40, 60, 255],
        ),
        (
            "CMYK jpeg",
            "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAoHB4jHhkoIyEjLSsoMDxkQTw3Nzx7WF1JZJGAmZaPgIyKoLTmw6Cq2q2K\
             jMj/y9ru9f///5vB////+v/m/f/4/8AAFAgADAAQBEMRAE0RAFkRAEsRAP/EABcAAQEBAQAAAAAAAAAAAAAAAAAF\
             AwT/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oADgRDAE0AWQBLAAA/ALLgZK4AAAD/2Q==",
            [241, 51, 98, 255],
        ),
    ];
    for (name, base64, colour) in table {
        let file = STANDARD.decode(base64).unwrap();
        let decoded = decode(&file).unwrap();
        assert_eq!((decoded.picture.dimensions(), decoded.truncated), ((16, 12), false), "{name}");
        let pixel = decoded.picture.get_pixel(3, 3).0;
        assert!(pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 12), "{name}: {pixel:?}");
        for end in 0..file.len() {
            if let Ok(decoded) = decode(&file[..end]) {
                assert!(decoded.truncated, "{name} cut at {end} is silent");
            }
        }
    }
}

#[test]
fn a_transparent_picture_stands_on_white_in_a_jpeg() {
    let clear = RgbaImage::from_pixel(16, 16, Rgba([0, 0, 0, 0]));
    let decoded = decode(&jpeg(&clear.into())).unwrap().picture;
    assert_eq!(decoded.get_pixel(8, 8).0[..3], [255, 255, 255]);
}

#[test]
fn a_picture_is_turned_as_its_camera_was() {
    // The colours at the upper left and the upper right of the upright picture, by EXIF's number.
    const RED: [u8; 3] = [255, 0, 0];
    const GREEN: [u8; 3] = [0, 255, 0];
    const BLUE: [u8; 3] = [0, 0, 255];
    const WHITE: [u8; 3] = [255, 255, 255];
    let table = [
        (1, (48, 32), RED, GREEN),
        (2, (48, 32), GREEN, RED),
        (3, (48, 32), BLUE, WHITE),
        (4, (48, 32), WHITE, BLUE),
        (5, (32, 48), RED, WHITE),
        (6, (32, 48), WHITE, RED),
        (7, (32, 48), BLUE, GREEN),
        (8, (32, 48), GREEN, BLUE),
        (9, (48, 32), RED, GREEN),
    ];
    for (orientation, size, left, right) in table {
        let corners = corners();
        for file in [
            turned_jpeg(&corners, orientation),
            turned_png(&corners, orientation),
            turned_webp(&corners, orientation),
        ] {
            let probe = probe(&file).unwrap();
            assert_eq!((probe.width, probe.height), size, "{orientation} {:?}", probe.format);
            let seen = decode(&file).unwrap().picture;
            assert_eq!(seen.dimensions(), size);
            for (x, expected) in [(4, left), (size.0 - 5, right)] {
                let pixel = seen.get_pixel(x, 4).0;
                for (found, expected) in pixel.iter().zip(expected) {
                    assert!(found.abs_diff(expected) < 16, "{orientation}: {pixel:?} at {x}");
                }
            }
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_a_picture_that_says_so_or_refused() {
    let photo = photo(160, 120);
    for (name, file) in one_of_each(&photo) {
        let mut shown = 0;
        for part in 0..64 {
            let cut = &file[..file.len() * part / 64];
            match decode(cut) {
                Ok(decoded) => {
                    assert!(decoded.truncated, "{name} cut at {part}/64 is silent");
                    shown += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::BadPicture, "{name} cut at {part}/64");
                    // After its header, it is not called damaged.
                    let told = error.message().contains("cut short");
                    assert!(told || part < 16, "{name} cut at {part}/64: {}", error.message());
                }
            }
        }
        // The decoder of WebP shows nothing of a file that was cut; the others show a part early
        // on.
        let least = if name == "webp" { 0 } else { 40 };
        assert!(shown >= least, "{name}: {shown} of 64 were shown");
    }
}

#[test]
fn what_came_before_the_cut_is_shown_and_grey_stands_for_the_rest() {
    let photo = photo(160, 120);
    for (name, file) in one_of_each(&photo) {
        if name == "webp" || name == "progressive jpeg" {
            continue;
        }
        let decoded = decode(&file[..file.len() / 2]).unwrap().picture;
        let top = |picture: &DynamicImage| picture.crop_imm(0, 0, 160, 32);
        assert!(differs(&top(&decoded), &top(&photo)) < 8.0, "{name}");
        let grey = decoded.get_pixel(80, 118).0;
        assert!(grey.iter().take(3).all(|channel| channel.abs_diff(128) < 3), "{name} {grey:?}");
    }
}

#[test]
fn the_last_two_bytes_of_a_jpeg_are_missed() {
    let file = jpeg(&photo(64, 64));
    assert!(decode(&file[..file.len() - 2]).unwrap().truncated);
    assert!(decode(&file[..file.len() - 1]).unwrap().truncated);
    // Bytes after the picture are not part of it.
    let longer = [&file[..], b"\0\0and something else"].concat();
    assert!(!decode(&longer).unwrap().truncated);
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let mut big_png = png(&photo(4, 4));
    big_png[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    let mut big_gif = gif(&photo(4, 4));
    big_gif[6..10].fill(0xFF);
    let mut big_jpeg = jpeg(&photo(4, 4));
    let frame = big_jpeg.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
    big_jpeg[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xDC, 0xFF, 0xDC]);
    let mut big_webp = webp(&photo(4, 4));
    big_webp[21..25].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0x0F]);
    // A canvas of one pixel around a picture of 16384².
    let mut nested_webp = turned_webp(&photo(4, 4), 1);
    nested_webp[24..30].fill(0);
    let stream = nested_webp.windows(4).position(|chunk| chunk == b"VP8L").unwrap();
    nested_webp[stream + 9..stream + 13].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0x0F]);

    for (name, file) in [
        ("png", big_png),
        ("gif", big_gif),
        ("jpeg", big_jpeg),
        ("webp", big_webp),
        ("a webp in a webp", nested_webp),
    ] {
        let begin = Instant::now();
        let error = decode(&file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadPicture, "{name}");
        assert!(begin.elapsed() < Duration::from_millis(20), "{name}: {:?}", begin.elapsed());
    }
}

#[test]
fn more_scans_than_go_are_refused_and_further_frames_are_not() {
    let photo = photo(64, 48);
    let table = [
        ("gif", animated_gif(&photo, 3), 1),
        ("apng", animated_png(&photo, 3), 1),
        ("webp", animated_webp(&photo, 3), 1),
        ("jpeg", jpeg(&photo), 1),
        ("progressive jpeg", progressive_jpeg(&photo), 4),
    ];
    for (name, file, scans) in table {
        let probe = probe(&file).unwrap();
        // Encoders differ in how many scans they make of a progressive picture.
        assert!(if scans == 1 { probe.scans == 1 } else { probe.scans >= scans }, "{name}");
        let limits = Limits { scans: 2, ..Limits::default() };
        assert_eq!(limits.check(&probe).is_ok(), scans == 1, "{name}");
        // All scans together: with a single scan the size alone counts.
        let limits = Limits { scanned: 3 * 64 * 48, ..Limits::default() };
        assert_eq!(limits.check(&probe).is_ok(), scans == 1, "{name}");
        assert!(differs(&decode(&file).unwrap().picture, &photo) < 8.0, "{name}");
    }
}

#[test]
fn a_picture_comes_in_the_form_that_is_wanted() {
    for (width, height) in [(160, 120), (161, 119), (24, 24), (17, 3), (1, 1)] {
        let photo = photo(width, height);
        let file = jpeg(&photo);
        let probe = probe(&file).unwrap();
        for scale in [1, 2, 4, 8] {
            for (grey, planes) in [(false, false), (false, true), (true, false), (true, true)] {
                let options = DecodeOptions { scale, grey, planes };
                let picture = Worker::new(0).decode(&file, &probe, options).unwrap();
                let size = (width.div_ceil(scale), height.div_ceil(scale));
                assert_eq!(picture.size(), size, "{options:?}");
                // Whatever its form it is written as a picture of its size, and as good as before.
                let again = Worker::new(0).encode(&picture, Encoding::Jpeg(95), None).unwrap();
                let again = decode(&again).unwrap().picture;
                assert_eq!(again.dimensions(), picture.size());
                if scale == 1 && !grey && width > 100 {
                    assert!(differs(&again, &photo) < 12.0, "{options:?} {width}");
                }
                if let Picture::Pixels(pixels) = picture {
                    assert_eq!(pixels.as_luma8().is_some(), grey, "{options:?}");
                } else {
                    assert!(planes && !grey, "{options:?}");
                }
            }
        }
    }
}

#[test]
fn a_result_carries_its_profile() {
    let profile: Vec<u8> = (0..70_000_u32).map(|at| (at % 251) as u8).collect();
    for encoding in [Encoding::Jpeg(90), Encoding::Png, Encoding::Webp] {
        let file = Worker::new(0).encode(&photo(8, 8).into(), encoding, Some(&profile)).unwrap();
        let format = image::guess_format(&file).unwrap();
        let reader = image::ImageReader::with_format(std::io::Cursor::new(&file), format);
        let mut decoder = reader.into_decoder().unwrap();
        assert_eq!(image::ImageDecoder::icc_profile(&mut decoder).unwrap().unwrap(), profile);
    }
}

#[test]
fn a_small_first_frame_stands_at_its_place() {
    let mut file = gif(&corners());
    // A canvas of 60 × 40 for a frame of 48 × 32, and the frame at 5, 3.
    file[6..10].copy_from_slice(&[60, 0, 40, 0]);
    let frame = first_gif_frame(&file);
    file[frame + 1..frame + 5].copy_from_slice(&[5, 0, 3, 0]);
    let picture = decode(&file).unwrap().picture;
    assert_eq!(picture.dimensions(), (60, 40));
    assert_eq!(picture.get_pixel(0, 0).0, [0, 0, 0, 0]);
    assert_eq!(picture.get_pixel(5, 3).0[3], 255);
    assert_eq!(picture.get_pixel(52, 34).0[3], 255);
    assert_eq!(picture.get_pixel(53, 35).0, [0, 0, 0, 0]);
}

fn first_gif_frame(file: &[u8]) -> usize {
    let descriptor = [b',', 0, 0, 0, 0, 48, 0, 32, 0];
    file.windows(9).position(|window| window == descriptor).unwrap()
}

#[test]
fn what_is_no_picture_is_refused() {
    for file in
        [&b""[..], b"x", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\xFF\xD8", b"GIF89a"]
    {
        assert_eq!(decode(file).unwrap_err().kind(), ErrorKind::BadPicture, "{file:?}");
    }
}

static SMALL: LazyLock<Limits> =
    LazyLock::new(|| Limits { pixels: 1 << 20, side: 4096, ..Limits::default() });
static FILES: LazyLock<[(&str, Vec<u8>); 5]> = LazyLock::new(|| one_of_each(&photo(40, 30)));

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_bytes_make_it_panic(
        format in 0..5_usize,
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let starts: [&[u8]; 5] =
            [b"", b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1A\n", b"GIF89a", b"RIFF\0\x01\0\0WEBP"];
        let file = [starts[format], &bytes].concat();
        let _ = probe(&file);
        let _ = decode_within(&file, &SMALL);
    }

    #[test]
    fn no_damage_to_a_picture_makes_it_panic(
        kind in 0..5_usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let (_, mut file) = FILES[kind].clone();
        for (place, value) in changes {
            let place = place.index(file.len());
            file[place] = value;
        }
        if !whole {
            file.truncate(cut.index(file.len()) + 1);
        }
        let _ = decode_within(&file, &SMALL);
    }
}
