//! The segments that are found in files of each format.

use super::*;
use crate::samples::webp;
use crate::samples::{animated_webp, gif, jpeg, one_of_each, photo, png, progressive_jpeg};

fn index(file: &[u8]) -> Index<'_> {
    Index::of(file).unwrap()
}

fn kinds(segments: &[Segment]) -> Vec<Kind> {
    segments.iter().map(|segment| segment.kind).collect()
}

#[test]
fn the_segments_of_a_sound_file_and_its_beginning_and_end_are_all_of_it() {
    for (name, file) in one_of_each(&photo(40, 30)) {
        let index = index(&file);
        let mut end = index.beginning().len();
        for segment in index.segments() {
            assert_eq!(segment.start, end, "{name}");
            end = segment.end;
        }
        let behind: &[u8] = match index.format() {
            Format::Jpeg => b"\xFF\xD9",
            Format::Gif => b";",
            _ => b"",
        };
        assert_eq!(&file[end..], behind, "{name}");
        assert!(index.has_end() && index.is_complete(), "{name}");
    }
}

#[test]
fn what_stands_between_and_behind_the_scans_of_a_jpeg_is_found() {
    let file = progressive_jpeg(&photo(40, 30));
    let plain = index(&file);
    assert!(plain.pictures() > 1);
    let scan = plain.tail().iter().find(|segment| segment.kind == Kind::Marker(0xDA)).unwrap();
    let mut with = file.clone();
    with.splice(scan.begin..scan.begin, *b"\xFF\xFF\xFE\0\x06text and garbage");
    with.extend(jpeg(&photo(8, 8)));
    let with = index(&with);
    let comments: Vec<_> =
        with.tail().iter().filter(|segment| segment.kind == Kind::Marker(0xFE)).collect();
    assert_eq!(comments.len(), 1);
    assert_eq!(with.content(comments[0]), b"text");
    let without = with.tail().iter().filter(|segment| segment.kind != Kind::Marker(0xFE));
    let kinds_without: Vec<_> = without.map(|segment| segment.kind).collect();
    assert_eq!(kinds_without, kinds(plain.tail()), "nothing behind the first picture's end");
    assert_eq!(with.pictures(), plain.pictures());
}

#[test]
fn a_jpeg_without_end_before_another_jpeg_has_none() {
    let first = jpeg(&photo(40, 30));
    let cut = [&first[..first.len() - 40], &first].concat();
    assert!(!index(&cut).has_end());
    assert!(index(&[&first[..], &first].concat()).has_end());
}

#[test]
fn a_text_in_a_gif_has_its_own_graphic_control() {
    let mut file = gif(&photo(4, 4));
    let first = index(&file).head()[0].begin;
    file.splice(first..first, *b"!\xF9\x04\0\0\0\0\0!\x01\x02hi\0");
    let index = index(&file);
    assert_eq!(index.head()[0].kind, Kind::Extension(0x01));
    assert_eq!(index.whole(&index.head()[0]).len(), 14);
    assert_eq!(index.pictures(), 1);
}

#[test]
fn bytes_between_the_blocks_of_a_gif_are_no_block() {
    let plain = gif(&photo(4, 4));
    let mut file = plain.clone();
    file.splice(file.len() - 1..file.len() - 1, *b"\0\0stray");
    assert_eq!(kinds(index(&file).head()), kinds(index(&plain).head()));
    assert!(index(&file).has_end());
}

#[test]
fn a_file_of_many_segments_is_counted_and_not_listed_beyond_the_bound() {
    let many = SEGMENTS_MAX + 5;
    let insert = |mut file: Vec<u8>, at: usize, segment: &[u8]| {
        file.splice(at..at, segment.repeat(many));
        file
    };
    let photo = photo(4, 4);
    let image = {
        let gif = gif(&photo);
        let index = index(&gif);
        let is_image = |segment: &&Segment| segment.kind == Kind::Image;
        index.head().iter().find(is_image).map(|it| index.whole(it).to_vec()).unwrap()
    };
    let files = [
        insert(jpeg(&photo), 2, b"\xFF\xFE\0\x02"),
        insert(jpeg(&photo), jpeg(&photo).len() - 2, b"\xFF\xFE\0\x02"),
        insert(png(&photo), 33, b"\0\0\0\0tEXtsum!"),
        insert(gif(&photo), gif(&photo).len() - 1, b"!\xFE\0"),
        insert(webp(&photo), 12, b"none\0\0\0\0"),
        insert(gif(&photo), gif(&photo).len() - 1, &image),
        animated_webp(&photo, many),
    ];
    for file in files {
        let index = index(&file);
        assert!(!index.is_complete() && index.has_end(), "{:?}", index.format());
        let listed = index.head().len().max(index.tail().len());
        assert_eq!(listed, SEGMENTS_MAX, "{:?}", index.format());
        assert!(index.bytes() <= 1 << 20, "{} bytes", index.bytes());
    }
    let index_of = |file: &[u8]| index(file).pictures() as usize;
    let images = insert(gif(&photo), gif(&photo).len() - 1, &image);
    assert_eq!(index_of(&images), many + 1);
    let scans = insert(jpeg(&photo), jpeg(&photo).len() - 2, b"\xFF\xDA\0\x02");
    assert_eq!(index_of(&scans), many + 1);
}
