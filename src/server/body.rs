//! Reads the whole body of a request: within its bounds and the service's memory, and not too
//! slowly.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures_util::Stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::time::timeout;

use super::response;
use crate::connection::{Receiving, Refused};
use crate::error::{Error, code};
use crate::memory::{Held, Spent};
use crate::reply::Reply;

/// The bounds of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The most bytes.
    pub(super) limit: usize,
    /// The longest pause between two parts.
    pub(super) pause: Duration,
    /// The longest time for the whole body.
    pub(super) patience: Duration,
}

/// A body, with the memory that it takes unless it is small.
pub(super) type Body = (Bytes, Option<Held>);

/// Why a body was not read to its end.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is larger than this many bytes.
    TooBig(usize),
    /// The client's connection broke.
    CutShort(warp::Error),
    /// It arrived too slowly, or the memory was used up.
    Refused(Refused),
}

/// The largest body that is covered by the connection's own memory, in bytes.
const SMALL: usize = 16 << 10;
/// The largest first buffer of a body, in bytes, whatever length its header announces.
const ROOM_FIRST: usize = 256 << 10;

/// Reads a body.
///
/// # Errors
/// If the body is not read to its end.
pub(super) async fn read<S, B>(
    body: S,
    headers: &HeaderMap,
    bounds: Bounds,
    receiving: Receiving,
) -> Result<Body, Unread>
where
    S: Stream<Item = Result<B, warp::Error>> + Send,
    B: Buf,
{
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let announced = announced.and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
    if announced > bounds.limit {
        return Err(Unread::TooBig(bounds.limit));
    }
    let reader = Reader { bytes: Vec::new(), announced, bounds, receiving };
    let whole = timeout(bounds.patience, reader.read(pin!(body))).await;
    whole.unwrap_or(Err(Unread::Refused(Refused::Slow)))
}

struct Reader {
    bytes: Vec<u8>,
    announced: usize,
    bounds: Bounds,
    receiving: Receiving,
}

impl Reader {
    async fn read<S, B>(mut self, mut body: Pin<&mut S>) -> Result<Body, Unread>
    where
        S: Stream<Item = Result<B, warp::Error>> + Send,
        B: Buf,
    {
        loop {
            let pause = self.bounds.pause;
            let next = poll_fn(|context| self.poll_part(body.as_mut(), context));
            let part = timeout(pause, next).await.unwrap_or(Err(Refused::Slow));
            match part? {
                None => {
                    let held = self.receiving.finish()?;
                    return Ok((self.bytes.into(), held));
                }
                Some(Err(error)) => return Err(Unread::CutShort(error)),
                Some(Ok(part)) => self.take(part)?,
            }
        }
    }

    fn poll_part<S: Stream>(
        &mut self,
        body: Pin<&mut S>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<S::Item>, Refused>> {
        match body.poll_next(context) {
            Poll::Ready(part) => Poll::Ready(Ok(part)),
            Poll::Pending => self.receiving.poll_refused(context).map(Err),
        }
    }

    fn take(&mut self, mut part: impl Buf) -> Result<(), Unread> {
        let length = self.bytes.len().saturating_add(part.remaining());
        if length > self.bounds.limit {
            return Err(Unread::TooBig(self.bounds.limit));
        }
        self.receiving.received(part.remaining());
        self.make_room(length)?;
        while part.has_remaining() {
            let chunk = part.chunk();
            self.bytes.extend_from_slice(chunk);
            let read = chunk.len();
            part.advance(read);
        }
        Ok(())
    }

    /// Makes room for this many bytes, after taking the memory for it.
    fn make_room(&mut self, length: usize) -> Result<(), Refused> {
        let capacity = self.bytes.capacity();
        if length <= capacity {
            return Ok(());
        }
        let first = self.announced.min(ROOM_FIRST);
        let wanted = capacity.saturating_mul(2).min(self.bounds.limit).max(first).max(length);
        if wanted > SMALL {
            self.receiving.resize(wanted)?;
        }
        let more = wanted - self.bytes.len();
        self.bytes.try_reserve_exact(more).map_err(|_| Refused::Memory(Spent::All))
    }
}

impl Unread {
    /// The response. The rest of the body is not read, so the connection must end.
    pub(super) fn reply(&self) -> Reply {
        let reply = match self {
            Self::TooBig(limit) => {
                let message = format!("the body may have at most {limit} bytes");
                Reply::error(&Error::new(code::TOO_BIG, message))
            }
            Self::CutShort(_) => {
                Reply::error(&Error::new(code::BAD_MESSAGE, "the body is cut short"))
            }
            Self::Refused(Refused::Slow) => {
                let error = Error::new(code::EXPIRED, "the body arrives too slowly");
                Reply::error(&error).with_status(StatusCode::REQUEST_TIMEOUT)
            }
            Self::Refused(Refused::Memory(_)) => response::no_memory(),
        };
        reply.with_header(header::CONNECTION, HeaderValue::from_static("close"))
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooBig(limit) => write!(f, "it is larger than {limit} bytes"),
            Self::CutShort(error) => write!(f, "it is cut short: {error}"),
            Self::Refused(refused) => refused.fmt(f),
        }
    }
}

impl From<Refused> for Unread {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}
