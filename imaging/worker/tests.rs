//! No data of one picture reach another, whatever a worker keeps between them.

use image::DynamicImage;
use serde_json::{Value, from_value, json};

use super::*;
use crate::error::ErrorKind;
use crate::samples::rare_jpeg::{RareJpeg, kinds};
use crate::samples::{gif, jpeg, one_of_each, photo, progressive_jpeg};

/// The bytes that a worker keeps in these tests.
const BUFFERS: usize = 32 << 20;

/// The pipelines of these tests.
fn pipelines() -> Vec<Pipeline> {
    let zoom = |zoom: f64, steps: Value| {
        let mut all = vec![json!({ "zoom": zoom })];
        all.extend(steps.as_array().unwrap().iter().cloned());
        from_value(all.into()).unwrap()
    };
    vec![
        zoom(0.5, json!([])),
        zoom(1.3, json!([])),
        zoom(1.0, json!(["grayscale"])),
        zoom(1.5, json!(["grayscale"])),
        zoom(1.0, json!(["png"])),
        zoom(0.4, json!(["webp"])),
        zoom(
            1.0,
            json!([{"rotate": 30}, {"pad": 5}, "flatten", {"blur": 1.0}, {"round": 4}, "png"]),
        ),
        zoom(1.0, json!(["srgb", {"cover": [20, 20]}, {"palette": 5}, "thumbhash", "phash"])),
    ]
}

fn codecs() -> Vec<Codec> {
    if cfg!(feature = "turbo") { vec![Codec::Pure, Codec::BUILT_IN] } else { vec![Codec::Pure] }
}

/// Files that lack parts that others have: tables, data, parts of their canvas.
fn odd(picture: &DynamicImage) -> Vec<(String, Vec<u8>)> {
    let mut odd: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, file) in one_of_each(picture) {
        for tenths in [4, 7, 9] {
            odd.push((
                format!("{tenths} tenths of a {name}"),
                file[..file.len() * tenths / 10].into(),
            ));
        }
    }
    let rare = |rare: RareJpeg| rare.write(picture);
    odd.push(("no codes".into(), rare(RareJpeg { codes: false, ..RareJpeg::default() })));
    let no_quantisation = RareJpeg { quantisation: false, ..RareJpeg::default() };
    odd.push(("no quantisation".into(), rare(no_quantisation.clone())));
    odd.push(("neither".into(), rare(RareJpeg { codes: false, ..no_quantisation })));
    let short = |scans| RareJpeg { scans, ..RareJpeg::default() };
    odd.push(("a scan of brightness alone".into(), rare(short(vec![(vec![0], (0, 63))]))));
    let mut short = short(vec![(vec![0, 1, 2], (0, 0))]);
    short.sof = 0xC2;
    odd.push(("progressive, and the first coefficients alone".into(), rare(short)));
    let mut small = gif(picture);
    let frame = small.iter().position(|&byte| byte == b',').unwrap();
    // Moves the frame further to the right and down.
    small[6..10].copy_from_slice(&[100, 0, 80, 0]);
    small[frame + 1..frame + 5].copy_from_slice(&[7, 0, 5, 0]);
    odd.push(("a small frame on a large canvas".into(), small));
    odd
}

/// The output for the file, or the kind of error and its message.
fn made(
    worker: &mut Worker,
    file: &[u8],
    pipeline: &Pipeline,
) -> Result<Output, (ErrorKind, String)> {
    let made = worker.process(file, pipeline, &Limits::default());
    made.map_err(|error| (error.kind(), error.message().to_owned()))
}

#[test]
fn what_kept_buffers_held_does_not_show() {
    let picture = photo(52, 37);
    let mut files = odd(&picture);
    files.extend(one_of_each(&picture).map(|(name, file)| (name.to_owned(), file)));
    files.extend(kinds().into_iter().map(|(name, rare)| (name, rare.write(&picture))));
    let pipelines = pipelines();
    for codec in codecs() {
        let mut worker = Worker::with_codec(codec, BUFFERS);
        for (at, (name, file)) in files.iter().enumerate() {
            // Each file goes through some pipelines; together they cover all.
            for pipeline in pipelines.iter().cycle().skip(3 * at).take(3) {
                let [black, white] = [0, 255].map(|byte| {
                    worker.buffers.left_over = Some(byte);
                    made(&mut worker, file, pipeline)
                });
                assert!(black == white, "{name} by {pipeline:?} shows what was there before");
            }
        }
    }
}

#[test]
fn a_picture_comes_out_as_it_does_alone_whatever_came_before() {
    let mut before = one_of_each(&photo(64, 48)).to_vec();
    before.push(("larger jpeg", progressive_jpeg(&photo(200, 150))));
    before.push(("grey jpeg", jpeg(&photo(64, 48).grayscale())));
    let odd = odd(&photo(64, 48));
    let pipelines = pipelines();
    for codec in codecs() {
        let mut worker = Worker::with_codec(codec, BUFFERS);
        for ((name, file), pipeline) in odd.iter().zip(pipelines.iter().cycle()) {
            let expected = made(&mut Worker::with_codec(codec, BUFFERS), file, pipeline);
            for (other, ordinary) in &before {
                made(&mut worker, ordinary, pipeline).unwrap();
                let found = made(&mut worker, file, pipeline);
                assert!(found == expected, "{name} behind a {other} by {pipeline:?}");
            }
        }
    }
}

#[test]
fn a_jpeg_without_quantisation_is_damaged_in_every_order() {
    let picture = photo(64, 48);
    let file = RareJpeg { quantisation: false, ..RareJpeg::default() }.write(&picture);
    let pipelines = pipelines();
    for codec in codecs() {
        let mut worker = Worker::with_codec(codec, BUFFERS);
        for (_, before) in one_of_each(&picture) {
            made(&mut worker, &before, &pipelines[4]).unwrap();
            for pipeline in &pipelines {
                let (kind, message) = made(&mut worker, &file, pipeline).unwrap_err();
                assert_eq!(kind, ErrorKind::BadPicture);
                assert!(message.starts_with("the JPEG picture is damaged"), "{message}");
            }
        }
    }
}
