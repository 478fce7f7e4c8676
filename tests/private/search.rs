//! Looks for a text in a file as thoroughly as a curious person would.

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

/// The most bytes that a compressed part is unpacked to.
const UNPACKED_MAX: usize = 1 << 20;

/// Whether a file contains this text: as it is, in UTF-16, or in any part that zlib compressed.
pub(super) fn is_found(text: &str, file: &[u8]) -> bool {
    let forms = [
        text.as_bytes().to_vec(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ];
    let holds =
        |bytes: &[u8]| forms.iter().any(|form| bytes.windows(form.len()).any(|part| part == form));
    // RFC 1950, 2.2: the method 8, and the two bytes as one number are a multiple of 31.
    let begins = |at: &usize| match file[*at..] {
        [method, flags, ..] => {
            method & 15 == 8 && (u16::from(method) << 8 | u16::from(flags)).is_multiple_of(31)
        }
        _ => false,
    };
    let unpacked = |at: usize| match decompress_to_vec_zlib_with_limit(&file[at..], UNPACKED_MAX) {
        Ok(unpacked) => unpacked,
        Err(error) => error.output,
    };
    holds(file) || (0..file.len()).filter(begins).any(|at| holds(&unpacked(at)))
}

#[test]
fn a_text_is_found_in_every_form() {
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(b"some text and more", 6);
    let wide: Vec<u8> = "text".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for file in [b"a text".to_vec(), wide, [&b"before"[..], &packed].concat()] {
        assert!(is_found("text", &file));
        assert!(!is_found("texts", &file));
    }
}
