//! `image.viewport`, `image.cancel` and `image.reprioritise`: a page says what has changed.

use serde_json::{Map, Value};
use waterway::{Error, Message, TaskQueue, code};

use super::header;

/// `{"type": "viewport", "top": px, "height": px}`: what the page's reader sees now.
///
/// # Errors
/// `bad_header` when it is not that.
pub async fn viewport(message: Message, queue: TaskQueue) -> Result<(), Error> {
    obey("viewport", &message, &queue)
}

/// `{"type": "cancel", "uuid": …}`: nobody waits for this picture any more.
///
/// # Errors
/// `bad_header` when it is not that.
pub async fn cancel(message: Message, queue: TaskQueue) -> Result<(), Error> {
    obey("cancel", &message, &queue)
}

/// `{"type": "reprioritise", "offsets": {uuid: px}}`: pictures have moved on their page.
///
/// # Errors
/// `bad_header` when it is not that; then none is moved.
pub async fn reprioritise(message: Message, queue: TaskQueue) -> Result<(), Error> {
    obey("reprioritise", &message, &queue)
}

pub(super) fn obey(kind: &str, message: &Message, queue: &TaskQueue) -> Result<(), Error> {
    let head =
        message.head().ok_or_else(|| bad("the message does not begin with a JSON object"))?;
    let client = &message.reply_channel;
    match kind {
        "viewport" => {
            let (top, height) = (number(head, "top")?, number(head, "height")?);
            queue.set_viewport(client, top, height)
        }
        "cancel" => {
            let uuid = head.get("uuid").and_then(header::key);
            let uuid = uuid.ok_or_else(|| bad("cancel takes the uuid of a picture"))?;
            queue.cancel(client, &uuid);
            Ok(())
        }
        "reprioritise" => {
            let offsets = head.get("offsets").and_then(Value::as_object);
            let offsets = offsets.ok_or_else(|| bad("reprioritise takes offsets: {uuid: px}"))?;
            let moved = offsets.iter().map(|(uuid, offset)| {
                let offset = header::pixels(offset);
                let wrong = || bad("an offset is a number of px").with("uuid", uuid.as_str());
                offset.map(|offset| (uuid, offset)).ok_or_else(wrong)
            });
            for (uuid, offset) in moved.collect::<Result<Vec<_>, _>>()? {
                queue.reprioritise(client, uuid, offset);
            }
            Ok(())
        }
        other => {
            let known = "viewport, cancel and reprioritise";
            Err(bad(format!("there is no type {other:?}; there are {known}")))
        }
    }
}

fn number(head: &Map<String, Value>, field: &str) -> Result<f64, Error> {
    let number = head.get(field).and_then(header::number);
    number.ok_or_else(|| bad(format!("{field} takes a number of px")))
}

fn bad(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(code::BAD_HEADER, message)
}
