//! A connection on its WebSocket: reads frames into the inbox, writes replies from the outbox,
//! and sees to pings, time-outs and the close.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use futures_util::StreamExt;
use futures_util::stream::{SplitSink, SplitStream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};
use tokio_tungstenite::tungstenite::protocol::{Message as Frame, Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;

use super::control::{Control, TooMany};
use super::large::{Large, Taken, Whole};
use super::receiving::{Receiving, Refused, refused};
use super::seen::{Heard, Idle, Seen};
use super::shortcut::{Shared, Shortcut, TryWrite, Turn};
use super::stint::Stint;
use super::write::{WRITE_BUFFER, write};
use super::{Connection, Delivered, Inbox};
use crate::config::RateAction;
use crate::memory::Spent;
use crate::reply::{Batch, Cut, Payload, Replies, Reply, ReplyChannel, close};
use crate::routing::Way;
use crate::setting::Rate;

/// What a socket goes by; the route's `limits`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Socket {
    /// The largest message, bytes.
    pub(crate) message: usize,
    /// How often frames may come that carry no part of a message.
    pub(crate) rate: Rate,
    /// What happens to further ones.
    pub(crate) rate_action: RateAction,
    /// How long nothing may come: no pong, and no part of a message.
    pub(crate) idle: Duration,
    /// After how long without a sign of the client a ping is sent; at most half of `idle`.
    pub(crate) ping: Duration,
    /// How long the closing handshake may take.
    pub(crate) closing: Duration,
    /// How fast a message must arrive, bytes a second.
    pub(crate) pace: u64,
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
            pace: limits.pace.bytes(),
        }
    }
}

/// 4 to 8 KiB: tungstenite keeps this much per connection, and fills it with zeros for each read.
const READ_BUFFER: usize = 8 << 10;

/// Drives the connection until it ends; `drain` closes it with 1012. `socket` is where the stream's
/// bytes go.
pub(crate) async fn run<S>(
    stream: S,
    socket: Arc<dyn TryWrite>,
    connection: Connection,
    first: Batch,
    rules: Socket,
    receiving: Receiving,
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
    let stream = Large::new(stream, rules.message, &taken, control, receiving);
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let (mut sink, mut stream) = socket.split();
    let Over { code, lingers } = {
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
    if lingers && let Ok(socket) = stream.reunite(sink) {
        linger(socket, rules.closing).await;
    }
}

/// How a connection ended.
struct Over {
    code: u16,
    /// Whether the close frame is given time to arrive. Not where its memory must be freed at once.
    lingers: bool,
}

/// Reads, writes and watches at once, until it is over.
async fn pump<S>(
    sink: &mut SplitSink<WebSocketStream<S>, Frame>,
    incoming: Incoming<'_, S>,
    replies: &mut Replies,
    first: Batch,
    rules: Socket,
    drain: &CancellationToken,
) -> Over
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let over = |code| Over { code, lingers: true };
    let cut = replies.cut();
    let Incoming { channel, inbox, seen, turn, .. } = incoming;
    let reader = read(incoming);
    let writer = write(sink, replies, first, seen, turn, rules.ping);
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
                    // What is wrong has been sent after everything before; nothing more is read.
                    if !written {
                        let _ = timeout(rules.closing, &mut writer).await;
                    }
                    return over(closing.unwrap_or(code));
                }
            },
            sent = &mut writer, if !written => {
                written = true;
                // Without a code it could not be sent; what the client said last may still be
                // there to be read.
                closing = sent.ok().or(closing);
                deadline = Some(Instant::now() + rules.closing);
            }
            idle = &mut idle, if deadline.is_none() => {
                let (code, reason) = match idle {
                    Idle::Silent => (GOING_AWAY, "nothing came for too long"),
                    Idle::Full => (close::POLICY, "too many messages: no room came for more"),
                };
                let (client, limit) = (channel.name(), rules.idle);
                tracing::info!(%client, ?limit, code, reason, "client is idle");
                let _ = channel.send(Reply::close_with(code, reason));
                deadline = Some(Instant::now() + rules.closing);
            }
            cut = &mut cut, if deadline.is_none() => {
                closing = Some(close::TRY_AGAIN);
                if cut == Cut::Memory {
                    let client = channel.name();
                    tracing::info!(%client, "client cut off: memory is spent, and its unread replies are the largest");
                    return Over { code: close::TRY_AGAIN, lingers: false };
                }
                deadline = Some(Instant::now() + rules.closing);
            }
            () = drain.cancelled(), if !draining => {
                draining = true;
                let _ = channel.send(Reply::close_with(close::RESTART, "the service restarts"));
                deadline.get_or_insert(Instant::now() + rules.closing);
            }
            () = cut_off => return over(closing.unwrap_or(close::ABNORMAL)),
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
                tracing::debug!(client = %channel.name(), "nobody takes the client's messages");
            }
            Delivered::NoMemory => {
                return fail(channel, &Refused::Memory(Spent::All), close::TRY_AGAIN, NO_MEMORY);
            }
        }
    }
}

/// Tells the client its mistake, or that there is no room for its message.
fn fail(channel: &ReplyChannel, error: &impl Display, code: u16, reason: &'static str) -> Ended {
    tracing::info!(client = %channel.name(), %error, code, "client failed");
    let _ = channel.send(Reply::close_with(code, reason));
    Ended::Failed(code)
}

const NO_MEMORY: &str = "no memory is free for the message, try again later";

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
        WsError::Io(error) => match refused(error)? {
            Refused::Memory(_) => Some((close::TRY_AGAIN, NO_MEMORY)),
            Refused::Slow => Some((close::POLICY, "the message arrives too slowly")),
        },
        _ => None,
    }
}

/// Reads away what the client is still sending: closing with unread bytes makes TCP reset the
/// connection, and the close frame would be lost with it.
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
