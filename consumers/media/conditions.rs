//! What a client has already and which part it wants (RFC 9110, sections 13 and 14).

use std::fs::Metadata;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, header};

/// What a file is recognised by.
pub(super) struct Validators {
    pub(super) etag: String,
    pub(super) modified: String,
    seconds: u64,
}

/// What to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The client has it.
    NotModified,
    /// There is no such part.
    Unsatisfiable,
    /// All of it.
    Whole,
    /// A part, which is not empty.
    Part(Range<u64>),
}

impl Validators {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::new(metadata.len(), since)
    }

    /// Of what has a tag of its own.
    pub(super) fn tagged(etag: String, modified: SystemTime) -> Self {
        Self::at(etag, modified.duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    fn new(length: u64, since_epoch: Duration) -> Self {
        Self::at(format!("\"{:x}-{length:x}\"", since_epoch.as_nanos()), since_epoch)
    }

    fn at(etag: String, since_epoch: Duration) -> Self {
        let seconds = since_epoch.as_secs();
        Self {
            etag,
            modified: httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds)),
            seconds,
        }
    }

    /// Looks at what the client says. Conditions come before ranges; of several ranges, which few
    /// clients ask for, the whole file is the answer, as it may be.
    pub(super) fn examine(&self, headers: &HeaderMap, length: u64) -> Condition {
        if self.is_known(headers) {
            return Condition::NotModified;
        }
        match text(headers, &header::RANGE).filter(|_| self.range_holds(headers)) {
            Some(range) => parse_range(range, length),
            None => Condition::Whole,
        }
    }

    fn is_known(&self, headers: &HeaderMap) -> bool {
        if let Some(tags) = text(headers, &header::IF_NONE_MATCH) {
            let mut tags = tags.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
            return tags.any(|tag| tag == "*" || tag == self.etag);
        }
        text(headers, &header::IF_MODIFIED_SINCE).is_some_and(|date| self.is_not_newer(date))
    }

    /// A part is only of use when the rest, which the client has, is of the same file.
    fn range_holds(&self, headers: &HeaderMap) -> bool {
        match text(headers, &header::IF_RANGE) {
            None => true,
            Some(tag) if tag.starts_with('"') => tag == self.etag,
            Some(date) => httpdate::parse_http_date(date).is_ok_and(|date| date == self.date()),
        }
    }

    fn is_not_newer(&self, date: &str) -> bool {
        httpdate::parse_http_date(date).is_ok_and(|date| self.date() <= date)
    }

    fn date(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.seconds)
    }
}

fn parse_range(range: &str, length: u64) -> Condition {
    let Some(range) = range.strip_prefix("bytes=").filter(|range| !range.contains(',')) else {
        return Condition::Whole;
    };
    let Some((first, last)) = range.trim().split_once('-') else { return Condition::Whole };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if last < first => return Condition::Whole,
        (Ok(first), Ok(last)) => first..last.saturating_add(1).min(length),
        (Ok(first), Err(_)) if last.is_empty() => first..length,
        (Err(_), Ok(count)) if first.is_empty() => length.saturating_sub(count)..length,
        _ => return Condition::Whole,
    };
    if range.start < range.end { Condition::Part(range) } else { Condition::Unsatisfiable }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examine(pairs: &[(HeaderName, &str)]) -> Condition {
        let headers = pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        Validators::new(100, Duration::from_secs(1_000_000_000)).examine(&headers.collect(), 100)
    }

    #[test]
    fn a_part_is_what_the_client_asks_for() {
        for (range, expected) in [
            ("bytes=0-9", Condition::Part(0..10)),
            ("bytes=90-", Condition::Part(90..100)),
            ("bytes=-10", Condition::Part(90..100)),
            ("bytes=-1000", Condition::Part(0..100)),
            ("bytes=50-1000", Condition::Part(50..100)),
            ("bytes=100-", Condition::Unsatisfiable),
            ("bytes=-0", Condition::Unsatisfiable),
            ("bytes=0-18446744073709551615", Condition::Part(0..100)),
            ("bytes=9-0", Condition::Whole),
            ("bytes=0-1,5-6", Condition::Whole),
            ("lines=1-2", Condition::Whole),
            ("bytes=a-b", Condition::Whole),
        ] {
            assert_eq!(examine(&[(header::RANGE, range)]), expected, "{range}");
        }
    }

    #[test]
    fn what_a_client_has_is_not_sent_again() {
        let tag = "\"de0b6b3a7640000-64\"";
        let (then, later) = ("Sun, 09 Sep 2001 01:46:40 GMT", "Sun, 09 Sep 2001 01:46:41 GMT");
        let earlier = "Sun, 09 Sep 2001 01:46:39 GMT";
        for (headers, expected) in [
            (&[(header::IF_NONE_MATCH, tag)][..], Condition::NotModified),
            (&[(header::IF_NONE_MATCH, "\"a\", W/\"de0b6b3a7640000-64\"")], Condition::NotModified),
            (&[(header::IF_NONE_MATCH, "\"a\"")], Condition::Whole),
            (&[(header::IF_MODIFIED_SINCE, then)], Condition::NotModified),
            (&[(header::IF_MODIFIED_SINCE, later)], Condition::NotModified),
            (&[(header::IF_MODIFIED_SINCE, earlier)], Condition::Whole),
            (
                &[(header::IF_NONE_MATCH, "\"a\""), (header::IF_MODIFIED_SINCE, then)],
                Condition::Whole,
            ),
            (&[(header::IF_RANGE, tag), (header::RANGE, "bytes=0-0")], Condition::Part(0..1)),
            (&[(header::IF_RANGE, "\"a\""), (header::RANGE, "bytes=0-0")], Condition::Whole),
            (&[(header::IF_RANGE, then), (header::RANGE, "bytes=0-0")], Condition::Part(0..1)),
        ] {
            assert_eq!(examine(headers), expected, "{headers:?}");
        }
    }
}
