//! A task and its answer as bytes, as they travel between processes.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, code};
use crate::message::{Cancellation, Content, Event, Message};
use crate::queue::transit::TransitName;
use crate::reply::{Close, Payload, Reply, ReplyChannel};

/// A task: the length of its event in four bytes, the event as JSON without its content, and the
/// content. If the content is in the store, the event's `file` is its name there, and eight bytes
/// with its length take its place.
pub(super) fn write_task(
    message: &Message,
    headers: &[HeaderName],
    stored: Option<TransitName>,
) -> Vec<u8> {
    let mut event = Event::new(message, headers);
    // The empty content that stays tells of which kind it is.
    let content = match (&mut event.text, &mut event.bytes) {
        (Some(text), _) => std::mem::take(text).into_bytes(),
        (None, Some(bytes)) => std::mem::take(bytes),
        (None, None) => Bytes::new(),
    };
    let Some(name) = stored else { return with_head(&event, &content) };
    event.file = Some(name.to_string().into());
    with_head(&event, &(content.len() as u64).to_be_bytes())
}

/// The content of a task's message.
pub(super) fn content_of(message: &Message) -> Bytes {
    match &message.content {
        Content::Receive(payload) => payload.clone().into_bytes(),
        Content::Request { body, .. } => body.clone(),
        Content::Connect | Content::Disconnect(_) => Bytes::new(),
    }
}

/// A task that was pushed by this or another process.
pub(super) struct Parcel {
    event: Event,
    content: Bytes,
}

impl Parcel {
    /// Reads what [`write_task`] has written.
    pub(super) fn read(body: &Bytes) -> Result<Self, Error> {
        let (event, content) = split(body)?;
        Ok(Self { event, content })
    }

    /// The name and the length of its content, if that is in the store.
    pub(super) fn stored(&self) -> Option<(Arc<str>, u64)> {
        let name = self.event.file.clone()?;
        // A length that is cut off is that of no content.
        let length =
            self.content.first_chunk().map_or(u64::MAX, |length| u64::from_be_bytes(*length));
        Some((name, length))
    }

    /// Gives it the content that was in the store.
    pub(super) fn fill(&mut self, content: Bytes) {
        (self.event.file, self.content) = (None, content);
    }

    /// The message.
    pub(super) fn into_message(
        self,
        attempt: u32,
        offset_top: i64,
        reply_channel: ReplyChannel,
        cancellation: Cancellation,
    ) -> Result<Message, Error> {
        let Self { mut event, content } = self;
        match (&mut event.text, &mut event.bytes) {
            (Some(text), _) => {
                let is_text = ByteString::try_from(content);
                *text = is_text.map_err(|_| Error::failed("the text of a task is not UTF-8"))?;
            }
            (None, Some(bytes)) => *bytes = content,
            (None, None) => {}
        }
        event.attempt = Some(attempt);
        let mut message = event.into_task(reply_channel, cancellation)?;
        message.move_task(offset_top);
        Ok(message)
    }
}

/// The parts of an answer other than its content.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Head {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<(u16, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(String, String)>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Text,
    Bytes,
}

const JSON: &str = "application/json";

/// An answer or a frame of a task.
pub(super) fn write_answer(answer: &Result<Reply, Error>) -> Vec<u8> {
    let reply = match answer {
        Ok(reply) if reply.file().is_some() => {
            return write_answer(&Err(Error::failed("a file cannot be sent to another process")));
        }
        Ok(reply) => reply,
        Err(error) => {
            let error = match error.to_json() {
                Value::Object(error) => Some(error),
                _ => None,
            };
            return with_head(&Head { error, ..Head::default() }, &[]);
        }
    };
    let headers = reply.headers().iter();
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    let (content, bytes) = match &reply.content {
        None => (None, &[][..]),
        Some(Payload::Text(text)) => (Some(Kind::Text), text.as_bytes().as_ref()),
        Some(Payload::Binary(bytes)) => (Some(Kind::Bytes), bytes.as_ref()),
    };
    let head = Head {
        error: None,
        content,
        content_type: reply.content_type.map(str::to_owned),
        close: reply.close.as_ref().map(|close| (close.code, close.reason.clone())),
        status: reply.status.map(|status| status.as_u16()),
        headers: headers.filter_map(text).collect(),
    };
    with_head(&head, bytes)
}

/// The answer or the frame that another process has written.
pub(super) fn read_answer(body: &Bytes) -> Result<Reply, Error> {
    let (head, content): (Head, Bytes) = split(body)?;
    if let Some(fields) = head.error {
        return Err(error_of(fields));
    }
    let content = match head.content {
        None => None,
        Some(Kind::Bytes) => Some(Payload::Binary(content)),
        Some(Kind::Text) => {
            let text = ByteString::try_from(content);
            Some(Payload::Text(text.map_err(|_| Error::failed("an answer is not UTF-8"))?))
        }
    };
    let mut reply = content.map(Reply::from).unwrap_or_default();
    match head.content_type.as_deref() {
        None => {}
        Some(JSON) => reply.content_type = Some(JSON),
        Some(other) => reply = reply.with_header(header::CONTENT_TYPE, other),
    }
    reply.close = head.close.map(|(code, reason)| Close { code, reason });
    reply.status = head.status.and_then(|status| StatusCode::from_u16(status).ok());
    for (name, value) in head.headers {
        reply = reply.with_header(name, value);
    }
    Ok(reply)
}

fn error_of(mut fields: Map<String, Value>) -> Error {
    let mut text = |name: &str| match fields.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let message = text("error").unwrap_or_default();
    let code = text("code").unwrap_or_else(|| code::FAILED.to_owned());
    let error = Error::new(code, message);
    fields.into_iter().fold(error, |error, (name, value)| error.with(&name, value))
}

fn with_head(head: &impl Serialize, content: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 4];
    // Writing these types into memory cannot fail.
    let _ = serde_json::to_writer(&mut body, head);
    let length = u32::try_from(body.len() - 4).unwrap_or(u32::MAX);
    body[..4].copy_from_slice(&length.to_be_bytes());
    body.extend_from_slice(content);
    body
}

fn split<T: for<'de> Deserialize<'de>>(body: &Bytes) -> Result<(T, Bytes), Error> {
    let cut = || Error::failed("what another process has written is cut off");
    let (length, _) = body.split_first_chunk::<4>().ok_or_else(cut)?;
    let end = 4 + u32::from_be_bytes(*length) as usize;
    let head = body.get(4..end).ok_or_else(cut)?;
    let head = serde_json::from_slice(head).map_err(Error::failed)?;
    Ok((head, body.slice(end..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_the_same_after_its_way() {
        for answer in [
            Ok(Reply::default()),
            Ok(Reply::text("é")),
            Ok(Reply::bytes(vec![0, 255])),
            Ok(Reply::json(&serde_json::json!({"a": 1})).unwrap()),
            Ok(Reply::text("x").and_close(4000, "bye").with_status(StatusCode::CREATED)),
            Ok(Reply::status(StatusCode::NO_CONTENT).with_header("x-room", "attic")),
            Err(Error::new("mine", "no").with("uuid", "1").with("retry_after_ms", 5)),
        ] {
            let read = read_answer(&write_answer(&answer).into());
            let shown = |answer: &Result<Reply, Error>| match answer {
                Ok(reply) => format!("{reply:?}"),
                Err(error) => error.to_json().to_string(),
            };
            assert_eq!(shown(&read), shown(&answer));
        }
    }

    #[test]
    fn a_content_in_the_store_is_named_and_the_message_is_whole_again_once_it_is_filled_in() {
        use crate::message::{Scope, TaskPlace, TaskUuid};
        use crate::reply::{Envelope, OutboxLimits};

        let channel = || ReplyChannel::new("c", Envelope::None, OutboxLimits::default()).0;
        let scope = Arc::new(Scope::default());
        let content = Content::Receive(Payload::from("a picture"));
        let mut message = Message::new(channel(), scope, content, Cancellation::default());
        let uuid = TaskUuid::new(1).unwrap();
        let place = TaskPlace { uuid, queue: "q".into(), offset_top: 7, height: 0 };
        message.become_task(place, &[]);
        let name = TransitName::new(0, std::time::Duration::from_secs(1));
        let written = Bytes::from(write_task(&message, &[], Some(name)));
        assert!(!written.windows(7).any(|part| part == b"picture"));

        let mut parcel = Parcel::read(&written).unwrap();
        assert_eq!(parcel.stored(), Some((name.to_string().into(), 9)));
        parcel.fill(content_of(&message));
        assert_eq!(parcel.stored(), None);
        let read = parcel.into_message(2, 8, channel(), Cancellation::default()).unwrap();
        assert_eq!(content_of(&read), "a picture");
        assert_eq!(read.task().map(|place| place.offset_top), Some(8));
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        let whole = write_answer(&Ok(Reply::text("x")));
        for length in 0..whole.len() - 1 {
            assert!(read_answer(&Bytes::copy_from_slice(&whole[..length])).is_err(), "{length}");
        }
    }
}
