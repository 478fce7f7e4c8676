//! The consumers of a route: one, or a list of which each is called after the one before it.

use std::fmt;

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer};

use super::text::one_or_more;
use crate::setting::{Span, Spanned, schema};

/// The name of a consumer, or a list of names.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::one_or_more)]
pub struct ConsumerNames(Vec<Spanned<String>>);

impl ConsumerNames {
    /// The names, in the order in which the consumers are called. There is at least one.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|name| name.as_str())
    }

    /// The names, each with its span. `whole` is the span of the setting, which is that of a name
    /// that is not in a list.
    pub(crate) fn spanned(&self, whole: Span) -> impl Iterator<Item = (&str, Span)> {
        let place = move |name: &Spanned<String>| match name.span {
            none if none == Span::default() => whole,
            span => span,
        };
        self.0.iter().map(move |name| (name.as_str(), place(name)))
    }

    /// The last consumer, which gets a message that no consumer before it has ended.
    #[must_use]
    pub fn last(&self) -> &str {
        self.0.last().map_or("", |name| name.as_str())
    }
}

impl fmt::Display for ConsumerNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.iter().collect();
        f.write_str(&names.join(", "))
    }
}

impl<'de> Deserialize<'de> for ConsumerNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_or_more(deserializer).map(Self)
    }
}
