//! The conditions and ranges of a request (RFC 9110, sections 13 and 14): the version that the
//! client has, and the part that it wants.

use std::fs::Metadata;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, header};

/// A file's entity tag and date of modification.
pub(crate) struct Validators {
    pub(crate) etag: String,
    pub(crate) modified: String,
    seconds: u64,
}

/// The answer that a request's conditions ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The client expects a version that the file does not have.
    Failed,
    /// The client has this version.
    NotModified,
    /// The file does not have the requested part.
    Unsatisfiable,
    /// The whole file.
    Whole,
    /// A part that is not empty.
    Part(Range<u64>),
}

impl Validators {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::new(metadata.len(), since)
    }

    /// For an object with its own tag.
    pub(crate) fn tagged(etag: String, modified: SystemTime) -> Self {
        Self::at(etag, modified.duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    /// For a file that is the encoded form of another: the tags of the two differ (RFC 9110, section
    /// 8.8.3.3).
    pub(crate) fn encoded(mut self, coding: &str) -> Self {
        self.etag.insert_str(self.etag.len() - 1, &format!("-{coding}"));
        self
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

    /// Evaluates the conditions of a GET or HEAD request in the order of RFC 9110, section 13.2.2.
    /// A request for several ranges, which few clients send, gets the whole file: section 14.2
    /// allows that.
    pub(crate) fn examine(&self, headers: &HeaderMap, length: u64) -> Condition {
        if !self.is_as_expected(headers) {
            return Condition::Failed;
        }
        if self.is_known(headers) {
            return Condition::NotModified;
        }
        match text(headers, &header::RANGE).filter(|_| self.range_holds(headers)) {
            Some(range) => parse_range(range, length),
            None => Condition::Whole,
        }
    }

    /// `If-Match` by strong comparison (section 13.1.1); only without it `If-Unmodified-Since`.
    fn is_as_expected(&self, headers: &HeaderMap) -> bool {
        if headers.contains_key(header::IF_MATCH) {
            let is_strong = !self.etag.starts_with(WEAK);
            return tags(headers, &header::IF_MATCH)
                .any(|tag| tag == ANY || is_strong && tag == self.etag);
        }
        date(headers, &header::IF_UNMODIFIED_SINCE).is_none_or(|date| self.date() <= date)
    }

    /// `If-None-Match` by weak comparison (section 13.1.2); only without it `If-Modified-Since`.
    fn is_known(&self, headers: &HeaderMap) -> bool {
        if headers.contains_key(header::IF_NONE_MATCH) {
            return tags(headers, &header::IF_NONE_MATCH)
                .any(|tag| tag == ANY || opaque(tag) == opaque(&self.etag));
        }
        date(headers, &header::IF_MODIFIED_SINCE).is_some_and(|date| self.date() <= date)
    }

    /// A part is only useful if the client's other parts are of the same file: the tags must agree
    /// by strong comparison, or the dates exactly (section 13.1.5).
    fn range_holds(&self, headers: &HeaderMap) -> bool {
        match text(headers, &header::IF_RANGE) {
            None => true,
            Some(tag) if tag.starts_with('"') => tag == self.etag,
            Some(date) => httpdate::parse_http_date(date).is_ok_and(|date| date == self.date()),
        }
    }

    fn date(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.seconds)
    }
}

/// A list that matches every existing file, whatever its tag.
const ANY: &str = "*";

/// The prefix of a weak tag.
const WEAK: &str = "W/";

/// A tag without the prefix of a weak tag.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix(WEAK).unwrap_or(tag)
}

/// The tags in all headers of this name. A comma within quotes belongs to its tag.
fn tags<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lists = headers.get_all(name).into_iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| {
        let mut quoted = false;
        let tags = list.split(move |char| {
            quoted ^= char == '"';
            char == ',' && !quoted
        });
        tags.map(str::trim)
    })
}

/// The date in this header. A malformed or repeated date does not count (sections 13.1.3 and
/// 13.1.4).
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let mut dates = headers.get_all(name).into_iter();
    let date = dates.next()?.to_str().ok()?;
    if dates.next().is_some() {
        return None;
    }
    httpdate::parse_http_date(date).ok()
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
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value.parse().unwrap());
        }
        Validators::new(100, Duration::from_secs(1_000_000_000)).examine(&headers, 100)
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

    const TAG: &str = "\"de0b6b3a7640000-64\"";
    const THEN: &str = "Sun, 09 Sep 2001 01:46:40 GMT";
    const EARLIER: &str = "Sun, 09 Sep 2001 01:46:39 GMT";
    const LATER: &str = "Sun, 09 Sep 2001 01:46:41 GMT";

    #[test]
    fn a_file_that_the_client_has_is_not_sent_again() {
        use header::{IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
        for (headers, expected) in [
            (&[(IF_NONE_MATCH, TAG)][..], Condition::NotModified),
            (&[(IF_NONE_MATCH, "\"a\", W/\"de0b6b3a7640000-64\"")], Condition::NotModified),
            (&[(IF_NONE_MATCH, "*")], Condition::NotModified),
            (&[(IF_NONE_MATCH, "\"a\""), (IF_NONE_MATCH, TAG)], Condition::NotModified),
            (&[(IF_NONE_MATCH, "\"a\"")], Condition::Whole),
            (&[(IF_NONE_MATCH, "\"a, *, \"")], Condition::Whole),
            (&[(IF_MODIFIED_SINCE, THEN)], Condition::NotModified),
            (&[(IF_MODIFIED_SINCE, LATER)], Condition::NotModified),
            (&[(IF_MODIFIED_SINCE, EARLIER)], Condition::Whole),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Condition::Whole),
            (&[(IF_MODIFIED_SINCE, THEN), (IF_MODIFIED_SINCE, THEN)], Condition::Whole),
            (&[(IF_NONE_MATCH, "\"a\""), (IF_MODIFIED_SINCE, THEN)], Condition::Whole),
            (&[(IF_NONE_MATCH, TAG), (RANGE, "bytes=0-0")], Condition::NotModified),
            (&[(IF_RANGE, TAG), (RANGE, "bytes=0-0")], Condition::Part(0..1)),
            (&[(IF_RANGE, "\"a\""), (RANGE, "bytes=0-0")], Condition::Whole),
            (&[(IF_RANGE, THEN), (RANGE, "bytes=0-0")], Condition::Part(0..1)),
        ] {
            assert_eq!(examine(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_file_other_than_the_expected_one_is_not_sent() {
        use header::{IF_MATCH, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE};
        let weak = "W/\"de0b6b3a7640000-64\"";
        for (headers, expected) in [
            (&[(IF_MATCH, TAG)][..], Condition::Whole),
            (&[(IF_MATCH, "*")], Condition::Whole),
            (&[(IF_MATCH, "\"a,b\" , \"de0b6b3a7640000-64\"")], Condition::Whole),
            (&[(IF_MATCH, "\"a\""), (IF_MATCH, TAG)], Condition::Whole),
            (&[(IF_MATCH, "\"a\"")], Condition::Failed),
            (&[(IF_MATCH, weak)], Condition::Failed),
            (&[(IF_MATCH, "\"a, *, \"")], Condition::Failed),
            (&[(IF_MATCH, "")], Condition::Failed),
            (&[(IF_MATCH, "de0b6b3a7640000-64")], Condition::Failed),
            (&[(IF_UNMODIFIED_SINCE, THEN)], Condition::Whole),
            (&[(IF_UNMODIFIED_SINCE, LATER)], Condition::Whole),
            (&[(IF_UNMODIFIED_SINCE, EARLIER)], Condition::Failed),
            (&[(IF_UNMODIFIED_SINCE, "Sunday, 09-Sep-01 01:46:39 GMT")], Condition::Failed),
            (&[(IF_UNMODIFIED_SINCE, "yesterday")], Condition::Whole),
            (&[(IF_UNMODIFIED_SINCE, EARLIER), (IF_UNMODIFIED_SINCE, EARLIER)], Condition::Whole),
            // A tag takes precedence over a date.
            (&[(IF_MATCH, TAG), (IF_UNMODIFIED_SINCE, EARLIER)], Condition::Whole),
            (&[(IF_MATCH, "\"a\""), (IF_UNMODIFIED_SINCE, LATER)], Condition::Failed),
            // `If-Match` takes precedence over `If-None-Match`, and both over a range.
            (&[(IF_MATCH, "\"a\""), (IF_NONE_MATCH, TAG)], Condition::Failed),
            (&[(IF_MATCH, TAG), (IF_NONE_MATCH, TAG)], Condition::NotModified),
            (&[(IF_MATCH, TAG), (RANGE, "bytes=0-0")], Condition::Part(0..1)),
            (&[(IF_MATCH, "\"a\""), (RANGE, "bytes=0-0")], Condition::Failed),
            (&[(IF_UNMODIFIED_SINCE, EARLIER), (RANGE, "bytes=999-")], Condition::Failed),
            (&[(IF_MATCH, TAG), (IF_RANGE, "\"a\""), (RANGE, "bytes=0-0")], Condition::Whole),
        ] {
            assert_eq!(examine(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_weak_tag_of_a_bucket_counts_only_for_if_none_match() {
        let weak = Validators::tagged("W/\"a\"".into(), UNIX_EPOCH);
        let examine = |name: HeaderName, tag: &str| {
            weak.examine(&HeaderMap::from_iter([(name, tag.parse().unwrap())]), 100)
        };
        for tag in ["W/\"a\"", "\"a\""] {
            assert_eq!(examine(header::IF_NONE_MATCH, tag), Condition::NotModified, "{tag}");
            assert_eq!(examine(header::IF_MATCH, tag), Condition::Failed, "{tag}");
        }
        assert_eq!(examine(header::IF_MATCH, "*"), Condition::Whole);
    }
}
