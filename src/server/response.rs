//! Turns a reply into an HTTP response.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::stream;
use http::{HeaderValue, Method, StatusCode, header};
use warp::Reply as _;
use warp::reply::Response;

use crate::error::{Error, code};
use crate::memory::{Held, Transit};
use crate::reply::{FilePart, Payload, Reply};

/// How much of a file is in memory at once, in bytes.
const FILE_PIECE: u64 = 64 << 10;

/// The cause of a 5xx response, for the log; it is among the response's extensions.
#[derive(Debug, Clone)]
struct Cause(ByteString);

/// The response for a reply; a text without a content type is plain text.
pub(super) fn from_reply(reply: &Reply) -> Response {
    let status = reply.status.unwrap_or(StatusCode::OK);
    // The log shows the client's message, unless the caller knows another cause.
    let cause = match &reply.content {
        Some(Payload::Text(text)) if status.is_server_error() => Some(Cause(text.clone())),
        _ => None,
    };
    let mut response = match (reply.file(), &reply.content) {
        (Some(part), _) => from_file(part.clone()),
        (None, Some(content)) => {
            let kind = match content {
                Payload::Text(_) => PLAIN_TEXT,
                Payload::Binary(_) => "application/octet-stream",
            };
            let mut response = Response::new(content.clone().into_bytes().into());
            let kind = HeaderValue::from_static(reply.content_type.unwrap_or(kind));
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        (None, None) => Response::default(),
    };
    *response.status_mut() = status;
    response.headers_mut().extend(reply.headers().clone());
    if let Some(cause) = cause {
        response.extensions_mut().insert(cause);
    }
    response
}

/// The response for an error. The log also shows its causes.
pub(super) fn from_error(error: &Error) -> Response {
    with_cause(from_reply(&Reply::error(error)), error)
}

/// Adds the cause of a 5xx response for the log.
pub(super) fn with_cause(mut response: Response, error: &Error) -> Response {
    if response.status().is_server_error() {
        response.extensions_mut().insert(Cause(error.to_string().into()));
    }
    response
}

/// An error as the bytes of a response, after which the connection ends.
pub(super) fn unread(error: &Error) -> String {
    let reply = Reply::error(error);
    let content = reply.content.as_ref().map(Payload::as_bytes).unwrap_or_default();
    let status = reply.status.unwrap_or_default();
    let mut head = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n",
        content.len(),
    );
    for (name, value) in reply.headers() {
        head.extend([name.as_str(), ": ", value.to_str().unwrap_or_default(), "\r\n"]);
    }
    head + "\r\n" + &String::from_utf8_lossy(content)
}

/// The reply with its content counted in the service's memory until the client has read it; or a
/// refusal, if the memory is used up.
pub(super) fn counted(mut reply: Reply, transit: &Transit) -> Reply {
    /// Content up to this size fits into the connection's own buffers.
    const OWN: usize = 16 << 10;
    let Some(content) = reply.content.take_if(|content| content.len() > OWN) else { return reply };
    let Some(held) = transit.hold(content.len()) else { return no_memory() };
    let is_text = content.as_text().is_some();
    if is_text && reply.content_type.is_none() {
        reply.content_type = Some(PLAIN_TEXT);
    }
    let bytes = Bytes::from_owner(Counted { bytes: content.into_bytes(), _held: held });
    reply.content = Some(Payload::Binary(bytes));
    reply
}

/// The reply to a request for which the memory is used up.
pub(super) fn no_memory() -> Reply {
    /// When another attempt may succeed.
    const RETRY_AFTER_MS: u64 = 1000;
    let error = Error::new(code::REFUSED, "no memory is free for the request");
    Reply::error(&error.with("retry_after_ms", RETRY_AFTER_MS))
}

struct Counted {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// Logs how a request was answered. For a 5xx, this is its only record.
pub(super) fn log(method: &Method, path: &str, response: &Response) {
    let status = response.status().as_u16();
    let cause = response.extensions().get::<Cause>().map(|Cause(cause)| &**cause);
    match status {
        ..500 => tracing::debug!(%method, path, status, "request answered"),
        500 => tracing::error!(%method, path, status, cause, "request failed"),
        501.. => tracing::warn!(%method, path, status, cause, "request failed"),
    }
}

fn from_file(part: FilePart) -> Response {
    let length = part.range.end.saturating_sub(part.range.start);
    let pieces = stream::try_unfold(part, |part| async move {
        if part.range.is_empty() {
            return Ok::<_, io::Error>(None);
        }
        let end = part.range.end.min(part.range.start + FILE_PIECE);
        let (file, range) = (Arc::clone(&part.file), part.range.start..end);
        let read = tokio::task::spawn_blocking(move || {
            // At most FILE_PIECE bytes, which fit into a `usize`.
            let mut piece = vec![0; usize::try_from(range.end - range.start).unwrap_or(0)];
            file.read_exact_at(&mut piece, range.start)?;
            Ok::<_, io::Error>(Bytes::from(piece))
        });
        let piece = read.await.map_err(io::Error::other)??;
        Ok(Some((piece, FilePart { file: part.file, range: end..part.range.end })))
    });
    let mut response = warp::reply::stream(pieces).into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}
