//! The memory that a picture needs, estimated before the work on it begins.

use waterway::memory::Need;
use waterway::message::Content;
use waterway::{Message, State};

use super::framing::Body;
use super::service::Service;
use super::{job, receive};

/// How much of a file is read first: it contains the headers of most pictures.
const BEGIN: usize = 16 << 10;

/// The memory that the work on a message's picture needs. It is zero for a picture that will be
/// refused: the work itself then reports why.
#[must_use]
pub fn need(message: &Message, service: &State<Service>) -> Need {
    let limit = service.budget.limit();
    let estimated = estimated(message, service).filter(|bytes| *bytes <= limit);
    Need::new(estimated.unwrap_or(0)).within(&service.budget)
}

fn estimated(message: &Message, service: &Service) -> Option<usize> {
    let header = receive::header(message).ok()?;
    let body = match &message.content {
        Content::Request { body, .. } => Body::File(body.clone()),
        _ => receive::split(message).ok()?.body,
    };
    let length = body.file_len();
    let estimate = |part: Body<'_>| {
        let file = part.picture().ok()?;
        job::need(&file, length.max(file.len()), &header, service)
    };
    let bytes = estimate(body.begin(BEGIN)).or_else(|| estimate(body))?;
    Some(usize::try_from(bytes).unwrap_or(usize::MAX))
}
