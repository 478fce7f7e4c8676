//! The work on one picture, from its file to the answer.

// Sizes and colours in tests are small.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use imaging::samples::*;
use imaging::{DynamicImage, metadata, probe};
use serde_json::{from_value, json};

use super::super::{Limits, Pictures};
use super::*;
use crate::storage::{Address, Storage};

mod colours;
mod sides;

/// A service of its own with pipelines of all kinds.
struct Studio {
    dir: tempfile::TempDir,
    options: Pictures,
}

impl Studio {
    fn new() -> Self {
        let options = from_value(json!({"results": {
            "rl": ["grayscale"],
            "none": [],
            "info": ["info"],
            "small": [{"fit": [8, 8]}, "png"],
            "broken": [{"crop": [60_000, 0, 1, 1]}],
        }}))
        .unwrap();
        Self { dir: tempfile::tempdir().unwrap(), options }
    }

    fn work(&self, file: &[u8], header: Value) -> Result<Value, Error> {
        self.work_until(file, header, "never")
    }

    fn work_until(&self, file: &[u8], mut header: Value, stage: &str) -> Result<Value, Error> {
        header["uuid"] = json!(5);
        let header = Header::parse(&header.to_string()).unwrap();
        let store = store(self.dir.path());
        let mut checkpoint = |at: &'static str| {
            let cancelled = || Error::new(code::CANCELLED, "cancelled");
            if at == stage { ControlFlow::Break(cancelled()) } else { ControlFlow::Continue(()) }
        };
        let file = Bytes::copy_from_slice(file);
        let service = self.service();
        let worked = now(run(&file, &header, &service, &store, &mut checkpoint))?;
        let mut answer = worked.fields;
        if let Some(Encoded { format, bytes }) = worked.picture {
            let image = format!("data:{};base64,{}", format.media_type(), STANDARD.encode(bytes));
            answer.insert("image".into(), image.into());
        } else if let Some(name) = worked.name {
            answer.insert("url".into(), now(store.url(&name))?.into());
        }
        if worked.truncated {
            answer.insert("truncated".into(), true.into());
        }
        Ok(Value::Object(answer))
    }

    fn service(&self) -> Service {
        Service::new(self.options.clone())
    }

    fn files(&self) -> Vec<String> {
        names(self.dir.path())
    }

    /// The file that an address names.
    fn file(&self, url: &Value) -> Vec<u8> {
        let name = url.as_str().unwrap().strip_prefix("http://host/upload/").unwrap();
        fs::read(self.dir.path().join(name)).unwrap()
    }
}

/// A store whose files lie flat.
fn store(folder: &Path) -> Store {
    let base = Address::Base("http://host/upload".parse().unwrap());
    Store::new(Storage::folder(folder), base, "")
}

/// The outcome of work that does not wait, as with a folder for a store.
fn now<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("a folder is not waited for")
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn size(file: &[u8]) -> (Format, u32, u32) {
    let probe = probe(file).unwrap();
    (probe.format, probe.width, probe.height)
}

#[test]
fn what_a_result_takes_counts_its_fields() {
    let fields = |value: Value| Worked {
        fields: Map::from_iter([("histogram".to_owned(), value)]),
        name: None,
        picture: None,
        truncated: false,
    };
    let [few, many] = [1, 1000].map(|count| fields(json!({"grey": vec![0; count]})).bytes());
    assert!((50..300).contains(&few), "{few}");
    assert_eq!(many - few, 999 * size_of::<Value>() as u64);
    let picture = Encoded { format: Format::Png, bytes: vec![0; 1000].into() };
    assert_eq!(Worked { picture: Some(picture), ..fields(json!("text")) }.bytes() / 1000, 1);
}

#[test]
fn a_picture_is_kept_as_it_came_and_its_result_beside_it() {
    let service = Studio::new();
    let file = jpeg(&photo(64, 48));
    let answer = service.work(&file, json!({"zoom": 0.5})).unwrap();
    assert_eq!(answer.as_object().unwrap().len(), 1);
    assert_eq!(size(&service.file(&answer["url"])), (Format::Jpeg, 32, 24));

    let [received, result] = &service.files()[..] else { panic!("{:?}", service.files()) };
    assert_eq!(result, &format!("rb_{received}"));
    assert_eq!(fs::read(service.dir.path().join(received)).unwrap(), file);
    let name = received.strip_suffix(".jpg").unwrap();
    assert_eq!(Uuid::parse_str(name).unwrap().get_version_num(), 7);
}

#[test]
fn every_format_comes_back_in_the_format_that_it_is_written_in() {
    let service = Studio::new();
    for (name, file) in one_of_each(&photo(20, 10)) {
        let expected = match size(&file).0 {
            Format::Gif => Format::Png,
            same => same,
        };
        for zoom in [0.3, 1.0, 2.5] {
            let answer = service.work(&file, json!({"zoom": zoom})).unwrap();
            let side = |side: f64| (side * zoom).round() as u32;
            let made = size(&service.file(&answer["url"]));
            assert_eq!(made, (expected, side(20.0), side(10.0)), "{name}");
        }
        let answer = service.work(&file, json!({"rType": "small"})).unwrap();
        assert_eq!(size(&service.file(&answer["url"])), (Format::Png, 8, 4), "{name}");
    }
}

#[test]
fn an_inline_answer_has_the_fields_or_else_the_picture() {
    let service = Studio::new();
    let file = png(&corners());
    let answer = service.work(&file, json!({"rType": "info", "responseType": "json"})).unwrap();
    assert_eq!((&answer["width"], &answer["format"]), (&json!(48), &json!("png")));
    assert!(answer.get("url").is_none() && answer.get("image").is_none());

    let answer = service.work(&file, json!({"rType": "small", "responseType": "json"})).unwrap();
    let image = answer["image"].as_str().unwrap().strip_prefix("data:image/png;base64,").unwrap();
    assert_eq!(size(&STANDARD.decode(image).unwrap()), (Format::Png, 8, 5));
}

#[test]
fn an_answer_that_names_no_file_leaves_none() {
    let studio = Studio::new();
    let answer =
        studio.work(&jpeg(&photo(30, 20)), json!({"rType": "info", "responseType": "inline"}));
    assert_eq!(answer.unwrap()["width"], 30);
    assert_eq!(studio.files(), [""; 0]);
}

#[test]
fn a_camera_s_picture_is_upright_before_it_is_zoomed() {
    let service = Studio::new();
    let file = turned_jpeg(&corners(), 6);
    let answer = service.work(&file, json!({"zoom": 0.5, "rType": "none"})).unwrap();
    assert_eq!(size(&service.file(&answer["url"])), (Format::Jpeg, 16, 24));
}

#[test]
fn a_single_pixel_stays_one_however_far_it_is_zoomed_out() {
    let service = Studio::new();
    for (name, file) in one_of_each(&photo(1, 1)) {
        let answer = service.work(&file, json!({"zoom": 0.01})).unwrap();
        let (_, width, height) = size(&service.file(&answer["url"]));
        assert_eq!((width, height), (1, 1), "{name}");
    }
}

#[test]
fn bad_input_is_answered_by_its_kind_and_leaves_nothing() {
    let service = Studio::new();
    let good = jpeg(&photo(1200, 800));
    let mut bomb = png(&photo(4, 4));
    bomb[16..24].copy_from_slice(&[0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30]);
    let table: [(&str, &[u8], Value, &str); 7] = [
        ("zoom 30", &good, json!({"zoom": 30}), "bad_header"),
        ("zoom 1e300", &good, json!({"zoom": 1e300}), "bad_header"),
        ("no such pipeline", &good, json!({"rType": "none such"}), "bad_header"),
        ("no picture", b"hello", json!({}), "bad_image"),
        ("nothing", b"", json!({}), "bad_image"),
        ("a bomb", &bomb, json!({}), "bad_image"),
        ("a stub", &good[..300], json!({}), "bad_image"),
    ];
    for (what, file, header, code) in table {
        let error = service.work(file, header).unwrap_err();
        assert_eq!(error.code(), code, "{what}: {error}");
    }
    assert!(service.files().is_empty());
}

#[test]
fn a_picture_cut_short_says_so_or_is_refused() {
    let mut service = Studio::new();
    let file = jpeg(&photo(64, 48));
    let cut = &file[..file.len() / 2];
    let answer = service.work(cut, json!({})).unwrap();
    assert_eq!(answer["truncated"], json!(true));
    assert_eq!(size(&service.file(&answer["url"])), (Format::Jpeg, 64, 48));

    service.options.on_truncated = OnTruncated::Reject;
    assert_eq!(service.work(cut, json!({})).unwrap_err().code(), "bad_image");
    assert!(service.work(&file, json!({})).is_ok());
}

#[test]
fn the_received_picture_stands_in_for_a_result_that_failed() {
    let service = Studio::new();
    let file = png(&photo(20, 10));
    let error = service.work(&file, json!({"rType": "broken"})).unwrap_err();
    assert_eq!(error.code(), "step_failed");
    assert_eq!(service.file(error.field("url").unwrap()), file);
    assert_eq!(service.files().len(), 2);
}

#[test]
fn a_picture_that_stands_in_is_upright_and_without_metadata() {
    let service = Studio::new();
    for (file, format) in [
        (turned_jpeg(&corners(), 1), Format::Jpeg),
        (turned_jpeg(&corners(), 6), Format::Jpeg),
        (turned_png(&corners(), 6), Format::Png),
        (turned_webp(&corners(), 6), Format::Webp),
    ] {
        let upright = probe(&file).unwrap().size();
        let error = service.work(&file, json!({"rType": "broken"})).unwrap_err();
        let stand_in = service.file(error.field("url").unwrap());
        assert_eq!(size(&stand_in), (format, upright.0, upright.1));
        assert_eq!(metadata::exif(&Index::of(&stand_in).unwrap()), None, "{format:?}");
    }
}

#[test]
fn a_picture_that_cannot_be_shown_without_its_metadata_stands_in_for_nothing() {
    let mut service = Studio::new();
    // Its headers are sound, but its data are damaged.
    let mut damaged = turned_png(&corners(), 6);
    let at = damaged.windows(4).position(|name| name == b"IDAT").unwrap();
    damaged[at + 4..at + 20].fill(0xFF);
    let error = service.work(&damaged, json!({"rType": "broken"})).unwrap_err();
    assert_eq!((error.code(), error.field("url")), ("step_failed", None));
    // There is too little memory to turn it.
    service.options.limits.in_flight = from_value(json!("1KiB")).unwrap();
    let file = turned_jpeg(&corners(), 6);
    let error = service.work(&file, json!({"rType": "broken"})).unwrap_err();
    assert_eq!((error.code(), error.field("url")), ("step_failed", None));
    assert_eq!(service.files(), [""; 0]);
}

#[test]
fn a_result_has_the_profile_of_its_own_kind_of_colours_and_no_other() {
    let mut service = Studio::new();
    service.options.keep = Keep::Zoomed;
    let profile = |space: &[u8; 4]| {
        let mut profile = vec![0; 200];
        profile[3] = 200;
        profile[16..20].copy_from_slice(space);
        profile[36..40].copy_from_slice(b"acsp");
        profile
    };
    let colours = photo(32, 32);
    let grey = DynamicImage::ImageLuma8(colours.to_luma8());
    let table = [
        (&colours, b"RGB ", "none", true),
        (&colours, b"CMYK", "none", false),
        (&colours, b"RGB ", "rl", false),
        (&grey, b"GRAY", "rl", true),
    ];
    for (picture, space, result, carried) in table {
        let profile = profile(space);
        let encoding = Encoding::Jpeg(90);
        let file = imaging::Worker::new(0)
            .encode(&picture.clone().into(), encoding, Some(&profile))
            .unwrap();
        let answer = service.work(&file, json!({"zoom": 0.5, "rType": result})).unwrap();
        let icc = |file: &[u8]| metadata::icc(&Index::of(file).unwrap());
        let found = icc(&service.file(&answer["url"]));
        assert_eq!(found, carried.then_some(profile.clone()), "{space:?} {result}");
        let name = answer["url"].as_str().unwrap().rsplit_once("rb_").unwrap().1;
        let kept = icc(&fs::read(service.dir.path().join(name)).unwrap());
        assert_eq!(kept, (space != b"CMYK").then_some(profile), "{space:?} {result}, as kept");
    }
}

#[test]
fn work_stops_at_any_stage_and_leaves_nothing() {
    let service = Studio::new();
    let file = jpeg(&photo(20, 10));
    for stage in ["decode", "resize", "keep", "grayscale", "encode", "write"] {
        let error = service.work_until(&file, json!({"zoom": 0.3}), stage).unwrap_err();
        assert_eq!(error.code(), "cancelled", "{stage}");
        assert!(service.files().is_empty(), "{stage}");
    }
}

#[test]
fn a_folder_that_takes_nothing_is_a_storage_error() {
    let service = Studio::new();
    let header = Header::parse(r#"{"uuid": 5}"#).unwrap();
    let store = store(Path::new("/dev/null/media"));
    let file = png(&photo(4, 4)).into();
    let error =
        now(run(&file, &header, &service.service(), &store, &mut |_| ControlFlow::Continue(())))
            .unwrap_err();
    assert_eq!((error.code(), error.field("url")), ("storage", None));
}

#[test]
fn the_limit_counts_before_and_after_zooming() {
    let mut service = Studio::new();
    service.options.limits = Limits { pixels: 200, side: 100, ..Limits::default() };
    let table = [
        ((20, 10), 1.0, None),
        ((20, 11), 1.0, Some("bad_image")),
        ((20, 11), 0.1, Some("bad_image")),
        ((101, 1), 0.1, Some("bad_image")),
        ((20, 10), 1.1, Some("bad_header")),
    ];
    for ((width, height), zoom, expected) in table {
        let answer = service.work(&png(&photo(width, height)), json!({"zoom": zoom}));
        assert_eq!(answer.as_ref().err().map(Error::code), expected, "{width} × {height} × {zoom}");
    }
}

#[test]
fn a_panic_in_the_work_leaves_nothing() {
    let service = Studio::new();
    let file = jpeg(&photo(20, 10)).into();
    let header = Header::parse(r#"{"uuid": 5}"#).unwrap();
    let store = store(service.dir.path());
    for stage in ["grayscale", "encode", "write"] {
        let mut checkpoint = |at: &'static str| {
            assert_ne!(at, stage, "a codec panics");
            ControlFlow::Continue(())
        };
        let options = service.service();
        let work = run(&file, &header, &options, &store, &mut checkpoint);
        let worked = now(std::panic::AssertUnwindSafe(work).catch_unwind());
        assert!(worked.is_err(), "{stage}");
        assert!(service.files().is_empty(), "{stage}");
    }
}
