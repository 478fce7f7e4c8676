//! Messages as clients frame them, and the header and file in them.

// Sizes and colours in tests are small.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

const HEAD: &str = r#"{"uuid":1}"#;
/// Bytes whose base64 has every character that browsers change.
const PICTURE: &[u8] = &[0xFB, 0xFF, 0xFE, 0xFF, 0x3E, 0xFB, 0xEF, 0xBE, 0x01, 0x02];

fn text(head: &str, body: &str) -> String {
    format!("{head:<TEXT_HEADER$}{body}")
}

/// The picture of a message. Checks that it is the same wherever it is decoded, and whether or not
/// the message is shared.
fn picture_of(text: &str) -> Result<Bytes, Error> {
    let picture = Frame::Text(text).split().and_then(|parts| parts.body.picture());
    let message = || Payload::Text(text.to_owned().into());
    let shared = message();
    for (message, aside) in [(message(), 0), (message(), ASIDE), (shared.clone(), 0)] {
        match (into_picture(message, aside), &picture) {
            (Ok(own), Ok(picture)) => assert_eq!(own, *picture),
            (Err(own), Err(error)) => {
                assert_eq!((own.code(), own.message()), (error.code(), error.message()));
            }
            (own, _) => {
                let bytes = own.map(|own| own.len());
                panic!("{bytes:?} is not {:?}", picture.map(|picture| picture.len()));
            }
        }
    }
    assert_eq!(shared, message(), "what is shared is left alone");
    picture
}

#[test]
fn base64_is_taken_as_browsers_write_it() {
    let plain = STANDARD.encode(PICTURE);
    assert!(plain.contains('+') && plain.contains('/') && plain.ends_with("=="));
    let table = [
        ("as it should be", plain.clone()),
        ("spaces for pluses", plain.replace('+', " ")),
        ("no padding", plain.trim_end_matches('=').to_owned()),
        ("too much padding", format!("{plain}=")),
        ("URL-safe", plain.replace('+', "-").replace('/', "_")),
        ("percent-encoded", plain.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D")),
        ("line breaks", format!("{}\r\n{}\n", &plain[..4], &plain[4..])),
        ("a data: URL", format!("data:image/jpeg;base64,{plain}")),
        ("a data: URL with parameters", format!("DATA:image/png;a=b;BASE64,{plain}")),
        ("a percent-encoded data: URL", format!("data:image/png;base64,{}", escaped(&plain))),
        ("all of a data: URL percent-encoded", escaped(&format!("data:image/png;base64,{plain}"))),
        (
            "all at once",
            format!("data:;base64,{}\n", plain.replace('+', " ").trim_end_matches('=')),
        ),
    ];
    for (what, body) in table {
        assert_eq!(picture_of(&text(HEAD, &body)).unwrap(), PICTURE, "{what}: {body}");
    }
}

/// As JavaScript's `encodeURIComponent` writes it.
fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Long enough to be decoded in parts.
#[test]
fn a_long_text_is_taken_wherever_something_is_odd_in_it() {
    let picture: Vec<u8> =
        (0..30_001_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let plain = STANDARD.encode(&picture);
    assert_eq!(picture_of(&text(HEAD, &plain)).unwrap(), picture);
    for near in [0, CHUNK - 4, CHUNK - 2, CHUNK, 2 * CHUNK + 5, 4 * CHUNK, plain.len() - 40] {
        let (before, after) = plain.split_at(near);
        let spaced = format!("{before}{}", after.replacen('+', " ", 1));
        assert_ne!(spaced, plain, "there is a plus behind {near}");
        assert_eq!(picture_of(&text(HEAD, &spaced)).unwrap(), picture, "a space behind {near}");
        let broken = format!("{before}\n{after}");
        assert_eq!(picture_of(&text(HEAD, &broken)).unwrap(), picture, "a line's end at {near}");
        for wrong in ["!", "====", "AA=="] {
            let wrong = format!("{before}{wrong}{after}");
            assert_eq!(
                picture_of(&text(HEAD, &wrong)).unwrap_err().code(),
                "bad_image",
                "at {near}"
            );
        }
    }
}

#[test]
fn a_text_cut_between_bytes_gives_the_bytes_before_it() {
    let plain = STANDARD.encode(PICTURE);
    for (end, bytes) in [(4, 3), (5, 3), (6, 4), (7, 5), (8, 6)] {
        let cut = picture_of(&text(HEAD, &plain[..end])).unwrap();
        assert_eq!(cut, PICTURE[..bytes], "{end} characters");
    }
}

#[test]
fn what_is_not_base64_is_refused_with_its_place() {
    let table = [
        ("AAAA!AAA", "the picture is not base64: '!' at character 4"),
        ("AAAA%21AA", "the picture is not base64: '%' at character 4"),
        ("AAAAä", "the picture is not base64: 'ä' at character 4"),
        ("AA=AAAAA", "the picture is not base64"),
        ("data:image/svg+xml,<svg/>", "the picture's data: URL is not data:<type>;base64,…"),
        ("data:;base64,data:;base64,AAAA", "the picture is not base64: ':' at character 4"),
        ("", "the message carries no picture behind its header"),
        ("=", "the message carries no picture behind its header"),
    ];
    for (body, message) in table {
        let error = picture_of(&text(HEAD, body)).unwrap_err();
        assert_eq!((error.code(), error.message()), (BAD_IMAGE, message), "{body:?}");
    }
}

#[test]
fn the_header_is_counted_in_characters() {
    let head = r#"{"uuid":"größe ☃ 🦀"}"#;
    let text = text(head, "AAAA");
    let parts = Frame::Text(&text).split().unwrap();
    assert_eq!(parts.head.trim_end(), head);
    assert_eq!(parts.head.chars().count(), TEXT_HEADER);
    assert!(matches!(parts.body, Body::Base64("AAAA")));
}

#[test]
fn a_short_text_is_a_header_alone() {
    for short in ["", r#"{"type":"viewport","top":0}"#, &"ä".repeat(TEXT_HEADER)] {
        let parts = Frame::Text(short).split().unwrap();
        assert_eq!(parts.head, short);
        assert!(parts.body.is_empty());
    }
}

fn binary(length: u16, rest: &[u8]) -> Bytes {
    [&length.to_be_bytes(), rest].concat().into()
}

#[test]
fn the_binary_framing_shares_the_message_s_bytes() {
    let message = binary(10, b"{\"uuid\":1}\xFF\xD8\xFF");
    let parts = Frame::Binary(&message).split().unwrap();
    assert_eq!(parts.head, HEAD);
    let picture = parts.body.picture().unwrap();
    assert_eq!(picture, &b"\xFF\xD8\xFF"[..]);
    assert_eq!(picture.as_ptr(), message[12..].as_ptr());
}

#[test]
fn base64_is_decoded_where_it_stands() {
    let message = text(HEAD, &STANDARD.encode(PICTURE)).into_bytes();
    // As the socket provides it: not shared.
    let message = bytes::BytesMut::from(&message[..]).freeze();
    let at = message[TEXT_HEADER..].as_ptr();
    let picture = into_picture(Payload::Binary(message), 0).unwrap();
    assert_eq!((&picture[..], picture.as_ptr()), (PICTURE, at));
}

#[test]
fn the_text_framing_may_come_as_bytes() {
    let message = Bytes::from(text(HEAD, "AAAA"));
    let parts = Frame::Binary(&message).split().unwrap();
    assert_eq!(parts.head.trim_end(), HEAD);
    assert_eq!(parts.body.picture().unwrap(), [0, 0, 0][..]);
}

#[test]
fn a_binary_message_without_a_whole_header_is_refused() {
    for message in [
        Bytes::new(),
        Bytes::from_static(b"\0"),
        binary(1, b""),
        binary(4096, &[b' '; 4095]),
        binary(4097, &[b' '; 5000]),
        binary(2, b"\xFF\xFF"),
        Bytes::from_static(b"{\"uuid\":\"\xFF\"}"),
    ] {
        assert_eq!(Frame::Binary(&message).split().unwrap_err().code(), "bad_header");
    }
    assert!(Frame::Binary(&binary(4096, &[b' '; 4096])).split().is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_picture_survives_both_framings(
        head in "\\PC{0,150}",
        picture in proptest::collection::vec(any::<u8>(), 1..300),
    ) {
        let as_text = text(&head, &STANDARD.encode(&picture));
        let parts = Frame::Text(&as_text).split().unwrap();
        prop_assert_eq!(parts.head.trim_end(), head.trim_end());
        prop_assert_eq!(&parts.body.picture().unwrap(), &picture);

        let as_bytes = binary(head.len() as u16, &[head.as_bytes(), &picture].concat());
        let parts = Frame::Binary(&as_bytes).split().unwrap();
        prop_assert_eq!(parts.head, head);
        prop_assert_eq!(&parts.body.picture().unwrap(), &picture);
    }

    #[test]
    fn a_long_text_is_taken_alike_whether_it_is_shared_or_not(
        picture in proptest::collection::vec(any::<u8>(), 0..40_000),
        flaws in proptest::collection::vec((any::<prop::sample::Index>(), b' '..=b'~'), 0..3),
    ) {
        let mut body = STANDARD.encode(&picture).into_bytes();
        for (at, character) in flaws {
            if !body.is_empty() {
                let at = at.index(body.len());
                body[at] = character;
            }
        }
        let _ = picture_of(&text(HEAD, str::from_utf8(&body).unwrap()));
    }

    #[test]
    fn no_message_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let _ = picture_of(&text);
        let braced = [b"{", &bytes[..]].concat();
        for message in [Bytes::from(bytes), Bytes::from(braced)] {
            let _ = Frame::Binary(&message).split().and_then(|parts| parts.body.picture());
            let _ = into_picture(Payload::Binary(message), ASIDE);
        }
    }
}
