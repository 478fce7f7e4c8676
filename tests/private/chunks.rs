//! PNG, WebP and GIF files with the secret in a chunk or a block.

use image::ImageFormat;
use miniz_oxide::deflate::compress_to_vec_zlib;
use png::chunk::ChunkType;

use super::{PROFILE_TEXT, Planted, SECRET, base, exif};

type Chunk = ([u8; 4], Vec<u8>);

pub(super) fn pngs() -> Vec<Planted> {
    let plain = png(&[], &[]);
    let secret = SECRET.as_bytes();
    let packed = compress_to_vec_zlib(secret, 6);
    let raw = compress_to_vec_zlib(
        format!(
            "
exif
24
{SECRET}"
        )
        .as_bytes(),
        6,
    );
    let with = |before: &[u8]| [before, secret].concat();
    let mut chunks: Vec<(&str, Chunk)> = vec![
        ("tEXt", (*b"tEXt", with(b"Author\0"))),
        ("zTXt", (*b"zTXt", [b"Author\0\0", &packed[..]].concat())),
        ("iTXt", (*b"iTXt", with(b"Author\0\0\0en\0Author\0"))),
        ("packed iTXt", (*b"iTXt", [b"Author\0\x01\0\0\0", &packed[..]].concat())),
        ("XMP", (*b"iTXt", with(b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta>"))),
        ("a raw profile", (*b"zTXt", [b"Raw profile type exif\0\0", &raw[..]].concat())),
        ("a time", (*b"tIME", secret.to_vec())),
        ("a suggested palette", (*b"sPLT", with(b""))),
        ("a scale", (*b"sCAL", with(b"\x01"))),
        ("an offset", (*b"oFFs", secret.to_vec())),
        ("a density that is too long", (*b"pHYs", with(&[0; 9]))),
        ("C2PA", (*b"caBX", secret.to_vec())),
        ("a private chunk", (*b"prVt", secret.to_vec())),
        ("a private chunk that is safe to copy", (*b"prVs", secret.to_vec())),
        ("a chunk of Apple", (*b"iDOT", secret.to_vec())),
        ("an invalid profile", (*b"iCCP", [b"p\0\0", &packed[..]].concat())),
        ("sRGB that is too long", (*b"sRGB", with(&[0]))),
    ];
    chunks.extend(exif::blocks().into_iter().map(|(kind, block)| (kind, (*b"eXIf", block))));
    let mut all = Vec::new();
    for (kind, chunk) in chunks {
        let chunk = [chunk];
        let mut add = |place: &str, file| {
            all.push(Planted::new(format!("PNG: {kind}, {place}"), file, &plain));
        };
        add("before the picture", png(&chunk, &[]));
        add("after the picture", png(&[], &chunk));
    }
    for (kind, bytes) in [
        ("text after the end", secret.to_vec()),
        ("a second picture after the end", png(&[(*b"tEXt", with(b"Author\0"))], &[])),
    ] {
        all.push(Planted::new(format!("PNG: {kind}"), [&plain[..], &bytes].concat(), &plain));
    }
    all
}

pub(super) fn png_with_profile() -> (&'static str, Vec<u8>) {
    let packed = compress_to_vec_zlib(&profile(), 6);
    ("PNG", png(&[(*b"iCCP", [b"p\0\0", &packed[..]].concat())], &[]))
}

/// A small picture with these chunks before and after its data.
fn png(before: &[Chunk], behind: &[Chunk]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 8, 6);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("memory is writable");
    let pixels: Vec<u8> = (0..8 * 6 * 3).collect();
    for (name, content) in before {
        writer.write_chunk(ChunkType(*name), content).expect("memory is writable");
    }
    writer.write_image_data(&pixels).expect("memory is writable");
    for (name, content) in behind {
        writer.write_chunk(ChunkType(*name), content).expect("memory is writable");
    }
    writer.finish().expect("memory is writable");
    file
}

pub(super) fn webps() -> Vec<Planted> {
    const ANIMATED: u8 = 2;
    let picture = base(ImageFormat::WebP).split_off(12);
    let secret = SECRET.as_bytes().to_vec();
    let plain = webp(0, &[&picture]);
    let mut chunks = vec![
        ("XMP", chunk(*b"XMP ", &[b"<x:xmpmeta>", &secret[..]].concat()), 0x04),
        ("an unknown chunk", chunk(*b"Priv", &secret), 0),
        ("an invalid profile", chunk(*b"ICCP", &secret), 0x20),
    ];
    for (kind, block) in exif::blocks() {
        chunks.push((kind, chunk(*b"EXIF", &block), 0x08));
    }
    let mut all = Vec::new();
    for (kind, chunk, flag) in &chunks {
        let before = webp(*flag, &[chunk, &picture]);
        all.push(Planted::new(format!("WebP: {kind}, before the picture"), before, &plain));
        let behind = webp(*flag, &[&picture, chunk]);
        all.push(Planted::new(format!("WebP: {kind}, after the picture"), behind, &plain));
    }
    let trailed = [&plain[..], &secret].concat();
    all.push(Planted::new("WebP: text after the end", trailed, &plain));
    // The position, the sides minus 1, the duration and the flags of a frame.
    let place = [0, 0, 0, 0, 0, 0, 47, 0, 0, 35, 0, 0, 100, 0, 0, 0];
    let control = chunk(*b"ANIM", &[0; 6]);
    let frame = |more: &[u8]| chunk(*b"ANMF", &[&place, &picture[..], more].concat());
    let sound = frame(&[]);
    let animation = webp(ANIMATED, &[&control, &sound, &sound]);
    let text = chunk(*b"XMP ", &secret);
    let between = webp(ANIMATED | 0x04, &[&control, &sound, &text, &sound]);
    all.push(Planted::new("WebP: XMP between frames", between, &animation));
    let within = webp(ANIMATED, &[&control, &frame(&text), &sound]);
    all.push(Planted::written_anew("WebP: an unknown chunk in a frame", within));
    all
}

pub(super) fn webp_with_profile() -> (&'static str, Vec<u8>) {
    let picture = base(ImageFormat::WebP).split_off(12);
    ("WebP", webp(0x20, &[&chunk(*b"ICCP", &profile()), &picture]))
}

/// A file of 48 × 36 with these flags and chunks.
fn webp(flags: u8, chunks: &[&[u8]]) -> Vec<u8> {
    let header = chunk(*b"VP8X", &[flags, 0, 0, 0, 47, 0, 0, 35, 0, 0]);
    chunk(*b"RIFF", &[b"WEBP", &header[..], &chunks.concat()].concat())
}

fn chunk(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("short").to_le_bytes();
    let padding = vec![0; content.len() % 2];
    [&name, &length[..], content, &padding].concat()
}

pub(super) fn gifs() -> Vec<Planted> {
    let plain = base(ImageFormat::Gif);
    // The signature and the screen's descriptor, and its palette if there is one.
    let flags = plain[10];
    let begin = 13 + if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let block = [&[24], SECRET.as_bytes()].concat();
    let extension = |label: u8, before: &[u8]| [&[b'!', label], before, &block, &[0]].concat();
    let mut all = Vec::new();
    for (kind, bytes) in [
        ("a comment", extension(0xFE, b"")),
        ("text", extension(0x01, b"\x0C\0\0\0\0\x08\0\x08\0\x08\x08\x01\0")),
        ("XMP", extension(0xFF, b"\x0BXMP DataXMP")),
        ("a profile", extension(0xFF, b"\x0BICCRGBG1012")),
        ("an unknown application", extension(0xFF, b"\x0BSOMEONE 1.0")),
        ("an unknown extension", extension(0x42, b"")),
    ] {
        for (place, at) in [("before the image", begin), ("after the image", plain.len() - 1)] {
            let mut file = plain.clone();
            file.splice(at..at, bytes.iter().copied());
            all.push(Planted::new(format!("GIF: {kind}, {place}"), file, &plain));
        }
    }
    for (kind, bytes) in [
        ("text after the repetitions", &b"!\xFF\x0BNETSCAPE2.0\x03\x01\0\0"[..]),
        ("text after a graphic control", b"!\xF9\x04\0\0\0\0"),
    ] {
        let with = |more: &[u8]| {
            let mut file = plain.clone();
            file.splice(begin..begin, [bytes, more, &[0]].concat());
            file
        };
        all.push(Planted::new(format!("GIF: {kind}"), with(&block), &with(&[])));
    }
    let trailed = [&plain[..], SECRET.as_bytes()].concat();
    all.push(Planted::new("GIF: text after the end", trailed, &plain));
    let mut between = plain.clone();
    between.splice(plain.len() - 1..plain.len() - 1, SECRET.bytes());
    all.push(Planted::new("GIF: text between blocks", between, &plain));
    all
}

/// An RGB colour profile with a sound header, and a text.
pub(super) fn profile() -> Vec<u8> {
    let mut profile = vec![0; 132];
    profile[8..24].copy_from_slice(b"\x04\0\0\0mntrRGB XYZ ");
    profile[36..40].copy_from_slice(b"acsp");
    profile.extend(PROFILE_TEXT.as_bytes());
    let length = u32::try_from(profile.len()).expect("short");
    profile[..4].copy_from_slice(&length.to_be_bytes());
    profile
}
