//! Each step, from its entry in the table to its picture.

use serde_json::{Value, from_value, json};

use super::super::options::{OnTruncated, Pictures};
use super::*;

fn step(value: Value) -> Result<Step, String> {
    from_value(value).map_err(|error| error.to_string())
}

#[test]
fn a_step_is_a_name_or_a_table_of_one_key() {
    let table = [
        (json!("grayscale"), Step::Grayscale),
        (json!("info"), Step::Info),
        (json!("png"), Step::Encode(Encoding::Png)),
        (json!("webp"), Step::Encode(Encoding::Webp)),
        (json!("jpeg"), Step::Encode(Encoding::Jpeg(95))),
        (json!({"jpeg": {}}), Step::Encode(Encoding::Jpeg(95))),
        (json!({"jpeg": {"quality": 80}}), Step::Encode(Encoding::Jpeg(80))),
        (json!({"fit": [320, 240]}), Step::Fit(Fit { width: 320, height: 240 })),
        (json!({"crop": [1, 2, 3, 4]}), Step::Crop(Crop { x: 1, y: 2, width: 3, height: 4 })),
        (json!({"rotate": 270}), Step::Rotate(Rotate::ThreeQuarters)),
        (json!({"flip": "vertical"}), Step::Flip(Flip::Vertical)),
        (json!({"blur": 2}), Step::Blur(Sigma(2.0))),
        (json!({"sharpen": 1.5}), Step::Sharpen(Sigma(1.5))),
    ];
    for (value, expected) in table {
        let name = value.as_object().map_or_else(
            || value.as_str().unwrap().to_owned(),
            |table| table.keys().next().unwrap().clone(),
        );
        assert_eq!(expected.name(), name);
        assert_eq!(step(value), Ok(expected));
    }
}

#[test]
fn a_wrong_step_is_refused_with_what_would_be_right() {
    let table = [
        (json!("gray"), "unknown variant `gray`, expected one of `grayscale`, `info`, `fit`"),
        (json!({"gray": 1}), "unknown variant `gray`, expected one of `grayscale`"),
        (json!("fit"), "step \"fit\" takes a value: { fit = [320, 320] }"),
        (json!({"info": true}), "step \"info\" takes no value: \"info\""),
        (json!({}), "expected a step: a name such as \"grayscale\" or a table such as"),
        (json!({"blur": 1, "rotate": 90}), "a step is a table of one key"),
        (json!(5), "expected a step: a name"),
        (json!({"fit": [0, 320]}), "fit = [0, 320]: each side of the box is 1 to 65535 pixels"),
        (json!({"fit": [1]}), "invalid length 1"),
        (json!({"crop": [0, 0, 0, 1]}), "width and height are at least 1 pixel"),
        (json!({"rotate": 45}), "rotate = 45: a turn is 90, 180 or 270 degrees"),
        (json!({"flip": "left"}), "unknown variant `left`, expected `horizontal` or `vertical`"),
        (json!({"blur": 0}), "a sigma of 0 pixels: it is above 0 and at most 100"),
        (json!({"blur": 101}), "a sigma of 101 pixels"),
        (json!({"jpeg": {"quality": 0}}), "quality = 0: a JPEG's quality is 1 to 100"),
        (json!({"jpeg": {"quality": 300}}), "quality = 300"),
        (json!({"jpeg": {"qality": 80}}), "unknown field `qality`, expected `quality`"),
    ];
    for (value, expected) in table {
        let error = step(value.clone()).unwrap_err();
        assert!(error.contains(expected), "{value}: {error}");
    }
}

#[test]
fn options_that_are_not_given_have_defaults() {
    let options: Pictures = from_value(json!({})).unwrap();
    assert_eq!(options, Pictures::default());
    assert_eq!(options.results["rl"], [Step::Grayscale]);
    assert_eq!((options.limits.pixels, options.limits.side), (50_000_000, 16_383));
    assert_eq!(options.prefix.as_str(), "rb_");

    let options: Pictures = from_value(json!({
        "results": {"small": [{"fit": [320, 320]}, {"jpeg": {"quality": 80}}]},
        "limits": {"pixels": 1000},
        "on_truncated": "reject",
        "folder": "pictures",
    }))
    .unwrap();
    assert_eq!(options.results["small"].len(), 2);
    assert_eq!((options.limits.pixels, options.limits.side), (1000, 16_383));
    assert_eq!(options.on_truncated, OnTruncated::Reject);
}

#[test]
fn wrong_options_are_refused() {
    for value in [
        json!({"result": {}}),
        json!({"limits": {"pixels": 0}}),
        json!({"limits": {"side": 16_384}}),
        json!({"limits": {"sides": 1}}),
        json!({"on_truncated": "gray"}),
        json!({"prefix": ""}),
        json!({"prefix": "../"}),
        json!({"prefix": "."}),
    ] {
        assert!(from_value::<Pictures>(value.clone()).is_err(), "{value}");
    }
}
