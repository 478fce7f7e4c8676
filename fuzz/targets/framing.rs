//! Any message in either framing: its head, its picture, its header.
#![no_main]

use bytes::Bytes;
use waterway::Payload;
use waterway_consumers::image::framing::{ASIDE, BINARY_HEADER_MAX, Frame, Parts, into_picture};
use waterway_consumers::image::{Header, header};

libfuzzer_sys::fuzz_target!(|message: &[u8]| {
    let bytes = Bytes::copy_from_slice(message);
    let picture = Frame::Binary(&bytes).split().and_then(|parts| {
        read(parts.clone(), message.len());
        parts.body.picture()
    });
    drop(bytes);
    let picture = picture.ok();
    // The picture stays in the message's memory, or moves to memory of its own.
    for aside in [0, ASIDE] {
        let bytes = Bytes::copy_from_slice(message);
        assert_eq!(into_picture(Payload::Binary(bytes), aside).ok(), picture);
    }
    if let Ok(text) = str::from_utf8(message)
        && let Ok(parts) = Frame::Text(text).split()
    {
        read(parts, message.len());
    }
});

fn read(parts: Parts<'_>, length: usize) {
    assert!(parts.head.len() <= BINARY_HEADER_MAX && parts.head.len() + parts.body.len() <= length);
    if let Ok(header) = Header::parse(parts.head) {
        assert!(header.zoom > 0.0 && header.zoom.is_finite() && header.height >= 0);
        assert!((1..=header::UUID_MAX).contains(&header.key().len()));
    }
    if let Ok(picture) = parts.body.picture() {
        assert!(!picture.is_empty() && picture.len() <= length);
    }
}
