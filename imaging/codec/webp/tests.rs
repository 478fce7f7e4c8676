//! Faulty WebP files that viewers show all the same.

use image::GenericImageView;

use super::super::{Limits, pixels};
use super::*;
use crate::samples::{photo, webp};

/// A lossy bitstream of 16 × 12 pixels of one colour, and half-transparency for it, as libwebp
/// writes them.
const LOSSY: &[u8] = b"\x70\x01\0\x9D\x01\x2A\x10\0\x0C\0\x02\xC0\x4C\x25\xA0\x02\x74\x01\x40\0\
    \0\xFE\xEB\x8E\x5D\x70\xB6\x59\x93\xFF\xE7\x12\xFF\xE8\x17\xFE\x02\xEE\x60\0";
const HALF: &[u8] = b"\x01\x07\x50\xC0\x88\x08\x44\x44\xFF\x03";
const COLOUR: [u8; 3] = [200, 40, 60];

fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_le_bytes();
    [&kind, &length[..], content, &[0][..content.len() % 2]].concat()
}

fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(*b"RIFF", &[&b"WEBP"[..], &chunks.concat()].concat())
}

/// A header with these flags, for a canvas of this size.
fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    chunk(*b"VP8X", &[vec![flags, 0, 0, 0], side(width), side(height)].concat())
}

/// A frame of 16 × 12 pixels at this position, which is even.
fn frame(left: u32, top: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let le24 = |number: u32| number.to_le_bytes()[..3].to_vec();
    let head = [le24(left / 2), le24(top / 2), le24(15), le24(11), le24(100), vec![0]];
    chunk(*b"ANMF", &[head.concat(), chunks.concat()].concat())
}

#[test]
fn flags_are_not_believed() {
    let (lossy, half) = (|| chunk(*b"VP8 ", LOSSY), || chunk(*b"ALPH", HALF));
    let lossless = webp(&photo(16, 12)).split_off(index::webp::BEGIN);
    let mut table = vec![
        ("transparency with its flag", file(&[vp8x(0x10, 16, 12), half(), lossy()]), 128),
        ("transparency without its flag", file(&[vp8x(0, 16, 12), half(), lossy()]), 255),
        (
            "an unknown chunk first",
            file(&[chunk(*b"abcd", b"x"), vp8x(0x10, 16, 12), half(), lossy()]),
            128,
        ),
        ("the other way round", file(&[vp8x(0x10, 16, 12), lossy(), half()]), 255),
        ("no header", file(&[chunk(*b"EXIF", b"x"), lossy()]), 255),
        (
            "an animation without flags",
            file(&[vp8x(0, 16, 12), frame(0, 0, &[half(), lossy()])]),
            128,
        ),
        ("bytes behind the end", [file(&[lossy()]), b"\0\0and more".to_vec()].concat(), 255),
        (
            "bytes behind the end of an extended file",
            [file(&[vp8x(0, 16, 12), lossy()]), b"more".to_vec()].concat(),
            255,
        ),
    ];
    // Each flag, and all of them, without the chunks that they announce.
    for flags in [0x02, 0x04, 0x08, 0x10, 0x20, 0x3E, 0xFF] {
        table.push(("a flag alone", file(&[vp8x(flags, 16, 12), lossy()]), 255));
        table.push(("… of lossless", file(&[vp8x(flags, 16, 12), lossless.clone()]), 255));
        let frame = frame(0, 0, &[chunk(*b"abcd", b"odd"), lossy()]);
        table.push(("… of an animation", file(&[vp8x(flags, 16, 12), frame]), 255));
    }
    for (name, file, alpha) in table {
        assert!(!crate::codec::probe(&file).unwrap().truncated, "{name}");
        let picture = pixels(&file, &Limits::default());
        let picture = picture.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        if file.windows(4).any(|kind| kind == b"VP8L") {
            assert_eq!(picture.to_rgb8(), photo(16, 12).to_rgb8(), "{name}");
            continue;
        }
        let [red, green, blue, found] = picture.get_pixel(3, 3).0;
        let near = [red, green, blue].iter().zip(COLOUR).all(|(a, b)| a.abs_diff(b) < 12);
        assert!(near && found == alpha, "{name}: {:?}", picture.get_pixel(3, 3));
    }
}

#[test]
fn a_small_first_frame_stands_at_its_place() {
    let frames = [frame(4, 2, &[chunk(*b"VP8 ", LOSSY)]), frame(0, 0, &[chunk(*b"VP8 ", LOSSY)])];
    let picture = pixels(&file(&[vp8x(2, 40, 30), frames.concat()]), &Limits::default()).unwrap();
    assert_eq!(picture.dimensions(), (40, 30));
    for ((x, y), alpha) in [((3, 2), 0), ((4, 1), 0), ((4, 2), 255), ((19, 13), 255), ((20, 13), 0)]
    {
        assert_eq!(picture.get_pixel(x, y).0[3], alpha, "{x}, {y}");
    }
}

#[test]
fn sizes_that_disagree_are_damage() {
    let lossy = chunk(*b"VP8 ", LOSSY);
    for (name, file) in [
        ("a canvas of another size", file(&[vp8x(0, 40, 30), lossy.clone()])),
        ("a frame outside", file(&[vp8x(2, 20, 14), frame(6, 0, &[chunk(*b"VP8 ", LOSSY)])])),
        (
            "a frame of another size",
            file(&[
                vp8x(2, 40, 30),
                frame(0, 0, &[webp(&photo(4, 4)).split_off(index::webp::BEGIN)]),
            ]),
        ),
        ("no picture", file(&[vp8x(0, 16, 12)])),
    ] {
        let error = pixels(&file, &Limits::default()).unwrap_err();
        assert!(error.message().contains("damaged"), "{name}: {}", error.message());
    }
}
