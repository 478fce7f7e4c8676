//! Each step, from its entry in the table to its answers to the pipeline.

use std::collections::BTreeSet;

use serde_json::{Value, from_value, json};

use super::*;
use crate::error::ErrorKind;
use crate::geometry::Rect;

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
        (json!({"blur": 0}), "sigma = 0: it is above 0 and at most 100"),
        (json!({"blur": 101}), "sigma = 101"),
        (json!({"sharpen": {"sigma": 1, "amount": 11}}), "amount = 11: it is 0 to 10"),
        (json!({"brightness": -1}), "brightness = -1: it is 0 to 10"),
        (json!({"contrast": 11}), "contrast = 11: it is 0 to 10"),
        (json!({"saturation": 11}), "saturation = 11: it is 0 to 10"),
        (json!({"gamma": 0}), "gamma = 0: it is 0.1 to 10"),
        (json!({"watermark": {}}), "a watermark is a file or a text"),
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
        // The documented keys are those that are read.
        if !keys.is_empty() {
            let error = step(json!({*name: {"no such key": 1}})).unwrap_err();
            let (_, read) = error.split_once("expected ").unwrap();
            let read: BTreeSet<&str> = read.split('`').skip(1).step_by(2).collect();
            assert_eq!(read, keys.iter().map(|key| key.name).collect(), "{name}: {error}");
        }
    }
}

/// Values of this shape, at its bounds.
fn within(shape: &Shape) -> Vec<Value> {
    match shape {
        Shape::Flag => vec![json!(true), json!(false)],
        Shape::Number(least, most) => vec![json!(least), json!(most)],
        Shape::NumberAbove(_, most) => vec![json!(0.001), json!(most)],
        Shape::Whole(least, most) => vec![json!(least), json!(most)],
        Shape::WholeOf(values) => values.iter().map(|value| json!(value)).collect(),
        Shape::Word(words) => words.iter().map(|word| json!(word)).collect(),
        Shape::Colour => vec![json!("#fff"), json!("#102030"), json!("white")],
        Shape::Text(most) => vec![json!("a"), json!("a".repeat(*most))],
        Shape::Path => vec![json!("a.png")],
        Shape::List(values) => {
            let lists = [<[Value]>::first, <[Value]>::last].map(|end| {
                values.iter().filter_map(|value| end(&within(value)).cloned()).collect()
            });
            lists.map(Value::Array).to_vec()
        }
        Shape::AnyOf(shapes) => shapes.iter().flat_map(within).collect(),
    }
}

/// Values just beyond this shape, and of other types.
fn beyond(shape: &Shape) -> Vec<Value> {
    match shape {
        Shape::Flag => vec![json!(1), json!("true")],
        Shape::Number(least, most) => vec![json!(least - 0.001), json!(most + 0.001), json!("1")],
        Shape::NumberAbove(least, most) => vec![json!(least), json!(most + 0.001), json!("1")],
        Shape::Whole(least, most) => vec![json!(least - 1), json!(most + 1), json!("1")],
        Shape::WholeOf(values) => vec![json!(values.last().map(|last| last + 1)), json!("1")],
        Shape::Word(_) => vec![json!("no such word"), json!(1)],
        Shape::Colour => vec![json!("blue"), json!("#12"), json!("#12345g"), json!(1)],
        Shape::Text(most) => vec![json!(" "), json!("a".repeat(most + 1)), json!(1)],
        Shape::Path => vec![json!(1)],
        Shape::List(values) => {
            let right: Vec<Value> = values.iter().map(|value| within(value)[0].clone()).collect();
            let mut wrong = vec![json!(right[1..]), json!([&right[..], &right[..1]].concat())];
            for (at, value) in values.iter().enumerate() {
                for one in beyond(value) {
                    let mut list = right.clone();
                    list[at] = one;
                    wrong.push(list.into());
                }
            }
            wrong
        }
        Shape::AnyOf(_) => vec![json!(true), json!("no such word"), json!({"no": "such key"})],
    }
}

#[test]
fn a_step_takes_the_values_of_its_shape_and_no_others() {
    let check = |name: &str, shape: &Shape, written: &dyn Fn(Value) -> Value| {
        for value in within(shape) {
            let result = step(json!({name: written(value.clone())}));
            assert!(result.is_ok(), "{name}, {value}: {result:?}");
        }
        for value in beyond(shape) {
            assert!(step(json!({name: written(value.clone())})).is_err(), "{name}, {value}");
        }
    };
    for About { name, takes, value, keys, .. } in Step::ALL {
        assert_eq!(value.is_some() || !keys.is_empty(), *takes != Takes::Nothing, "{name}");
        if let Some(value) = value {
            check(name, value, &|value| value);
        }
        for Key { name: key, shape, .. } in *keys {
            let mut table = match (*name, *key) {
                ("watermark", "file" | "text") => json!({}),
                ("watermark", _) => json!({"text": "a"}),
                ("pad", "gravity") => json!({"size": [9, 9]}),
                _ => json!({}),
            };
            for required in keys.iter().filter(|key| key.default.is_empty()) {
                table[required.name] = within(&required.shape)[0].clone();
            }
            check(name, shape, &|value| {
                let mut table = table.clone();
                table[*key] = value;
                table
            });
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
    assert_eq!(crop.geometry((400, 300)).unwrap().unwrap_err().kind(), ErrorKind::StepFailed);
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
        let reported = (step.commutes_with_grey(), step.makes_grey(), step.needs_pixels());
        assert_eq!(reported, expected, "{value}");
    }
    assert_eq!(step(json!("webp")).unwrap().encoding(), Some(Encoding::Webp));
    let lossy = step(json!({"webp": {"quality": 80}})).unwrap();
    assert_eq!(lossy.encoding(), Some(Encoding::LossyWebp(80)));
    assert_eq!(step(json!("strip")).unwrap().encoding(), None);
}

#[test]
fn a_mark_is_what_its_file_has_in_it() {
    let mut mark = step(json!({"watermark": {"file": "mark.png"}})).unwrap();
    assert_eq!(mark.file(), Some(Path::new("mark.png")));
    let wrong = mark.load(b"no picture".to_vec()).unwrap_err();
    assert!(wrong.starts_with("mark.png: this is not a"), "{wrong}");
    let unloaded = mark.clone();
    mark.load(crate::samples::png(&crate::samples::corners())).unwrap();
    assert_ne!(mark, unloaded);
    let mut text = step(json!({"watermark": {"text": "a", "font": "a.ttf"}})).unwrap();
    let wrong = text.load(b"no font".to_vec()).unwrap_err();
    assert!(wrong.contains("not a TrueType or OpenType font"), "{wrong}");
    assert_eq!(step(json!({"watermark": {"text": "a"}})).unwrap().file(), None);
}
