//! Each step, from its entry in the table to what the pipeline asks of it.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Value, from_value, json};
use waterway::Router;

use super::super::codec::Encoding;
use super::super::geometry::Rect;
use super::super::options::{OnTruncated, Pictures};
use super::*;

fn step(value: Value) -> Result<Step, String> {
    from_value(value).map_err(|error| error.to_string())
}

#[test]
fn a_step_is_a_name_or_a_table_of_one_key() {
    let table = [
        json!("grayscale"),
        json!("jpeg"),
        json!({"jpeg": {}}),
        json!({"jpeg": {"quality": 80}}),
        json!({"fit": [320, 240]}),
        json!({"rotate": 270}),
        json!({"rotate": {"degrees": 12.5}}),
        json!({"flip": "vertical"}),
        json!({"blur": 2}),
        json!({"sharpen": 1.5}),
        json!({"sharpen": {"sigma": 1}}),
        json!({"cover": [1, 2]}),
        json!({"cover": {"size": [1, 2]}}),
        json!({"pad": 3}),
        json!({"pad": [3, 4]}),
        json!({"pad": {"left": 4}}),
        json!("trim"),
        json!({"trim": 3}),
        json!({"trim": {"colour": "#fff"}}),
    ];
    for value in table {
        let name = value.as_object().map_or_else(
            || value.as_str().unwrap().to_owned(),
            |table| table.keys().next().unwrap().clone(),
        );
        assert_eq!(step(value).unwrap().name(), name);
    }
    assert_eq!(step(json!("jpeg")), step(json!({"jpeg": {"quality": 95}})));
    assert_eq!(step(json!({"cover": [1, 2]})), step(json!({"cover": {"size": [1, 2]}})));
    assert_eq!(step(json!({"rotate": -90})), step(json!({"rotate": 270})));
}

#[test]
fn a_wrong_step_is_refused_with_what_would_be_right() {
    let table = [
        (json!("gray"), "unknown variant `gray`, expected one of `zoom`, `fit`, `fill`"),
        (json!({"gray": 1}), "unknown variant `gray`, expected one of `zoom`"),
        (json!("fit"), "step \"fit\" takes a value: { fit = [320, 320] }"),
        (json!({"info": true}), "step \"info\" takes no value: \"info\""),
        (json!({}), "expected a step: a name such as \"grayscale\" or a table such as"),
        (json!({"blur": 1, "rotate": 90}), "a step is a table of one key"),
        (json!(5), "expected a step: a name"),
        (json!({"zoom": 0}), "zoom = 0: it is 0.001 to 100"),
        (json!({"fit": [0, 320]}), "[0, 320]: each side is 1 to 65535 pixels"),
        (json!({"fill": [1, 65_536]}), "each side is 1 to 65535 pixels"),
        (json!({"fit": [1]}), "invalid length 1"),
        (json!({"cover": {"gravity": "top"}}), "missing field `size`"),
        (json!({"cover": {"size": [1, 1], "gravity": "up"}}), "unknown variant `up`"),
        (json!({"crop": [0, 0, 0, 1]}), "width and height are at least 1 pixel"),
        (json!({"trim": 256}), "invalid value: integer `256`"),
        (json!({"trim": {"colour": "blue"}}), "\"blue\" is no colour"),
        (json!({"trim": {"colour": "#+1+2+3"}}), "is no colour"),
        (json!({"rotate": 361}), "rotate = 361: it is -360 to 360"),
        (json!({"rotate": {"degrees": 5, "bg": "white"}}), "unknown field `bg`"),
        (json!({"flip": "left"}), "unknown variant `left`, expected `horizontal` or `vertical`"),
        (json!({"pad": -1}), "pad = -1: it is 0 to 65535"),
        (json!({"pad": {"size": [9, 9], "left": 1}}), "pad takes a size or sides, not both"),
        (json!({"pad": {"left": 1, "gravity": "top"}}), "gravity is for a size"),
        (json!({"round": 0}), "round = 0: it is 1 to 65535"),
        (json!({"flatten": "transparent"}), "it is onto a colour without alpha"),
        (json!({"blur": 0}), "a sigma of 0 pixels: it is above 0 and at most 100"),
        (json!({"blur": 101}), "a sigma of 101 pixels"),
        (json!({"sharpen": {"sigma": 1, "amount": 11}}), "amount = 11: it is 0 to 10"),
        (json!({"brightness": -1}), "brightness = -1: it is 0 to 10"),
        (json!({"contrast": 11}), "contrast = 11: it is 0 to 10"),
        (json!({"saturation": 11}), "saturation = 11: it is 0 to 10"),
        (json!({"gamma": 0}), "gamma = 0: it is 0.1 to 10"),
        (json!({"watermark": {}}), "a watermark is a file or a text"),
        (json!({"watermark": {"file": "none.png"}}), "none.png: No such file"),
        (json!({"watermark": {"text": ""}}), "one line of 1 to 200 characters"),
        (json!({"watermark": {"text": "a\nb"}}), "one line of 1 to 200 characters"),
        (json!({"watermark": {"text": "\u{4e2d}"}}), "the font has no"),
        (json!({"watermark": {"text": "a", "size": 2}}), "size = 2: it is 0.001 to 1"),
        (json!({"watermark": {"text": "a", "opacity": 2}}), "opacity = 2: it is 0 to 1"),
        (
            json!({"watermark": {"file": "a.png", "colour": "white"}}),
            "font and colour are for text",
        ),
        (json!({"jpeg": {"quality": 0}}), "quality = 0: it is 1 to 100"),
        (json!({"jpeg": {"quality": 300}}), "quality = 300"),
        (json!({"jpeg": {"qality": 80}}), "unknown field `qality`, expected `quality`"),
        (json!({"exif": {"gsp": true}}), "unknown field `gsp`, expected `gps`"),
        (json!({"palette": 0}), "palette = 0: it is 1 to 32"),
        (json!({"histogram": 10}), "histogram = 10: it is 2, 4, 8"),
        (json!({"blurhash": [0, 4]}), "each is 1 to 9 components"),
    ];
    for (value, expected) in table {
        let error = step(value.clone()).unwrap_err();
        assert!(error.contains(expected), "{value}: {error}");
    }
}

/// A table whose pipelines have these steps, as `routing.toml` writes them.
fn routing(steps: &[&str]) -> String {
    let mut table = "[queue.q]\nconsumer = \"pictures\"\n[consumer.pictures]\n\
        use = \"image.work\"\n[consumer.pictures.results]\n"
        .to_owned();
    for (at, step) in steps.iter().enumerate() {
        writeln!(table, "p{at} = [{step}]").unwrap();
    }
    table
}

#[test]
fn every_example_is_sound() {
    // The one that names a file is tried where files are.
    let examples = Step::ALL.iter().flat_map(|about| about.examples.iter().copied());
    let here = |example: &&str| {
        !example.contains("file =")
            && (cfg!(feature = "avif") || !example.contains("avif"))
            && (cfg!(feature = "turbo") || !example.contains("webp = {"))
    };
    let examples: Vec<&str> = examples.filter(here).collect();
    let table = routing(&examples);
    if let Err(report) = Router::parse(&table, &crate::registry()) {
        panic!("{report}");
    }
}

#[cfg(not(feature = "avif"))]
#[test]
fn a_program_without_avif_says_so() {
    let report = Router::parse(&routing(&["\"avif\""]), &crate::registry()).unwrap_err();
    assert!(report.to_string().contains("--features avif"), "{report}");
}

#[test]
fn a_mistake_is_shown_at_its_place_with_the_nearest_right_name() {
    let table = routing(&[
        "\"graycsale\"",
        "{ blurr = 2.0 }",
        "{ cover = { size = [320, 240], gravty = \"top\" } }",
        "{ pad = { colour = \"#12\" } }",
    ]);
    let report = Router::parse(&table, &crate::registry()).unwrap_err().to_string();
    for (place, words) in [
        (":6:7", "\"grayscale\""),
        (":7:9", "\"blur\""),
        (":8:38", "\"gravity\""),
        (":9:26", "is no colour"),
    ] {
        let (_, here) = report.split_once(place).unwrap_or_else(|| panic!("{place}: {report}"));
        assert!(here.lines().take(6).any(|line| line.contains(words)), "{place}: {report}");
    }
}

#[test]
fn every_step_is_declared_whole_and_once() {
    let mut names = BTreeSet::new();
    for About { name, summary, details, examples, keys, takes, .. } in Step::ALL {
        assert!(names.insert(name), "{name} twice");
        assert!(!summary.is_empty() && details.ends_with('.'), "{name}");
        assert!(!summary.ends_with('.') && !examples.is_empty(), "{name}");
        let alone = examples.contains(&format!("\"{name}\"").as_str());
        assert_eq!(alone, *takes != Takes::Value, "{name}: an example for the name alone");
        assert_eq!(step(json!(name)).is_ok(), *takes != Takes::Value, "{name}");
        // The keys that are documented are those that are read.
        if !keys.is_empty() {
            let error = step(json!({*name: {"no such key": 1}})).unwrap_err();
            let (_, read) = error.split_once("expected ").unwrap();
            let read: BTreeSet<&str> = read.split('`').skip(1).step_by(2).collect();
            assert_eq!(read, keys.iter().map(|key| key.name).collect(), "{name}: {error}");
        }
    }
}

#[test]
fn steps_that_only_cut_and_resize_tell_their_geometry() {
    let whole = Rect { left: 0.0, top: 0.0, width: 400.0, height: 300.0 };
    let table = [
        (json!({"zoom": 0.5}), whole, (200, 150)),
        (json!({"fit": [100, 100]}), whole, (100, 75)),
        (json!({"fit": [1000, 1000]}), whole, (400, 300)),
        (json!({"fill": [10, 20]}), whole, (10, 20)),
        (
            json!({"crop": [10, 20, 30, 1000]}),
            Rect { left: 10.0, top: 20.0, width: 30.0, height: 280.0 },
            (30, 280),
        ),
        (json!({"cover": [100, 100]}), Rect { left: 50.0, width: 300.0, ..whole }, (100, 100)),
        (json!({"cover": [800, 300]}), Rect { top: 75.0, height: 150.0, ..whole }, (800, 300)),
        (
            json!({"cover": {"size": [100, 100], "gravity": "left"}}),
            Rect { width: 300.0, ..whole },
            (100, 100),
        ),
        (
            json!({"cover": {"size": [100, 100], "gravity": "bottom-right"}}),
            Rect { left: 100.0, width: 300.0, ..whole },
            (100, 100),
        ),
    ];
    for (value, source, size) in table {
        let geometry = step(value.clone()).unwrap().geometry((400, 300)).unwrap().unwrap();
        assert_eq!(geometry, Geometry { source, size }, "{value}");
    }
    let crop = step(json!({"crop": [400, 0, 1, 1]})).unwrap();
    assert_eq!(crop.geometry((400, 300)).unwrap().unwrap_err().code(), "step_failed");
    let smart = json!({"cover": {"size": [100, 100], "gravity": "smart"}});
    for value in [json!("grayscale"), smart, json!({"rotate": 90}), json!({"pad": 1})] {
        assert!(step(value.clone()).unwrap().geometry((400, 300)).is_none(), "{value}");
    }
}

#[test]
fn a_step_tells_how_large_its_picture_may_become() {
    let table = [
        (json!("grayscale"), (400, 300)),
        (json!("trim"), (400, 300)),
        (json!({"zoom": 2}), (800, 600)),
        (json!({"fit": [100, 1000]}), (100, 300)),
        (json!({"fill": [10, 20]}), (10, 20)),
        (json!({"cover": [1000, 20]}), (1000, 20)),
        (json!({"crop": [0, 0, 1000, 20]}), (400, 20)),
        (json!({"rotate": 90}), (300, 400)),
        (json!({"rotate": 180}), (400, 300)),
        (json!({"rotate": 30}), (497, 460)),
        (json!({"pad": 10}), (420, 320)),
        (json!({"pad": [100, 1000]}), (400, 1000)),
    ];
    for (value, size) in table {
        assert_eq!(step(value.clone()).unwrap().size_after((400, 300)), size, "{value}");
    }
}

#[test]
fn a_step_tells_what_a_pipeline_may_save() {
    // Commutes with grey, makes grey, needs pixels.
    let table = [
        (json!("grayscale"), (true, true, true)),
        (json!({"zoom": 2}), (true, false, true)),
        (json!({"blur": 2}), (true, false, true)),
        (json!({"brightness": 0.5}), (true, false, true)),
        (json!({"brightness": 1.5}), (false, false, true)),
        (json!({"gamma": 0.5}), (false, false, true)),
        (json!("srgb"), (false, false, true)),
        (json!("trim"), (false, false, true)),
        (json!({"palette": 3}), (false, false, true)),
        (json!("phash"), (true, false, true)),
        (json!("exif"), (true, false, false)),
        (json!("strip"), (true, false, false)),
        (json!("webp"), (true, false, false)),
    ];
    for (value, expected) in table {
        let step = step(value.clone()).unwrap();
        let told = (step.commutes_with_grey(), step.makes_grey(), step.needs_pixels());
        assert_eq!(told, expected, "{value}");
    }
    assert_eq!(step(json!("webp")).unwrap().encoding(), Some(Encoding::Webp));
    let lossy = step(json!({"webp": {"quality": 80}})).unwrap();
    assert_eq!(lossy.encoding(), Some(Encoding::LossyWebp(80)));
    // A program that cannot write it says so where the table is read.
    let pipeline =
        from_value::<super::super::pipeline::Pipeline>(json!([{"webp": {"quality": 80}}]));
    assert_eq!(pipeline.is_ok(), cfg!(feature = "turbo"));
    assert_eq!(step(json!("strip")).unwrap().encoding(), None);
}

#[test]
fn options_that_are_not_given_have_defaults() {
    let options: Pictures = from_value(json!({})).unwrap();
    assert_eq!(options, Pictures::default());
    assert_eq!(options.results["rl"].steps(), [Step::grayscale()]);
    assert_eq!((options.limits.pixels, options.limits.side), (50_000_000, 65_535));
    assert_eq!(options.prefix.as_str(), "rb_");

    let options: Pictures = from_value(json!({
        "results": {"small": [{"fit": [320, 320]}, {"jpeg": {"quality": 80}}]},
        "limits": {"pixels": 1000},
        "on_truncated": "reject",
        "folder": "pictures",
    }))
    .unwrap();
    assert_eq!(options.results["small"].steps().len(), 2);
    assert_eq!((options.limits.pixels, options.limits.side), (1000, 65_535));
    assert_eq!(options.on_truncated, OnTruncated::Reject);
}

#[test]
fn wrong_options_are_refused() {
    for value in [
        json!({"result": {}}),
        json!({"limits": {"pixels": 0}}),
        json!({"limits": {"side": 65_536}}),
        json!({"limits": {"sides": 1}}),
        json!({"on_truncated": "gray"}),
        json!({"prefix": ""}),
        json!({"prefix": "../"}),
        json!({"prefix": "."}),
    ] {
        assert!(from_value::<Pictures>(value.clone()).is_err(), "{value}");
    }
}
