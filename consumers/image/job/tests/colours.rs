//! Results look like their picture in a viewer that obeys colour profiles.

use imaging::codec;
use imaging::image::{GrayImage, Luma, Rgb, RgbImage};
use moxcms::ColorProfile;

use super::*;

const RED: [u8; 3] = [200, 60, 40];
/// The sRGB equivalent of `RED` in Display P3.
const RED_OF_P3: [u8; 3] = [217, 42, 23];

fn studio() -> Studio {
    let mut studio = Studio::new();
    studio.options.results = from_value(json!({
        "none": [],
        "rl": ["grayscale"],
        "png": ["png"],
        "jpeg": ["jpeg"],
        "webp": ["webp"],
        "gif": ["gif"],
        "info": ["info", { "palette": 2 }],
        "srgb": ["srgb", "png"],
        "strip": ["strip"],
        "pad": [{ "pad": { "left": 8, "colour": "#c83c28" } }, "png"],
        "turned": [{ "rotate": { "degrees": 20, "background": "#c83c28" } }, "png"],
        "marked": [{ "watermark": { "text": "w", "colour": "#c83c28", "size": 0.9 } }, "png"],
        "round": [{ "round": 4 }, { "flatten": "#c83c28" }, "png"],
    }))
    .unwrap();
    studio
}

/// The colour in the middle of a file's right half.
fn shown(file: &[u8]) -> [u8; 3] {
    let (index, probe) = codec::read(file).unwrap();
    let mut pixels = codec::pixels(file, &imaging::Limits::default()).unwrap();
    if let Some(profile) = Profile::of(&index, &probe) {
        assert!(profile.to_srgb(&mut pixels));
    }
    let pixels = pixels.to_rgb8();
    pixels.get_pixel(pixels.width() * 3 / 4, pixels.height() / 2).0
}

fn near(file: &[u8], expected: [u8; 3], what: &str) {
    let shown = shown(file);
    let differ = shown.iter().zip(expected).any(|(a, b)| a.abs_diff(b) > 3);
    assert!(!differ, "{what}: {shown:?}, expected {expected:?}");
}

fn grey(level: u8) -> DynamicImage {
    GrayImage::from_pixel(32, 32, Luma([level])).into()
}

fn colour(colour: [u8; 3]) -> DynamicImage {
    RgbImage::from_pixel(32, 32, Rgb(colour)).into()
}

fn file(picture: &DynamicImage, encoding: Encoding, profile: Option<&ColorProfile>) -> Vec<u8> {
    let profile = profile.map(|profile| profile.encode().unwrap());
    imaging::Worker::new(0).encode(&picture.clone().into(), encoding, profile.as_deref()).unwrap()
}

/// A PNG with this chunk after its header.
fn with_chunk(picture: &DynamicImage, kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut file = png(picture);
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    file.splice(33..33, [&length[..], &kind, content, &[0; 4]].concat());
    file
}

#[test]
fn every_result_shows_the_colours_of_its_picture() {
    let linear = ColorProfile::new_gray_with_gamma(1.0);
    let prophoto = ColorProfile::new_pro_photo_rgb();
    let p3 = ColorProfile::new_display_p3();
    let light = 100_000_u32.to_be_bytes();
    let jpeg = Encoding::Jpeg(100);
    let table = [
        ("greys of linear light", file(&grey(60), jpeg, Some(&linear)), [133; 3]),
        ("greys of linear light", file(&grey(60), Encoding::Png, Some(&linear)), [133; 3]),
        ("greys of ProPhoto", file(&grey(100), jpeg, Some(&prophoto)), [119; 3]),
        ("colours of ProPhoto", file(&colour([100; 3]), jpeg, Some(&prophoto)), [119; 3]),
        ("colours of P3", file(&colour(RED), jpeg, Some(&p3)), RED_OF_P3),
        ("colours of P3", file(&colour(RED), Encoding::Png, Some(&p3)), RED_OF_P3),
        ("colours of P3", file(&colour(RED), Encoding::Webp, Some(&p3)), RED_OF_P3),
        ("gAMA", with_chunk(&colour(RED), *b"gAMA", &light), [229, 133, 110]),
        ("gAMA", with_chunk(&grey(60), *b"gAMA", &light), [133; 3]),
        ("cICP", with_chunk(&colour(RED), *b"cICP", &[12, 13, 0, 1]), RED_OF_P3),
        // A profile for other colours than the file's is what viewers ignore.
        ("colours with greys' profile", file(&colour(RED), jpeg, Some(&linear)), RED),
        ("no profile", file(&colour(RED), jpeg, None), RED),
    ];
    for keep in [Keep::Original, Keep::Zoomed] {
        let mut studio = studio();
        studio.options.keep = keep;
        for (name, file, expected) in &table {
            for result in studio.options.results.keys().filter(|name| *name != "strip") {
                for zoom in [1.0, 0.5] {
                    let what = format!("{name}, {result}, {zoom}, {keep:?}");
                    let header = json!({"rType": result.as_str(), "zoom": zoom});
                    let answer = studio.work(file, header).unwrap();
                    let made = studio.file(&answer["url"]);
                    let [r, g, b] = expected.map(u32::from);
                    // By the weights of Rec. 601.
                    let luma = u8::try_from((299 * r + 587 * g + 114 * b + 500) / 1000).unwrap();
                    let expected = if result == "rl" { [luma; 3] } else { *expected };
                    near(&made, expected, &what);
                }
            }
        }
        // The stored pictures have the same colours, because only results show the steps.
        for name in studio.files().iter().filter(|name| !name.starts_with("rb_")) {
            let kept = shown(&fs::read(studio.dir.path().join(name)).unwrap());
            assert!(
                table
                    .iter()
                    .any(|(.., colour)| colour.iter().zip(kept).all(|(a, b)| a.abs_diff(b) <= 3))
            );
        }
    }
}

#[cfg(feature = "avif")]
#[test]
fn a_picture_with_a_profile_is_written_as_avif() {
    let mut studio = studio();
    studio.options.results.insert("avif".into(), from_value(json!(["avif"])).unwrap());
    let file = file(&colour(RED), Encoding::Jpeg(90), Some(&ColorProfile::new_display_p3()));
    let answer = studio.work(&file, json!({"rType": "avif"})).unwrap();
    assert_eq!(studio.file(&answer["url"])[4..12], *b"ftypavif");
}

#[test]
fn a_colour_that_a_step_brings_is_srgb() {
    let studio = studio();
    let files = [
        file(&colour([0, 0, 90]), Encoding::Jpeg(100), Some(&ColorProfile::new_pro_photo_rgb())),
        file(&grey(60), Encoding::Png, Some(&ColorProfile::new_gray_with_gamma(1.0))),
    ];
    for file in files {
        for (result, (x, y)) in [("pad", (2, 16)), ("turned", (0, 0)), ("round", (0, 0))] {
            let answer = studio.work(&file, json!({"rType": result})).unwrap();
            let made =
                codec::pixels(&studio.file(&answer["url"]), &imaging::Limits::default()).unwrap();
            assert_eq!(made.to_rgb8().get_pixel(x, y).0, RED, "{result}");
        }
    }
}

#[test]
fn colours_are_named_as_they_are_shown() {
    let file = file(&colour(RED), Encoding::Png, Some(&ColorProfile::new_display_p3()));
    let answer = studio().work(&file, json!({"rType": "info", "responseType": "inline"})).unwrap();
    for name in ["mean_colour", "dominant_colour"] {
        assert_eq!(answer[name], "#d92a17", "{name}");
    }
    assert_eq!(answer["palette"], json!(["#d92a17"]));
    assert_eq!(answer["profile"], "Display P3");
}

#[test]
fn a_file_that_nothing_is_done_to_keeps_what_it_says_of_its_colours() {
    let studio = studio();
    let files = [
        with_chunk(&colour(RED), *b"gAMA", &100_000_u32.to_be_bytes()),
        with_chunk(&colour(RED), *b"cICP", &[9, 16, 0, 1]),
        with_chunk(&colour(RED), *b"sRGB", &[0]),
        file(&colour(RED), Encoding::Webp, Some(&ColorProfile::new_display_p3())),
    ];
    for (at, file) in files.iter().enumerate() {
        let answer = studio.work(file, json!({"rType": "none"})).unwrap();
        assert!(studio.file(&answer["url"]) == *file, "{at}");
    }
}

#[test]
fn strip_takes_the_profile_and_never_the_colours_of_chunks() {
    let studio = studio();
    let strip = |file: &[u8]| {
        let answer = studio.work(file, json!({"rType": "strip"})).unwrap();
        studio.file(&answer["url"])
    };
    let p3 = file(&colour(RED), Encoding::Png, Some(&ColorProfile::new_display_p3()));
    near(&strip(&p3), RED, "as documented: srgb belongs before it");
    near(&strip(&with_chunk(&colour(RED), *b"cICP", &[12, 13, 0, 1])), RED_OF_P3, "cICP");
    let plain = png(&colour(RED));
    assert!(strip(&with_chunk(&colour(RED), *b"sRGB", &[0])) == plain);
}

#[test]
fn a_graphic_of_few_colours_comes_back_with_a_palette() {
    let studio = studio();
    let graphic = RgbImage::from_fn(160, 120, |x, y| match (x / 40 + y / 30) % 3 {
        0 => Rgb([0x1F, 0x77, 0xB4]),
        1 => Rgb([0xFF, 0x7F, 0x0E]),
        _ => Rgb([255; 3]),
    });
    for file in [gif(&graphic.clone().into()), png(&graphic.clone().into())] {
        for (result, zoom) in [("none", 0.5), ("none", 1.5), ("png", 1.0), ("round", 1.0)] {
            let answer = studio.work(&file, json!({"rType": result, "zoom": zoom})).unwrap();
            let made = studio.file(&answer["url"]);
            // The colour type in the header of a PNG.
            assert_eq!(made[25], 3, "{result}, {zoom}");
            assert!(made.len() < 3000, "{result}, {zoom}: {}", made.len());
        }
    }
}

#[test]
fn grey_of_srgb_is_the_same_with_its_profile_and_without() {
    let studio = studio();
    let photo = photo(64, 48);
    for encoding in [Encoding::Jpeg(90), Encoding::Png] {
        let results = [None, Some(&ColorProfile::new_srgb())].map(|profile| {
            let file = file(&photo, encoding, profile);
            let answer = studio.work(&file, json!({"rType": "rl", "zoom": 0.5})).unwrap();
            studio.file(&answer["url"])
        });
        assert!(results[0] == results[1]);
    }
}
