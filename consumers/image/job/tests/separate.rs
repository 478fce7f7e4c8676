//! Nothing of one picture reaches another, whatever a worker keeps between them.

use std::thread;

use image::DynamicImage;

use super::*;
use crate::image::codec::pure;
use crate::image::codec::samples::rare_jpeg::{RareJpeg, kinds};
use crate::image::scratch::stale::LEFT_OVER;

/// What is done to pictures: a pipeline and a zoom.
const WISHES: [(&str, f64); 8] = [
    ("none", 0.5),
    ("none", 1.3),
    ("rl", 1.0),
    ("rl", 1.5),
    ("png", 1.0),
    ("webp", 0.4),
    ("turned", 1.0),
    ("told", 1.0),
];

fn studio(codec: &'static dyn Codec) -> Studio {
    let options = from_value(json!({"results": {
        "none": [],
        "rl": ["grayscale"],
        "png": ["png"],
        "webp": ["webp"],
        "turned": [{"rotate": 30}, {"pad": 5}, "flatten", {"blur": 1.0}, {"round": 4}, "png"],
        "told": ["srgb", {"cover": [20, 20]}, {"palette": 5}, "thumbhash", "phash"],
    }}))
    .unwrap();
    Studio { options, codec, ..Studio::new() }
}

fn codecs() -> Vec<&'static dyn Codec> {
    if cfg!(feature = "turbo") { vec![pure(), built_in()] } else { vec![pure()] }
}

/// Files that lack what others have: tables, data, parts of their canvas.
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
    // The frame stands further to the right and further down than it did.
    small[6..10].copy_from_slice(&[100, 0, 80, 0]);
    small[frame + 1..frame + 5].copy_from_slice(&[7, 0, 5, 0]);
    odd.push(("a small frame on a large canvas".into(), small));
    odd
}

/// The answer to a picture and its result, whichever pipeline has it.
fn answer(studio: &Studio, file: &[u8], (result, zoom): (&str, f64)) -> String {
    let header = json!({"rType": result, "zoom": zoom, "responseType": "inline"});
    match studio.work(file, header) {
        Ok(answer) => answer.to_string(),
        // Its `url` is new each time.
        Err(error) => format!("{}: {}", error.code(), error.message()),
    }
}

#[test]
fn what_kept_buffers_held_does_not_show() {
    let picture = photo(52, 37);
    let mut files = odd(&picture);
    files.extend(one_of_each(&picture).map(|(name, file)| (name.to_owned(), file)));
    files.extend(kinds().into_iter().map(|(name, rare)| (name, rare.write(&picture))));
    for codec in codecs() {
        let studio = studio(codec);
        for (at, (name, file)) in files.iter().enumerate() {
            // Each file goes through some wishes; together they cover all.
            for wish in WISHES.into_iter().cycle().skip(3 * at).take(3) {
                let [black, white] = [0, 255].map(|byte| {
                    LEFT_OVER.set(Some(byte));
                    answer(&studio, file, wish)
                });
                LEFT_OVER.set(None);
                assert!(black == white, "{name} by {wish:?} shows what was there before");
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
    for codec in codecs() {
        let studio = studio(codec);
        let wish = |at: usize| WISHES[at % WISHES.len()];
        let alone = |at: usize, file: &[u8]| {
            thread::scope(|scope| scope.spawn(|| answer(&studio, file, wish(at))).join().unwrap())
        };
        for (at, (name, file)) in odd.iter().enumerate() {
            let expected = alone(at, file);
            for (other, ordinary) in &before {
                answer(&studio, ordinary, wish(at));
                let found = answer(&studio, file, wish(at));
                assert!(found == expected, "{name} behind a {other} by {:?}", wish(at));
            }
        }
    }
}

#[test]
fn a_jpeg_without_quantisation_is_damaged_in_every_order() {
    let picture = photo(64, 48);
    let file = RareJpeg { quantisation: false, ..RareJpeg::default() }.write(&picture);
    for codec in codecs() {
        let studio = studio(codec);
        for (_, before) in one_of_each(&picture) {
            answer(&studio, &before, ("png", 1.0));
            for wish in WISHES {
                let found = answer(&studio, &file, wish);
                assert!(found.starts_with("bad_image: the JPEG picture is damaged"), "{found}");
            }
        }
    }
}
