//! A client's stream of bytes, and the hand on it that others write with.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::net::{Shutdown, shutdown};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream, tcp, unix};

use crate::connection::TryWrite;

/// A client's stream of bytes: TCP's or a unix socket's.
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

/// Where its bytes go. Whoever has it can write, and has to see to it that nobody else does.
#[derive(Debug)]
pub(super) enum Writer {
    Tcp(tcp::OwnedWriteHalf),
    Unix(unix::OwnedWriteHalf),
}

impl Stream {
    /// Where its bytes go.
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
    /// Writes as soon as there is room. One task at a time may wait for it.
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

    /// Nothing is kept back.
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
