//! The path of a route: fixed segments, `{name}` for one of any kind, `{*rest}` for all that follow.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use serde::de::{Deserialize, Deserializer, Error};

/// A pattern for the paths of requests.
///
/// A path matches segment by segment, each percent-decoded first; a path that is not UTF-8 then
/// matches nothing. `{name}` takes one segment that is not empty; as it is *one*, a segment with an
/// encoded slash (`%2F`) does not match. `{*rest}` takes all that follows, slashes included, and at
/// least one character of it. A slash at the end counts. `..` is a segment like any other: who
/// makes a file's path out of a parameter must refuse it.
///
/// ```
/// use waterway::PathTemplate;
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
    Rest(String),
}

/// Why a text is not a path template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// Where in the text it is wrong, in bytes.
    pub offset: usize,
}

const NO_EXPRESSION: &str = "a path is no regular expression: write \"/ws/{name}\"";

impl PathTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// If it does not begin with `/`, has a brace that is not around a whole segment, a name twice
    /// or not made of letters, digits and `_`, something behind `{*rest}`, or a `?` or `#`.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let fail = |offset, message: String, help: &str| {
            Err(TemplateError { message, help: help.to_owned(), offset })
        };
        let Some(inner) = text.strip_prefix('/') else {
            let help = if text.starts_with('^') { NO_EXPRESSION } else { "write \"/…\"" };
            return fail(0, format!("the path {text:?} does not begin with \"/\""), help);
        };
        if let Some(offset) = text.find(['?', '#']) {
            let help =
                if text.contains("(?") { NO_EXPRESSION } else { "a query is not part of the path" };
            return fail(offset, format!("the path {text:?} has more than a path in it"), help);
        }
        let mut segments: Vec<Segment> = Vec::new();
        let mut offset = 1;
        for part in inner.split('/') {
            if let Some(Segment::Rest(rest)) = segments.last() {
                let message = format!("nothing can follow {{*{rest}}}");
                return fail(offset, message, "it takes all that follows already");
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
                return fail(offset, format!("{name:?} stands twice"), "give each its own name");
            }
            segments.push(segment);
            offset += part.len() + 1;
        }
        Ok(Self { text: text.to_owned(), segments })
    }

    /// The parameters of a path, in their order, if it matches; `path` comes without its query.
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
                Segment::Rest(name) => {
                    rest = None;
                    let value = decode(whole).filter(|value| !value.is_empty())?;
                    parameters.push((name.as_str(), value));
                }
            }
        }
        rest.is_none().then_some(parameters)
    }

    /// The template as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its parameters, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(Segment::name)
    }

    /// Whether every path that matches `other` matches this one too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let mut others = other.segments.iter();
        for segment in &self.segments {
            let covered = match (segment, others.next()) {
                (Segment::Rest(_), Some(Segment::Fixed(text))) => {
                    return !text.is_empty() || others.next().is_some();
                }
                (Segment::Rest(_), Some(_)) => return true,
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
    /// Whether some segment matches both; neither is `{*rest}`.
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
        let name = inner.strip_prefix('*').unwrap_or(inner);
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Err(format!("{name:?} is not a name"));
        }
        let name = name.to_owned();
        Ok(if inner.starts_with('*') { Self::Rest(name) } else { Self::Name(name) })
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Fixed(_) => None,
            Self::Name(name) | Self::Rest(name) => Some(name),
        }
    }
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
