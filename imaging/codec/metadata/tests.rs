//! Metadata blocks of files: whole, damaged and removed.

use image::metadata::Orientation;
use image::{DynamicImage, ImageEncoder};
use moxcms::ColorProfile;
use proptest::prelude::*;

use super::super::pixels;
use super::blocks::{APP1, APP2};
use crate::codec::Index;
use crate::format::Format;
use crate::limits::Limits;
use crate::samples::{exif as tiff, gif, jpeg, one_of_each, photo, png, webp};
use crate::samples::{turned_jpeg, turned_png, turned_webp};

fn exif(file: &[u8]) -> Option<&[u8]> {
    super::exif(&Index::of(file).unwrap())
}

fn icc(file: &[u8]) -> Option<Vec<u8>> {
    super::icc(&Index::of(file).unwrap())
}

fn stripped(file: &[u8], profile: bool) -> Option<Vec<u8>> {
    super::stripped(&Index::of(file).unwrap(), profile)
}

fn profile() -> Vec<u8> {
    ColorProfile::new_display_p3().encode().unwrap()
}

/// A JPEG with these segments after its beginning.
fn jpeg_with(picture: &DynamicImage, segments: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut file = jpeg(picture);
    let mut added = Vec::new();
    for (marker, content) in segments {
        added.extend([0xFF, *marker]);
        added.extend(u16::try_from(content.len() + 2).unwrap().to_be_bytes());
        added.extend(content);
    }
    file.splice(2..2, added);
    file
}

fn profile_segment(number: u8, count: u8, part: &[u8]) -> (u8, Vec<u8>) {
    (APP2, [b"ICC_PROFILE\0", &[number, count][..], part].concat())
}

fn encoded<'a, E: ImageEncoder + 'a>(
    make: impl FnOnce(&'a mut Vec<u8>) -> E,
    file: &'a mut Vec<u8>,
    blocks: bool,
) {
    let mut encoder = make(file);
    encoder.set_icc_profile(profile()).unwrap();
    if blocks {
        encoder.set_exif_metadata(tiff(1)).unwrap();
    }
    photo(9, 7).write_with_encoder(encoder).unwrap();
}

/// A file of each format that has a profile and an EXIF block.
fn with_blocks() -> [(Format, Vec<u8>); 3] {
    let segments = [
        (APP1, [b"Exif\0\0", &tiff(1)[..]].concat()),
        profile_segment(2, 2, &profile()[200..]),
        profile_segment(1, 2, &profile()[..200]),
        (0xFE, b"a comment".to_vec()),
        (0xED, b"Photoshop 3.0\0 a thumbnail".to_vec()),
    ];
    let (mut png, mut webp) = (Vec::new(), Vec::new());
    encoded(image::codecs::png::PngEncoder::new, &mut png, true);
    encoded(image::codecs::webp::WebPEncoder::new_lossless, &mut webp, true);
    let jpeg = jpeg_with(&photo(9, 7), &segments);
    [(Format::Jpeg, jpeg), (Format::Png, png), (Format::Webp, webp)]
}

#[test]
fn blocks_are_found_in_every_format() {
    for (format, file) in with_blocks() {
        assert_eq!(icc(&file), Some(profile()), "{format:?}");
        assert_eq!(exif(&file), Some(&tiff(1)[..]), "{format:?}");
    }
    for (file, format) in [
        (turned_jpeg(&photo(4, 4), 6), Format::Jpeg),
        (turned_png(&photo(4, 4), 6), Format::Png),
        (turned_webp(&photo(4, 4), 6), Format::Webp),
    ] {
        let block = exif(&file).unwrap();
        assert_eq!(Orientation::from_exif_chunk(block), Some(Orientation::Rotate90), "{format:?}");
    }
}

#[test]
fn an_orientation_is_obeyed_as_whatever_whole_number_it_is_stored() {
    // The kind and the value of the entry, as in the block.
    let big_endian: [(&[u8; 2], &[u8; 4]); 3] =
        [(b"\0\x01", b"\x06\0\0\0"), (b"\0\x03", b"\0\x06\0\0"), (b"\0\x04", b"\0\0\0\x06")];
    let block = |big: bool, kind: &[u8; 2], value: &[u8; 4], count: u8| {
        let mut block = tiff(1);
        block[12..14].copy_from_slice(kind);
        block[17] = count;
        block[18..22].copy_from_slice(value);
        if !big {
            block[..2].copy_from_slice(b"II");
            for number in [2..4, 4..8, 8..10, 10..12, 12..14, 14..18] {
                block[number].reverse();
            }
            // The bytes of the value, without the entry's padding.
            block[18..18 + [1, 1, 1, 2, 4][usize::from(kind[1])]].reverse();
        }
        block
    };
    let turned = |block: &[u8]| {
        [turned_jpeg(&photo(4, 4), 1), turned_png(&photo(4, 4), 1), turned_webp(&photo(4, 4), 1)]
            .map(|mut file| {
                let at = memchr::memmem::find(&file, &tiff(1)).unwrap();
                file[at..at + block.len()].copy_from_slice(block);
                crate::codec::probe(&file).unwrap().orientation
            })
    };
    for big in [true, false] {
        for (kind, value) in big_endian {
            let found = turned(&block(big, kind, value, 1));
            assert_eq!(found, [Orientation::Rotate90; 3], "{big}, kind {kind:?}");
        }
        for (kind, value, count) in [
            (b"\0\x04", b"\0\x01\0\x06", 1),
            (b"\0\x03", b"\0\x09\0\0", 1),
            (b"\0\x02", b"\x06\0\0\0", 1),
            (b"\0\x03", b"\0\x06\0\0", 2),
        ] {
            let found = turned(&block(big, kind, value, count));
            assert_eq!(found, [Orientation::NoTransforms; 3], "{big}, {kind:?} {value:?} {count}");
        }
    }
}

#[test]
fn what_is_not_there_or_not_whole_is_nothing() {
    for (_, file) in one_of_each(&photo(4, 4)) {
        let format = Format::of(&file).unwrap();
        assert_eq!((exif(&file), icc(&file)), (None, None), "{format:?}");
    }
    let icc_of = |segments: &[(u8, Vec<u8>)]| icc(&jpeg_with(&photo(4, 4), segments));
    let (first, second) = (&profile()[..200], &profile()[200..]);
    for segments in [
        vec![profile_segment(1, 2, first)],
        vec![profile_segment(1, 2, first), profile_segment(1, 2, second)],
        vec![profile_segment(0, 2, first), profile_segment(1, 2, second)],
        vec![profile_segment(1, 2, first), profile_segment(2, 3, second)],
        vec![profile_segment(1, 1, &profile()), profile_segment(1, 1, b"once more")],
        vec![profile_segment(1, 1, first)],
        vec![profile_segment(1, 1, &[0; 200])],
        vec![profile_segment(1, 1, &[])],
    ] {
        assert_eq!(icc_of(&segments), None);
    }
    // Seventeen times 64 KiB is more than a profile may have.
    let many = vec![0; 65_500];
    let segments: Vec<_> = (1..=17).map(|number| profile_segment(number, 17, &many)).collect();
    assert_eq!(icc_of(&segments), None);
}

#[test]
fn a_packed_profile_is_not_unpacked_beyond_its_bound() {
    let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; 64 << 20], 6);
    let mut chunk = u32::try_from(bomb.len() + 3).unwrap().to_be_bytes().to_vec();
    chunk.extend(b"iCCPx\0\0");
    chunk.extend(&bomb);
    chunk.extend([0; 4]);
    let mut file = png(&photo(4, 4));
    file.splice(33..33, chunk);
    assert_eq!(icc(&file), None);
}

#[test]
fn a_stripped_file_shows_the_same_and_says_no_more() {
    let decode = |file: &[u8]| pixels(file, &Limits::default()).unwrap();
    for (format, file) in with_blocks() {
        for keep in [true, false] {
            let kept = stripped(&file, keep).unwrap();
            assert!(kept.len() < file.len(), "{format:?}");
            assert_eq!(decode(&kept), decode(&file), "{format:?}");
            assert_eq!(exif(&kept), None, "{format:?}");
            assert_eq!(icc(&kept), keep.then(profile), "{format:?}");
            assert_eq!(stripped(&kept, keep).as_ref(), Some(&kept), "{format:?}: once is all");
            assert!(!crate::codec::probe(&kept).unwrap().truncated, "{format:?}");
        }
        let [comment, thumbnail] = [&b"a comment"[..], b"a thumbnail"];
        let kept = stripped(&file, true).unwrap();
        for text in [comment, thumbnail] {
            assert!(memchr::memmem::find(&kept, text).is_none(), "{format:?}");
        }
    }
    let mut file = gif(&photo(4, 4));
    let plain = stripped(&file, true).unwrap();
    let end = file.len() - 1;
    file.splice(end..end, *b"!\xFE\x09a comment\0");
    assert_eq!(stripped(&file, true), Some(plain.clone()));
    assert_eq!(decode(&plain), decode(&file));
    // Bytes after the picture's end are removed too.
    let mut trailed = jpeg(&photo(4, 4));
    let length = trailed.len();
    trailed.extend(b"a film of the moment before");
    assert_eq!(stripped(&trailed, true).unwrap().len(), length);
}

#[test]
fn a_png_ends_with_a_sound_chunk_whatever_its_last_one_holds() {
    let sound = png(&photo(4, 4));
    let without_end = &sound[..sound.len() - 12];
    for end in [&b"\0\0\0\x02IENDhi\x60\x82"[..], b"\0\0\0\0IEND", b"\0\0\0\0IENDsum!"] {
        let file = [without_end, end].concat();
        assert_eq!(stripped(&file, true).as_ref(), Some(&sound), "{end:?}");
    }
}

#[test]
fn a_picture_that_needs_its_exif_block_to_stand_upright_is_not_stripped() {
    assert_eq!(stripped(&turned_jpeg(&photo(4, 4), 6), true), None);
    assert_eq!(stripped(&turned_webp(&photo(4, 4), 3), true), None);
    assert!(stripped(&turned_png(&photo(4, 4), 1), true).is_some());
    assert!(stripped(&webp(&photo(4, 4)), true).is_some());
}

#[test]
fn a_file_whose_picture_goes_beyond_its_announced_end_is_not_stripped() {
    let (.., file) = &with_blocks()[2];
    for less in [2, 20, 60] {
        let mut file = stripped(file, true).unwrap();
        let announced = u32::try_from(file.len() - 8 - less).unwrap();
        file[4..8].copy_from_slice(&announced.to_le_bytes());
        assert_eq!(stripped(&file, true), None, "{less} bytes less");
    }
    // The announced end is exactly where the picture begins.
    let mut file = stripped(file, true).unwrap();
    let begin = file.windows(4).position(|kind| matches!(kind, b"VP8 " | b"VP8L")).unwrap();
    let announced = u32::try_from(begin - 8).unwrap();
    file[4..8].copy_from_slice(&announced.to_le_bytes());
    assert_eq!(stripped(&file, true), None, "no picture was announced");
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(
        which in 0..3_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        end in any::<prop::sample::Index>(),
    ) {
        let (_, mut file) = with_blocks()[which].clone();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        file.truncate(end.index(file.len() + 1));
        if let Some(index) = Index::of(&file) {
            let _ = (super::exif(&index), super::icc(&index), super::stripped(&index, true));
        }
    }
}

#[test]
fn a_jpeg_with_a_reserved_marker_within_a_scan_is_written_anew() {
    let file = jpeg(&photo(32, 32));
    let sos = memchr::memmem::find(&file, &[0xFF, 0xDA]).unwrap();
    let at = sos + 2 + usize::from(u16::from_be_bytes([file[sos + 2], file[sos + 3]])) + 20;
    for code in [0x01, 0x02, 0xBF] {
        let planted = [&file[..at], &[0xFF, code], b"secret", &file[at..]].concat();
        assert!(stripped(&planted, true).is_none(), "{code:#x}");
    }
    assert!(stripped(&file, true).is_some());
}
