//! The path of a route: fixed segments, `{name}` for any one segment, `{*rest}` or `{*rest?}` for the
//! rest of the path.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use serde::de::{Deserialize, Deserializer, Error};

use crate::setting::text_schemas;

/// A pattern for the paths of requests.
///
/// A path matches segment by segment; each segment is percent-decoded first, and a path that is not
/// UTF-8 then does not match. `{name}` takes one non-empty segment; a segment with an encoded slash
/// (`%2F`) does not match it, because it would be two. `{*rest}` takes the rest of the path,
/// slashes included: at least one character. `{*rest?}` also takes an empty rest: `/app/{*rest?}`
/// matches `/app/`, but not `/app`. A trailing slash counts. `..` is a segment like any other: a
/// consumer that makes a file's path from a parameter must refuse it.
///
/// ```
/// use waterway::config::PathTemplate;
///
/// let template = PathTemplate::parse("/ws/{page}").unwrap();
/// assert_eq!(template.matches("/ws/caf%C3%A9").unwrap(), [("page", "café".to_owned())]);
/// assert!(template.matches("/ws/a/b").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathTemplate {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Segment {
    Fixed(String),
    Name(String),
    /// At least one character.
    Rest(String),
    /// Any number of characters.
    MaybeRest(String),
}

/// Why a text is not a path template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The mistake in words.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// Where in the text the mistake is, in bytes.
    pub offset: usize,
}

const NO_EXPRESSION: &str = "a path is not a regular expression: write \"/ws/{name}\"";

impl PathTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// If it does not begin with `/`, has a brace that does not enclose a whole segment, a name
    /// twice or with characters other than letters, digits and `_`, anything after `{*rest}`, or a
    /// `#` or any other `?` than that of `{*rest?}`.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let fail = |offset, message: String, help: &str| {
            Err(TemplateError { message, help: help.to_owned(), offset })
        };
        let Some(inner) = text.strip_prefix('/') else {
            let help = if text.starts_with('^') { NO_EXPRESSION } else { "write \"/…\"" };
            return fail(0, format!("the path {text:?} does not begin with \"/\""), help);
        };
        if let Some(offset) = beyond_path(text) {
            let help =
                if text.contains("(?") { NO_EXPRESSION } else { "a query is not part of the path" };
            return fail(offset, format!("the path {text:?} contains more than a path"), help);
        }
        let mut segments: Vec<Segment> = Vec::new();
        let mut offset = 1;
        for part in inner.split('/') {
            if let Some(rest) = segments.last().filter(|segment| segment.is_rest()) {
                let message = format!("nothing can follow {rest}");
                return fail(offset, message, "it already takes the rest of the path");
            }
            let segment = match Segment::parse(part) {
                Ok(segment) => segment,
                Err(message) => {
                    let help = "a parameter is a whole segment: /{name}/ or, last, /{*rest}";
                    return fail(offset, message, help);
                }
            };
            let taken = |name| segments.iter().any(|earlier| earlier.name() == Some(name));
            if let Some(name) = segment.name().filter(|name| taken(name)) {
                let help = "give each parameter its own name";
                return fail(offset, format!("{name:?} is used twice"), help);
            }
            segments.push(segment);
            offset += part.len() + 1;
        }
        Ok(Self { text: text.to_owned(), segments })
    }

    /// The parameters of a path, in order, if it matches; `path` is given without its query.
    #[must_use]
    pub fn matches(&self, path: &str) -> Option<Vec<(&str, String)>> {
        let mut rest = path.strip_prefix('/');
        let mut parameters = Vec::new();
        for segment in &self.segments {
            let whole = rest?;
            let (first, behind) = match whole.split_once('/') {
                Some((first, behind)) => (first, Some(behind)),
                None => (whole, None),
            };
            rest = behind;
            match segment {
                Segment::Fixed(text) => (decode(first)? == *text).then_some(())?,
                Segment::Name(name) => {
                    let value = decode(first)?;
                    (!value.is_empty() && !value.contains('/')).then_some(())?;
                    parameters.push((name.as_str(), value));
                }
                Segment::Rest(name) | Segment::MaybeRest(name) => {
                    rest = None;
                    let may_be_empty = matches!(segment, Segment::MaybeRest(_));
                    let value = decode(whole).filter(|value| may_be_empty || !value.is_empty())?;
                    parameters.push((name.as_str(), value));
                }
            }
        }
        rest.is_none().then_some(parameters)
    }

    /// The template as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its parameters, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(Segment::name)
    }

    /// Whether every path that matches `other` matches this one too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let mut others = other.segments.iter();
        for segment in &self.segments {
            let covered = match (segment, others.next()) {
                (Segment::Rest(_), Some(Segment::MaybeRest(_))) => return false,
                (Segment::Rest(_), Some(Segment::Fixed(text))) => {
                    return !text.is_empty() || others.next().is_some();
                }
                (Segment::Rest(_) | Segment::MaybeRest(_), Some(_)) => return true,
                (Segment::Name(_), Some(Segment::Fixed(text))) => {
                    !text.is_empty() && !text.contains('/')
                }
                (Segment::Name(_), Some(Segment::Name(_))) => true,
                (Segment::Fixed(text), Some(Segment::Fixed(other))) => text == other,
                _ => false,
            };
            if !covered {
                return false;
            }
        }
        others.next().is_none()
    }

    /// Whether some path matches both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (mut ours, mut theirs) = (&self.segments[..], &other.segments[..]);
        loop {
            match (ours, theirs) {
                ([], []) => return true,
                ([Segment::MaybeRest(_)], taken) | (taken, [Segment::MaybeRest(_)]) => {
                    return !taken.is_empty();
                }
                ([Segment::Rest(_)], taken) | (taken, [Segment::Rest(_)]) => {
                    // `{*rest}` takes at least one character.
                    return match taken {
                        [] => false,
                        [Segment::Fixed(text)] => !text.is_empty(),
                        _ => true,
                    };
                }
                ([one, ..], [other, ..]) if one.overlaps(other) => {
                    (ours, theirs) = (&ours[1..], &theirs[1..]);
                }
                _ => return false,
            }
        }
    }
}

impl Segment {
    /// Whether some segment matches both; neither may be `{*rest}`.
    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fixed(one), Self::Fixed(other)) => one == other,
            (Self::Fixed(text), _) | (_, Self::Fixed(text)) => !text.is_empty(),
            _ => true,
        }
    }

    fn parse(part: &str) -> Result<Self, String> {
        if !part.contains(['{', '}']) {
            return Ok(Self::Fixed(part.to_owned()));
        }
        let Some(inner) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
            return Err(format!("{part:?} is not a parameter"));
        };
        let rest = inner.strip_prefix('*');
        let maybe = rest.and_then(|rest| rest.strip_suffix('?'));
        let name = maybe.or(rest).unwrap_or(inner);
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Err(format!("{name:?} is not a name"));
        }
        let name = name.to_owned();
        Ok(match (maybe, rest) {
            (Some(_), _) => Self::MaybeRest(name),
            (None, Some(_)) => Self::Rest(name),
            (None, None) => Self::Name(name),
        })
    }

    /// Whether it takes the rest of the path.
    fn is_rest(&self) -> bool {
        matches!(self, Self::Rest(_) | Self::MaybeRest(_))
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Fixed(_) => None,
            Self::Name(name) | Self::Rest(name) | Self::MaybeRest(name) => Some(name),
        }
    }
}

/// The segment as it is written.
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(text) => f.write_str(text),
            Self::Name(name) => write!(f, "{{{name}}}"),
            Self::Rest(name) => write!(f, "{{*{name}}}"),
            Self::MaybeRest(name) => write!(f, "{{*{name}?}}"),
        }
    }
}

/// Where a query or a fragment begins; the `?` of `{*rest?}` is neither.
fn beyond_path(text: &str) -> Option<usize> {
    let mut found = text.match_indices(['?', '#']).map(|(offset, _)| offset);
    found.find(|offset| !text[*offset..].starts_with("?}"))
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

impl FromStr for PathTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        Self::parse(text)
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message, self.help)
    }
}

impl std::error::Error for TemplateError {}

text_schemas! {
    PathTemplate: { "type": "string", "pattern": "^/" };
}

impl<'de> Deserialize<'de> for PathTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|TemplateError { message, help, .. }| {
            D::Error::custom(format!("{message}\n{help}"))
        })
    }
}

#[cfg(test)]
mod tests;
