//! Which of a page's messages are handled before its pictures that wait because of a `rate`.

use waterway::{Message, Precedence};

use super::control::Change;
use super::header;

/// For `image.receive`, which takes all of a page's messages. A `reprioritise` waits, because it is
/// about the pictures before it.
pub(crate) fn receive(message: &Message) -> Precedence {
    match Change::of(message) {
        Some(Change::Viewport) => viewport(message),
        Some(Change::Cancel) => cancel(message),
        Some(Change::Reprioritise) => Precedence::default(),
        None => Precedence::InTurn { name: uuid(message) },
    }
}

/// For `image.cancel`: the picture that it names may still wait, and is answered `cancelled` too.
pub(crate) fn cancel(message: &Message) -> Precedence {
    Precedence::AtOnce { withdraws: uuid(message) }
}

/// For `image.viewport`.
pub(crate) fn viewport(_: &Message) -> Precedence {
    Precedence::AtOnce { withdraws: None }
}

fn uuid(message: &Message) -> Option<String> {
    message.head()?.get("uuid").and_then(header::key).map(String::from)
}
