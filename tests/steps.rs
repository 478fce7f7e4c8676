//! Every step against OpenCV or Pillow, on the same picture and through the running service.
//!
//! Tolerances are in levels of 255: on average, and at most. Steps that only move samples or look
//! them up are exact; steps that interpolate may round differently from their reference.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use exif::experimental::Writer;
use exif::{Field, In, Rational, Tag};
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ImageEncoder, ImageFormat, Rgba, RgbaImage};
use moxcms::ColorProfile;
use serde_json::{Value, json};

use crate::util::{Answer, Service, python, request, root, waterway};

/// The inputs, by name.
const PHOTO: &str = "photo.png";
const CLEAR: &str = "clear.png";
const GREY: &str = "grey.png";
const BORDERED: &str = "bordered.png";
const WIDE: &str = "wide.png";

/// A step as `routing.toml` writes it, its input, and the tolerance of its result: on average, and
/// at most.
type Case = (&'static str, &'static str, f64, f64);

const EXACT: (f64, f64) = (0.0, 0.0);
/// One unit of rounding, in few places.
const ROUNDED: (f64, f64) = (0.3, 1.0);

#[rustfmt::skip]
const PICTURES: &[Case] = &[
    ("{ zoom = 0.5 }", PHOTO, ROUNDED.0, ROUNDED.1),
    ("{ zoom = 1.3 }", PHOTO, ROUNDED.0, ROUNDED.1),
    // Nearly transparent colours are rounded twice.
    ("{ zoom = 0.4 }", CLEAR, 0.5, 3.0),
    ("{ fit = [50, 90] }", PHOTO, ROUNDED.0, ROUNDED.1),
    ("{ fit = [500, 900] }", PHOTO, EXACT.0, EXACT.1),
    ("{ fill = [70, 100] }", GREY, ROUNDED.0, ROUNDED.1),
    ("{ cover = [60, 60] }", PHOTO, ROUNDED.0, ROUNDED.1),
    ("{ cover = { size = [100, 40], gravity = \"top\" } }", PHOTO, ROUNDED.0, ROUNDED.1),
    ("{ cover = { size = [40, 100], gravity = \"bottom-right\" } }", PHOTO, 0.3, 2.0),
    ("{ crop = [20, 10, 40, 5000] }", PHOTO, EXACT.0, EXACT.1),
    ("{ trim = 12 }", BORDERED, EXACT.0, EXACT.1),
    ("{ trim = { tolerance = 2, colour = \"#c81020\" } }", BORDERED, EXACT.0, EXACT.1),
    ("{ rotate = 90 }", PHOTO, EXACT.0, EXACT.1),
    ("{ rotate = 180 }", CLEAR, EXACT.0, EXACT.1),
    ("{ rotate = 270 }", PHOTO, EXACT.0, EXACT.1),
    // OpenCV's cubic kernel is a different one, and OpenCV rounds positions to 32nds of a pixel.
    ("{ rotate = { degrees = 12.5, background = \"#203040\" } }", PHOTO, 1.2, 40.0),
    ("{ flip = \"horizontal\" }", PHOTO, EXACT.0, EXACT.1),
    ("{ flip = \"vertical\" }", CLEAR, EXACT.0, EXACT.1),
    ("{ pad = 7 }", PHOTO, EXACT.0, EXACT.1),
    ("{ pad = [200, 101] }", GREY, EXACT.0, EXACT.1),
    ("{ pad = { size = [200, 100], gravity = \"bottom-left\", colour = \"#20304080\" } }", PHOTO, EXACT.0, EXACT.1),
    ("{ pad = { top = 3, left = 9, colour = \"black\" } }", CLEAR, EXACT.0, EXACT.1),
    // The reference draws the corner with 8 × 8 points for each pixel.
    ("{ round = 20 }", PHOTO, 0.2, 20.0),
    ("{ round = 9999 }", CLEAR, 0.4, 20.0),
    ("\"flatten\"", CLEAR, 0.5, 1.0),
    ("{ flatten = \"#203040\" }", CLEAR, 0.5, 1.0),
    ("\"grayscale\"", PHOTO, EXACT.0, EXACT.1),
    ("{ brightness = 1.4 }", PHOTO, 0.1, 1.0),
    ("{ brightness = 0.6 }", CLEAR, 0.1, 1.0),
    ("{ contrast = 1.5 }", PHOTO, 0.1, 1.0),
    ("{ contrast = 0.5 }", GREY, 0.1, 1.0),
    ("{ gamma = 2.2 }", PHOTO, EXACT.0, EXACT.1),
    // Pillow rounds its grey with other weights, and truncates its mix.
    ("{ saturation = 1.7 }", PHOTO, 0.8, 2.0),
    ("{ saturation = 0.3 }", PHOTO, 0.8, 2.0),
    // Pillow uses Little CMS, and the service moxcms.
    ("\"srgb\"", WIDE, 0.6, 3.0),
    ("{ blur = 0.4 }", PHOTO, 0.3, 1.0),
    ("{ blur = 1.5 }", PHOTO, 0.3, 1.0),
    ("{ blur = 3.9 }", GREY, 0.3, 1.0),
    // Above a sigma of 4 the blur is made from a smaller picture. Beyond the edge it takes the mean
    // of some pixels, and the reference a single pixel. Away from the edge it is within 2 levels.
    ("{ blur = 4.5 }", PHOTO, 0.7, 12.0),
    ("{ blur = 8 }", PHOTO, 1.2, 18.0),
    ("{ blur = 2 }", CLEAR, 0.6, 3.0),
    ("{ sharpen = 1 }", PHOTO, 0.4, 2.0),
    ("{ sharpen = { sigma = 2, amount = 0.5 } }", PHOTO, 0.4, 2.0),
    ("{ watermark = { file = \"mark.png\", size = 0.3, position = \"top-left\", margin = 5, opacity = 0.7 } }", PHOTO, 0.3, 5.0),
    // Both are blurred before they are compared.
    ("{ watermark = { text = \"Wave 8\", size = 0.3, position = \"bottom\", margin = 4 } }", PHOTO, 1.0, 30.0),
];

/// Steps that put fields into the answer, and the reference's input.
const FIELDS: &[(&str, &str)] = &[
    ("\"info\"", PHOTO),
    ("\"info\"", CLEAR),
    ("\"exif\"", PHOTO),
    ("{ exif = { gps = true } }", PHOTO),
    ("{ palette = 5 }", PHOTO),
    ("{ palette = 2 }", BORDERED),
    ("{ histogram = 16 }", PHOTO),
    ("{ histogram = 256 }", PHOTO),
    ("\"sharpness\"", PHOTO),
    ("\"phash\"", PHOTO),
    ("\"phash\"", BORDERED),
    ("\"thumbhash\"", PHOTO),
    ("\"blurhash\"", PHOTO),
];

/// Steps that other tests cover: the result's format and its metadata.
const ELSEWHERE: [&str; 6] = ["jpeg", "png", "webp", "gif", "avif", "strip"];

/// The table with a pipeline for each of these steps: `p0`, `p1` …
fn table<'a>(steps: impl Iterator<Item = &'a str>) -> String {
    let mut table = "[queue.images]\nconsumer = 'pictures'\n\
        [[route]]\nchannel = 'http.request'\npath = '/work'\nconsumer = 'image.http'\n\
        queue = 'images'\nlimits = { message = '32MiB' }\n\
        [consumer.pictures]\nuse = 'image.work'\n[consumer.pictures.results]\n"
        .to_owned();
    for (number, step) in steps.enumerate() {
        writeln!(table, "p{number} = [{step}, \"png\"]").expect("a write to a String succeeds");
    }
    table
}

fn work(service: &Service, number: usize, file: &[u8]) -> Answer {
    let url = service.url(&format!("/work?responseType=inline&rType=p{number}"));
    let answer = request("POST", &url, &[("accept", "image/*")], file);
    assert_eq!(answer.status, 200, "p{number}: {:?}", String::from_utf8_lossy(&answer.body));
    answer
}

/// The step as the reference reads it: `{name: value}`. A TOML table of one line is JSON except for
/// its keys.
fn as_json(step: &str) -> Value {
    let mut json = String::new();
    for word in step.replace(" = ", " : ").split(' ') {
        let key = !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let key = key && !matches!(word, "true" | "false");
        write!(json, "{}", if key { format!("\"{word}\" ") } else { format!("{word} ") }).unwrap();
    }
    let value: Value =
        serde_json::from_str(&json).unwrap_or_else(|error| panic!("{json}: {error}"));
    match value {
        Value::String(name) => json!({name: {}}),
        table => table,
    }
}

#[test]
fn each_step_does_what_its_reference_does() {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    let at = folder.path().to_owned();
    draw(&at);
    let steps = PICTURES.iter().map(|(step, ..)| *step).chain(FIELDS.iter().map(|(step, _)| *step));
    let service = Service::start_in(folder, &table(steps), |_| {});
    let read = |name: &str| fs::read(at.join(name)).expect("the input was drawn");

    let mut cases = Vec::new();
    for (number, (step, input, mean, most)) in PICTURES.iter().enumerate() {
        let output = format!("{number}.png");
        fs::write(at.join(&output), work(&service, number, &read(input)).body).unwrap();
        let value = match as_json(step) {
            // A name alone means the default, which the reference takes as `null`.
            step if step == json!({"flatten": {}}) => json!({"flatten": null}),
            step => step,
        };
        cases.push(
            json!({"step": value, "input": input, "output": output, "mean": mean, "most": most}),
        );
    }
    for (number, (step, input)) in (PICTURES.len()..).zip(FIELDS) {
        let fields = work(&service, number, &read(input)).json();
        cases.push(json!({"step": as_json(step), "input": input, "fields": fields}));
    }
    fs::write(at.join("cases.json"), Value::from(cases).to_string()).unwrap();
    python("references/steps.py", &[at.to_str().expect("a path in UTF-8")]);
}

#[test]
fn every_step_has_a_reference() {
    let shown = PICTURES.iter().map(|(step, ..)| *step).chain(FIELDS.iter().map(|(step, _)| *step));
    let mut names: BTreeSet<String> = ELSEWHERE.iter().map(|name| (*name).to_owned()).collect();
    names.extend(shown.map(|step| {
        let step = as_json(step);
        step.as_object().unwrap().keys().next().unwrap().clone()
    }));
    let listed = waterway(&root(), &["steps"]).stdout;
    let listed = String::from_utf8(listed).unwrap();
    let steps = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    assert_eq!(names, steps.map(str::to_owned).collect());
}

#[test]
fn a_smart_cover_keeps_the_object_in_the_picture() {
    // A plain sky with one object, left or right, high or low.
    for (size, thing, cover) in [
        ((160, 60), (120, 20), "[60, 60]"),
        ((160, 60), (10, 20), "[60, 60]"),
        ((60, 160), (20, 130), "[60, 60]"),
        ((60, 160), (20, 8), "[30, 30]"),
    ] {
        let picture = RgbaImage::from_fn(size.0, size.1, |x, y| {
            let inside =
                (thing.0..thing.0 + 20).contains(&x) && (thing.1..thing.1 + 20).contains(&y);
            let light = if (x / 3 + y / 3) % 2 == 0 { 250 } else { 20 };
            if inside { Rgba([light, 60, 255 - light, 255]) } else { Rgba([150, 180, 210, 255]) }
        });
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, ImageFormat::Png).unwrap();
        let step = format!("{{ cover = {{ size = {cover}, gravity = \"smart\" }} }}");
        let service = Service::start(&table([step.as_str()].into_iter()));
        let result = work(&service, 0, file.get_ref()).body;
        let result = image::load_from_memory(&result).unwrap().to_rgb8();
        let sky = |pixel: &&image::Rgb<u8>| {
            pixel.0[0].abs_diff(150) < 12 && pixel.0[2].abs_diff(210) < 12
        };
        let seen = result.pixels().count() - result.pixels().filter(sky).count();
        let whole = 400 * result.width() * result.width() / (60 * 60);
        assert!(seen * 10 >= whole as usize * 9, "{thing:?}: {seen} of {whole}");
    }
}

#[test]
fn the_format_steps_write_their_formats() {
    let mut steps =
        vec!["\"jpeg\"", "{ jpeg = { quality = 20 } }", "\"webp\"", "\"png\"", "\"gif\""];
    let mut formats = vec!["image/jpeg", "image/jpeg", "image/webp", "image/png", "image/gif"];
    if cfg!(feature = "turbo") {
        steps.push("{ webp = { quality = 80 } }");
        formats.push("image/webp");
    }
    if cfg!(feature = "avif") {
        steps.push("\"avif\"");
        formats.push("image/avif");
    }
    let table = table(steps.into_iter()).replace(", \"png\"]", "]");
    let service = Service::start(&table);
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    draw(folder.path());
    let file = fs::read(folder.path().join(PHOTO)).unwrap();
    let numbers = 0..formats.len();
    let results: Vec<Vec<u8>> = numbers.map(|number| work(&service, number, &file).body).collect();
    for (result, format) in results.iter().zip(formats) {
        assert_eq!(image::guess_format(result).unwrap().to_mime_type(), format);
    }
    assert!(results[1].len() * 2 < results[0].len(), "a lower quality is a smaller file");
    let picture = image::load_from_memory(&file).unwrap();
    assert_eq!(image::load_from_memory(&results[2]).unwrap().to_rgb8(), picture.to_rgb8());
    assert_eq!(image::load_from_memory(&results[3]).unwrap(), picture);
}

#[test]
fn the_documents_say_what_the_program_says() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("the file exists");
    let printed = waterway(&root(), &["steps", "--markdown"]).stdout;
    let page = String::from_utf8(printed).unwrap();
    let way_out = "run `waterway steps --markdown > docs/steps.md`";
    assert!(read("docs/steps.md") == page, "docs/steps.md differs from the output: {way_out}");
    let steps = page.matches("\n### ").count();
    let readme = read("README.md");
    assert!(
        readme.contains(&format!("There are {steps} steps")),
        "README.md does not say {steps} steps"
    );
}

/// Writes the inputs into a folder.
fn draw(folder: &Path) {
    let sample = root().join("consumers/page/samples/autumn.jpg");
    let photo = image::open(sample).expect("a sample").thumbnail_exact(120, 80).to_rgb8();
    let encode =
        |name: &str, picture: &DynamicImage, say: &dyn Fn(&mut PngEncoder<&mut Vec<u8>>)| {
            let mut file = Vec::new();
            let mut encoder = PngEncoder::new(&mut file);
            say(&mut encoder);
            picture.write_with_encoder(encoder).expect("memory is writable");
            fs::write(folder.join(name), file).expect("the folder is writable");
        };
    let nothing = |_: &mut PngEncoder<&mut Vec<u8>>| {};
    let photo = DynamicImage::from(photo);
    encode(PHOTO, &photo, &|encoder| encoder.set_exif_metadata(camera()).expect("PNG takes EXIF"));
    encode(GREY, &photo.to_luma8().into(), &nothing);
    let profile = ColorProfile::new_display_p3().encode().expect("a profile");
    encode(WIDE, &photo, &|encoder| {
        encoder.set_icc_profile(profile.clone()).expect("PNG has room for a profile");
    });

    // Transparent on the left, opaque on the right, with a sharp edge between.
    let mut clear = photo.to_rgba8();
    for (x, y, pixel) in clear.enumerate_pixels_mut() {
        pixel.0[3] = u8::try_from((x * 3 + (y / 20) % 2 * 60).min(255)).unwrap();
    }
    encode(CLEAR, &clear.into(), &nothing);

    let mut bordered = photo.to_rgb8();
    for (x, y, pixel) in bordered.enumerate_pixels_mut() {
        if x < 15 || y < 9 || x >= 100 || y >= 61 {
            // Not quite one colour, like the border of a scan.
            pixel.0 = [200, 16 + u8::try_from((x + y) % 3).unwrap(), 32];
        }
    }
    encode(BORDERED, &bordered.into(), &nothing);

    let mark = RgbaImage::from_fn(40, 20, |x, y| {
        let alpha = if (x + y) % 20 < 10 { 255 } else { 90 };
        Rgba([255, u8::try_from(x * 6).unwrap(), 40, alpha])
    });
    mark.save(folder.join("mark.png")).expect("the folder is writable");
}

/// EXIF data as a camera writes them, with a position in Chile.
fn camera() -> Vec<u8> {
    let text = |tag, text: &str| Field {
        tag,
        ifd_num: In::PRIMARY,
        value: exif::Value::Ascii(vec![text.as_bytes().to_vec()]),
    };
    let short =
        |tag, number| Field { tag, ifd_num: In::PRIMARY, value: exif::Value::Short(vec![number]) };
    let parts = |tag, parts: &[(u32, u32)]| Field {
        tag,
        ifd_num: In::PRIMARY,
        value: exif::Value::Rational(
            parts.iter().map(|&(num, denom)| Rational { num, denom }).collect(),
        ),
    };
    let fields = [
        text(Tag::Make, "Waterway"),
        text(Tag::Model, "Camera 7"),
        text(Tag::DateTimeOriginal, "2026:11:23 19:40:28"),
        text(Tag::BodySerialNumber, "secret"),
        parts(Tag::ExposureTime, &[(1, 320)]),
        parts(Tag::FNumber, &[(28, 10)]),
        short(Tag::PhotographicSensitivity, 400),
        short(Tag::Flash, 9),
        text(Tag::GPSLatitudeRef, "S"),
        parts(Tag::GPSLatitude, &[(33, 1), (27, 1), (1234, 100)]),
        text(Tag::GPSLongitudeRef, "E"),
        parts(Tag::GPSLongitude, &[(70, 1), (40, 1), (5, 1)]),
    ];
    let mut writer = Writer::new();
    for field in &fields {
        writer.push_field(field);
    }
    let mut block = Cursor::new(Vec::new());
    writer.write(&mut block, false).expect("a block");
    block.into_inner()
}
