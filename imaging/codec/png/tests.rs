//! Faulty PNG files that viewers show all the same.

use super::super::index;
use super::super::{Limits, pixels};
use super::*;
use crate::samples::{photo, png};

/// A chunk whose checksum is 0.
fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[..], &kind, content, &[0; 4]].concat()
}

/// The chunks of a file, each in one piece.
fn chunks(file: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = &file[index::png::BEGIN..];
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(12 + be32(rest, 0).unwrap() as usize);
        chunks.push(chunk.to_vec());
        rest = behind;
    }
    chunks
}

fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    [&b"\x89PNG\r\n\x1a\n"[..], &chunks.concat()].concat()
}

/// A file of one chunk of pixels with these chunks before, within or after it.
fn with(before: &[Vec<u8>], within: &[Vec<u8>], behind: &[Vec<u8>]) -> Vec<u8> {
    let sound = chunks(&png(&photo(24, 16)));
    let [header, .., end] = &sound[..] else { panic!("a header and an end") };
    let data = sound[1..sound.len() - 1].iter().flat_map(|chunk| &chunk[8..chunk.len() - 4]);
    let data = data.copied().collect::<Vec<_>>();
    let (first, second) = data.split_at(data.len() / 2);
    let pixels = [&[chunk(*b"IDAT", first)][..], within, &[chunk(*b"IDAT", second)]].concat();
    let end = std::slice::from_ref(end);
    file(&[std::slice::from_ref(header), before, &pixels, behind, end].concat())
}

#[test]
fn what_viewers_show_is_shown() {
    let put = |chunk: Vec<u8>| {
        let chunk = [chunk];
        [
            with(&chunk, &[], &[]),
            with(&[], &chunk, &[]),
            with(&[], &[], &chunk),
            with(&[&chunk[..], &chunk[..]].concat(), &[], &chunk),
        ]
    };
    let frame = [&[0; 4][..], &[0xFF; 16], &[0, 1, 0, 1, 9, 9]].concat();
    let table = [
        ("wrong checksums alone", [(); 4].map(|()| with(&[], &[], &[]))),
        ("cICP with a matrix", put(chunk(*b"cICP", &[12, 13, 1, 1]))),
        ("cICP too short", put(chunk(*b"cICP", &[12]))),
        ("gAMA of 0", put(chunk(*b"gAMA", &[0; 4]))),
        ("gAMA of no length", put(chunk(*b"gAMA", b""))),
        ("cHRM of noughts", put(chunk(*b"cHRM", &[0; 32]))),
        ("sRGB of an unknown intent", put(chunk(*b"sRGB", &[9]))),
        ("sBIT of too many bits", put(chunk(*b"sBIT", &[99, 99, 99]))),
        ("bKGD of a wrong length", put(chunk(*b"bKGD", &[1]))),
        ("pHYs of a wrong length", put(chunk(*b"pHYs", &[1]))),
        ("iCCP that cannot be unpacked", put(chunk(*b"iCCP", b"name\0\0nonsense"))),
        ("zTXt that cannot be unpacked", put(chunk(*b"zTXt", b"name\0\0nonsense"))),
        ("tEXt without a name", put(chunk(*b"tEXt", b"\0"))),
        ("tRNS of a wrong length", put(chunk(*b"tRNS", &[1]))),
        ("tRNS of one colour", put(chunk(*b"tRNS", &[]))),
        ("a palette that is too long, of RGB", put(chunk(*b"PLTE", &[7; 900]))),
        ("acTL of no frames", put(chunk(*b"acTL", &[0; 8]))),
        ("fcTL of nonsense", put(chunk(*b"fcTL", &frame))),
        ("fdAT without fcTL", put(chunk(*b"fdAT", &[0; 8]))),
        ("eXIf of nonsense", put(chunk(*b"eXIf", b"nonsense"))),
        ("an unknown chunk", put(chunk(*b"abCd", &[7; 100]))),
    ];
    for (name, files) in table {
        for (place, file) in files.iter().enumerate() {
            assert!(!crate::codec::probe(file).unwrap().truncated, "{name}, {place}");
            let picture = pixels(file, &Limits::default());
            let picture = picture.unwrap_or_else(|error| panic!("{name}, {place}: {error:?}"));
            assert_eq!(picture, photo(24, 16), "{name}, {place}");
        }
    }
}

#[test]
fn what_no_viewer_shows_is_refused() {
    let mut apple = with(&[], &[], &[]);
    apple.splice(index::png::BEGIN..index::png::BEGIN, chunk(*b"CgBI", &[0x50, 0, 0x20, 6]));
    let unknown = with(&[chunk(*b"ABCD", &[])], &[], &[]);
    for (file, reported) in [(apple, "CgBI"), (unknown, "damaged")] {
        let error = pixels(&file, &Limits::default()).unwrap_err();
        assert!(error.message().contains(reported), "{}", error.message());
    }
}
