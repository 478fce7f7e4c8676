//! Pictures as clients send them: a photo computed from a formula, in either framing.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use serde_json::Value;

/// The length of the text framing's header, in characters.
pub(crate) const HEADER: usize = 150;

/// A JPEG of this size, with soft and sharp parts in all colours, as photos have.
pub(crate) fn photo(width: u32, height: u32) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
        let ripple = (((u - 0.6).hypot(v - 0.4) * 60.0).sin() + 1.0) * 30.0;
        let edge = if (u * 9.0 + v * 4.0).fract() < 0.1 { 50.0 } else { 0.0 };
        // The factors above give 0 to 245.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let level = |base: f64| (base * 135.0 + ripple + edge) as u8;
        Rgb([level(u), level(v), level(1.0 - u * v)])
    });
    let mut file = Cursor::new(Vec::new());
    let encoder = JpegEncoder::new_with_quality(&mut file, 85);
    picture.write_with_encoder(encoder).expect("a picture in memory can be encoded");
    file.into_inner()
}

/// The text framing: the header padded with spaces to [`HEADER`] characters, then base64.
pub(crate) fn text_framing(header: &Value, file: &[u8]) -> String {
    let header = header.to_string();
    let length = header.chars().count();
    assert!(length <= HEADER, "a header of {length} characters: {header}");
    let padding = " ".repeat(HEADER - length);
    format!("{header}{padding}{}", STANDARD.encode(file))
}

/// The binary framing: the header's length in two bytes, the header, the file.
pub(crate) fn binary_framing(header: &Value, file: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    let length = u16::try_from(header.len()).expect("a header under 64 KiB");
    [&length.to_be_bytes(), header.as_bytes(), file].concat()
}

#[test]
fn a_photo_is_a_jpeg_of_its_size() {
    let file = photo(640, 480);
    let decoded = image::load_from_memory(&file).unwrap();
    assert_eq!((decoded.width(), decoded.height()), (640, 480));
    assert!(file.starts_with(&[0xff, 0xd8, 0xff]) && file.len() > 20_000, "{} bytes", file.len());
}

#[test]
fn framings_put_the_header_before_the_picture() {
    let header = serde_json::json!({"uuid": "ü"});
    let text = text_framing(&header, b"\xff\xd8");
    assert_eq!(text.chars().take(HEADER).collect::<String>().trim_end(), r#"{"uuid":"ü"}"#);
    assert_eq!(text.chars().skip(HEADER).collect::<String>(), "/9g=");
    assert_eq!(binary_framing(&header, b"\xff\xd8"), b"\x00\x0d{\"uuid\":\"\xc3\xbc\"}\xff\xd8");
}
