//! A client's stream of bytes, whose writing side can be shared.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::net::{Shutdown, shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, tcp, unix};

use crate::connection::TryWrite;

/// A client's stream of bytes, over TCP or a unix socket.
#[derive(Debug)]
pub(super) struct Stream {
    reader: Reader,
    writer: Arc<Writer>,
}

#[derive(Debug)]
enum Reader {
    Tcp(tcp::OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
}

/// The writing side of a stream. Its holders must ensure that only one of them writes at a time.
#[derive(Debug)]
pub(super) enum Writer {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
}

impl Stream {
    /// The writing side, which can be shared.
    pub(super) fn writer(&self) -> &Arc<Writer> {
        &self.writer
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        let (reader, writer) = stream.into_split();
        Self { reader: Reader::Tcp(reader), writer: Arc::new(Writer::Tcp(writer)) }
    }
}

impl From<UnixStream> for Stream {
    fn from(stream: UnixStream) -> Self {
        let (reader, writer) = stream.into_split();
        Self { reader: Reader::Unix(reader), writer: Arc::new(Writer::Unix(writer)) }
    }
}

macro_rules! either {
    ($kind:ident, $self:expr, $stream:ident => $call:expr) => {
        match $self {
            $kind::Tcp($stream) => $call,
            $kind::Unix($stream) => $call,
        }
    };
}

impl Writer {
    /// Writes as soon as the socket is ready. Only one task at a time may wait for it.
    fn poll(
        &self,
        context: &mut Context<'_>,
        write: impl Fn() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(either!(Self, self, half => half.as_ref().poll_write_ready(context)))?;
            match write() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl TryWrite for Writer {
    fn try_write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(Self, self, half => half.try_write_vectored(parts))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(Reader, &mut self.get_mut().reader, half => Pin::new(half).poll_read(context, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let writer = &self.writer;
        writer.poll(context, || either!(Writer, &**writer, half => half.try_write(bytes)))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writer.poll(context, || self.writer.try_write(parts))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// The stream does not buffer, so a flush does nothing.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = match &*self.writer {
            Writer::Tcp(half) => shutdown(half.as_ref(), Shutdown::Write),
            Writer::Unix(half) => shutdown(half.as_ref(), Shutdown::Write),
        };
        Poll::Ready(shut.map_err(io::Error::from))
    }
}
