//! A connection on its WebSocket: reads frames into the inbox, writes replies from the outbox, and
//! handles pings, timeouts and the close.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use futures_util::StreamExt;
use futures_util::stream::{SplitSink, SplitStream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::{Message as Frame, Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;

use super::control::TooMany;
use super::large::{Large, Taken, TooBig, Whole};
use super::limits::LiveLimits;
use super::receiving::{Receiving, Refused, refused};
use super::seen::{Heard, Idle, Seen};
use super::shortcut::{Shortcut, TryWrite, Turn, TurnStream};
use super::stint::Stint;
use super::write::{WRITE_BUFFER, write};
use super::{Connection, Delivered, Inbox};
use crate::memory::Spent;
use crate::reply::{Batch, Cut, Payload, Replies, Reply, ReplyChannel, close};

/// A buffer of 4 to 8 KiB: tungstenite keeps it for each connection, and fills it with zeros before
/// each read.
const READ_BUFFER: usize = 8 << 10;

/// Drives the connection until it ends; `drain` closes it with 1012. The bytes of `stream` go to
/// `socket`.
pub(crate) async fn run<S>(
    stream: S,
    socket: Arc<dyn TryWrite>,
    connection: Connection,
    first: Batch,
    receiving: Receiving,
    drain: &CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut connection = connection;
    let limits = Arc::clone(&connection.limits);
    // `Large` refuses long messages, because tungstenite cannot change its limits.
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(None)
        .max_frame_size(None);
    let (seen, turn) = (Arc::new(Seen::new(&limits)), Arc::new(Turn::default()));
    connection.replies.open_direct(Arc::new(Shortcut::new(socket, &turn)));
    let taken = Taken::default();
    let stream = Heard::new(TurnStream::new(stream, &turn), &seen);
    let stream = Large::new(stream, &limits, &taken, receiving);
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let (mut sink, mut stream) = socket.split();
    let Over { code, lingers } = {
        let Connection { inbox, replies, channel, .. } = &mut connection;
        let (stream, seen, turn) = (&mut stream, &*seen, &*turn);
        let incoming = Incoming { stream, taken, inbox, channel, seen, turn };
        pump(&mut sink, incoming, replies, first, &limits, drain).await
    };
    let dropped = connection.replies.dropped();
    if dropped > 0 {
        tracing::warn!(client = %connection.channel.name(), dropped, "replies to a slow client were dropped");
    }
    connection.close(code);
    if lingers && let Ok(socket) = stream.reunite(sink) {
        linger(socket, limits.get().closing).await;
    }
}

/// How a connection ended.
struct Over {
    code: u16,
    /// Whether to wait for the close frame to arrive. Not if the connection's memory must be freed
    /// at once.
    lingers: bool,
}

/// Reads, writes and watches timeouts concurrently, until the connection ends.
async fn pump<S>(
    sink: &mut SplitSink<WebSocketStream<S>, Frame>,
    incoming: Incoming<'_, S>,
    replies: &mut Replies,
    first: Batch,
    limits: &LiveLimits,
    drain: &CancellationToken,
) -> Over
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let over = |code| Over { code, lingers: true };
    let cut = replies.cut();
    let Incoming { channel, inbox, seen, turn, .. } = incoming;
    let reader = read(incoming);
    let writer = write(sink, replies, first, seen, turn);
    let idle = seen.idle();
    let must_end = || Instant::now() + limits.get().closing;
    tokio::pin!(reader, writer, idle, cut);
    let (mut draining, mut closing) = (false, None);
    let mut written = false;
    // When the closing handshake must have ended, once it has begun.
    let mut deadline: Option<Instant> = None;
    loop {
        if deadline.is_some() {
            // So that the reader does not wait for room, and reaches the client's close.
            inbox.close();
        }
        let cut_off = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = &mut reader => match ended {
                Ended::Closed(code) => return over(closing.unwrap_or(code)),
                Ended::Failed(code) => {
                    // The close is sent after all earlier replies; nothing more is read.
                    if !written {
                        let _ = timeout(limits.get().closing, &mut writer).await;
                    }
                    return over(closing.unwrap_or(code));
                }
            },
            sent = &mut writer, if !written => {
                written = true;
                // Without a code, writing failed; the client's last messages may still be readable.
                closing = sent.ok().or(closing);
                deadline = Some(must_end());
            }
            idle = &mut idle, if deadline.is_none() => {
                let (code, reason) = match idle {
                    Idle::Silent => (GOING_AWAY, "no data arrived for too long"),
                    Idle::Full => (close::POLICY, "too many messages: the inbox stayed full"),
                };
                let (client, limit) = (channel.name(), limits.get().idle);
                tracing::info!(%client, ?limit, code, reason, "client is idle");
                let _ = channel.send(Reply::close_with(code, reason));
                deadline = Some(must_end());
            }
            cut = &mut cut, if deadline.is_none() => {
                closing = Some(close::TRY_AGAIN);
                if cut == Cut::Memory {
                    let client = channel.name();
                    tracing::info!(%client, "client cut off: memory is used up, and its unread replies take the most");
                    return Over { code: close::TRY_AGAIN, lingers: false };
                }
                deadline = Some(must_end());
            }
            () = drain.cancelled(), if !draining => {
                draining = true;
                let _ = channel.send(Reply::close_with(close::RESTART, "the service restarts"));
                deadline.get_or_insert(must_end());
            }
            () = cut_off => return over(closing.unwrap_or(close::ABNORMAL)),
        }
    }
}

const GOING_AWAY: u16 = 1001;
/// Means that the client's close frame had no code; it is never sent (RFC 6455, section 7.4.1).
const NO_CODE: u16 = 1005;

enum Ended {
    /// The client closed the connection or vanished.
    Closed(u16),
    /// The client broke a rule, and a close with this code has been sent to its outbox.
    Failed(u16),
}

/// The reader's source and destinations.
struct Incoming<'a, S> {
    stream: &'a mut SplitStream<WebSocketStream<S>>,
    taken: Taken,
    inbox: &'a Inbox,
    channel: &'a ReplyChannel,
    seen: &'a Seen,
    turn: &'a Turn,
}

async fn read<S>(incoming: Incoming<'_, S>) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Incoming { stream, taken, inbox, channel, seen, turn } = incoming;
    let mut code = close::ABNORMAL;
    let (mut stint, mut size) = (Stint::default(), 0);
    loop {
        stint.handled(size).await;
        size = 0;
        let frame = match stream.next().await {
            None | Some(Err(WsError::ConnectionClosed | WsError::AlreadyClosed)) => {
                return Ended::Closed(code);
            }
            Some(frame) => frame,
        };
        if matches!(frame, Ok(Frame::Close(_))) {
            turn.end_shortcut();
        }
        let payload = match frame.and_then(|frame| payload(frame, &taken, &mut code)) {
            Ok(Some(payload)) => payload,
            Ok(None) => continue,
            Err(error) => {
                let Some((failure, reason)) = failure(&error) else { return Ended::Closed(code) };
                return fail(channel, &error, failure, reason);
            }
        };
        if channel.is_closing() {
            continue;
        }
        size = payload.len();
        seen.set_busy(true);
        let delivered = inbox.deliver(payload, taken.take_held()).await;
        seen.set_busy(false);
        match delivered {
            Delivered::Waits => {}
            Delivered::Gone => {
                tracing::debug!(client = %channel.name(), "the client's inbox is closed, so its message is dropped");
            }
            Delivered::NoMemory => {
                return fail(channel, &Refused::Memory(Spent::All), close::TRY_AGAIN, NO_MEMORY);
            }
        }
    }
}

/// Closes the connection with the reason: the client's mistake, or a lack of memory.
fn fail(channel: &ReplyChannel, error: &impl Display, code: u16, reason: &'static str) -> Ended {
    tracing::info!(client = %channel.name(), %error, code, "client failed");
    let _ = channel.send(Reply::close_with(code, reason));
    Ended::Failed(code)
}

const NO_MEMORY: &str = "no memory is free for the message; try again later";

/// The message in a frame, or the taken message that a pong replaced.
fn payload(frame: Frame, taken: &Taken, code: &mut u16) -> Result<Option<Payload>, WsError> {
    let text = match frame {
        // The text is checked for UTF-8 a second time, because the types lack an unchecked
        // conversion.
        Frame::Text(text) => text.into(),
        Frame::Binary(bytes) => return Ok(Some(Payload::Binary(bytes))),
        Frame::Pong(_) => match taken.take() {
            Some(Whole::Text(text)) => text,
            Some(Whole::Binary(bytes)) => return Ok(Some(Payload::Binary(bytes))),
            None => return Ok(None),
        },
        Frame::Close(frame) => {
            *code = frame.map_or(NO_CODE, |frame| frame.code.into());
            return Ok(None);
        }
        Frame::Ping(_) | Frame::Frame(_) => return Ok(None),
    };
    Ok(Some(Payload::Text(ByteString::try_from(text)?)))
}

/// The close code and reason for the client's mistake; `None` if the client has just gone.
fn failure(error: &WsError) -> Option<(u16, &'static str)> {
    match error {
        WsError::Utf8(_) => Some((close::NOT_UTF8, "text that is not UTF-8")),
        WsError::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        ) => None,
        WsError::Protocol(_) => Some((close::PROTOCOL, "not the WebSocket protocol")),
        WsError::Io(error) if matches!(error.get_ref(), Some(error) if error.is::<TooMany>()) => {
            Some((close::POLICY, "too many control frames"))
        }
        WsError::Io(error) if matches!(error.get_ref(), Some(error) if error.is::<TooBig>()) => {
            Some((close::TOO_BIG, "the message is too large"))
        }
        WsError::Io(error) => match refused(error)? {
            Refused::Memory(_) => Some((close::TRY_AGAIN, NO_MEMORY)),
            Refused::Slow => Some((close::POLICY, "the message arrives too slowly")),
        },
        _ => None,
    }
}

/// Reads and discards the client's last bytes: if a socket is closed with unread bytes, TCP resets
/// the connection, and the close frame may be lost.
///
/// A half-received message has been freed before, because its memory may already belong to another
/// client.
async fn linger<S>(socket: WebSocketStream<Large<S>>, patience: Duration)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    use tokio::io::AsyncWriteExt;

    let mut stream = socket.into_inner().into_inner();
    let _ = stream.shutdown().await;
    let drained = async {
        let mut scratch = vec![0; READ_BUFFER];
        while stream.read(&mut scratch).await.is_ok_and(|read| read > 0) {}
    };
    let _ = timeout(patience, drained).await;
}
