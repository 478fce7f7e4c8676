//! `image.receive` and `image.http`: receive a picture and put it on the queue.

use serde::de::IgnoredAny;
use waterway::message::Content;
use waterway::{Error, Message, Payload, Task, TaskQueue, TaskUuid, code};

use super::code::BAD_IMAGE;
use super::framing::{BINARY_HEADER_MAX, Body, Frame, Parts, TEXT_HEADER};
use super::header::{Header, is_uuid};
use crate::push::Change;

/// Puts a page's picture on the route's queue, which answers the picture in every case.
///
/// Also handles messages of the type `viewport`, `cancel` or `reprioritise`, so that these need no
/// routes of their own. Any other `type` is an unknown field of a picture's header.
///
/// # Errors
/// `bad_header`, with the `uuid` if it is known; `bad_image` if nothing follows the header.
pub async fn receive(message: Message, queue: TaskQueue) -> Result<(), Error> {
    if let Some(change) = Change::of(&message) {
        return change.obey(&message, &queue).await;
    }
    let header = header_of_frame(&message)?;
    push(message, header, &queue).await
}

/// Puts the picture in a request's body on the route's queue; its answer is the response.
///
/// # Errors
/// `bad_header` for a wrong parameter of the query, `bad_image` without a body.
pub async fn http(message: Message, queue: TaskQueue) -> Result<(), Error> {
    let header = header_of_request(&message)?;
    if message.size() == 0 {
        let message = "there is no picture: send the file itself as the body";
        return Err(Error::new(BAD_IMAGE, message));
    }
    push(message, header, &queue).await
}

/// The header of a picture's message: of a WebSocket's in front of the picture, of a request's in
/// the query.
pub(super) fn header(message: &Message) -> Result<Header, Error> {
    match &message.content {
        Content::Receive(_) => header_of_frame(message),
        _ => header_of_request(message),
    }
}

/// The header from the message's head, which is read only once, or the header's error.
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

/// The error for a header in the text framing that is longer than the framing allows.
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

/// The head and the body of a page's message.
pub(super) fn split(message: &Message) -> Result<Parts<'_>, Error> {
    match &message.content {
        Content::Receive(Payload::Text(text)) => Frame::Text(text).split(),
        Content::Receive(Payload::Binary(bytes)) => Frame::Binary(bytes).split(),
        _ => Err(Error::new(code::BAD_MESSAGE, "this takes a page's message")),
    }
}

/// The query takes the header's place. Without a `uuid` the picture gets a random one, which its
/// task keeps.
fn header_of_request(message: &Message) -> Result<Header, Error> {
    let uuid = || match message.task() {
        Some(place) => place.uuid.key().to_string(),
        None => TaskUuid::random().key().to_string(),
    };
    let pairs = form_urlencoded::parse(message.query().as_bytes()).into_owned();
    Header::from_query(pairs, uuid)
}

async fn push(message: Message, header: Header, queue: &TaskQueue) -> Result<(), Error> {
    let uuid = TaskUuid::new(header.uuid.clone())?;
    // A request gets one response, which cannot carry progress too.
    let progress = header.progress && matches!(message.content, Content::Receive(_));
    let task = Task::new(uuid, message).at(header.offset_top, header.height);
    queue.push(task.with_progress(progress)).await;
    Ok(())
}
