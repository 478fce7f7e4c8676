//! Pipelines, their fields and their failures.

// Sizes and colours in tests are small.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use std::sync::LazyLock;

use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView};
use serde_json::{Value, from_value, json};

use super::*;
use crate::buffers::Buffers;
use crate::error::ErrorKind;
use crate::format::Format;
use crate::limits::Limits;
use crate::samples::{corners, gif, jpeg, lossy_webps, photo, png, webp};
use crate::workpiece::Source;

static LIMITS: LazyLock<Limits> =
    LazyLock::new(|| Limits { pixels: 1_000_000, side: 2000, ..Limits::default() });

fn run_all<B>(
    piece: &mut Workpiece<'_>,
    steps: Value,
    checkpoint: &mut Checkpoint<'_, B>,
) -> Result<ControlFlow<B>, Error> {
    let steps: Vec<Step> = from_value(steps).unwrap();
    run(piece, &steps.iter().collect::<Vec<_>>(), checkpoint)
}

/// The properties of an ordinary file.
const JPEG: Source<'static> = Source {
    format: Format::Jpeg,
    size: (1, 1),
    orientation: Orientation::NoTransforms,
    exif: None,
};

/// Nothing stops the work.
fn never(_: &'static str) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn done(picture: DynamicImage, of: Value) -> Workpiece<'static> {
    let buffers = Box::leak(Box::default());
    let mut piece = Workpiece::new(picture, &JPEG, &LIMITS, buffers);
    assert!(run_all(&mut piece, of, &mut never).unwrap().is_continue());
    piece
}

#[test]
fn a_step_makes_of_a_picture_what_its_name_says() {
    const RED: [u8; 3] = [255, 0, 0];
    const GREEN: [u8; 3] = [0, 255, 0];
    const BLUE: [u8; 3] = [0, 0, 255];
    const WHITE: [u8; 3] = [255, 255, 255];
    const GREY: [u8; 3] = [76, 76, 76];
    // The size and the upper left colour, for the picture with four corners, 48 × 32.
    let table = [
        (json!([]), (48, 32), RED),
        (json!(["info"]), (48, 32), RED),
        (json!(["grayscale"]), (48, 32), GREY),
        (json!([{"fit": [24, 24]}]), (24, 16), RED),
        (json!([{"fit": [1000, 1000]}]), (48, 32), RED),
        (json!([{"rotate": 90}]), (32, 48), WHITE),
        (json!([{"rotate": 180}]), (48, 32), BLUE),
        (json!([{"rotate": 270}]), (32, 48), GREEN),
        (json!([{"flip": "horizontal"}]), (48, 32), GREEN),
        (json!([{"flip": "vertical"}]), (48, 32), WHITE),
        (json!([{"crop": [30, 20, 10, 10]}]), (10, 10), BLUE),
        (json!([{"crop": [30, 0, 4_000_000_000_u32, 4]}]), (18, 4), GREEN),
        (json!([{"blur": 1.0}]), (48, 32), RED),
        (json!([{"sharpen": 1.0}]), (48, 32), RED),
        (json!([{"rotate": 90}, "grayscale", {"fit": [16, 16]}]), (11, 16), WHITE),
    ];
    for (of, size, colour) in table {
        let picture = done(corners(), of.clone()).picture;
        assert_eq!(picture.dimensions(), size, "{of}");
        let pixel = picture.to_rgb8().get_pixel(2, 2).0;
        assert!(pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 3), "{of}: {pixel:?}");
    }
}

#[test]
fn blur_takes_contrast_away_and_sharpen_adds_it() {
    let contrast = |picture: &DynamicImage| {
        let bytes = picture.as_bytes();
        let mean = bytes.iter().map(|&b| f64::from(b)).sum::<f64>() / bytes.len() as f64;
        bytes.iter().map(|&b| (f64::from(b) - mean).powi(2)).sum::<f64>()
    };
    let before = contrast(&photo(64, 64));
    assert!(contrast(&done(photo(64, 64), json!([{"blur": 3.0}])).picture) < before);
    assert!(contrast(&done(photo(64, 64), json!([{"sharpen": 3.0}])).picture) > before);
}

#[test]
fn the_format_stays_unless_a_step_changes_it() {
    let [lossy_webp, lossy_alpha] = lossy_webps();
    let table = [
        (jpeg(&photo(4, 4)), json!([]), Encoding::Jpeg(95)),
        (gif(&photo(4, 4)), json!([]), Encoding::Png),
        (webp(&photo(4, 4)), json!(["grayscale"]), Encoding::Webp),
        (lossy_webp.clone(), json!(["grayscale"]), Encoding::LossyWebp(90)),
        (lossy_alpha, json!([]), Encoding::LossyWebp(90)),
        (lossy_webp, json!(["webp"]), Encoding::Webp),
        (png(&photo(4, 4)), json!([{"jpeg": {"quality": 80}}, "info"]), Encoding::Jpeg(80)),
        (png(&photo(4, 4)), json!(["jpeg", "webp"]), Encoding::Webp),
    ];
    for (file, of, expected) in table {
        let pipeline: Pipeline = from_value(of).unwrap();
        let probe = crate::codec::probe(&file).unwrap();
        let encoding = pipeline.encoding().unwrap_or(Encoding::like(&probe));
        assert_eq!(encoding, expected);
    }
}

#[test]
fn info_tells_what_the_picture_is_where_it_stands() {
    let fields = done(corners(), json!([{"crop": [0, 0, 20, 10]}, "info", {"fit": [4, 4]}])).fields;
    let expected = json!({"width": 20, "height": 10, "format": "jpg", "orientation": 1, "has_alpha": false,
        "mean_colour": "#ff0000", "dominant_colour": "#ff0000"});
    assert_eq!(Value::Object(fields), expected);
}

#[test]
fn what_cannot_be_done_fails() {
    for of in [
        json!([{"crop": [4, 0, 1, 1]}]),
        json!([{"zoom": 100}, {"zoom": 100}]),
        json!([{"fill": [2001, 1]}]),
        json!([{"cover": [1001, 1000]}]),
        json!([{"pad": [1500, 1500]}]),
        json!([{"pad": 16_000}]),
    ] {
        let mut buffers = Buffers::default();
        let mut piece = Workpiece::new(photo(4, 4), &JPEG, &LIMITS, &mut buffers);
        let failed = run_all(&mut piece, of.clone(), &mut never).unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::StepFailed, "{of}");
    }
}

#[test]
fn the_checkpoint_stands_before_every_step() {
    let mut seen = Vec::new();
    let mut buffers = Buffers::default();
    let mut piece = Workpiece::new(photo(4, 4), &JPEG, &LIMITS, &mut buffers);
    let stopped = run_all(&mut piece, json!(["grayscale", "info", "png"]), &mut |stage| {
        seen.push(stage);
        if stage == "info" { ControlFlow::Break("gone") } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Ok(ControlFlow::Break("gone"))));
    assert_eq!(seen, ["grayscale", "info"]);
}

#[test]
fn steps_without_pixels_need_no_picture() {
    let steps: Vec<Step> = from_value(json!(["exif", "strip", "png", "info"])).unwrap();
    let steps: Vec<&Step> = steps.iter().collect();

    let run = run_without_pixels(&steps[..3], &JPEG, &mut None, &mut never).unwrap();
    assert_eq!(run, ControlFlow::Continue(Map::from_iter([("exif".to_owned(), json!({}))])));
    let failed = run_without_pixels(&steps, &JPEG, &mut None, &mut never).unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Failed);
}
