//! The name of a content in the store.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use uuid::Uuid;

/// The name of a content in the store: the time until which its task may need it, ms since 1970 as 16
/// hexadecimal digits, and a random UUID. So names sort by time, and a sweep needs nothing but names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::queue) struct TransitName {
    until: u64,
    unique: Uuid,
}

impl TransitName {
    /// A new name for a content that is needed for this long after `now`, ms since 1970.
    pub(in crate::queue) fn new(now: u64, keeps: Duration) -> Self {
        let keeps = u64::try_from(keeps.as_millis()).unwrap_or(u64::MAX);
        Self { until: now.saturating_add(keeps), unique: Uuid::new_v4() }
    }

    /// Whether its time is over.
    #[cfg(feature = "redis")]
    pub(in crate::queue) fn is_over(self, now: u64) -> bool {
        self.until < now
    }
}

impl fmt::Display for TransitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.until, self.unique.simple())
    }
}

impl FromStr for TransitName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (until, unique) = text.split_once('-').ok_or(())?;
        let until = u64::from_str_radix(until, 16).map_err(drop)?;
        let name = Self { until, unique: Uuid::try_parse(unique).map_err(drop)? };
        // Other spellings of the same name are foreign.
        if name.to_string() == text { Ok(name) } else { Err(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_are_read() {
        let name = TransitName::new(1_000, Duration::from_millis(5));
        let text = name.to_string();
        assert_eq!((text.len(), text.parse()), (49, Ok(name)));
        let upper = text.to_uppercase();
        let (time, unique) = text.split_once('-').unwrap();
        let in_groups = format!("{time}-{}", name.unique.hyphenated());
        for foreign in
            ["", "-", "holiday.jpg", &format!("{text}.part"), &format!("../{text}"), &in_groups]
        {
            assert_eq!(foreign.parse::<TransitName>(), Err(()), "{foreign:?}");
        }
        assert_eq!(upper == text, upper.parse::<TransitName>().is_ok());
        assert_eq!(format!("+{}-{unique}", &time[1..]).parse::<TransitName>(), Err(()));
    }

    #[test]
    fn names_sort_by_the_end_of_their_time() {
        let [early, late] =
            [1, u64::MAX].map(|until| TransitName::new(0, Duration::from_millis(until)));
        assert!(early.to_string() < late.to_string());
    }

    #[cfg(feature = "redis")]
    #[test]
    fn a_content_is_needed_until_its_time_has_passed() {
        let name = TransitName::new(1_000, Duration::from_millis(5));
        assert!(!name.is_over(1_005) && name.is_over(1_006));
    }
}
