//! The estimate of a lossless bitstream's tables before it is decoded.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::codec::{Codec, DecodeOptions};
use crate::worker::Worker;

/// 40 × 40 pixels with a different pattern in each quarter: libwebp uses three groups of codes.
const QUARTERS: &str = "UklGRoIEAABXRUJQVlA4THYEAAAvJ8AJAAGFjSQleTfov1+HDiL6PwGWGZ1GHPKEFwAHsWtzFVQtQlX1RwDoQEHb\
     Noz5494fAaWNpEDLj0TSf2VIyoj+TwB+Gq5tNO98ogEQyAQsbP1bc0kQEROQRnX4wD/hsG0bSfKTueu/3dlxHBFs\
     Ikm20jj4CkECEkjJkEBK9qQgdyRIiiRJkiQzj7kQzfD/LKmVdJco27baNvfKYskgxpSZmfv7zNwaxWZ78p4ZYwIQ\
     QraiQziEEEIIIYQQQgjhI4QQQgghhBBORIRr3f5TDPrYueT8DwbwAgPw+UfmsVxO2mIyjlZp0bqdnMAJDOAH/nOe\
     787EkRZA27XVsQdohrqAH3gBwEyxPpO825sklnVJgF/QquwBHMADALJSootf8NPMt1EHMISZzCJHsnKMcXzG5Uvg\
     /d15q4U+LrbgfNmNfSYbuPLHxN0YZWoJIjzlTqRpivdaszFjYtzarInn5yg5EBaxuCEV7Zb/phBRgUzSdIZTn0LY\
     09KPqTBK1TAet1w6cuc7zxfMOfClb3ZjxgFObEb4IpLzaL9z2drxztLEoTY4497RXY4bCU3eAKWLb5LLTsVvqfgK\
     0nhwdyGrB6RZ3b+IYe9y3iwjzi3O7smIbHA7POvIlztxhv3HpvdH+Z1nSRBWMxRYN6rYXdzjYzvywr4/B/tk9Cy1\
     hFaYot2au/9zetU6aEfDJ7hlpzSbsn4SHYIprsIOwn3Ppr7kxAc02Q2nRtap5qnlA1D8mHf0++0q4qfHWnFATTHK\
     XpOCwVosBXSSmMpdymWoSr1i/28SFYE+UFHQ0AcCiR4KCDhQBigI9APfL6gP3SV22SgyM2EJsYU4SkAkMf3+szC0\
     l0YnEFDyvsVu6On84p2BggoX8s9DCWCBKILwOXa6QbfRumxwUTnPp446m3LR64NzPGXqNrCdvrHHQsA0FvKX9qTM\
     Kj7yvoEoVuccREXz7Q4HciochmAb2MJojr6tORYRqnBeUxSsIFsJpsuoWYCPdr8R3ha4YZdQo64UAGI7mXHiKTKG\
     YBp6GuAfw8Z81kg4ZlfmNmMAgza6RuWugSgayH9ozma1AcgGgvlsG4ATnZ8xAW+cTKiaSB0Nq2GBXcMcEb6x4mQ4\
     GBhrjGlCeRZ1ueRV3EqHZHHq5g0OdODZ3KZcW4SQS3Sh8yqachPIGRq4S06g0cDmMqeIOvdkcIEpr3CNHVklqNkP\
     uaipMGo3oppqFudWEU00MJZZYF8hiWJ78E40V5ci2KqxiBE82rqGKk0PuJSN2HCQqsIVpxhZGSmcRmqk7IOXNlc8\
     YxMCqboUjIfLNWrMqVpbhAaadUG5xkBvgQoHjpSy9Bkay0jG5jHleXiNDHmBF6yi59kBcK+aKDaFTeJ1CbxgVbI2\
     xrmGEljshUCSnRHbI3XgHdxrvNezcGyACEPLnd6giRJmwvOaXMESPsqYuYOaOKINgvtQhZOSXGhggOPam3gAE0My\
     AAyIKFTGPVD0IbgW11g0mnBCWVREgrgEXnpQlGfbZEGPE4UDiNhrFw==";
/// `RIFF`, its length, `WEBP`, `VP8L`, its length, and the bitstream's own header.
const HEADERS: usize = 25;

#[test]
fn what_libwebp_writes_is_read_to_its_groups() {
    let file = STANDARD.decode(QUARTERS).unwrap();
    let (groups, cache) = groups(&file[HEADERS..], (40, 40)).unwrap();
    assert_eq!((groups, cache), (3, 0));
    let probe = crate::codec::probe(&file).unwrap();
    assert!(probe.held > 3 * 5 * TABLE, "{} bytes are held", probe.held);
    let picture =
        Worker::with_codec(Codec::Pure, 0).decode(&file, &probe, DecodeOptions::PIXELS).unwrap();
    assert_eq!(picture.size(), (40, 40));
}

#[test]
fn a_file_that_ends_before_its_groups_are_known_is_damaged() {
    let file = STANDARD.decode(QUARTERS).unwrap();
    let stream = &file[HEADERS..];
    let known = (0..stream.len()).find(|end| groups(&stream[..*end], (40, 40)).is_some()).unwrap();
    assert!(known > 8 && known < stream.len() / 4, "known after {known} bytes");
    for end in known..stream.len() {
        assert_eq!(groups(&stream[..end], (40, 40)), Some((3, 0)), "cut at {end}");
    }
}

#[test]
fn there_are_no_more_groups_than_places_to_use_one() {
    let table = [
        // A single block uses one group.
        ((1, 1), 0, Some(1)),
        ((1, 1), 1, None),
        ((1, 1), 0xFFFF, None),
        // Blocks of four by four pixels.
        ((4, 4), 1, None),
        ((5, 4), 1, Some(2)),
        ((1024, 1024), 0xFFFE, Some(0xFFFF)),
        ((1024, 1024), 0xFFFF, Some(0x1_0000)),
    ];
    for (size, last, expected) in table {
        let known = groups(&one_pixel_repeated(last), size).map(|(groups, _)| groups);
        assert_eq!(known, expected, "group {last} of a picture of {size:?}");
    }
}

#[test]
fn a_code_leaves_no_bits_without_meaning() {
    for (lengths, complete) in [
        (&[][..], false),
        (&[0, 0], false),
        (&[0, 7], true),
        (&[1, 1], true),
        (&[1, 2], false),
        (&[2, 1, 2], true),
        (&[1, 1, 1], false),
        (&[15, 15], false),
    ] {
        assert_eq!(Code::from_lengths(lengths).is_some(), complete, "{lengths:?}");
    }
}

/// A stream whose blocks of four by four pixels all use this group.
fn one_pixel_repeated(group: u32) -> Vec<u8> {
    let (no, yes) = ((0, 1), (1, 1));
    let four_square = (0, 3);
    let mut fields = vec![no, no, yes, four_square, no];
    for symbol in [group & 0xFF, group >> 8, 0, 0, 0] {
        fields.extend([yes, no, yes, (symbol, 8)]);
    }
    let bits: Vec<bool> = fields
        .iter()
        .flat_map(|&(value, count)| (0..count).map(move |place| value >> place & 1 == 1))
        .collect();
    bits.chunks(8)
        .map(|byte| (0..).zip(byte).map(|(place, bit)| u8::from(*bit) << place).sum())
        .collect()
}
