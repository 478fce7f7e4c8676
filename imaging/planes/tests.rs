//! Planes in other sizes, compared with the same samples as a picture.

// Sizes and colours in tests are small.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use super::super::geometry::{Geometry, Rect};
use super::*;

/// Soft slopes with a bright spot, different along both sides.
fn soft(width: u32, height: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let (x, y) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
        let spot = (-((x - 0.3).powi(2) + (y - 0.6).powi(2)) * 30.0).exp();
        image::Luma([(20.0 + 120.0 * x + 40.0 * y + 70.0 * spot) as u8])
    })
}

fn largest_difference(one: &GrayImage, other: &GrayImage) -> u8 {
    assert_eq!(one.dimensions(), other.dimensions());
    one.iter().zip(other.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or_default()
}

#[test]
fn enlarging_a_plane_is_what_the_general_filter_makes_of_it() {
    let rect = |left, top, width, height| Rect { left, top, width, height };
    let table = [
        ((64, 48), rect(0.0, 0.0, 64.0, 48.0), (96, 72)),
        ((64, 48), rect(0.0, 0.0, 64.0, 48.0), (65, 200)),
        ((64, 48), rect(0.0, 0.0, 64.0, 48.0), (64, 49)),
        ((64, 48), rect(10.0, 7.0, 20.0, 11.0), (60, 33)),
        ((64, 48), rect(10.25, 7.5, 20.5, 11.25), (60, 33)),
        ((5, 3), rect(0.0, 0.0, 5.0, 3.0), (17, 31)),
        ((1, 1), rect(0.0, 0.0, 1.0, 1.0), (3, 2)),
    ];
    for (from, source, size) in table {
        let plane = soft(from.0, from.1);
        let enlarged = enlarge(&plane, &source, size, &mut Buffers::default()).unwrap();
        let geometry = Geometry { source, size };
        let expected = DynamicImage::ImageLuma8(plane);
        let expected = cut_and_resize(&expected, &geometry, &mut Buffers::default()).unwrap();
        // At the edge of a cut, the general filter does not see the pixels beyond it.
        let whole = source == Rect::of(from);
        let most = largest_difference(&enlarged, &expected.into_luma8());
        assert!(most <= if whole { 3 } else { 12 }, "{from:?} {source:?} {size:?}: {most}");
    }
}

#[test]
fn a_plain_plane_stays_plain() {
    for level in [0, 1, 127, 254, 255] {
        let plane = GrayImage::from_pixel(9, 7, image::Luma([level]));
        for size in [(9, 8), (10, 7), (100, 31), (18, 14)] {
            let enlarged =
                enlarge(&plane, &Rect::of((9, 7)), size, &mut Buffers::default()).unwrap();
            assert!(enlarged.iter().all(|&sample| sample == level), "{level} {size:?}");
        }
    }
}

#[test]
fn an_edge_neither_wraps_nor_tears() {
    let plane = GrayImage::from_fn(8, 8, |x, y| image::Luma([255 * u8::from((x < 4) ^ (y < 4))]));
    let enlarged = enlarge(&plane, &Rect::of((8, 8)), (64, 64), &mut Buffers::default()).unwrap();
    for (x, y, sample) in enlarged.enumerate_pixels() {
        // Two samples on either side of the edge at 32.
        let near = |at: u32| (16..48).contains(&at);
        if !near(x) && !near(y) {
            let expected = 255 * u8::from((x < 32) ^ (y < 32));
            assert!(sample.0[0].abs_diff(expected) <= 2, "{x}, {y}: {sample:?}");
        }
    }
}

#[test]
fn colour_comes_to_half_the_size_however_it_was_sampled() {
    let samplings = [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1)];
    for (width, height) in [(64, 48), (63, 47), (17, 3), (1, 1)] {
        for (across, down) in samplings {
            let chroma = soft(u32::div_ceil(width, across), u32::div_ceil(height, down));
            for size in [(width, height), (width.div_ceil(2), height.div_ceil(2)), (96, 71)] {
                let planes =
                    Planes { luma: soft(width, height), chroma: [chroma.clone(), chroma.clone()] };
                let geometry = Geometry::resized((width, height), size);
                let Planes { luma, chroma: [blue, red] } =
                    reshape(planes, &geometry, &mut Buffers::default()).unwrap();
                assert_eq!(luma.dimensions(), size);
                assert_eq!(blue.dimensions(), (size.0.div_ceil(2), size.1.div_ceil(2)));
                assert_eq!(blue, red);
                // It shows the same as the brightness.
                let (x, y) = (blue.width() / 2, blue.height() / 2);
                let (x2, y2) = ((2 * x).min(size.0 - 1), (2 * y).min(size.1 - 1));
                let (small, large) = (blue.get_pixel(x, y).0[0], luma.get_pixel(x2, y2).0[0]);
                assert!(width < 40 || small.abs_diff(large) < 12, "{width} {across} {size:?}");
            }
        }
    }
}
