//! A message's head: the JSON object that it begins with.

use serde_json::{Map, Value};

/// How many bytes of a message are looked at to find its head.
pub const HEAD_LIMIT: usize = 4096;

/// A head, and where in its message it ends.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) fields: Map<String, Value>,
    /// Bytes from the message's beginning.
    pub(super) end: usize,
}

/// Reads the head of a text, of a text sent as bytes, or of the binary framing (two bytes,
/// big-endian, length of the head; the head; the body).
///
/// The two framings cannot be mistaken for one another: a length whose first byte is `{` would be
/// over 31 000, and a head is at most [`HEAD_LIMIT`].
pub(super) fn read(message: &[u8]) -> Option<Head> {
    let (begin, head) = match message {
        [high, low, rest @ ..] if !begins_with_object(message) => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            (2, rest.get(..length).filter(|head| head.len() <= HEAD_LIMIT)?)
        }
        _ => (0, &message[..message.len().min(HEAD_LIMIT)]),
    };
    if !begins_with_object(head) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_slice(head).into_iter();
    let fields = values.next()?.ok()?;
    Some(Head { fields, end: begin + values.byte_offset() })
}

fn begins_with_object(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{HEAD_LIMIT, read};

    #[test]
    fn is_the_object_that_a_message_begins_with() {
        let binary = [&[0, 9][..], br#"{"a":"b"}"#, &[0xff, 0xd8, 0xff]].concat();
        let too_long = [&b"{\"a\":\""[..], &vec![b'x'; HEAD_LIMIT], b"\"}"].concat();
        for (message, found) in [
            (&br#"{"a":"b"}"#[..], Some(("b", 9))),
            (br#" {"a":"b"}   /9j/4AAQ"#, Some(("b", 10))),
            (br#"{"a":"b"}{"a":"c"}"#, Some(("b", 9))),
            (&binary, Some(("b", 11))),
            (&too_long, None),
            (br#"{"a":"b""#, None),
            (br#"["a"]"#, None),
            (b"\x00\x09{", None),
            (b"\xff\xff{}", None),
            (b"plain", None),
            (b"", None),
        ] {
            let head = read(message);
            let head =
                head.as_ref().and_then(|head| Some((head.fields.get("a")?.as_str()?, head.end)));
            assert_eq!(head, found, "{}", String::from_utf8_lossy(message));
        }
    }

    proptest! {
        #[test]
        fn never_panics(message in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&message);
        }
    }
}
