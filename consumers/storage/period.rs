//! The folders by time in which pictures are stored.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

/// A span of 65.536 s. Its pictures are in one folder, which is named by the first eight digits of
/// their names: `0193a/8e2` for `0193a8e2-….jpg`. So a file's name gives its folder.
///
/// A folder has some 10,000 files at 100 pictures a second. An outer folder has at most 4,096
/// folders, which is three days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Period(u32);

/// Digits in an inner folder's name. The outer folder has the other five.
const INNER: usize = 3;
const OUTER: usize = 5;

/// The outer folder of some periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Outer(u32);

impl Period {
    /// The period of a picture. A UUID of version 7 begins with 48 bits of milliseconds since 1970
    /// (RFC 9562, section 5.7); a period is the first 32 of these bits.
    pub(super) fn of(picture: Uuid) -> Self {
        let (begin, ..) = picture.as_fields();
        Self(begin)
    }

    /// Its folder, within the folder of all pictures.
    pub(super) fn folder(self) -> PathBuf {
        format!("{:05x}/{:03x}", self.0 >> (4 * INNER), self.0 & Outer::MASK).into()
    }

    /// Its end.
    pub(super) fn end(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis((u64::from(self.0) + 1) << 16)
    }
}

impl Outer {
    const MASK: u32 = (1 << (4 * INNER)) - 1;

    /// The outer folder with this name, if the name is valid.
    pub(super) fn named(name: &str) -> Option<Self> {
        digits(name, OUTER).map(Self)
    }

    /// Its path, within the folder of all pictures.
    pub(super) fn folder(self) -> PathBuf {
        format!("{:05x}", self.0).into()
    }

    /// The period whose folder within this one has this name, if the name is valid.
    pub(super) fn period(self, name: &str) -> Option<Period> {
        digits(name, INNER).map(|inner| Period(self.0 << (4 * INNER) | inner))
    }

    /// Its last period.
    pub(super) fn last(self) -> Period {
        Period(self.0 << (4 * INNER) | Self::MASK)
    }
}

/// The value of a name of `count` hexadecimal digits, in the form that this service writes.
fn digits(name: &str, count: usize) -> Option<u32> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_ours = name.len() == count && name.bytes().all(is_digit);
    is_ours.then(|| u32::from_str_radix(name, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::super::name::came;
    use super::*;

    #[test]
    fn a_folder_is_named_by_the_first_digits_of_its_pictures() {
        for (picture, folder) in [
            ("0193a8e2-2f11-7000-8000-000000000001", "0193a/8e2"),
            ("00000000-0000-7000-8000-000000000001", "00000/000"),
            ("ffffffff-ffff-7fff-bfff-ffffffffffff", "fffff/fff"),
        ] {
            let picture: Uuid = picture.parse().unwrap();
            let period = Period::of(picture);
            assert_eq!(period.folder().to_str(), Some(folder));
            let (outer, inner) = folder.split_once('/').unwrap();
            let outer = Outer::named(outer).unwrap();
            assert_eq!(outer.period(inner), Some(period));
            assert!(outer.folder() == period.folder().parent().unwrap() && outer.last() >= period);
            let left = period.end().duration_since(came(picture)).unwrap();
            assert!(left <= Duration::from_millis(1 << 16) && !left.is_zero(), "{left:?}");
        }
    }

    #[test]
    fn other_folders_are_not_ours() {
        for name in ["", "0193", "0193A", "0193a8", "0193g", "+193a", "ü93a", "album"] {
            assert_eq!(Outer::named(name), None, "{name:?}");
        }
        let outer = Outer::named("0193a").unwrap();
        for name in ["", "8e", "8E2", "8e22", "new", "-e2"] {
            assert_eq!(outer.period(name), None, "{name:?}");
        }
    }
}
