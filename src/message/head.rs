//! A message's head: the JSON object that it begins with.

use serde_json::{Map, Value};

/// How many bytes of a message are looked at to find its head.
pub const HEAD_LIMIT: usize = 4096;

/// Reads the head of a text, of a text sent as bytes, or of the binary framing (two bytes,
/// big-endian, length of the head; the head; the body).
///
/// The two framings cannot be mistaken for one another: a length whose first byte is `{` would be
/// over 31 000, and a head is at most [`HEAD_LIMIT`].
pub(super) fn read(message: &[u8]) -> Option<Map<String, Value>> {
    let head = match message {
        [high, low, rest @ ..] if !begins_with_object(message) => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            rest.get(..length).filter(|head| head.len() <= HEAD_LIMIT)?
        }
        _ => &message[..message.len().min(HEAD_LIMIT)],
    };
    if !begins_with_object(head) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_slice(head).into_iter();
    values.next()?.ok()
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
        for (message, field) in [
            (&br#"{"a":"b"}"#[..], Some("b")),
            (br#" {"a":"b"}   /9j/4AAQ"#, Some("b")),
            (br#"{"a":"b"}{"a":"c"}"#, Some("b")),
            (&binary, Some("b")),
            (&too_long, None),
            (br#"{"a":"b""#, None),
            (br#"["a"]"#, None),
            (b"\x00\x09{", None),
            (b"\xff\xff{}", None),
            (b"plain", None),
            (b"", None),
        ] {
            let head = read(message);
            let found = head.as_ref().and_then(|head| head.get("a")).and_then(|a| a.as_str());
            assert_eq!(found, field, "{}", String::from_utf8_lossy(message));
        }
    }

    proptest! {
        #[test]
        fn never_panics(message in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&message);
        }
    }
}
