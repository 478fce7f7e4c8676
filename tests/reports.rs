//! Pictures modelled on public reports against image services, each with the right result.
//!
//! The files are in `references/reports/`; all of them were made for this project.

use std::fs;
use std::io::Cursor;

use image::DynamicImage;

use crate::util::{Service, get, picture_table, post, root};

/// A file, its pipeline and zoom, the picture that its result must show, and the tolerance: the
/// mean difference in each channel, in levels.
type Row = (&'static str, &'static str, &'static str, &'static str, f64);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("S1_no_tables.jpg", "png", "1", "J.truth.png", 3.0),
    ("W12_0.webp", "png", "1", "W12.0.ref.png", 0.0),
    ("W04b.webp", "png", "1", "W04b.ref.png", 1.0),
    ("G01.gif", "png", "1", "G01.ref.png", 0.0),
    ("G03.gif", "png", "1", "G03.ref.png", 0.0),
    ("P01_30.png", "png", "1", "P01.30.ref.png", 0.0),
    ("P04e.png", "png", "1", "P04e.ref.png", 0.0),
    ("O01.jpg", "png", "1", "O01.ref.png", 3.0),
    // Viewers show these results right without any profile or chunk.
    ("C05.jpg", "webp", "1", "C05webp.ref.png", 1.0),
    ("C12.png", "none", "0.5", "C12.ref.png", 1.0),
    // A scan for each component, chroma first.
    ("J01.jpg", "png", "1", "J.truth.png", 3.0),
    ("J02.jpg", "png", "1", "J.truth.png", 3.0),
    // Adobe markers: together with JFIF, and with a transform that does not exist.
    ("J10.jpg", "png", "1", "J.truth.png", 3.0),
    ("J10d.jpg", "png", "1", "J.truth.png", 3.0),
    // Chroma with more samples than luma.
    ("J14.jpg", "png", "1", "J14.ref.png", 3.0),
    // A restart marker is missing: one interval is grey, and the rest right.
    ("J34.jpg", "png", "1", "J.truth.png", 3.0),
];

#[test]
fn each_picture_of_the_reports_has_the_right_result() {
    let service = service();
    for (file, pipeline, zoom, reference, tolerance) in TABLE.iter().copied() {
        let (_, result) = sent(&service, file, pipeline, zoom);
        check(&result, reference, tolerance, file);
    }
}

#[test]
fn a_jpeg_without_huffman_tables_uses_the_standard_ones() {
    let service = service();
    for before in ["S1_no_tables.jpg", "S1_before.jpg", "S1_no_tables.jpg"] {
        sent(&service, before, "png", "1");
        let (_, result) = sent(&service, "S1_no_tables.jpg", "png", "1");
        check(&result, "J.truth.png", 3.0, before);
    }
}

#[test]
fn a_png_that_is_passed_on_keeps_its_gamma() {
    let (file, picture) = sent(&service(), "C11e.png", "none", "1");
    let decoder = png::Decoder::new(Cursor::new(&file));
    let gamma = decoder.read_info().unwrap().info().gama_chunk;
    assert_eq!(gamma.map(png::ScaledFloat::into_value), Some(1.0));
    // The file holds linear light; a viewer shows it in sRGB (IEC 61966-2-1).
    let mut shown = picture.to_rgb8();
    for sample in shown.iter_mut() {
        let light = f64::from(*sample) / 255.0;
        let encoded = if light <= 0.003_130_8 {
            12.92 * light
        } else {
            1.055 * light.powf(1.0 / 2.4) - 0.055
        };
        // Between 0 and 255.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let encoded = (encoded * 255.0).round() as u8;
        *sample = encoded;
    }
    check(&shown.into(), "C11e.ref.png", 1.0, "C11e.png");
    let (_, worked_on) = sent(&service(), "C11e.png", "png", "1");
    check(&worked_on, "C11e.ref.png", 1.0, "C11e.png, worked on");
}

#[test]
fn a_lossy_webp_comes_back_lossy_or_as_jpeg() {
    let service = service();
    let turbo = cfg!(feature = "turbo");
    for (file, format) in [
        ("lossy.webp", if turbo { "VP8 " } else { "jpeg" }),
        ("lossy_alpha.webp", if turbo { "ALPH" } else { "VP8L" }),
    ] {
        let source = report(file).len();
        let (result, picture) = sent(&service, file, "strip", "0.5");
        let is_of = |chunk: &str| result.windows(4).any(|bytes| bytes == chunk.as_bytes());
        if format == "jpeg" {
            assert!(result.starts_with(b"\xFF\xD8"), "{file}");
        } else {
            assert!(result.starts_with(b"RIFF") && is_of(format), "{file}");
        }
        if format != "VP8L" {
            assert!(result.len() < source, "{file}: {} bytes of {source}", result.len());
        }
        let (png, lossless) = sent(&service, file, "png", "0.5");
        assert!(result.len() < png.len());
        differ_by_at_most(4.0, &on_black(&picture), &on_black(&lossless), file);
        // A step's own choice of the format counts first.
        let (result, picture) = sent(&service, file, "webp", "0.5");
        assert!(result.windows(4).any(|chunk| chunk == b"VP8L"), "{file}");
        differ_by_at_most(0.0, &picture, &lossless, file);
    }
}

/// The picture as it looks on a black page.
fn on_black(picture: &DynamicImage) -> DynamicImage {
    let mut picture = picture.to_rgba8();
    for pixel in picture.pixels_mut() {
        let [r, g, b, alpha] = pixel.0;
        let seen = |channel: u8| u8::try_from(u16::from(channel) * u16::from(alpha) / 255);
        pixel.0 = [r, g, b, 255].map(|channel| seen(channel).unwrap());
    }
    picture.into()
}

/// A service of one worker.
fn service() -> Service {
    let pipelines = "none = []\npng = ['png']\nwebp = ['webp']\nstrip = ['strip']\nbroken = ";
    Service::start(&picture_table("", "").replacen("broken = ", pipelines, 1))
}

/// The result of a file of the reports, and the picture that the result shows.
fn sent(service: &Service, file: &str, pipeline: &str, zoom: &str) -> (Vec<u8>, DynamicImage) {
    let url = service.url(&format!("/work?rType={pipeline}&zoom={zoom}"));
    let answer = post(&url, report(file)).json();
    let url = answer["url"].as_str().unwrap_or_else(|| panic!("{file}: {answer}"));
    let result = get(url).body;
    let picture =
        image::load_from_memory(&result).unwrap_or_else(|error| panic!("{file}: {error}"));
    (result, picture)
}

fn report(name: &str) -> Vec<u8> {
    let path = root().join("tests/references/reports").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn check(result: &DynamicImage, reference: &str, tolerance: f64, file: &str) {
    let expected = image::load_from_memory(&report(reference)).unwrap();
    differ_by_at_most(tolerance, result, &expected, file);
}

/// The mean difference in each channel, in levels.
fn differ_by_at_most(tolerance: f64, found: &DynamicImage, expected: &DynamicImage, file: &str) {
    let (found, expected) = (found.to_rgba8(), expected.to_rgba8());
    assert_eq!(found.dimensions(), expected.dimensions(), "{file}");
    let pixels = f64::from(found.width() * found.height());
    for channel in 0..4 {
        let pairs = found.pixels().zip(expected.pixels());
        let sum: u32 = pairs.map(|(a, b)| u32::from(a.0[channel].abs_diff(b.0[channel]))).sum();
        let mean = f64::from(sum) / pixels;
        assert!(
            mean <= tolerance,
            "{file}: channel {channel} differs by {mean:.1}, not {tolerance}"
        );
    }
}
