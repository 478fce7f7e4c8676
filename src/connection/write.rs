//! The writing half of a connection's WebSocket: replies from the outbox, and pings.

use std::time::Duration;

use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message as Frame};

use super::seen::Seen;
use super::shortcut::Turn;
use crate::reply::{Batch, Close, Payload, Replies};

/// How much is gathered before it is written; larger messages are written by themselves.
pub(super) const WRITE_BUFFER: usize = 16 << 10;

/// Writes replies, all that wait in one go, and pings; the code of the close frame that ends it.
pub(super) async fn write<S>(
    sink: &mut SplitSink<WebSocketStream<S>, Frame>,
    replies: &mut Replies,
    first: Batch,
    seen: &Seen,
    turn: &Turn,
    ping: Duration,
) -> Result<u16, WsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut batch = first;
    let mut pinged = Instant::now();
    loop {
        let mut closed = None;
        for reply in batch.replies {
            match reply.content {
                // tungstenite would copy it, and keep that much memory until the client leaves.
                Some(payload) if payload.len() > WRITE_BUFFER => {
                    sink.flush().await?;
                    turn.put_last(&payload);
                }
                Some(payload) => sink.feed(frame(payload)?).await?,
                None => {}
            }
            if let Some(close) = reply.close {
                let close = sendable(&close);
                closed = Some(u16::from(close.code));
                sink.feed(Frame::Close(Some(close))).await?;
                break;
            }
        }
        sink.flush().await?;
        replies.written(batch.bytes);
        if let Some(code) = closed {
            return Ok(code);
        }
        batch = loop {
            tokio::select! {
                // First, so that an outbox that is never empty does not keep pings back.
                biased;
                () = seen.quiet(ping, pinged) => {
                    sink.send(Frame::Ping(Bytes::new())).await?;
                    pinged = Instant::now();
                }
                // Every sender is gone, which includes the connection's own.
                taken = replies.take() => break taken.ok_or(WsError::ConnectionClosed)?,
            }
        };
    }
}

fn frame(payload: Payload) -> Result<Frame, WsError> {
    Ok(match payload {
        Payload::Text(text) => Frame::Text(Utf8Bytes::try_from(text.into_bytes())?),
        Payload::Binary(bytes) => Frame::Binary(bytes),
    })
}

/// A close frame that may be sent: with an allowed code, and a reason that fits.
fn sendable(close: &Close) -> CloseFrame {
    const REASON_LIMIT: usize = 123;
    let code = CloseCode::from(close.code);
    let code = if code.is_allowed() { code } else { CloseCode::Error };
    let mut end = close.reason.len().min(REASON_LIMIT);
    while !close.reason.is_char_boundary(end) {
        end -= 1;
    }
    CloseFrame { code, reason: close.reason[..end].into() }
}
