//! `echo`: the seed program's `EchoHandler`. It says `connected!`, then sends back what comes.

use waterway::{Error, Payload, Reply, ReplyChannel, SocketConsumer};

/// Sends back what comes, text as text and bytes as bytes.
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
