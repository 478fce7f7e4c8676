//! One mistake in a file, with its span and how to mend it.

use super::span::Span;

/// One mistake in a file, with its span and how to mend it.
///
/// [`Report`](super::Report) shows many of them, each with the line that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The part of the file that the report underlines.
    pub span: Span,
    /// The mistake in words, without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic for a span, without help.
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    /// A diagnostic from a text whose second line, if there is one, is the help.
    pub(crate) fn of_text(span: Span, text: &str) -> Self {
        match text.split_once('\n') {
            Some((message, help)) => Self::new(span, message).help(help.to_owned()),
            None => Self::new(span, text),
        }
    }

    /// Adds how to mend the mistake, if that is known.
    #[must_use]
    pub fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }
}
