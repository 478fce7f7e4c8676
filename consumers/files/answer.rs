//! The answer to a request for a file: its headers, and the part that the client asks for.

use std::ops::Range;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use waterway::Reply;

use super::conditions::{Condition, Validators};

/// The answer without its body, and the part of the file that the body must be; `None` for an answer
/// without a body. `reply` holds the headers of every answer to this request.
pub(crate) fn answer(
    mut reply: Reply,
    validators: &Validators,
    length: u64,
    asked: &HeaderMap,
) -> (Reply, Option<Range<u64>>) {
    set(&mut reply, header::ACCEPT_RANGES, "bytes");
    set(&mut reply, header::ETAG, &validators.etag);
    set(&mut reply, header::LAST_MODIFIED, &validators.modified);
    match validators.examine(asked, length) {
        Condition::Failed => (refused(reply, StatusCode::PRECONDITION_FAILED), None),
        Condition::NotModified => (reply.with_status(StatusCode::NOT_MODIFIED), None),
        Condition::Unsatisfiable => {
            set(&mut reply, header::CONTENT_RANGE, &format!("bytes */{length}"));
            (refused(reply, StatusCode::RANGE_NOT_SATISFIABLE), None)
        }
        Condition::Whole => (reply.with_status(StatusCode::OK), Some(0..length)),
        Condition::Part(range) => {
            let (first, last) = (range.start, range.end - 1);
            set(&mut reply, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{length}"));
            (reply.with_status(StatusCode::PARTIAL_CONTENT), Some(range))
        }
    }
}

/// A refusal, which caches must not keep in the file's place.
fn refused(mut reply: Reply, status: StatusCode) -> Reply {
    set(&mut reply, header::CACHE_CONTROL, "no-store");
    reply.with_status(status)
}

/// The answer to a request that neither reads a file nor asks for its headers.
pub(crate) fn method_not_allowed() -> Reply {
    Reply::status(StatusCode::METHOD_NOT_ALLOWED)
        .with_header(header::ALLOW, HeaderValue::from_static("GET, HEAD"))
}

/// Sets a header whose value is ASCII.
pub(crate) fn set(reply: &mut Reply, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}
