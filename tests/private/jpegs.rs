//! JPEG files with the secret before, between and after their scans.

use std::fmt::Write;

use image::ImageFormat;
use jpeg_encoder::{ColorType, Encoder};

use super::chunks::profile;
use super::{Planted, SECRET, base, exif};
use crate::util::photo;

const SOI: usize = 2;
const EOI: usize = 2;

pub(super) fn planted() -> Vec<Planted> {
    let (plain, scans) = (base(ImageFormat::Jpeg), progressive());
    let mut all = Vec::new();
    let mut add = |kind: &str, at: usize, plain: &[u8], bytes: &[u8]| {
        let mut file = plain.to_vec();
        file.splice(at..at, bytes.iter().copied());
        all.push(Planted::new(format!("JPEG: {kind}"), file, plain));
    };
    let first_scan = at_marker(&plain, 0xDA, 1);
    for (kind, bytes) in &segments() {
        add(kind, SOI, &plain, bytes);
        add(&format!("{kind}, before the scan"), first_scan, &plain, bytes);
        add(&format!("{kind}, between scans"), at_marker(&scans, 0xDA, 2), &scans, bytes);
        add(&format!("{kind}, after the scans"), scans.len() - EOI, &scans, bytes);
    }
    let comment = segment(0xFE, SECRET.as_bytes());
    let second = [&plain[..SOI], &comment, &plain[SOI..]].concat();
    let video = [b"\0\0\0\x14ftypmp42\0\0\0\0", SECRET.as_bytes()].concat();
    let samsung = [b"\0\0\x0A\x08", SECRET.as_bytes(), b"SEFH\0\0\0\0\x0C\0\0\0SEFT"].concat();
    for (kind, bytes) in [
        ("text after the end", SECRET.as_bytes()),
        ("a second picture after the end", &second),
        ("a video after the end", &video),
        ("a trailer of a phone", &samsung),
    ] {
        add(kind, plain.len(), &plain, bytes);
        add(&format!("{kind}, progressive"), scans.len(), &scans, bytes);
    }
    add("text between segments", first_scan, &plain, SECRET.as_bytes());
    all.extend(headers(&plain));
    let turned = segment(0xE1, &[b"Exif\0\0".to_vec(), turned_block()].concat());
    let file = [&plain[..SOI], &turned, &comment, &plain[SOI..]].concat();
    all.push(Planted::written_anew("JPEG: a comment in a turned picture", file));
    all
}

/// A picture with a colour profile in two parts.
pub(super) fn with_profile() -> (&'static str, Vec<u8>) {
    let mut file = base(ImageFormat::Jpeg);
    let profile = profile();
    let part = |number: u8, part: &[u8]| {
        segment(0xE2, &[b"ICC_PROFILE\0", &[number, 2][..], part].concat())
    };
    let parts = [part(1, &profile[..100]), part(2, &profile[100..])].concat();
    file.splice(SOI..SOI, parts);
    ("JPEG", file)
}

/// Segments that hold the secret, each by its kind.
fn segments() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let mut add = |kind: &str, marker: u8, before: &[u8]| {
        all.push((kind.to_owned(), segment(marker, &[before, SECRET.as_bytes()].concat())));
    };
    let mut packet = String::new();
    let _ = write!(packet, "<x:xmpmeta xmlns:x='adobe:ns:meta/'><dc:creator>");
    add("XMP", 0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", packet.as_bytes()].concat());
    let extension = [&b"http://ns.adobe.com/xmp/extension/\0"[..], &[b'A'; 32], &[0; 8]].concat();
    add("extended XMP", 0xE1, &extension);
    add("IPTC", 0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x1D\x1C\x02\x50\0\x18");
    add("a thumbnail of Photoshop", 0xED, b"Photoshop 3.0\x008BIM\x04\x0C\0\0\0\0\0\x18");
    add("a comment", 0xFE, b"");
    add("a JFXX thumbnail", 0xE0, b"JFXX\0\x10");
    add("FlashPix", 0xE2, b"FPXR\0\0\0\0\0\0");
    add("an index of several pictures", 0xE2, b"MPF\0MM\0*\0\0\0\x08");
    add("a gain map", 0xE2, b"urn:iso:std:iso:ts:21496:-1\0\0\0\0\0");
    add("an invalid profile", 0xE2, b"ICC_PROFILE\0\x01\x01");
    add("C2PA", 0xEB, b"JP\0\x01\0\0\0\x01\0\0\0\x20jumb");
    add("Ducky", 0xEC, b"Ducky\0\x01\0\x04\0\0\0\x50\0\x02\0\x18");
    add("APP14 of another program", 0xEE, b"Someone\0");
    for number in [3, 4, 5, 6, 7, 8, 9, 10, 15] {
        add(&format!("APP{number}"), 0xE0 + number, b"Maker\0");
    }
    for (kind, block) in exif::blocks() {
        all.push((kind.to_owned(), segment(0xE1, &[b"Exif\0\0".to_vec(), block].concat())));
    }
    all
}

/// The secret in segments that the service keeps in part.
fn headers(plain: &[u8]) -> Vec<Planted> {
    // JFIF 1.02, no unit, a density of 1 to 1, and then the size of the thumbnail.
    const JFIF: &[u8] = b"JFIF\0\x01\x02\0\0\x01\0\x01";
    assert_eq!(plain[SOI..SOI + 4], [0xFF, 0xE0, 0, 16], "it begins with JFIF");
    let rest = &plain[SOI + 18..];
    let with = |segments: &[u8]| [&plain[..SOI], segments, rest].concat();
    let bare = segment(0xE0, &[JFIF, &[0, 0]].concat());
    let thumbnail = segment(0xE0, &[JFIF, &[8, 1], SECRET.as_bytes()].concat());
    // Version 100, no flags, YCbCr.
    let adobe: &[u8] = b"Adobe\0\x64\0\0\0\0\x01";
    let long = segment(0xEE, &[adobe, SECRET.as_bytes()].concat());
    let short = segment(0xEE, adobe);
    vec![
        Planted::new("JPEG: a thumbnail of JFIF", with(&thumbnail), &with(&bare)),
        Planted::new("JPEG: text after Adobe's flags", with(&long), &with(&short)),
    ]
}

/// An EXIF block that says the picture has a quarter turn.
fn turned_block() -> Vec<u8> {
    b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec()
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).expect("short").to_be_bytes();
    [&[0xFF, marker], &length[..], content].concat()
}

/// The position of the marker's occurrence with this number.
fn at_marker(file: &[u8], marker: u8, which: usize) -> usize {
    let places = file.windows(2).enumerate().filter(|(_, two)| *two == [0xFF, marker]);
    places.map(|(at, _)| at).nth(which - 1).expect("it has so many")
}

fn progressive() -> Vec<u8> {
    let picture = image::load_from_memory(&photo(48, 36)).expect("a photo").to_rgb8();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 85);
    encoder.set_progressive(true);
    encoder.encode(picture.as_raw(), 48, 36, ColorType::Rgb).expect("memory is writable");
    file
}
