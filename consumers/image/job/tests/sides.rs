//! Pictures with the longest sides that their formats allow.

use imaging::image::{GenericImageView, load_from_memory};

use super::*;

/// Each pipeline is one step.
fn studio(steps: &[(&str, Value)]) -> Studio {
    let steps = steps.iter().map(|(name, step)| ((*name).to_owned(), json!([step])));
    let mut results: Map<String, Value> = steps.collect();
    results.insert("none".into(), json!([]));
    let options = from_value(json!({"results": results})).unwrap();
    Studio { options, ..Studio::new() }
}

#[test]
fn a_side_of_65535_goes_through_every_format_that_can_hold_it() {
    let formats = ["png", "gif", "jpeg", "webp"].map(|name| (name, json!(name)));
    let studio = studio(&formats);
    let long = imaging::Limits::SIDE_MAX;
    for (name, size, most) in [
        ("none", (3, long), long),
        ("png", (long, 3), long),
        ("gif", (2, long), long),
        ("jpeg", (long, 8), 65_500),
        ("jpeg", (8, 65_500), 65_500),
        ("webp", (3, 16_384), 16_383),
        ("webp", (16_383, 3), 16_383),
    ] {
        let file = png(&photo(size.0, size.1));
        let header = || json!({"rType": name});
        if size.0.max(size.1) <= most {
            let answer = studio.work(&file, header()).unwrap();
            let result = load_from_memory(&studio.file(&answer["url"])).unwrap();
            assert_eq!(result.dimensions(), size, "{name}");
            continue;
        }
        let error = studio.work(&file, header()).unwrap_err();
        assert_eq!(error.code(), "step_failed", "{name}");
        let reported = format!("{} × {} pixels", size.0, size.1);
        assert!(error.message().contains(&reported), "{}", error.message());
        assert!(error.message().contains(&most.to_string()), "{}", error.message());
        assert!(error.field("url").is_some(), "the picture as it came is there");
    }
    let error = studio.work(&png(&photo(1, long + 1)), json!({"rType": "none"})).unwrap_err();
    assert_eq!(error.code(), "bad_image");
    // A lossless WebP that is enlarged stays lossless, and grows beyond the format's longest side.
    let file = webp(&photo(9000, 2));
    let error = studio.work(&file, json!({"rType": "none", "zoom": 2})).unwrap_err();
    assert_eq!(error.code(), "step_failed", "{}", error.message());
}

#[test]
fn every_format_that_is_read_may_have_long_sides() {
    let studio = studio(&[]);
    let photo = photo(16, 20_000);
    let files = [jpeg(&photo), progressive_jpeg(&photo), png(&photo), gif(&photo)];
    for (at, file) in files.iter().enumerate() {
        let answer = studio.work(file, json!({"rType": "none", "zoom": 0.5})).unwrap();
        let result = load_from_memory(&studio.file(&answer["url"])).unwrap();
        assert_eq!(result.dimensions(), (8, 10_000), "{at}");
    }
}

#[test]
fn every_step_takes_a_picture_that_is_hardly_more_than_a_line() {
    let steps = [
        ("zoom", json!({"zoom": 0.5})),
        ("fit", json!({"fit": [320, 320]})),
        ("fill", json!({"fill": [32, 24]})),
        ("cover", json!({"cover": [32, 24]})),
        ("smart", json!({"cover": {"size": [32, 24], "gravity": "smart"}})),
        ("crop", json!({"crop": [0, 0, 320, 240]})),
        ("trim", json!("trim")),
        ("quarter", json!({"rotate": 90})),
        ("rotate", json!({"rotate": 7})),
        ("flip", json!({"flip": "horizontal"})),
        ("pad", json!({"pad": 16})),
        ("round", json!({"round": 24})),
        ("flatten", json!("flatten")),
        ("grayscale", json!("grayscale")),
        ("blur", json!({"blur": 3.0})),
        ("softer", json!({"blur": 9.0})),
        ("sharpen", json!({"sharpen": 1.0})),
        ("watermark", json!({"watermark": {"text": "©"}})),
        ("info", json!("info")),
        ("palette", json!({"palette": 5})),
        ("histogram", json!("histogram")),
        ("sharpness", json!("sharpness")),
        ("thumbhash", json!("thumbhash")),
        ("blurhash", json!("blurhash")),
        ("phash", json!("phash")),
    ];
    let studio = studio(&steps);
    let long = imaging::Limits::SIDE_MAX;
    for size in [(2, long), (long, 2)] {
        let file = png(&photo(size.0, size.1));
        for (name, _) in &steps {
            match studio.work(&file, json!({"rType": name, "responseType": "json"})) {
                Ok(_) => {}
                Err(error) => {
                    // Rotated by a few degrees, it would have more pixels than memory allows.
                    let too_large = error.code() == "step_failed" || error.code() == "bad_image";
                    assert!(too_large && ["rotate", "pad"].contains(name), "{name}: {error:?}");
                }
            }
        }
    }
}
