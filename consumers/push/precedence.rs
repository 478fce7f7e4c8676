//! Which of a page's messages are handled before its tasks that wait because of a `rate`.

use waterway::Message;
use waterway::consumer::Precedence;

use super::change::Change;
use super::value::key;

/// For `push` and `image.receive`, which take all messages of a page. A `reprioritise` waits, because
/// it concerns the tasks before it.
pub(crate) fn receive(message: &Message) -> Precedence {
    match Change::of(message) {
        Some(Change::Viewport) => viewport(message),
        Some(Change::Cancel) => cancel(message),
        Some(Change::Reprioritise) => Precedence::default(),
        None => Precedence::InTurn { name: uuid(message) },
    }
}

/// For `image.cancel`: the task that it names may still wait, and is answered `cancelled` too.
pub(crate) fn cancel(message: &Message) -> Precedence {
    Precedence::AtOnce { withdraws: uuid(message) }
}

/// For `image.viewport`.
pub(crate) fn viewport(_: &Message) -> Precedence {
    Precedence::AtOnce { withdraws: None }
}

fn uuid(message: &Message) -> Option<String> {
    message.head()?.get("uuid").and_then(key).map(String::from)
}
