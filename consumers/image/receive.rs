//! `image.receive` and `image.http`: a picture comes, and is put on the queue.

use std::sync::Arc;

use serde::de::IgnoredAny;
use waterway::{Content, Error, Message, Payload, Task, TaskQueue, TaskUuid, code};

use super::code::BAD_IMAGE;
use super::control::Change;
use super::framing::{BINARY_HEADER_MAX, Body, Frame, Parts, TEXT_HEADER};
use super::header::{Header, is_uuid};

/// Puts a page's picture on the route's queue; the queue answers whatever becomes of it.
///
/// A message of the type `viewport`, `cancel` or `reprioritise` is obeyed here too, so that these
/// need no routes of their own. Any other `type` is a field of a picture's header like the rest
/// that is not known.
///
/// # Errors
/// `bad_header`, with the `uuid` where it is known; `bad_image` when nothing follows the header.
pub async fn receive(message: Message, queue: TaskQueue) -> Result<(), Error> {
    if let Some(change) = Change::of(&message) {
        return change.obey(&message, &queue);
    }
    let header = header_of_frame(&message)?;
    push(message, header, &queue)
}

/// Puts the picture that is a request's body on the route's queue; its answer is the response.
///
/// # Errors
/// `bad_header` for a parameter of the query that is wrong, `bad_image` without a body.
pub async fn http(message: Message, queue: TaskQueue) -> Result<(), Error> {
    let header = header_of_request(&message)?;
    if message.size() == 0 {
        let message = "there is no picture: send the file itself as the body";
        return Err(Error::new(BAD_IMAGE, message));
    }
    push(message, header, &queue)
}

/// The header of a picture's message, however it came: as it was read before the message was put on
/// the queue, unless another consumer than these did that.
pub(super) fn header(message: &Message) -> Result<Arc<Header>, Error> {
    if let Some(header) = message.extension() {
        return Ok(header);
    }
    match &message.content {
        Content::Receive(_) => header_of_frame(message),
        _ => header_of_request(message),
    }
    .map(Arc::new)
}

/// The message's head, which is read once, where it is all that the header has in it; else what is
/// wrong with the header.
fn header_of_frame(message: &Message) -> Result<Header, Error> {
    let Parts { head, body } = split(message)?;
    let begin = message.size() - body.len() - head.len();
    let rest = message.head_end().and_then(|end| head.get(end.checked_sub(begin)?..));
    match (message.head(), rest) {
        (Some(fields), Some(rest)) if rest.chars().all(is_json_space) => {
            Header::from_object(fields)
        }
        _ => Header::parse(head).map_err(|error| too_long(message, head, &body).unwrap_or(error)),
    }
}

/// The error for a header in the text framing that goes on behind its last character.
fn too_long(message: &Message, head: &str, body: &Body<'_>) -> Option<Error> {
    let is_cut = |head| serde_json::from_str::<IgnoredAny>(head).is_err_and(|error| error.is_eof());
    let is_text = matches!(body, Body::Base64(rest) if !rest.is_empty());
    if !is_text || !is_cut(head) {
        return None;
    }
    let error = Error::new(
        code::BAD_HEADER,
        format!(
            "the header is longer than the {TEXT_HEADER} characters of the text framing: shorten \
             it, or use the binary framing, whose header may have {BINARY_HEADER_MAX} bytes"
        ),
    );
    let uuid = message.head().and_then(|fields| fields.get("uuid")).filter(|uuid| is_uuid(uuid));
    Some(match uuid {
        Some(uuid) => error.with("uuid", uuid.clone()),
        None => error,
    })
}

/// RFC 8259, section 2.
fn is_json_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// Head and body of a page's message.
pub(super) fn split(message: &Message) -> Result<Parts<'_>, Error> {
    match &message.content {
        Content::Receive(Payload::Text(text)) => Frame::Text(text).split(),
        Content::Receive(Payload::Binary(bytes)) => Frame::Binary(bytes).split(),
        _ => Err(Error::new(code::BAD_MESSAGE, "this takes a page's message")),
    }
}

/// The query says what a header would; the client's own name stands for a `uuid` it did not give.
fn header_of_request(message: &Message) -> Result<Header, Error> {
    let name = message.reply_channel.name().to_string();
    let pairs = form_urlencoded::parse(message.scope.query.as_bytes()).into_owned();
    Header::from_query(pairs, || name)
}

fn push(message: Message, header: Header, queue: &TaskQueue) -> Result<(), Error> {
    let uuid = TaskUuid::new(header.uuid.clone())?;
    let Header { offset_top, height, .. } = header;
    // A response is one: there is no room for progress in it.
    let progress = header.progress && matches!(message.content, Content::Receive(_));
    let task = Task::new(uuid, message.with_extension(header)).at(offset_top, height);
    queue.push(task.with_progress(progress));
    Ok(())
}
