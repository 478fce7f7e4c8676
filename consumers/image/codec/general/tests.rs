//! JPEG files of every kind, beside the picture that they were made of and beside libjpeg-turbo.

// Sizes and colours in tests are small.
#![allow(clippy::cast_precision_loss)]

use image::RgbImage;

use super::super::samples::photo;
use super::super::samples::rare_jpeg::{BLACK, Colours as Stored, RareJpeg, adobe, jfif};
use super::super::{BAD_IMAGE, Codec, pure};
use super::*;

fn kinds() -> Vec<(String, RareJpeg)> {
    let usual = RareJpeg::default;
    let of_scans = |scans: &[&[usize]]| {
        scans.iter().map(|members| (members.to_vec(), (0, 63))).collect::<Vec<_>>()
    };
    let mut kinds: Vec<(String, RareJpeg)> = Vec::new();
    let mut add = |name: &str, kind: RareJpeg| kinds.push((name.to_owned(), kind));
    add("the usual", usual());
    add("a scan for each component", RareJpeg { scans: of_scans(&[&[0], &[1], &[2]]), ..usual() });
    add("colours first", RareJpeg { scans: of_scans(&[&[2], &[1], &[0]]), ..usual() });
    add("colours together", RareJpeg { scans: of_scans(&[&[0], &[1, 2]]), ..usual() });
    add("extended sequential", RareJpeg { sof: 0xC1, ..usual() });
    add("numbers of two bytes", RareJpeg { deep: true, ..usual() });
    add("the standard's own codes", RareJpeg { codes: false, ..usual() });
    add("restarts", RareJpeg { restart: 2, ..usual() });
    add("a restart lost", RareJpeg { restart: 2, lost: vec![3], ..usual() });
    add("two restarts lost", RareJpeg { restart: 1, lost: vec![1, 2], ..usual() });
    add("five restarts lost", RareJpeg { restart: 1, lost: (4..9).collect(), ..usual() });
    let rgb = RareJpeg { colours: Stored::Rgb, factors: vec![(1, 1); 3], ..usual() };
    let marked = |segments: &[(u8, Vec<u8>)]| segments.to_vec();
    add("nothing about colours", RareJpeg { segments: marked(&[]), ..usual() });
    add("unknown names", RareJpeg { segments: marked(&[]), names: vec![7, 9, 200], ..usual() });
    add("JFIF before Adobe", RareJpeg { segments: marked(&[jfif(), adobe(0)]), ..usual() });
    add("JFIF behind Adobe", RareJpeg { segments: marked(&[adobe(0), jfif()]), ..usual() });
    add("JFIF and names of RGB", RareJpeg { names: b"RGB".to_vec(), ..usual() });
    add(
        "Adobe and names of RGB",
        RareJpeg { segments: marked(&[adobe(1)]), names: b"RGB".to_vec(), ..usual() },
    );
    for transform in [1, 2, 7, 255] {
        let segments = marked(&[adobe(transform)]);
        add(&format!("Adobe's transform {transform}"), RareJpeg { segments, ..usual() });
    }
    add("Adobe's RGB", RareJpeg { segments: marked(&[adobe(0)]), ..rgb.clone() });
    add("named RGB", RareJpeg { segments: marked(&[]), names: b"RGB".to_vec(), ..rgb.clone() });
    for (transform, colours) in [(0, Stored::Cmyk), (2, Stored::Ycck)] {
        for factors in [vec![(1, 1); 4], vec![(2, 2), (1, 1), (1, 1), (2, 2)]] {
            let name = format!("inks {transform} {factors:?}");
            let scans = of_scans(&[&[0, 1, 2, 3]]);
            let segments = marked(&[adobe(transform)]);
            add(&name, RareJpeg { factors, colours, segments, scans, ..usual() });
        }
    }
    let grey = || RareJpeg { colours: Stored::Grey, scans: of_scans(&[&[0]]), ..usual() };
    add("grey", RareJpeg { factors: vec![(1, 1)], ..grey() });
    add("grey of larger units", RareJpeg { factors: vec![(2, 3)], ..grey() });
    let all = |from, to| (vec![0, 1, 2], (from, to));
    let one = |of: usize, from, to| (vec![of], (from, to));
    for factors in [
        [(2, 2), (1, 1), (1, 1)],
        [(1, 1), (1, 1), (1, 1)],
        [(2, 1), (1, 1), (1, 1)],
        [(1, 2), (1, 1), (1, 1)],
        [(4, 1), (1, 1), (1, 1)],
        [(1, 4), (1, 1), (1, 1)],
        [(4, 2), (1, 1), (1, 1)],
        [(3, 1), (1, 1), (1, 1)],
        [(1, 3), (1, 1), (1, 1)],
        [(1, 1), (2, 2), (2, 2)],
        [(1, 1), (2, 1), (2, 1)],
        [(1, 1), (2, 2), (1, 1)],
        [(2, 2), (2, 1), (1, 2)],
        [(2, 1), (1, 2), (1, 1)],
    ] {
        let factors = factors.to_vec();
        add(&format!("{factors:?}"), RareJpeg { factors: factors.clone(), ..usual() });
        let scans = of_scans(&[&[0], &[1], &[2]]);
        add(&format!("{factors:?} apart"), RareJpeg { factors: factors.clone(), scans, ..usual() });
        let scans = vec![all(0, 0), one(0, 1, 5), one(2, 1, 63), one(1, 1, 63), one(0, 6, 63)];
        add(
            &format!("{factors:?} progressive"),
            RareJpeg { sof: 0xC2, factors: factors.clone(), scans, ..usual() },
        );
        let scans = (0..3).flat_map(|of| [one(2 - of, 0, 0), one(2 - of, 1, 63)]).collect();
        add(
            &format!("{factors:?} progressive, apart"),
            RareJpeg { sof: 0xC2, factors, scans, ..usual() },
        );
    }
    kinds
}

/// The mean difference of the channels of two pictures, in levels, of the channel where it is most.
fn differs(one: &RgbImage, other: &RgbImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let mean = |channel: usize| {
        let pairs = one.pixels().zip(other.pixels());
        let sum: u64 = pairs.map(|(a, b)| u64::from(a.0[channel].abs_diff(b.0[channel]))).sum();
        sum as f64 / f64::from(one.width() * one.height())
    };
    (0..3).map(mean).fold(0.0, f64::max)
}

/// The pixels of a picture, in whatever form it comes.
fn pixels(codec: &dyn Codec, file: &[u8], wanted: Wanted) -> Result<RgbImage, Error> {
    let probe = codec.probe(file)?;
    Ok(match codec.decode(file, &probe, wanted)? {
        Picture::Pixels(pixels) => pixels.to_rgb8(),
        Picture::Planes(planes) => rgb_of_planes(&planes)?,
    })
}

#[test]
fn every_kind_shows_the_picture_that_it_was_made_of() {
    for (width, height) in [(64, 48), (65, 49)] {
        let photo = photo(width, height);
        for (kind, rare) in kinds().into_iter().filter(|(_, rare)| rare.lost.is_empty()) {
            let file = rare.write(&photo);
            let mut expected = photo.to_rgb8();
            if matches!(rare.colours, Stored::Cmyk | Stored::Ycck) {
                for channel in expected.iter_mut() {
                    let part = u16::from(*channel) * u16::from(BLACK) / 255;
                    *channel = u8::try_from(part).unwrap();
                }
            }
            if rare.colours == Stored::Grey {
                expected = photo.grayscale().to_rgb8();
            }
            let shown = pixels(pure(), &file, Wanted::PIXELS).unwrap();
            let mean = differs(&shown, &expected);
            assert!(mean < 8.0, "{kind}, {width} × {height}: {mean}");
        }
    }
}

#[test]
fn a_kind_that_is_not_decoded_is_named() {
    let photo = photo(40, 30);
    let kind = |rare: RareJpeg| rare.write(&photo);
    let changed = |at: usize, byte: u8| {
        let mut file = kind(RareJpeg::default());
        let frame = file.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
        file[frame + at] = byte;
        file
    };
    let mut no_height = changed(5, 0);
    let height = no_height.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap() + 6;
    no_height[height] = 0;
    for (file, named) in [
        (changed(4, 12), "12-bit JPEG"),
        (changed(1, 0xC3), "lossless JPEG"),
        (changed(1, 0xC5), "hierarchical JPEG"),
        (changed(1, 0xC9), "arithmetic-coded JPEG"),
        (changed(1, 0xCB), "lossless JPEG"),
        (changed(1, 0xCA), "arithmetic-coded JPEG"),
        (changed(1, 0xCD), "hierarchical JPEG"),
        (no_height, "JPEG with its height behind the picture (DNL)"),
    ] {
        let error = pixels(pure(), &file, Wanted::PIXELS).unwrap_err();
        assert_eq!(error.code(), BAD_IMAGE);
        assert_eq!(error.message(), format!("{named} is not supported"));
    }
}

#[cfg(feature = "turbo")]
mod beside_libjpeg_turbo;
