//! EXIF blocks with the secret in one entry.

use super::SECRET;

/// The place of an entry in a block.
#[derive(Clone, Copy)]
enum Directory {
    First,
    /// In a directory that an entry with this tag in the first directory points to.
    Of(u16),
    /// In the directory of the thumbnail.
    Second,
}

const ASCII: u16 = 2;
const RATIONAL: u16 = 5;
const BYTE: u16 = 1;
const UNDEFINED: u16 = 7;
const EXIF: Directory = Directory::Of(0x8769);
const GPS: Directory = Directory::Of(0x8825);

/// The blocks, each with the kind of its entry.
pub(super) fn blocks() -> Vec<(&'static str, Vec<u8>)> {
    let wide: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let text = [SECRET.as_bytes(), b"\0"].concat();
    let comment = [b"ASCII\0\0\0", SECRET.as_bytes()].concat();
    vec![
        ("EXIF artist", block(Directory::First, 0x013B, ASCII, &text)),
        ("EXIF description", block(Directory::First, 0x010E, ASCII, &text)),
        ("EXIF copyright", block(Directory::First, 0x8298, ASCII, &text)),
        ("EXIF title of Windows", block(Directory::First, 0x9C9B, BYTE, &wide)),
        ("EXIF user comment", block(EXIF, 0x9286, UNDEFINED, &comment)),
        ("EXIF maker note", block(EXIF, 0x927C, UNDEFINED, SECRET.as_bytes())),
        ("EXIF serial number", block(EXIF, 0xA431, ASCII, &text)),
        ("EXIF latitude", block(GPS, 0x0002, RATIONAL, SECRET.as_bytes())),
        ("EXIF name of the area", block(GPS, 0x001C, UNDEFINED, &comment)),
        ("EXIF thumbnail", block(Directory::Second, 0x0201, UNDEFINED, SECRET.as_bytes())),
    ]
}

fn block(directory: Directory, tag: u16, kind: u16, data: &[u8]) -> Vec<u8> {
    const HEADER: usize = 8;
    const NONE: usize = 2 + 4;
    const ONE: usize = 2 + 12 + 4;
    const LONG: u16 = 4;
    let entry = |tag: u16, kind: u16, count: usize, value: usize| {
        let long = |number: usize| u32::try_from(number).expect("short").to_be_bytes();
        [&tag.to_be_bytes()[..], &kind.to_be_bytes(), &long(count), &long(value)].concat()
    };
    let count = if kind == RATIONAL { data.len() / 8 } else { data.len() };
    let of_data = |before: usize| {
        [&[0, 1][..], &entry(tag, kind, count, HEADER + before + ONE), &[0; 4], data].concat()
    };
    let directories = match directory {
        Directory::First => of_data(0),
        Directory::Of(pointer) => {
            let first = [&[0, 1][..], &entry(pointer, LONG, 1, HEADER + ONE), &[0; 4]].concat();
            [first, of_data(ONE)].concat()
        }
        Directory::Second => {
            let next = u8::try_from(HEADER + NONE).expect("short");
            [vec![0, 0, 0, 0, 0, next], of_data(NONE)].concat()
        }
    };
    [b"MM\0*\0\0\0\x08", &directories[..]].concat()
}
