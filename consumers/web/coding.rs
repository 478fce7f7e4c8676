//! Files that were compressed in advance: `app.js.br` or `app.js.gz` beside `app.js`.

use std::path::{Path, PathBuf};

use http::{HeaderMap, header};

/// A coding of a file's content (RFC 9110, section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Gzip,
}

/// The codings of which compressed files are looked for. The smaller file is first.
pub(super) const ALL: [Coding; 2] = [Coding::Brotli, Coding::Gzip];

impl Coding {
    /// Its name in headers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The name of the compressed file that belongs to a file.
    pub(super) fn beside(self, file: &Path) -> PathBuf {
        let mut name = file.as_os_str().to_owned();
        name.push(match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        });
        name.into()
    }

    /// Whether a request accepts it (RFC 9110, section 12.5.3).
    pub(super) fn is_accepted(self, headers: &HeaderMap) -> bool {
        let lists = headers.get_all(header::ACCEPT_ENCODING).into_iter();
        let lists = lists.filter_map(|list| list.to_str().ok());
        let (mut by_name, mut by_star) = (None, false);
        for element in lists.flat_map(|list| list.split(',')) {
            let (name, parameters) = element.split_once(';').unwrap_or((element, ""));
            let is_wanted = !is_zero(parameters);
            match name.trim() {
                name if name.eq_ignore_ascii_case(self.name()) => by_name = Some(is_wanted),
                // The old name (section 8.4.1.3).
                name if self == Self::Gzip && name.eq_ignore_ascii_case("x-gzip") => {
                    by_name = Some(is_wanted);
                }
                "*" => by_star = is_wanted,
                _ => {}
            }
        }
        by_name.unwrap_or(by_star)
    }
}

/// Whether the weight among these parameters is zero: "not acceptable".
fn is_zero(parameters: &str) -> bool {
    let weight = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<f32>().ok()).flatten()
    });
    weight.is_some_and(|weight| weight <= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_accepts_the_codings_that_it_lists() {
        for (list, brotli, gzip) in [
            ("", false, false),
            ("br", true, false),
            ("gzip, deflate, br, zstd", true, true),
            ("GZIP;q=0.5, Br ; Q = 0", false, true),
            ("x-gzip", false, true),
            ("*", true, true),
            ("*, br;q=0", false, true),
            ("*;q=0.0, gzip", false, true),
            ("identity", false, false),
            ("brotli, gzipped", false, false),
            ("gzip;q=high", false, true),
            (",;,=,;q=0", false, false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, list.parse().unwrap())]);
            let accepted = ALL.map(|coding| coding.is_accepted(&headers));
            assert_eq!(accepted, [brotli, gzip], "{list:?}");
        }
        assert!(ALL.iter().all(|coding| !coding.is_accepted(&HeaderMap::new())));
    }
}
