//! The writing half of a connection's WebSocket: replies from the outbox, and pings.

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

/// How many bytes are buffered before they are written; larger messages are written alone.
pub(super) const WRITE_BUFFER: usize = 16 << 10;

/// Writes pings, and replies with one flush for all that are ready. Returns the code of the close
/// frame that ends the connection.
pub(super) async fn write<S>(
    sink: &mut SplitSink<WebSocketStream<S>, Frame>,
    replies: &mut Replies,
    first: Batch,
    seen: &Seen,
    turn: &Turn,
) -> Result<u16, WsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut batch = first;
    let due = seen.due(Instant::now());
    tokio::pin!(due);
    loop {
        let mut closed = None;
        for reply in batch.replies {
            match reply.content {
                // tungstenite would copy the message, and keep a buffer of its size until the
                // client leaves.
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
                // Pings come first, so that they are sent even if the outbox is never empty.
                biased;
                () = &mut due => {
                    sink.send(Frame::Ping(Bytes::new())).await?;
                    due.set(seen.due(Instant::now()));
                }
                // `None`: all senders have been dropped, including the connection's own.
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

/// A valid close frame: with an allowed code, and a reason cut to the longest length.
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
