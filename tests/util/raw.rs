//! A WebSocket byte by byte, with no library between the test and the wire.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::PATIENCE;

/// RFC 6455's own example; its answer is [`ACCEPT`].
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The server's answer to the key.
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Continues the message of the frame before.
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// In a frame's first byte: the message's last frame.
const FIN: u8 = 0x80;
/// In a frame's second byte: masked, like every frame of a client.
const MASKED: u8 = 0x80;
/// In place of a length: the length follows, in two bytes or in eight.
const TWO_BYTES: u8 = 126;
const EIGHT_BYTES: u8 = 127;

/// A connection after the handshake, with the head of its answer.
pub(crate) struct Raw {
    stream: TcpStream,
    /// `HTTP/1.1 101 Switching Protocols`
    pub(crate) status: String,
    /// Names in lower case, values unchanged.
    pub(crate) headers: Vec<(String, String)>,
    /// The bytes after the head so far.
    body: Vec<u8>,
    ended: bool,
}

/// One frame as it is on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// FIN, the reserved bits and the opcode.
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

impl Raw {
    /// Connects and sends a handshake with further headers.
    pub(crate) fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::request(address, Self::handshake(address, path, headers).as_bytes())
    }

    /// Sends a handshake over a socket of the test's own.
    pub(crate) fn open_over(stream: TcpStream, path: &str) -> Self {
        let address = stream.peer_addr().expect("it is connected");
        Self::begin(stream, Self::handshake(address, path, &[]).as_bytes())
    }

    fn handshake(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
        );
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        head
    }

    /// Connects, sends these bytes and reads the answer's head. The status is empty if the server
    /// closes without an answer, or sends none.
    pub(crate) fn request(address: SocketAddr, bytes: &[u8]) -> Self {
        Self::begin(TcpStream::connect(address).expect("the server listens"), bytes)
    }

    fn begin(stream: TcpStream, bytes: &[u8]) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
        stream.set_nodelay(true).expect("the socket is open");
        let (status, headers) = (String::new(), Vec::new());
        let mut raw = Self { stream, status, headers, body: Vec::new(), ended: false };
        raw.send(bytes);
        let mut end = None;
        while end.is_none() && raw.read() {
            end = raw.body.windows(4).position(|four| four == b"\r\n\r\n");
        }
        let Some(end) = end else { return raw };
        let body = raw.body.split_off(end + 4);
        let head = String::from_utf8_lossy(&raw.body[..end]).into_owned();
        raw.body = body;
        let mut lines = head.split("\r\n");
        lines.next().unwrap_or_default().clone_into(&mut raw.status);
        let headers = lines.filter_map(|line| line.split_once(':'));
        let lower = |(name, value): (&str, &str)| (name.to_ascii_lowercase(), value.trim().into());
        raw.headers = headers.map(lower).collect();
        raw
    }

    /// A header's value by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Sends these bytes; see [`masked`]. If the peer is gone, the next read shows it.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Reads until `enough` accepts the whole frames so far, or to the end; returns these frames.
    pub(crate) fn read_until(&mut self, enough: impl Fn(&[Frame]) -> bool) -> Vec<Frame> {
        while !enough(&frames(&self.body)) && self.read() {}
        frames(&self.body)
    }

    /// Closes as a client does, after an answer to the server's close if that has arrived. Returns
    /// all bytes after the head until the server closes the connection.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let close = frames(&self.body).into_iter().find(|frame| frame.opcode() == CLOSE);
        let payload = close.map_or(close_payload(1000, ""), |close| close.payload);
        self.send(&masked(CLOSE, &payload));
        self.rest()
    }

    /// All bytes after the head, until the server closes or sends nothing in time.
    pub(crate) fn rest(mut self) -> Vec<u8> {
        while self.read() {}
        self.body
    }

    /// Reads the bytes that have arrived; false at the end.
    fn read(&mut self) -> bool {
        let mut piece = [0; 4096];
        self.ended = self.ended
            || match self.stream.read(&mut piece) {
                Ok(length) => {
                    self.body.extend_from_slice(&piece[..length]);
                    length == 0
                }
                Err(error) => match error.kind() {
                    ErrorKind::ConnectionReset => true,
                    ErrorKind::Interrupted => false,
                    _ => panic!("{error}, after {:?} {:?}", self.status, self.body),
                },
            };
        !self.ended
    }
}

impl Frame {
    /// The frame's opcode.
    pub(crate) fn opcode(&self) -> u8 {
        self.first & 0x0f
    }
}

/// A whole frame as a client sends it.
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![FIN | opcode];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..126), _) => frame.push(MASKED | short),
        (_, Ok(length)) => {
            frame.push(MASKED | TWO_BYTES);
            frame.extend(length.to_be_bytes());
        }
        _ => {
            frame.push(MASKED | EIGHT_BYTES);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A client's frame of a message that another frame continues.
pub(crate) fn begun(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = masked(opcode, payload);
    frame[0] &= !FIN;
    frame
}

/// The payload of a close frame.
pub(crate) fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// The whole frames at the start of a server's bytes; a server does not mask its frames.
pub(crate) fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some((frame, rest)) = split_frame(bytes) {
        frames.push(frame);
        bytes = rest;
    }
    frames
}

fn split_frame(bytes: &[u8]) -> Option<(Frame, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    assert!(length < MASKED, "a server does not mask its frames: {bytes:?}");
    let (length, rest) = match length {
        126 => {
            rest.split_first_chunk().map(|(l, rest)| (u64::from(u16::from_be_bytes(*l)), rest))?
        }
        EIGHT_BYTES => rest.split_first_chunk().map(|(l, rest)| (u64::from_be_bytes(*l), rest))?,
        short => (u64::from(short), rest),
    };
    let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    Some((Frame { first, payload: payload.to_vec() }, rest))
}

#[test]
fn frames_are_read_as_they_were_written() {
    for length in [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 100_000] {
        let payload = vec![b'x'; length];
        let sent = masked(TEXT, &payload);
        let head = sent.len() - length - 4;
        // Without the mask, a client's frame is a server's.
        let mut served = sent[..head].to_vec();
        served[1] &= !MASKED;
        served.extend(&payload);
        let frame = Frame { first: FIN | TEXT, payload };
        assert_eq!(frames(&[&served[..], &served, &[0x81]].concat()), [frame.clone(), frame]);
        let unmasked = sent[head + 4..].iter().zip(sent[head..head + 4].iter().cycle());
        assert!(unmasked.map(|(byte, mask)| byte ^ mask).all(|byte| byte == b'x'));
    }
}
