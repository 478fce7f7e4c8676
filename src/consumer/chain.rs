//! Several consumers of one route, called one after the other.

use super::instance::{Answer, Instance};
use crate::message::{Content, Message};
use crate::reply::Reply;

/// The instances of a route's consumers. Each is called after the one before it, until one ends the
/// event: it fails, refuses or closes, or it responds to a request. Other replies of consumers
/// before the last are sent at once.
pub(super) struct Chain {
    pub(super) before: Vec<Box<dyn Instance>>,
    pub(super) last: Box<dyn Instance>,
}

impl Instance for Chain {
    fn consume(&mut self, message: Message) -> Answer<'_> {
        Box::pin(async move {
            let client = message.reply_channel.clone();
            let is_request = matches!(message.content, Content::Request { .. });
            // After its connection is closed, a client's last event still reaches all consumers.
            let is_last = matches!(message.content, Content::Disconnect(_));
            for instance in &mut self.before {
                let reply = instance.consume(message.clone()).await?;
                let ends = reply.close.is_some() || reply.status.is_some() || is_request;
                if ends && !reply.is_empty() {
                    return Ok(reply);
                }
                if !reply.is_empty() && !is_last {
                    client.send(reply)?;
                }
                if client.is_closing() && !is_last {
                    return Ok(Reply::default());
                }
            }
            self.last.consume(message).await
        })
    }
}
