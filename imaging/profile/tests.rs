//! The colours of a file, their values in sRGB, and the files that carry a profile.

use image::{DynamicImage, GrayAlphaImage, GrayImage, Rgb, RgbImage, Rgba, RgbaImage};
use moxcms::{DataColorSpace, ToneReprCurve, curve_from_gamma};

use super::*;
use crate::samples::profiles::p3_by_table;
use crate::{codec, samples};

/// A profile for greys with this curve; `Lab` if its colours are connected by L*.
fn greys(curve: ToneReprCurve, connection: DataColorSpace) -> Vec<u8> {
    let mut profile = ColorProfile::new_gray_with_gamma(1.0);
    (profile.gray_trc, profile.pcs) = (Some(curve), connection);
    profile.encode().unwrap()
}

/// The name and the content.
type Chunk<'a> = (&'a [u8; 4], &'a [u8]);

fn chunks(chunks: &[Chunk<'_>]) -> Vec<u8> {
    let mut file = samples::png(&RgbImage::new(1, 1).into());
    // After the header.
    let mut at = 33;
    for (kind, content) in chunks {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        let chunk = [&length[..], &kind[..], content, &[0; 4]].concat();
        file.splice(at..at, chunk.iter().copied());
        at += chunk.len();
    }
    file
}

fn numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn of(file: &[u8]) -> Option<Profile> {
    let (index, probe) = codec::read(file).unwrap();
    Profile::of(&index, &probe)
}

/// The sRGB value of one colour, in a picture with alpha and in one without.
fn converted(profile: &Profile, [r, g, b]: [u8; 3]) -> [u8; 3] {
    let mut opaque = DynamicImage::from(RgbImage::from_pixel(5, 5, Rgb([r, g, b])));
    let mut clear = DynamicImage::from(RgbaImage::from_pixel(5, 5, Rgba([r, g, b, 77])));
    assert!(profile.to_srgb(&mut opaque) && profile.to_srgb(&mut clear));
    assert_eq!(opaque.to_rgb8(), clear.to_rgb8());
    assert_eq!(clear.to_rgba8().get_pixel(4, 4).0[3], 77, "alpha is no colour");
    let shown = opaque.to_rgb8().get_pixel(4, 4).0;
    assert_eq!(profile.shown(&[[0; 3], [r, g, b]])[1], shown);
    shown
}

fn near(a: &[u8], b: &[u8], by: u8, what: &str) {
    assert!(a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= by), "{what}: {a:?}, expected {b:?}");
}

#[test]
fn a_colour_becomes_what_srgb_has_for_it() {
    // From the published primaries and curves, by their formulas.
    let icc = |profile: ColorProfile| profile.encode().unwrap();
    let table = [
        ("P3", icc(ColorProfile::new_display_p3()), [200, 60, 40], [217, 42, 23]),
        ("P3 by a table", p3_by_table(33), [200, 60, 40], [217, 42, 23]),
        ("P3 by a table", p3_by_table(33), [255; 3], [255; 3]),
        ("ProPhoto", icc(ColorProfile::new_pro_photo_rgb()), [100; 3], [119; 3]),
        (
            "Adobe RGB",
            ColorProfile::new_adobe_rgb().encode().unwrap(),
            [90, 140, 60],
            [53, 141, 50],
        ),
        ("sRGB", icc(ColorProfile::new_srgb()), [200, 60, 40], [200, 60, 40]),
    ];
    for (name, icc, colour, expected) in table {
        let profile = Profile(Stated::Icc(icc));
        near(&converted(&profile, colour), &expected, 2, name);
        let mut grey = GrayAlphaImage::from_pixel(3, 1, image::LumaA([100, 9])).into();
        assert!(profile.to_srgb(&mut grey));
        let as_colour = converted(&profile, [100; 3]);
        near(grey.as_bytes(), &[as_colour[1], 9], 1, "a grey picture may have it");
    }
}

#[test]
fn a_grey_becomes_what_srgb_has_for_it() {
    use DataColorSpace::{Lab, Xyz};
    let table = [
        (greys(curve_from_gamma(1.0), Xyz), [(0, 0), (4, 34), (60, 133), (255, 255)]),
        (greys(curve_from_gamma(1.8), Xyz), [(0, 0), (30, 40), (100, 119), (255, 255)]),
        // L* of 0, 8, 50 and 100.
        (greys(curve_from_gamma(1.0), Lab), [(0, 0), (20, 23), (128, 119), (255, 255)]),
    ];
    for (icc, levels) in table {
        let profile = Profile(Stated::Icc(icc));
        for (level, expected) in levels {
            let mut grey = GrayImage::from_pixel(2, 2, image::Luma([level])).into();
            assert!(profile.to_srgb(&mut grey));
            near(&grey.as_bytes()[..1], &[expected], 1, &level.to_string());
        }
    }
}

#[test]
fn srgb_is_known_by_its_numbers_and_not_by_its_name() {
    let srgb = ColorProfile::new_srgb();
    let light = srgb.build_8bit_lin_table(&srgb.red_trc).unwrap();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let points = light.iter().map(|light| (light * 65535.0).round() as u16).collect();
    let with = |curve: ToneReprCurve| {
        let mut profile = ColorProfile::new_srgb();
        let curve = Some(curve);
        (profile.red_trc, profile.green_trc) = (curve.clone(), curve.clone());
        (profile.blue_trc, profile.description) = (curve, None);
        profile
    };
    let table = [
        (ColorProfile::new_srgb(), true),
        (with(ToneReprCurve::Lut(points)), true),
        (with(curve_from_gamma(2.2)), false),
        (ColorProfile::new_display_p3(), false),
        (ColorProfile::new_adobe_rgb(), false),
        (ColorProfile::new_gray_with_gamma(2.2), false),
    ];
    for (at, (profile, expected)) in table.into_iter().enumerate() {
        let profile = Profile(Stated::Icc(profile.encode().unwrap()));
        assert_eq!(profile.is_srgb(), expected, "{at}");
    }
    assert!(!Profile(Stated::Icc(p3_by_table(3))).is_srgb());
}

#[test]
fn the_colour_chunks_of_a_png_count_in_the_order_of_its_specification() {
    const COLOUR: [u8; 3] = [200, 60, 40];
    const AS_P3: [u8; 3] = [217, 42, 23];
    const AS_LINEAR: [u8; 3] = [229, 133, 110];
    // ProPhoto's red is far outside sRGB.
    const AS_PROPHOTO: [u8; 3] = [255, 0, 43];
    const LINEAR: &[u8] = &100_000_u32.to_be_bytes();
    const USUAL: &[u8] = &45_455_u32.to_be_bytes();
    let p3 = numbers(&[31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000]);
    let srgb = numbers(&[31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000]);
    let icc = ColorProfile::new_pro_photo_rgb().encode().unwrap();
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(&icc, 6);
    let icc: &[u8] = &[b"p\0\0", &packed[..]].concat();
    let table: [(&[Chunk<'_>], [u8; 3]); 20] = [
        (&[], COLOUR),
        (&[(b"gAMA", LINEAR)], AS_LINEAR),
        (&[(b"gAMA", USUAL)], COLOUR),
        (&[(b"cHRM", &p3)], AS_P3),
        (&[(b"cHRM", &srgb)], COLOUR),
        (&[(b"gAMA", USUAL), (b"cHRM", &p3)], AS_P3),
        (&[(b"cHRM", &p3), (b"gAMA", LINEAR)], [244, 127, 104]),
        (&[(b"sRGB", &[0]), (b"gAMA", LINEAR), (b"cHRM", &p3)], COLOUR),
        (&[(b"iCCP", icc), (b"gAMA", LINEAR)], AS_PROPHOTO),
        (&[(b"sRGB", &[0]), (b"iCCP", icc)], AS_PROPHOTO),
        (&[(b"iCCP", icc), (b"cICP", &[12, 13, 0, 1])], AS_P3),
        (&[(b"iCCP", icc), (b"cICP", &[1, 13, 0, 1])], COLOUR),
        (&[(b"cICP", &[1, 8, 0, 1]), (b"sRGB", &[0])], AS_LINEAR),
        // With high dynamic range the white of a page becomes white: PQ's 203 cd/m² is level 148.
        (&[(b"cICP", &[1, 18, 0, 1])], [255, 57, 33]),
        // Damaged chunks and reserved numbers are ignored.
        (&[(b"cICP", &[12, 13, 1, 1]), (b"gAMA", LINEAR)], AS_LINEAR),
        (&[(b"cICP", &[3, 13, 0, 1]), (b"gAMA", LINEAR)], AS_LINEAR),
        (&[(b"iCCP", &[1, 2, 3]), (b"gAMA", LINEAR)], AS_LINEAR),
        (&[(b"gAMA", &[0; 4]), (b"cHRM", &p3)], AS_P3),
        (&[(b"gAMA", &[1]), (b"sRGB", &[9])], COLOUR),
        (&[(b"cHRM", &[0; 32])], COLOUR),
    ];
    for (stated, expected) in table {
        let kinds: Vec<_> =
            stated.iter().map(|(kind, _)| String::from_utf8_lossy(&kind[..])).collect();
        let profile = of(&chunks(stated));
        let shown = profile.as_ref().map_or(COLOUR, |profile| converted(profile, COLOUR));
        near(&shown, &expected, 2, &format!("{kinds:?}"));
        assert!(expected != COLOUR || profile.is_none(), "{kinds:?}: nothing to convert");
    }
    let pq = of(&chunks(&[(b"cICP", &[9, 16, 0, 1])])).unwrap();
    near(&converted(&pq, [148; 3]), &[255; 3], 2, "PQ");
    near(&converted(&pq, [255; 3]), &[255; 3], 0, "PQ");
    near(&converted(&pq, [64; 3]), &[45; 3], 2, "PQ");
}

#[test]
fn a_file_carries_a_profile_that_describes_its_pixels() {
    let profile = |space: &[u8; 4]| {
        let mut icc = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        icc[16..20].copy_from_slice(space);
        Profile(Stated::Icc(icc))
    };
    let (rgb, gray) = (profile(b"RGB "), profile(b"GRAY"));
    let pictures: [DynamicImage; 4] = [
        GrayImage::new(1, 1).into(),
        GrayAlphaImage::new(1, 1).into(),
        RgbImage::new(1, 1).into(),
        RgbaImage::new(1, 1).into(),
    ];
    // For each encoding: whether a file of each of these pictures carries a profile for greys, and
    // whether it carries a profile for RGB.
    let table = [
        (Encoding::Jpeg(90), [true, false, false, false], [false, true, true, true]),
        (Encoding::Png, [true, true, false, false], [false, false, true, true]),
        (Encoding::Webp, [false; 4], [true; 4]),
        (Encoding::LossyWebp(90), [false; 4], [true; 4]),
        (Encoding::Gif, [false; 4], [false; 4]),
        (Encoding::Avif(80), [false; 4], [false; 4]),
    ];
    for (encoding, greys, colours) in table {
        for (at, picture) in pictures.iter().enumerate() {
            let picture = Picture::Pixels(picture.clone());
            let carried = |profile: &Profile| profile.carried_by(encoding, &picture).is_some();
            assert_eq!(
                (carried(&gray), carried(&rgb)),
                (greys[at], colours[at]),
                "{encoding:?} {at}"
            );
        }
    }
}

#[test]
fn the_memory_of_a_profile_with_tables_is_counted() {
    let tables = |icc| Profile(Stated::Icc(icc)).tables();
    assert_eq!(tables(ColorProfile::new_display_p3().encode().unwrap()), 0);
    let table = p3_by_table(17);
    let length = table.len() as u64;
    assert!(tables(table) > 10 * length);
}

#[test]
fn a_profile_that_is_damaged_anywhere_changes_no_picture_and_ends_no_worker() {
    let photo = samples::photo(9, 9);
    for icc in [p3_by_table(3), ColorProfile::new_display_p3().encode().unwrap()] {
        let expected = Profile(Stated::Icc(icc.clone()));
        let step = icc.len() / 60 + 1;
        for at in (0..icc.len()).step_by(step) {
            let mut damaged = icc.clone();
            damaged[at] ^= 0xFF;
            let cut = icc[..at].to_vec();
            for icc in [damaged, cut] {
                let profile = Profile(Stated::Icc(icc));
                let mut picture = photo.clone();
                let used = profile.to_srgb(&mut picture);
                assert!(used || picture == photo, "{at}");
                let _ = (profile.is_srgb(), profile.name());
            }
        }
        assert!(expected.to_srgb(&mut photo.clone()));
    }
}
