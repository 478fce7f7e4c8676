//! A page's reports about its tasks: `viewport`, `cancel` and `reprioritise`.

use serde_json::{Map, Value};
use waterway::{Error, Message, TaskQueue, TaskUuid, code};

use super::value::{self, key};

/// The messages of a page other than tasks: the `type` of a message's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Viewport,
    Cancel,
    Reprioritise,
}

/// `image.viewport`, `{"type": "viewport", "top": px, "height": px}`: the part of the page that the reader now sees.
///
/// # Errors
/// `bad_header` if a field is missing or wrong.
pub async fn viewport(message: Message, queue: TaskQueue) -> Result<(), Error> {
    Change::Viewport.obey(&message, &queue).await
}

/// `image.cancel`, `{"type": "cancel", "uuid": …}`: the page no longer needs this task.
///
/// # Errors
/// `bad_header` if a field is missing or wrong.
pub async fn cancel(message: Message, queue: TaskQueue) -> Result<(), Error> {
    Change::Cancel.obey(&message, &queue).await
}

/// `image.reprioritise`, `{"type": "reprioritise", "offsets": {uuid: px}}`: tasks have moved on their
/// page.
///
/// # Errors
/// `bad_header` if a field is missing or wrong; then no task is moved.
pub async fn reprioritise(message: Message, queue: TaskQueue) -> Result<(), Error> {
    Change::Reprioritise.obey(&message, &queue).await
}

impl Change {
    /// The `type` of the message's head, if it is one of these.
    pub(crate) fn of(message: &Message) -> Option<Self> {
        match message.head()?.get("type")?.as_str()? {
            "viewport" => Some(Self::Viewport),
            "cancel" => Some(Self::Cancel),
            "reprioritise" => Some(Self::Reprioritise),
            _ => None,
        }
    }

    pub(crate) async fn obey(self, message: &Message, queue: &TaskQueue) -> Result<(), Error> {
        let head = message.head();
        let head = head.ok_or_else(|| bad("the message does not begin with a JSON object"))?;
        let page = &message.reply_channel;
        match self {
            Self::Viewport => {
                let (top, height) = (number(head, "top")?, number(head, "height")?);
                queue.set_viewport(page, top, height).await?;
            }
            Self::Cancel => {
                let uuid = head.get("uuid").filter(|uuid| key(uuid).is_some());
                let uuid = uuid.ok_or_else(|| bad("cancel takes the uuid of a task"))?;
                // No task has a uuid that is too long.
                if let Ok(uuid) = TaskUuid::new(uuid.clone()) {
                    queue.cancel(page, &uuid).await;
                }
            }
            Self::Reprioritise => {
                for (uuid, offset) in offsets(head)? {
                    if let Ok(uuid) = TaskUuid::new(uuid) {
                        queue.reprioritise(page, &uuid, offset).await;
                    }
                }
            }
        }
        Ok(())
    }
}

/// All offsets, or none if one is wrong.
fn offsets(head: &Map<String, Value>) -> Result<Vec<(&str, i64)>, Error> {
    let offsets = head.get("offsets").and_then(Value::as_object);
    let offsets = offsets.ok_or_else(|| bad("reprioritise takes offsets: {uuid: px}"))?;
    let offsets = offsets.iter().map(|(uuid, offset)| {
        let wrong = || bad("an offset is a number of px").with("uuid", uuid.as_str());
        value::pixels(offset).map(|offset| (uuid.as_str(), offset)).ok_or_else(wrong)
    });
    offsets.collect()
}

fn number(head: &Map<String, Value>, field: &str) -> Result<f64, Error> {
    let number = head.get(field).and_then(value::number);
    number.ok_or_else(|| bad(format!("{field} takes a number of px")))
}

fn bad(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(code::BAD_HEADER, message)
}
