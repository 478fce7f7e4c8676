//! The content of a frame or a body.

use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;

/// Text or bytes. Cloning is cheap, because clones share the bytes.
#[derive(Clone, PartialEq, Eq)]
pub enum Payload {
    /// Text, known to be UTF-8.
    Text(ByteString),
    /// Bytes.
    Binary(Bytes),
}

impl Payload {
    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether its length is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its bytes, whether it is text or not.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Its bytes, shared with its clones.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Copies a small payload to a buffer of its own, because it may share a large buffer with
    /// other messages.
    pub(crate) fn own(&mut self) {
        const SHARED_MAX: usize = 16 << 10;
        if self.len() > SHARED_MAX {
            return;
        }
        match self {
            Self::Text(text) => *text = ByteString::from(text.to_string()),
            Self::Binary(bytes) => *bytes = Bytes::copy_from_slice(bytes),
        }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }
}

/// Shows only the beginning, because a payload may have megabytes and this goes to the log.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 80;
        match self {
            Self::Text(text) => {
                let shown: String = text.chars().take(SHOWN).collect();
                write!(f, "Text({shown:?}, {} bytes)", text.len())
            }
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<&'static str> for Payload {
    fn from(text: &'static str) -> Self {
        Self::Text(ByteString::from_static(text))
    }
}

impl From<ByteString> for Payload {
    fn from(text: ByteString) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}
