//! The names of this service's own files.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::{Uuid, Variant};

/// The kind of a file of this service, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ours {
    /// An original or its result: both names contain the picture's uuid.
    Picture(Uuid),
    /// A file that is being written, or was being written when the process ended.
    Aside,
}

/// The temporary name of a file that is being written. It begins with a dot, so it is never served.
pub(super) fn aside(unique: Uuid) -> String {
    let mut text = Uuid::encode_buffer();
    [".", unique.simple().encode_lower(&mut text), ".part"].concat()
}

/// The kind of the file with this name, if the name is one of this service's: `[PREFIX]<uuid
/// v7>.<extension>` or `.<uuid>.part`.
pub(super) fn ours(name: &str) -> Option<Ours> {
    if let Some(rest) = name.strip_prefix('.') {
        let unique = rest.strip_suffix(".part")?;
        return (unique.len() == 32 && Uuid::try_parse(unique).is_ok()).then_some(Ours::Aside);
    }
    let (stem, extension) = name.rsplit_once('.')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_extension = (1..=5).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let (prefix, unique) = stem.split_at_checked(stem.len().checked_sub(36)?)?;
    if !is_extension || prefix.len() > 32 || !prefix.bytes().all(plain) {
        return None;
    }
    let unique = Uuid::try_parse(unique).ok()?;
    let is_v7 = unique.get_version_num() == 7 && unique.get_variant() == Variant::RFC4122;
    is_v7.then_some(Ours::Picture(unique))
}

/// When a picture arrived, by its uuid.
pub(super) fn came(picture: Uuid) -> SystemTime {
    let milliseconds = picture.as_u128() >> 80;
    // The number has 48 bits.
    UNIX_EPOCH + Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_ours() {
        let picture = "01938d5e-0000-7000-8000-000000000001";
        let unique: Uuid = picture.parse().unwrap();
        for (name, expected) in [
            (format!("{picture}.jpg"), Some(Ours::Picture(unique))),
            (format!("rb_{picture}.webp"), Some(Ours::Picture(unique))),
            (format!("a-b_{picture}.png"), Some(Ours::Picture(unique))),
            (aside(unique), Some(Ours::Aside)),
            (picture.to_owned(), None),
            (format!("{picture}."), None),
            (format!("{picture}.JPG"), None),
            (format!("{picture}.jpg.bak"), None),
            (format!("holiday {picture}.jpg"), None),
            (format!("{}{picture}.jpg", "p".repeat(33)), None),
            (format!("ü{}.jpg", &picture[1..]), None),
            ("01938d5e-0000-4000-8000-000000000001.jpg".into(), None),
            ("01938d5e00007000800000000000000001.jpg".into(), None),
            (".part".into(), None),
            (".notes.part".into(), None),
            (".gitkeep".into(), None),
            ("holiday.jpg".into(), None),
            ("jpg".into(), None),
            (String::new(), None),
        ] {
            assert_eq!(ours(&name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_name_says_when_its_picture_came() {
        let before = SystemTime::now() - Duration::from_millis(1);
        let came = came(Uuid::now_v7());
        assert!(before <= came && came <= SystemTime::now());
    }
}
