//! EXIF and ICC blocks with absurd values, in sound pictures.

use super::Bad;
use super::chunks::{png, vp8l, vp8x, webp, zeros};
use super::samples::samples;

/// An entry of a TIFF directory: tag, type, count, and value or offset, big-endian.
type Entry = (u16, u16, u32, u32);

const ORIENTATION: u16 = 0x0112;
const MAKE: u16 = 0x010F;
const EXIF_DIRECTORY: u16 = 0x8769;
const GPS_DIRECTORY: u16 = 0x8825;
const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;

/// A TIFF file of one directory, which claims that the next directory is at `next`.
fn tiff(entries: &[Entry], next: u32) -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08".to_vec();
    tiff.extend(u16::try_from(entries.len()).expect("few").to_be_bytes());
    for (tag, kind, count, value) in entries {
        tiff.extend(tag.to_be_bytes());
        tiff.extend(kind.to_be_bytes());
        tiff.extend(count.to_be_bytes());
        tiff.extend(value.to_be_bytes());
    }
    tiff.extend(next.to_be_bytes());
    tiff
}

fn exifs() -> Vec<(String, Vec<u8>)> {
    let mut blocks: Vec<(String, Vec<u8>)> = Vec::new();
    for orientation in [0, 1, 5, 6, 8, 9, 255, 65_535] {
        let entry = (ORIENTATION, SHORT, 1, orientation << 16);
        blocks.push((format!("orientation {orientation}"), tiff(&[entry], 0)));
    }
    for (name, entry) in [
        ("orientation of 4 billion values", (ORIENTATION, SHORT, u32::MAX, 8)),
        ("orientation a rational beyond the end", (ORIENTATION, RATIONAL, 1, u32::MAX)),
        ("orientation of an unknown kind", (ORIENTATION, 999, 1, 6 << 16)),
        ("a directory that is itself", (EXIF_DIRECTORY, LONG, 1, 8)),
        ("a place's directory that is the whole", (GPS_DIRECTORY, LONG, 1, 0)),
        ("a directory beyond the end", (EXIF_DIRECTORY, LONG, 1, u32::MAX)),
        ("a maker of 4 GB", (MAKE, ASCII, u32::MAX, 0)),
    ] {
        blocks.push((name.to_owned(), tiff(&[entry], 0)));
    }
    blocks.push(("a next directory that is the same".into(), tiff(&[(MAKE, ASCII, 2, 0)], 8)));
    blocks.push(("a next directory beyond the end".into(), tiff(&[], u32::MAX)));
    let mut many = tiff(&vec![(EXIF_DIRECTORY, LONG, 1, 8); 5000], 8);
    many.truncate(65_000);
    blocks.push(("5000 directories that are the same".into(), many));
    let mut short = tiff(&[], 0);
    short[8..10].fill(0xFF);
    blocks.push(("65535 entries that are not there".into(), short));
    blocks.push(("nothing".into(), Vec::new()));
    blocks.push(("no TIFF".into(), b"hello, this is no directory".to_vec()));
    blocks
}

/// A text of many empty lines, of which a reader may make a long list.
fn lines(length: usize) -> Vec<u8> {
    let count = u32::try_from(length).expect("short");
    let mut block = tiff(&[(MAKE, ASCII, count, 26)], 0);
    block.resize(26 + length, 0);
    block
}

fn in_jpeg(marker: u8, segments: &[Vec<u8>]) -> Vec<u8> {
    let (_, mut file) = samples()[0].clone();
    let mut before = Vec::new();
    for content in segments {
        before.extend([0xFF, marker]);
        before.extend(u16::try_from(content.len() + 2).expect("short").to_be_bytes());
        before.extend(content);
    }
    file.splice(2..2, before);
    file
}

const RGB: [u8; 5] = [8, 2, 0, 0, 0];
const EXIF: u8 = 0x08;
const ICC: u8 = 0x20;

pub(super) fn exif() -> Vec<Bad> {
    let mut bad = Vec::new();
    let data = zeros(12 * (16 * 3 + 1));
    let mut add = |name: &str, block: &[u8]| {
        if block.len() < 65_000 {
            let file = in_jpeg(0xE1, &[[b"Exif\0\0", block].concat()]);
            bad.push(Bad::everywhere(format!("EXIF in JPEG: {name}"), file));
        }
        let file = png(16, 12, RGB, &[(b"eXIf", block), (b"IDAT", &data)]);
        bad.push(Bad::everywhere(format!("EXIF in PNG: {name}"), file));
        let (head, picture) = (vp8x(EXIF, 16, 12), vp8l(16, 12));
        let file = webp(&[(b"VP8X", &head), (b"VP8L", &picture), (b"EXIF", block)]);
        bad.push(Bad::everywhere(format!("EXIF in WebP: {name}"), file));
    };
    for (name, block) in exifs() {
        add(&name, &block);
    }
    add("60,000 lines", &lines(60_000));
    add("8,000,000 lines", &lines(8_000_000));
    bad
}

/// A profile with a sound header.
fn profile(length: usize, said: u32) -> Vec<u8> {
    let mut profile = vec![0xA5; length.max(132)];
    profile[..4].copy_from_slice(&said.to_be_bytes());
    profile[8..24].copy_from_slice(b"\x04\0\0\0mntrRGB XYZ ");
    profile[36..40].copy_from_slice(b"acsp");
    // The number of tags.
    profile[128..132].copy_from_slice(&[0xFF; 4]);
    profile
}

pub(super) fn icc() -> Vec<Bad> {
    let mut bad = Vec::new();
    let part = |number: u8, count: u8, part: &[u8]| {
        [b"ICC_PROFILE\0", &[number, count][..], part].concat()
    };
    let long = vec![0x55; 60_000];
    let short = profile(3000, 3000);
    let tables: [(&str, Vec<Vec<u8>>); 8] = [
        ("one sound part", vec![part(1, 1, &short)]),
        ("no parts", vec![part(0, 0, &short)]),
        ("the same part 200 times", vec![part(1, 200, &short); 200]),
        ("parts that count differently", (1..=9).map(|at| part(at, at, &short)).collect()),
        ("parts in the wrong order", (1..=9).rev().map(|at| part(at, 9, &short)).collect()),
        ("a part that is missing", vec![part(1, 3, &short), part(3, 3, &short)]),
        ("10 MB claimed", vec![part(1, 1, &profile(3000, 10 << 20))]),
        ("15 MB there", (1..=255).map(|at| part(at, 255, &long)).collect()),
    ];
    for (name, parts) in tables {
        bad.push(Bad::everywhere(format!("ICC in JPEG: {name}"), in_jpeg(0xE2, &parts)));
    }
    let data = zeros(12 * (16 * 3 + 1));
    let (head, picture) = (vp8x(ICC, 16, 12), vp8l(16, 12));
    for (name, profile) in [
        ("3 kB", profile(3000, 3000)),
        ("of no length", profile(3000, 0)),
        ("of 4 GB", profile(3000, u32::MAX)),
        ("1 MiB", profile(1 << 20, 1 << 20)),
        ("8 MB", profile(8 << 20, 8 << 20)),
        ("none", Vec::new()),
    ] {
        let packed = miniz_oxide::deflate::compress_to_vec_zlib(&profile, 1);
        let chunk = [&b"p\0\0"[..], &packed].concat();
        let file = png(16, 12, RGB, &[(b"iCCP", &chunk), (b"IDAT", &data)]);
        bad.push(Bad::everywhere(format!("ICC in PNG: {name}"), file));
        let file = webp(&[(b"VP8X", &head), (b"ICCP", &profile), (b"VP8L", &picture)]);
        bad.push(Bad::everywhere(format!("ICC in WebP: {name}"), file));
    }
    bad
}
