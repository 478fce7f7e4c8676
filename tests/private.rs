//! Metadata of a picture is in no file that an answer names, wherever the picture's file has it.

mod chunks;
mod exif;
mod jpegs;
mod search;

use std::fs;

use image::ImageFormat;
use serde_json::Value;

use self::search::is_found;
use crate::util::{Service, get, photo, picture_table, post, root};

/// The text that is planted: as long as three rational numbers of EXIF.
const SECRET: &str = "Confidential 47.11N 8.5E";

/// The text of a colour profile, which a result may have.
const PROFILE_TEXT: &str = "Screen of the test 2026";

/// A picture with the secret in one kind of metadata.
#[derive(Clone)]
struct Planted {
    kind: String,
    file: Vec<u8>,
    /// The same file without the secret, if the service can remove it and pass the rest on.
    plain: Option<Vec<u8>>,
}

impl Planted {
    fn new(kind: impl Into<String>, file: Vec<u8>, plain: &[u8]) -> Self {
        Self { kind: kind.into(), file, plain: Some(plain.to_vec()) }
    }

    /// A picture with the secret where it cannot be removed, so that the picture is encoded again.
    fn written_anew(kind: impl Into<String>, file: Vec<u8>) -> Self {
        Self { kind: kind.into(), file, plain: None }
    }
}

/// The pipelines and zooms that pictures are sent with. The last two fail, one before the picture
/// is decoded and one afterwards.
const WISHES: [(&str, &str); 9] = [
    ("none", "1"),
    ("strip", "1"),
    ("none", "0.5"),
    ("rl", "1"),
    ("jpeg", "1"),
    ("png", "1"),
    ("webp", "1"),
    ("broken", "1"),
    ("stopped", "1"),
];

fn service() -> Service {
    let pipelines = "none = []\nstrip = ['strip']\njpeg = [{ jpeg = { quality = 80 } }]\n\
         png = ['png']\nwebp = ['webp']\n\
         stopped = [{ blur = 1 }, { crop = [9999, 9999, 1, 1] }]\nbroken = ";
    Service::start(&picture_table("", "").replacen("broken = ", pipelines, 1))
}

/// The answer, and the file that it names.
fn sent(
    service: &Service,
    kind: &str,
    file: &[u8],
    (pipeline, zoom): (&str, &str),
) -> (Value, Vec<u8>) {
    let url = service.url(&format!("/work?rType={pipeline}&zoom={zoom}"));
    let answer = post(&url, file).json();
    let url = answer["url"].as_str().unwrap_or_else(|| panic!("{kind}, {pipeline}: {answer}"));
    let named = get(url).body;
    (answer, named)
}

fn base(format: ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let picture = image::load_from_memory(&photo(48, 36)).expect("a photo");
    picture.write_to(&mut file, format).expect("memory is writable");
    file.into_inner()
}

#[test]
fn no_text_of_any_metadata_is_in_a_result_or_the_picture_in_its_place() {
    let service = service();
    let all = [jpegs::planted(), chunks::pngs(), chunks::webps(), chunks::gifs()].concat();
    // Some forty kinds, most of them in several places.
    assert!(all.len() >= 200, "{} files", all.len());
    for Planted { kind, file, plain } in &all {
        assert!(is_found(SECRET, file), "{kind}: the search does not find it where it is");
        for wish in WISHES {
            let (answer, result) = sent(&service, kind, file, wish);
            assert!(!is_found(SECRET, &result), "{kind}: in the result of {wish:?}");
            assert!(image::load_from_memory(&result).is_ok(), "{kind}: {wish:?} is not a picture");
            let fails = ["broken", "stopped"].contains(&wish.0);
            assert_eq!(answer["code"] == "step_failed", fails, "{kind}: {answer}");
            if let Some(plain) = plain.as_ref().filter(|_| wish == ("none", "1") || fails) {
                assert!(result == *plain, "{kind}: {wish:?} does not pass the rest on as it is");
            }
        }
    }
}

#[test]
fn the_text_of_a_colour_profile_stays_until_a_step_removes_it() {
    let service = service();
    for (name, file) in
        [jpegs::with_profile(), chunks::png_with_profile(), chunks::webp_with_profile()]
    {
        for (wish, stays) in
            [(("none", "1"), true), (("none", "0.5"), true), (("strip", "1"), false)]
        {
            let (_, result) = sent(&service, name, &file, wish);
            assert_eq!(is_found(PROFILE_TEXT, &result), stays, "{name}, {wish:?}");
        }
    }
}

#[test]
fn pictures_of_the_reports_contain_no_place_and_no_artist() {
    let service = service();
    for name in ["M01.jpg", "M02.jpg", "M05.jpg"] {
        let file = fs::read(root().join("tests/references/reports").join(name)).unwrap();
        assert!(is_found("SECRET-ARTIST", &file), "{name}");
        for wish in WISHES {
            let (_, result) = sent(&service, name, &file, wish);
            for text in ["SECRET-ARTIST", "Exif"] {
                assert!(!is_found(text, &result), "{name}, {wish:?}: {text}");
            }
            if result.starts_with(b"\xFF\xD8") {
                let ends = result.windows(2).filter(|two| two == b"\xFF\xD9").count();
                assert_eq!((ends, result.ends_with(b"\xFF\xD9")), (1, true), "{name}, {wish:?}");
            }
        }
    }
}
