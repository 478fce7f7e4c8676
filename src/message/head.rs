//! A message's head: the JSON object at its beginning.

use serde_json::{Map, Value};

/// The longest head, in bytes; no more of a message is searched for one.
pub const HEAD_LIMIT: usize = 4096;

/// A head, and where it ends in its message.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) fields: Map<String, Value>,
    /// In bytes from the beginning of the message.
    pub(super) end: usize,
}

/// Reads the head of a text, of a text sent as bytes, or of the binary framing: the length of the
/// head in two bytes (big-endian), the head, the body.
///
/// The binary framing cannot be mistaken for text: if its first byte were `{`, the length would be
/// over 31 000, but a head has at most [`HEAD_LIMIT`] bytes.
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
    fn the_head_is_the_object_at_the_beginning_of_a_message() {
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
