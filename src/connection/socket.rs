//! A connection on its WebSocket: reads frames into the inbox, writes replies from the outbox,
//! and sees to pings, time-outs and the close.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{
    CloseFrame, Message as Frame, Role, WebSocketConfig,
};
use tokio_util::sync::CancellationToken;

use super::control::{Control, TooMany};
use super::large::{Large, Taken, Whole};
use super::seen::{Heard, Seen};
use super::shortcut::{Shared, Shortcut, TryWrite, Turn};
use super::{Connection, Inbox};
use crate::config::RateAction;
use crate::reply::{Batch, Close, Payload, Replies, Reply, ReplyChannel, close};
use crate::routing::Way;
use crate::setting::Rate;

/// What a socket goes by; the route's `limits`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Socket {
    /// The largest message, bytes.
    pub(crate) message: usize,
    /// How many frames may come that bring no part of a message.
    pub(crate) rate: Rate,
    /// What becomes of more.
    pub(crate) rate_action: RateAction,
    /// How long nothing may come: no pong, and no part of a message.
    pub(crate) idle: Duration,
    /// After how long without a sign of the client a ping is sent; at most half of `idle`.
    pub(crate) ping: Duration,
    /// How long the closing handshake may take.
    pub(crate) closing: Duration,
}

impl Socket {
    /// The rules of a way.
    pub(crate) fn new(way: &Way) -> Self {
        let limits = way.socket_limits();
        Self {
            message: way.message_limit(),
            rate: limits.rate,
            rate_action: limits.rate_action,
            idle: limits.idle.duration(),
            ping: limits.ping.duration().min(limits.idle.duration() / 2),
            closing: limits.closing.duration(),
        }
    }
}

/// 4 to 8 KiB: tungstenite keeps this much per connection, and fills it with zeros for each read.
const READ_BUFFER: usize = 8 << 10;
/// How much is gathered before it is written; larger messages go through whole.
const WRITE_BUFFER: usize = 16 << 10;

/// Drives the connection until it ends; `drain` closes it with 1012. `socket` is where the stream's
/// bytes go.
pub(crate) async fn run<S>(
    stream: S,
    socket: Arc<dyn TryWrite>,
    connection: Connection,
    first: Batch,
    rules: Socket,
    drain: &CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut connection = connection;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(rules.message))
        .max_frame_size(Some(rules.message));
    let (seen, turn) = (Arc::new(Seen::new()), Arc::new(Turn::default()));
    connection.replies.open_direct(Arc::new(Shortcut::new(socket, &turn)));
    let taken = Taken::default();
    let stream = Heard::new(Shared::new(stream, &turn), &seen);
    let control = Control::new(rules.rate, rules.rate_action, rules.ping);
    let stream = Large::new(stream, rules.message, &taken, control);
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let (mut sink, mut stream) = socket.split();
    let code = {
        let Connection { inbox, replies, channel, .. } = &mut connection;
        let (stream, seen, turn) = (&mut stream, &*seen, &*turn);
        let incoming = Incoming { stream, taken, inbox, channel, seen, turn };
        pump(&mut sink, incoming, replies, first, rules, drain).await
    };
    let dropped = connection.replies.dropped();
    if dropped > 0 {
        tracing::warn!(client = %connection.channel.name(), dropped, "a slow client missed replies");
    }
    connection.close(code);
    if let Ok(socket) = stream.reunite(sink) {
        linger(socket, rules.closing).await;
    }
}

/// Reads, writes and watches at once; the closing code when it is over.
async fn pump<S>(
    sink: &mut SplitSink<WebSocketStream<S>, Frame>,
    incoming: Incoming<'_, S>,
    replies: &mut Replies,
    first: Batch,
    rules: Socket,
    drain: &CancellationToken,
) -> u16
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let cut = replies.cut();
    let Incoming { channel, inbox, seen, .. } = incoming;
    let reader = read(incoming, rules.idle);
    let writer = write(sink, replies, first, seen, rules.ping);
    let idle = seen.idle(rules.idle);
    tokio::pin!(reader, writer, idle, cut);
    let (mut draining, mut closing) = (false, None);
    let mut written = false;
    // The end of the closing handshake, once it has begun.
    let mut deadline: Option<Instant> = None;
    loop {
        if deadline.is_some() {
            // So that the reader comes to the client's close.
            inbox.close();
        }
        let over = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = &mut reader => match ended {
                Ended::Closed(code) => return closing.unwrap_or(code),
                Ended::Failed(code) => {
                    // What is wrong has been sent after everything before; nothing more is read.
                    if !written {
                        let _ = timeout(rules.closing, &mut writer).await;
                    }
                    return closing.unwrap_or(code);
                }
            },
            sent = &mut writer, if !written => {
                written = true;
                // Without a code it could not be sent; what the client said last may still be
                // there to be read.
                closing = sent.ok().or(closing);
                deadline = Some(Instant::now() + rules.closing);
            }
            () = &mut idle, if deadline.is_none() => {
                let _ = channel.send(Reply::close_with(GOING_AWAY, "nothing came for too long"));
                deadline = Some(Instant::now() + rules.closing);
            }
            () = &mut cut, if deadline.is_none() => {
                closing = Some(close::TRY_AGAIN);
                deadline = Some(Instant::now() + rules.closing);
            }
            () = drain.cancelled(), if !draining => {
                draining = true;
                let _ = channel.send(Reply::close_with(close::RESTART, "the service restarts"));
                deadline.get_or_insert(Instant::now() + rules.closing);
            }
            () = over => return closing.unwrap_or(close::ABNORMAL),
        }
    }
}

const GOING_AWAY: u16 = 1001;
/// The client's close frame had no code; never sent (RFC 6455, section 7.4.1).
const NO_CODE: u16 = 1005;

enum Ended {
    /// The client closed, or vanished.
    Closed(u16),
    /// It broke a rule, and a close with this code is on its way.
    Failed(u16),
}

/// What is read, and where it goes.
struct Incoming<'a, S> {
    stream: &'a mut SplitStream<WebSocketStream<S>>,
    taken: Taken,
    inbox: &'a Inbox,
    channel: &'a ReplyChannel,
    seen: &'a Seen,
    turn: &'a Turn,
}

/// Reads until the client's end. It may wait so long for room in the inbox.
async fn read<S>(incoming: Incoming<'_, S>, idle: Duration) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Incoming { stream, taken, inbox, channel, seen, turn } = incoming;
    let mut code = close::ABNORMAL;
    loop {
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
                tracing::info!(client = %channel.name(), %error, code = failure, "client failed");
                let _ = channel.send(Reply::close_with(failure, reason));
                return Ended::Failed(failure);
            }
        };
        if channel.is_closing() {
            continue;
        }
        seen.set_busy(true);
        let delivered = timeout(idle, inbox.deliver(payload)).await;
        seen.set_busy(false);
        match delivered {
            Ok(true) => {}
            Ok(false) => {
                tracing::debug!(client = %channel.name(), "nobody takes the client's messages");
            }
            Err(_) => {
                tracing::info!(client = %channel.name(), ?idle, "the inbox stayed full");
                let reason = "too many messages: they were not handled for too long";
                let _ = channel.send(Reply::close_with(close::POLICY, reason));
                return Ended::Failed(close::POLICY);
            }
        }
    }
}

/// The message that a frame is, or stands for.
fn payload(frame: Frame, taken: &Taken, code: &mut u16) -> Result<Option<Payload>, WsError> {
    let text = match frame {
        // Checked twice: there is no other way from one type to the other.
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

/// Which closing code tells the client what it did wrong; none when it is just gone.
fn failure(error: &WsError) -> Option<(u16, &'static str)> {
    match error {
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
            Some((close::TOO_BIG, "the message is larger than is taken here"))
        }
        WsError::Capacity(_) => Some((close::TOO_BIG, "larger than is taken here")),
        WsError::Utf8(_) => Some((close::NOT_UTF8, "text that is not UTF-8")),
        WsError::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        ) => None,
        WsError::Protocol(_) => Some((close::PROTOCOL, "not the WebSocket protocol")),
        WsError::Io(error) if matches!(error.get_ref(), Some(error) if error.is::<TooMany>()) => {
            Some((close::POLICY, "too many control frames"))
        }
        _ => None,
    }
}

/// Writes replies, all that wait in one go, and pings; the code of the close frame that ends it.
async fn write<S>(
    sink: &mut SplitSink<WebSocketStream<S>, Frame>,
    replies: &mut Replies,
    first: Batch,
    seen: &Seen,
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
            if let Some(payload) = reply.content {
                sink.feed(frame(payload)?).await?;
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

/// A close frame as it may stand on the wire: a code that is allowed there, a reason that fits.
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

/// Reads away what the client is still sending: closing with unread bytes makes TCP reset the
/// connection, and the close frame would be lost with it.
async fn linger<S>(mut socket: WebSocketStream<S>, patience: Duration)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    use tokio::io::AsyncWriteExt;

    let stream = socket.get_mut();
    let _ = stream.shutdown().await;
    let drained = async {
        let mut scratch = vec![0; READ_BUFFER];
        while stream.read(&mut scratch).await.is_ok_and(|read| read > 0) {}
    };
    let _ = timeout(patience, drained).await;
}
