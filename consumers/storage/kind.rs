//! The type of a file, by its first bytes and never by its name.

/// How many of a file's first bytes the type depends on.
pub(crate) const FIRST_BYTES: usize = 16;

/// The type of a picture, sound or film, which a browser shows or plays but never runs.
pub(crate) fn of(first: &[u8]) -> Option<&'static str> {
    let found = KINDS
        .iter()
        .find(|(mark, at, _)| first.get(*at..).is_some_and(|rest| rest.starts_with(mark)));
    found.map(|(.., kind)| *kind)
}

/// The type that an object declares, if it is one of those.
#[cfg(feature = "s3")]
pub(super) fn named(claimed: &str) -> Option<&'static str> {
    KINDS.iter().map(|(.., kind)| *kind).find(|kind| *kind == claimed)
}

/// First bytes, their position, and the type that they show.
const KINDS: [(&[u8], usize, &str); 11] = [
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"ftypavif", 4, "image/avif"),
    (b"ftyp", 4, "video/mp4"),
    (b"\x1a\x45\xdf\xa3", 0, "video/webm"),
    (b"OggS", 0, "audio/ogg"),
    (b"WAVE", 8, "audio/wav"),
    (b"ID3", 0, "audio/mpeg"),
];
