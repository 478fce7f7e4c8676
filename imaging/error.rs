//! The errors of this crate.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// Why a picture could not be worked on.
///
/// The message is for the person who sent the picture. A library's own error is in
/// [`source`](StdError::source), for a log.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Source>,
}

type Source = Box<dyn StdError + Send + Sync>;

/// The kind of an error, on which a program can act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file is not a picture that can be decoded, or it is beyond the limits.
    BadPicture,
    /// The result would have far more pixels than the picture: see
    /// `Limits::enlarge`.
    Enlarged,
    /// A step cannot be done on this picture.
    StepFailed,
    /// The system refuses the memory for the picture now; the same picture may succeed later.
    NoMemory,
    /// An unexpected fault; the source names it.
    Failed,
}

impl Error {
    /// An error of this kind with a message for people.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn bad_picture(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::BadPicture, message)
    }

    pub(crate) fn step_failed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::StepFailed, message)
    }

    /// The error for an unexpected fault.
    pub fn failed(source: impl Into<Source>) -> Self {
        Self::new(ErrorKind::Failed, "the picture cannot be worked on").because(source)
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The message and the cause, for an error of another type.
    #[must_use]
    pub fn into_parts(self) -> (Cow<'static, str>, Option<Source>) {
        (self.message, self.source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Errors of libraries that no picture should cause.
macro_rules! unforeseen {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::failed(error)
            }
        }
    )*};
}

unforeseen! {
    std::num::TryFromIntError,
    fast_image_resize::CreateFilterError,
    fast_image_resize::ImageError,
    fast_image_resize::ResizeError,
    image::ImageError,
    image::error::UnsupportedError,
    jpeg_encoder::EncodingError,
    moxcms::CmsError,
    png::EncodingError,
}

#[cfg(feature = "turbo")]
unforeseen!(turbojpeg::Error);
