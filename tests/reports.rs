//! Pictures made after public reports against image services, each with the right result.
//!
//! The files are in `references/reports/`; all of them were made for this project.

use std::fs;

use image::DynamicImage;

use crate::util::{Service, get, picture_table, post, root};

/// A file, the pipeline and the zoom it is sent with, the picture that its result shows, and how
/// far the two may differ: the mean difference in each channel, in levels.
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
];

#[test]
fn each_picture_of_the_reports_comes_out_right() {
    let service = service();
    for (file, pipeline, zoom, reference, tolerance) in TABLE.iter().copied() {
        let (_, result) = sent(&service, file, pipeline, zoom);
        check(&result, reference, tolerance, file);
    }
}

#[test]
fn a_jpeg_without_huffman_tables_has_the_standard_ones_whatever_came_before() {
    let service = service();
    for before in ["S1_no_tables.jpg", "S1_before.jpg", "S1_no_tables.jpg"] {
        sent(&service, before, "png", "1");
        let (_, result) = sent(&service, "S1_no_tables.jpg", "png", "1");
        check(&result, "J.truth.png", 3.0, before);
    }
}

/// A service of one worker.
fn service() -> Service {
    let pipelines = "none = []\npng = ['png']\nwebp = ['webp']\nstrip = ['strip']\nbroken = ";
    Service::start(&picture_table("", "").replacen("broken = ", pipelines, 1))
}

/// The result of a file of the reports, and what it shows.
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
    let expected = image::load_from_memory(&report(reference)).unwrap().to_rgba8();
    let found = result.to_rgba8();
    assert_eq!(found.dimensions(), expected.dimensions(), "{file}");
    let pixels = f64::from(found.width() * found.height());
    for channel in 0..4 {
        let pairs = found.pixels().zip(expected.pixels());
        let sum: u32 = pairs.map(|(a, b)| u32::from(a.0[channel].abs_diff(b.0[channel]))).sum();
        let mean = f64::from(sum) / pixels;
        assert!(
            mean <= tolerance,
            "{file}: channel {channel} differs by {mean:.1} from {reference}"
        );
    }
}
