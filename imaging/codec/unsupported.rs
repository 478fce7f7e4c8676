//! Names the format of a file other than the four supported ones, and says what to send
//! instead.
//!
//! A file's first bytes tell its format, as in [`Format::of`](super::Format::of). Only pictures of
//! supported formats are called "damaged".

use memchr::{memchr3, memmem};

use crate::error::Error;
use crate::format::Format;

#[cfg(test)]
mod tests;

/// How many bytes of a file are searched for words such as `<svg`.
const LOOKED_AT: usize = 1 << 10;

/// A shorter file may lack zeros by chance.
const STRIPPED_MIN: usize = 64;

/// The bytes at a position with which a format's files begin, and the format's name.
type Signature = (usize, &'static [u8], &'static str);

/// Formats that people have sent to services like this one; longer signatures first.
const SIGNATURES: &[Signature] = &[
    (0, b"\0\0\0\x0CJXL \r\n\x87\n", "JPEG XL"),
    (0, b"\xFF\x0A", "JPEG XL"),
    (0, b"\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xFF\x4F\xFF\x51", "JPEG 2000"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"II\xBC\x01", "JPEG XR"),
    (0, b"8BPS", "PSD"),
    (0, b"\0\0\x01\0", "ICO"),
    (0, b"\0\0\x02\0", "CUR"),
    (0, b"gimp xcf", "XCF"),
    (0, b"qoif", "QOI"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"DDS ", "DDS"),
    (0, b"%PDF-", "PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"\x1AE\xDF\xA3", "video (WebM or Matroska)"),
    (8, b"AVI ", "video (AVI)"),
    (0, b"OggS", "Ogg"),
];

/// Brands in the file type box of an ISO base media file (ISO/IEC 14496-12, 4.3).
const BRANDS: &[(&[u8; 4], &str)] = &[
    (b"avif", "AVIF"),
    (b"avis", "AVIF"),
    (b"heic", "HEIC"),
    (b"heix", "HEIC"),
    (b"heim", "HEIC"),
    (b"heis", "HEIC"),
    (b"hevc", "HEIC"),
    (b"hevx", "HEIC"),
    (b"mif1", "HEIF"),
    (b"msf1", "HEIF"),
    (b"crx ", "CR3 (a camera's raw format)"),
];

/// Compressed files and archives.
const PACKED: &[Signature] = &[
    (0, b"\x1F\x8B", "gzip"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"\x28\xB5\x2F\xFD", "zstd"),
    (0, b"BZh", "bzip2"),
    (0, b"\xFD7zXZ\0", "xz"),
    (0, b"7z\xBC\xAF\x27\x1C", "7z"),
];

/// The first characters of supported pictures in base64.
const BASE64: [&[u8]; 4] = [b"/9j/", b"iVBORw0KGgo", b"R0lGODlh", b"UklGR"];

/// The error for a sound file of a supported format but an unsupported kind, such as "12-bit JPEG".
pub(super) fn kind(what: &str) -> Error {
    Error::bad_picture(format!("{what} is not supported"))
}

/// The error for a file of an unsupported format.
pub(super) fn error(file: &[u8]) -> Error {
    const TAKEN: &str = "JPEG, PNG, WebP or GIF picture";
    let message = if file.is_empty() {
        "the file is empty".to_owned()
    } else if let Some(name) = format(file) {
        format!("{name} is not supported: send a {TAKEN}")
    } else if let Some(name) = named(file, PACKED) {
        format!("a {name} file is not supported: unpack it, and send the picture itself")
    } else if is_form(file) {
        "this is a form (multipart/form-data), not a picture: send the file itself with \
         --data-binary, not with -F"
            .to_owned()
    } else if is_base64(file) {
        "this is a picture in base64: send the file's own bytes, or the text framing".to_owned()
    } else {
        format!("this is not a {TAKEN}")
    };
    Error::bad_picture(message)
}

/// Refuses a picture from which all zeros and line breaks were removed, as `curl -d @file` does:
/// none of its remaining lengths is right.
///
/// # Errors
/// `ErrorKind::BadPicture`.
pub(super) fn check_stripped(file: &[u8]) -> Result<(), Error> {
    // Every picture of these formats has a zero in its first lengths, so the search ends there.
    if file.len() < STRIPPED_MIN || memchr3(0, b'\r', b'\n', file).is_some() {
        return Ok(());
    }
    let begins = |start: &[u8]| file.starts_with(start);
    if begins(b"\x89PNG\x1A") || Format::of(file).is_some() || begins(b"RIFF") {
        let message = "the picture lacks all its zeros and line breaks, which curl leaves out with \
                       -d: send the file itself with --data-binary";
        return Err(Error::bad_picture(message));
    }
    Ok(())
}

/// The name of the file's format.
fn format(file: &[u8]) -> Option<&'static str> {
    named(file, SIGNATURES)
        .or_else(|| media_brand(file))
        .or_else(|| is_bmp(file).then_some("BMP"))
        .or_else(|| is_netpbm(file).then_some("PNM (PBM, PGM or PPM)"))
        .or_else(|| markup(file))
}

fn named(file: &[u8], signatures: &'static [Signature]) -> Option<&'static str> {
    let fits =
        |&&(at, start, _): &&Signature| file.get(at..).is_some_and(|rest| rest.starts_with(start));
    signatures.iter().find(fits).map(|&(.., name)| name)
}

/// By its first known brand; the major brand is first.
fn media_brand(file: &[u8]) -> Option<&'static str> {
    let [_, _, _, length, b'f', b't', b'y', b'p', brands @ ..] = file else { return None };
    let length = usize::from(*length).saturating_sub(8).min(brands.len());
    let brands = brands[..length].as_chunks().0;
    let known = |brand: &[u8; 4]| BRANDS.iter().find(|(known, _)| *known == brand);
    // `mif1` only names the structure of the file; the brand of its content may follow.
    let mut names = brands.iter().filter_map(known).map(|(_, name)| *name);
    let first = names.next();
    let exact = if first == Some("HEIF") { names.find(|name| *name != "HEIF") } else { None };
    Some(exact.or(first).unwrap_or("video (MP4 or QuickTime)"))
}

/// Many texts begin with its two letters, so the length of its second header must match too.
fn is_bmp(file: &[u8]) -> bool {
    const HEADERS: [u8; 7] = [12, 16, 40, 52, 56, 108, 124];
    file.starts_with(b"BM")
        && file
            .get(14..18)
            .is_some_and(|length| HEADERS.contains(&length[0]) && length[1..] == [0; 3])
}

fn is_netpbm(file: &[u8]) -> bool {
    matches!(file, [b'P', b'1'..=b'7', space, ..] if space.is_ascii_whitespace())
}

/// A text that begins with a tag.
fn markup(file: &[u8]) -> Option<&'static str> {
    let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file).trim_ascii_start();
    if file.first() != Some(&b'<') {
        return None;
    }
    let head = file[..file.len().min(LOOKED_AT)].to_ascii_lowercase();
    let has = |word: &str| memmem::find(&head, word.as_bytes()).is_some();
    if has("<html") || has("<!doctype html") || has("<head") || has("<body") {
        Some("a web page (HTML)")
    } else if has("<svg") {
        Some("SVG")
    } else {
        Some("a text in XML or HTML")
    }
}

/// RFC 7578: a boundary, then the first part's header.
fn is_form(file: &[u8]) -> bool {
    let head = file[..file.len().min(LOOKED_AT)].to_ascii_lowercase();
    head.starts_with(b"--") && memmem::find(&head, b"content-disposition: form-data").is_some()
}

fn is_base64(file: &[u8]) -> bool {
    let text = file.trim_ascii_start();
    let is_data_url = text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"data:"));
    is_data_url || BASE64.iter().any(|start| text.starts_with(start))
}
