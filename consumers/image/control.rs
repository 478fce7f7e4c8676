//! `image.viewport`, `image.cancel` and `image.reprioritise`: a page says what has changed.

use serde_json::{Map, Value};
use waterway::{Error, Message, TaskQueue, code};

use super::header;

/// What a page can say beside sending pictures: the `type` of a message's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Viewport,
    Cancel,
    Reprioritise,
}

/// `{"type": "viewport", "top": px, "height": px}`: what the page's reader sees now.
///
/// # Errors
/// `bad_header` when it is not that.
pub async fn viewport(message: Message, queue: TaskQueue) -> Result<(), Error> {
    Change::Viewport.obey(&message, &queue)
}

/// `{"type": "cancel", "uuid": …}`: nobody waits for this picture any more.
///
/// # Errors
/// `bad_header` when it is not that.
pub async fn cancel(message: Message, queue: TaskQueue) -> Result<(), Error> {
    Change::Cancel.obey(&message, &queue)
}

/// `{"type": "reprioritise", "offsets": {uuid: px}}`: pictures have moved on their page.
///
/// # Errors
/// `bad_header` when it is not that; then none is moved.
pub async fn reprioritise(message: Message, queue: TaskQueue) -> Result<(), Error> {
    Change::Reprioritise.obey(&message, &queue)
}

impl Change {
    /// What the message's head says, if it says one of these.
    pub(super) fn of(message: &Message) -> Option<Self> {
        match message.head()?.get("type")?.as_str()? {
            "viewport" => Some(Self::Viewport),
            "cancel" => Some(Self::Cancel),
            "reprioritise" => Some(Self::Reprioritise),
            _ => None,
        }
    }

    pub(super) fn obey(self, message: &Message, queue: &TaskQueue) -> Result<(), Error> {
        let head = message.head();
        let head = head.ok_or_else(|| bad("the message does not begin with a JSON object"))?;
        let page = &message.reply_channel;
        match self {
            Self::Viewport => {
                queue.set_viewport(page, number(head, "top")?, number(head, "height")?)?;
            }
            Self::Cancel => {
                let uuid = head.get("uuid").and_then(header::key);
                queue.cancel(page, &uuid.ok_or_else(|| bad("cancel takes the uuid of a picture"))?);
            }
            Self::Reprioritise => {
                for (uuid, offset) in offsets(head)? {
                    queue.reprioritise(page, uuid, offset);
                }
            }
        }
        Ok(())
    }
}

/// All of them, or none when one is wrong.
fn offsets(head: &Map<String, Value>) -> Result<Vec<(&str, i64)>, Error> {
    let offsets = head.get("offsets").and_then(Value::as_object);
    let offsets = offsets.ok_or_else(|| bad("reprioritise takes offsets: {uuid: px}"))?;
    let offsets = offsets.iter().map(|(uuid, offset)| {
        let wrong = || bad("an offset is a number of px").with("uuid", uuid.as_str());
        header::pixels(offset).map(|offset| (uuid.as_str(), offset)).ok_or_else(wrong)
    });
    offsets.collect()
}

fn number(head: &Map<String, Value>, field: &str) -> Result<f64, Error> {
    let number = head.get(field).and_then(header::number);
    number.ok_or_else(|| bad(format!("{field} takes a number of px")))
}

fn bad(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(code::BAD_HEADER, message)
}
