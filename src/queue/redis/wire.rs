//! A task and its answer as bytes, as they travel between processes.

use bytes::Bytes;
use bytestring::ByteString;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, code};
use crate::message::{Cancellation, Event, Message};
use crate::reply::{Close, Payload, Reply, ReplyChannel};

/// A task: the length of its event in four bytes, the event as JSON without its content, and the
/// content.
pub(super) fn write_task(message: &Message, headers: &[HeaderName]) -> Vec<u8> {
    let mut event = Event::new(message, headers);
    // The empty content that stays tells of which kind it is.
    let content = match (&mut event.text, &mut event.bytes) {
        (Some(text), _) => std::mem::take(text).into_bytes(),
        (None, Some(bytes)) => std::mem::take(bytes),
        (None, None) => Bytes::new(),
    };
    with_head(&event, &content)
}

/// The message of a task, which was pushed by this or another process.
pub(super) fn read_task(
    body: &Bytes,
    attempt: u32,
    offset_top: i64,
    reply_channel: ReplyChannel,
    cancellation: Cancellation,
) -> Result<Message, Error> {
    let (mut event, content): (Event, Bytes) = split(body)?;
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
    fn what_is_cut_off_is_an_error() {
        let whole = write_answer(&Ok(Reply::text("x")));
        for length in 0..whole.len() - 1 {
            assert!(read_answer(&Bytes::copy_from_slice(&whole[..length])).is_err(), "{length}");
        }
    }
}
