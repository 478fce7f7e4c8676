//! Splits a message into its header and its picture, in either of two framings.
//!
//! *Text*: the first 150 characters are a JSON header padded with spaces, the rest is the picture
//! in base64. *Binary*: two bytes of header length, big-endian; the header; the picture's bytes.
//! A binary message that begins with `{` is the text framing sent as bytes. No allowed length
//! begins with that byte, so the two cannot be confused.
//!
//! Splitting is cheap and copies nothing. The base64 is decoded when the picture is used; that of a
//! large picture in place, if nothing else shares the message.

use std::str;

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use base64_simd::{AsOut, STANDARD};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use waterway::{Error, Payload, code};

use super::code::BAD_IMAGE;
use super::error::reported;

#[cfg(test)]
mod tests;

/// The length of the text framing's header, in characters.
pub const TEXT_HEADER: usize = 150;
/// The longest header of the binary framing, in bytes.
pub const BINARY_HEADER_MAX: usize = 4096;

/// Up to this many bytes of text, the picture is decoded into another buffer. Decoding in place
/// takes two passes, and a core takes longer to write to memory that another core has just written.
pub const ASIDE: usize = 256 << 10;

/// A message from the socket.
#[derive(Debug, Clone, Copy)]
pub enum Frame<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a Bytes),
}

/// A message's two parts.
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    /// The JSON header, with its padding.
    pub head: &'a str,
    /// The picture after it.
    pub body: Body<'a>,
}

/// A picture in the form that its message has.
#[derive(Debug, Clone)]
pub enum Body<'a> {
    /// In base64, with all changes that browsers make to it.
    Base64(&'a str),
    /// The file's own bytes.
    File(Bytes),
}

impl<'a> Frame<'a> {
    /// The message's head and body. A text of at most [`TEXT_HEADER`] characters is only a head,
    /// such as `{"type": "viewport"}`.
    ///
    /// # Errors
    /// `bad_header` if the header cannot be told from the picture.
    pub fn split(self) -> Result<Parts<'a>, Error> {
        match self {
            Self::Text(text) => Ok(split_text(text)),
            Self::Binary(bytes) if bytes.first() == Some(&b'{') => Ok(split_text(utf8(bytes)?)),
            Self::Binary(bytes) => split_binary(bytes),
        }
    }
}

impl Body<'_> {
    /// The picture's file: without a copy if the message has its bytes, otherwise decoded into one
    /// buffer.
    ///
    /// Accepts spaces for `+`, a `data:` URL's prefix, percent-encoding, line breaks, the URL-safe
    /// alphabet and missing padding. A single character at the end encodes no whole byte and is
    /// dropped: such a text was cut short, and so is the picture in it.
    ///
    /// # Errors
    /// `bad_image` if it is empty or not base64.
    pub fn picture(self) -> Result<Bytes, Error> {
        match self {
            Self::File(bytes) => not_empty(bytes),
            Self::Base64(text) => not_empty(decode(without_data_url(text)?)?.into()),
        }
    }

    /// The beginning of the picture, with at least this many bytes of the file, or a whole shorter
    /// file.
    #[must_use]
    pub fn begin(&self, bytes: usize) -> Self {
        match self {
            Self::File(file) => Self::File(file.slice(..bytes.min(file.len()))),
            Self::Base64(text) => {
                let mut end = bytes.div_ceil(3).saturating_mul(4).min(text.len());
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                Self::Base64(&text[..end])
            }
        }
    }

    /// An upper bound of the file's length, in bytes.
    #[must_use]
    pub fn file_len(&self) -> usize {
        match self {
            Self::File(file) => file.len(),
            Self::Base64(text) => text.len().div_ceil(4) * 3,
        }
    }

    /// The length in the message, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Base64(text) => text.len(),
            Self::File(bytes) => bytes.len(),
        }
    }

    /// Whether nothing follows the header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The picture's file from a message that is not needed any more. Like [`Body::picture`], but a
/// text longer than `aside` bytes is decoded in the message's own memory if nothing else shares it,
/// so that the picture is in memory only once.
///
/// # Errors
/// `bad_header` or `bad_image`, like [`Frame::split`] and [`Body::picture`].
pub fn into_picture(message: Payload, aside: usize) -> Result<Bytes, Error> {
    let parts = match &message {
        Payload::Text(text) => Frame::Text(text).split()?,
        Payload::Binary(bytes) => Frame::Binary(bytes).split()?,
    };
    let Body::Base64(text) = parts.body else { return parts.body.picture() };
    if text.len() <= aside {
        return Body::Base64(text).picture();
    }
    // The text ends where the message does.
    let at = message.len() - without_data_url(text)?.len();
    let mut whole = message.into_bytes();
    let base64 = whole.split_off(at);
    drop(whole);
    match in_place(base64) {
        Ok(picture) => not_empty(picture),
        Err(base64) => not_empty(decode(utf8(&base64)?)?.into()),
    }
}

fn not_empty(picture: Bytes) -> Result<Bytes, Error> {
    if picture.is_empty() {
        return Err(Error::new(BAD_IMAGE, "the message carries no picture behind its header"));
    }
    Ok(picture)
}

/// Decodes standard base64 in memory that nothing else shares; returns other text.
fn in_place(base64: Bytes) -> Result<Bytes, Bytes> {
    let mut own = base64.try_into_mut()?;
    let Some(length) = decode_in_place(&mut own) else { return Err(own.freeze()) };
    own.truncate(length);
    Ok(own.freeze())
}

/// A whole number of base64's groups, small enough for the nearest cache.
const CHUNK: usize = 8 << 10;

/// Decodes in one pass, to the front of the text's memory. Returns the decoded length, or `None` if
/// the text is not standard base64: then the text is unchanged.
fn decode_in_place(base64: &mut [u8]) -> Option<usize> {
    let (mut taken, mut made) = (0, 0);
    let mut chunk = [0; CHUNK];
    while taken < base64.len() {
        let length = CHUNK.min(base64.len() - taken);
        let chunk = &mut chunk[..length];
        chunk.copy_from_slice(&base64[taken..taken + length]);
        let is_last = taken + length == base64.len();
        let decoded =
            STANDARD.decode(chunk, base64[made..].as_out()).map_or(0, |bytes| bytes.len());
        // Padding may only end a text.
        if decoded == 0 || !is_last && decoded < length / 4 * 3 {
            // Restores the text of the decoded part; standard base64 has only one text for it.
            let text = STANDARD.encode_to_string(&base64[..made]);
            base64[..taken].copy_from_slice(text.as_bytes());
            base64[taken..taken + length].copy_from_slice(chunk);
            return None;
        }
        made += decoded;
        taken += length;
    }
    Some(made)
}

fn split_text(text: &str) -> Parts<'_> {
    let (head, rest) = text.split_at(text_header_end(text));
    Parts { head, body: Body::Base64(rest) }
}

/// The end of the text framing's header, in bytes.
fn text_header_end(text: &str) -> usize {
    match text.as_bytes().get(..TEXT_HEADER) {
        Some(head) if head.is_ascii() => TEXT_HEADER,
        _ => text.char_indices().nth(TEXT_HEADER).map_or(text.len(), |(at, _)| at),
    }
}

fn split_binary(bytes: &Bytes) -> Result<Parts<'_>, Error> {
    let Some((&[high, low], rest)) = bytes.split_first_chunk() else {
        return Err(Error::new(
            code::BAD_HEADER,
            "a binary message begins with two bytes, the length of its header",
        ));
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > BINARY_HEADER_MAX {
        let message = format!(
            "the header's length is {length} bytes, but at most {BINARY_HEADER_MAX} are allowed"
        );
        return Err(Error::new(code::BAD_HEADER, message));
    }
    let Some(head) = rest.get(..length) else {
        let message =
            format!("the header's length is {length} bytes, and {} follow it", rest.len());
        return Err(Error::new(code::BAD_HEADER, message));
    };
    Ok(Parts { head: utf8(head)?, body: Body::File(bytes.slice(2 + length..)) })
}

fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    str::from_utf8(bytes).map_err(|error| {
        let message = format!("the header is not UTF-8 at byte {}", error.valid_up_to());
        Error::new(code::BAD_HEADER, message).because(error)
    })
}

/// The text after `data:image/jpeg;base64,`; any part of the URL may be percent-encoded (RFC 2397).
fn without_data_url(text: &str) -> Result<&str, Error> {
    let trimmed = text.trim_ascii_start();
    let begins =
        |start: &str| trimmed.get(..start.len()).is_some_and(|is| is.eq_ignore_ascii_case(start));
    if !begins("data:") && !begins("data%3A") {
        return Ok(text);
    }
    let comma = [",", "%2C", "%2c"].into_iter().find_map(|comma| trimmed.split_once(comma));
    let is_base64 = |kind: &str| {
        let kind: Vec<u8> = percent_decode_str(kind).collect();
        kind.to_ascii_lowercase().ends_with(b";base64")
    };
    match comma {
        Some((kind, picture)) if is_base64(kind) => Ok(picture),
        _ => Err(Error::new(BAD_IMAGE, "the picture's data: URL is not data:<type>;base64,…")),
    }
}

/// A text of at most this many bytes is decoded without asking the system for memory first.
const SMALL: usize = 64 << 10;

// A text that was cut short may end with bits that belong to no byte.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Decodes standard base64 with SIMD; other accepted text more slowly.
fn decode(text: &str) -> Result<Vec<u8>, Error> {
    if text.len() > SMALL {
        imaging::check_room(2 * text.len() as u64).map_err(reported)?;
    }
    if let Ok(picture) = STANDARD.decode_to_vec(text) {
        return Ok(picture);
    }
    BASE64.decode(cleaned(text)).map_err(|error| {
        let message = match not_base64(text) {
            Some((at, what)) => format!("the picture is not base64: {what:?} at character {at}"),
            None => "the picture is not base64".to_owned(),
        };
        Error::new(BAD_IMAGE, message).because(error)
    })
}

/// The text in the standard alphabet, without percent-encoding, line breaks, padding and a single
/// last character.
fn cleaned(text: &str) -> Vec<u8> {
    let mut clean: Vec<u8> = percent_decode_str(text)
        .filter(|byte| !matches!(byte, b'\r' | b'\n' | b'\t'))
        .map(|byte| match byte {
            b' ' | b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect();
    while clean.last() == Some(&b'=') {
        clean.pop();
    }
    if clean.len() % 4 == 1 {
        clean.pop();
    }
    clean
}

/// The first character that is not base64, and its position in the original text.
fn not_base64(text: &str) -> Option<(usize, char)> {
    let known = |c: char| c.is_ascii_alphanumeric() || "+/-_= \r\n\t".contains(c);
    text.chars().enumerate().find(|&(_, c)| !known(c))
}
