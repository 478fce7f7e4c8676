//! `push`: puts a client's messages on the route's queue.

mod change;
pub(crate) mod precedence;
pub(crate) mod value;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use waterway::extract::RouteCheck;
use waterway::message::Content;
use waterway::{Error, Message, Task, TaskQueue, TaskUuid, code};

use crate::template::{Template, Templated, Templates, without_group};

pub(crate) use change::Change;
pub use change::{cancel, reprioritise, viewport};
use value::pixels;

/// How a task is named.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Push {
    /// The task's uuid: `"{head.id}"`.
    #[schemars(extend("x-default" = "`uuid` in the message's head, or in the query of a request; \
        a message without one gets a random uuid"))]
    pub uuid: Option<Template>,
}

/// Puts the message on the route's queue, which answers it in every case. The message's head (or the
/// query of a request) may say where the task is on its page: `offset_top` and `height`, px; and with
/// `progress` the client is told that the task is queued.
///
/// Also handles messages of the types `viewport`, `cancel` and `reprioritise`, which are not tasks.
///
/// # Errors
/// `bad_header` for a field that is wrong.
pub async fn push(
    Templated(options): Templated<Push>,
    message: Message,
    queue: TaskQueue,
) -> Result<(), Error> {
    let is_request = matches!(message.content, Content::Request { .. });
    if !is_request && let Some(change) = Change::of(&message) {
        return change.obey(&message, &queue).await;
    }
    let fields = if is_request { from_query(&message) } else { from_head(&message) };
    let uuid = match (&options.uuid, fields.get("uuid")) {
        (Some(template), _) => TaskUuid::new(template.fill_value((&message).into())?)?,
        (None, Some(uuid)) => TaskUuid::new(uuid.clone())?,
        (None, None) => TaskUuid::random(),
    };
    let told = |error: Error| error.with("uuid", uuid.value());
    let offset_top = pixels_of(&fields, "offset_top").map_err(told)?;
    let height = pixels_of(&fields, "height").map_err(told)?;
    // A request gets one response, which cannot carry progress too.
    let progress = !is_request && fields.get("progress") == Some(&Value::Bool(true));
    let task = Task::new(uuid, message).at(offset_top, height.max(0)).with_progress(progress);
    queue.push(task).await;
    Ok(())
}

/// The fields of the head that concern a task.
fn from_head(message: &Message) -> Map<String, Value> {
    let Some(head) = message.head() else { return Map::new() };
    let known =
        FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), head.get(*name)?.clone())));
    known.collect()
}

/// The parameters of the query that concern a task.
fn from_query(message: &Message) -> Map<String, Value> {
    let pairs = form_urlencoded::parse(message.query().as_bytes());
    let known = pairs.filter(|(name, _)| FIELDS.contains(&&**name));
    known.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect()
}

const FIELDS: [&str; 4] = ["uuid", "offset_top", "height", "progress"];

fn pixels_of(fields: &Map<String, Value>, name: &str) -> Result<i64, Error> {
    let Some(value) = fields.get(name) else { return Ok(0) };
    pixels(value)
        .ok_or_else(|| Error::new(code::BAD_HEADER, format!("{name} takes a number of px")))
}

impl Templates for Push {
    fn check(&self, route: &mut RouteCheck<'_>) {
        if let Some(uuid) = &self.uuid {
            uuid.check(route);
            without_group(uuid.parameters(), route);
        }
    }
}
