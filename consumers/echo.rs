//! `echo`: the `EchoHandler` of the Tornado program. It sends `connected!`, then every message
//! back.

use waterway::{Error, Payload, Reply, ReplyChannel, SocketConsumer};

/// Sends every message back, text as text and bytes as bytes.
#[derive(Debug, Default)]
pub struct Echo;

impl SocketConsumer for Echo {
    async fn open(&mut self, socket: &ReplyChannel) -> Result<(), Error> {
        socket.send(Reply::text("connected!"))
    }

    async fn on_message(&mut self, socket: &ReplyChannel, message: Payload) -> Result<(), Error> {
        socket.send(message)
    }
}
