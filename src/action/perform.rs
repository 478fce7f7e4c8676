//! Applies one checked action to an event.

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::body::Body;
use super::kinds::{Action, Answer, HeaderValues, Push, Respond};
use super::open_event::OpenEvent;
use super::publisher::report;
use super::state;
use crate::error::{Error, code};
use crate::message::TaskUuid;
use crate::queue::Task;
use crate::reply::Reply;

impl OpenEvent {
    /// Applies an action. A client that has left, a full outbox and a full queue have their usual
    /// outcome, and stop nothing.
    pub(super) async fn perform(&self, action: Action) {
        let applied = match action {
            Action::Accept(accept) => {
                self.send(Reply::accept().with_subprotocol(accept.subprotocol))
            }
            Action::Deny(deny) => self.send(Reply::deny(status(deny.status))),
            Action::Respond(respond) => response(respond).map(|reply| {
                *self.answer() = Some(reply);
            }),
            Action::Answer(Answer::Body(body)) => body.into_reply().map(|reply| {
                *self.answer() = Some(reply);
            }),
            // It was refused.
            Action::Answer(Answer::File(_)) => Ok(()),
            Action::Progress(fields) => self.tell_progress(fields),
            Action::GroupAdd(to) => {
                self.publisher.layer().group(to.group).add(&self.message.reply_channel).await
            }
            Action::GroupDiscard(from) => {
                self.publisher.layer().group(from.group).discard(&self.message.reply_channel).await
            }
            Action::Push(push) => {
                self.push(push).await;
                Ok(())
            }
            Action::Cancel(cancel) => {
                if let Some(queue) = self.publisher.queue(&cancel.queue) {
                    queue.cancel(&self.message.reply_channel, &cancel.uuid).await;
                }
                Ok(())
            }
            Action::State(value) => {
                if let Some(scope) = self.scope() {
                    state::set(scope, &self.consumer, value);
                }
                Ok(())
            }
            other @ (Action::Send(_)
            | Action::Close(_)
            | Action::Channels1(_)
            | Action::GroupSend(_)
            | Action::Log(_)) => match self.publisher.reply(other).await {
                Ok(Some(reply)) => self.send(reply),
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            },
        };
        report(applied, self.client());
    }

    /// Sends to the client; tells it of a reply that is too large.
    fn send(&self, reply: Reply) -> Result<(), Error> {
        let sent = self.message.reply_channel.send(reply);
        if let Err(error) = &sent
            && error.code() == code::REFUSED
        {
            let mut told = Reply::error(error);
            // A status is for HTTP; here it would decide the handshake.
            told.status = None;
            let _ = self.message.reply_channel.send(told);
        }
        sent
    }

    /// Tells the client how far its task is. A request has one response, so it is not told.
    fn tell_progress(&self, fields: serde_json::Map<String, Value>) -> Result<(), Error> {
        let Some(place) = self.message.task().filter(|_| !self.is_of_request()) else {
            return Ok(());
        };
        let mut told = serde_json::Map::new();
        told.insert("uuid".into(), place.uuid.value());
        told.insert("progress".into(), "working".into());
        told.extend(fields);
        self.send(Reply::json(&told)?)
    }

    async fn push(&self, push: Push) {
        let Some(queue) = self.publisher.queue(&push.queue) else { return };
        let own = Body::one_of(push.text.as_ref(), push.json.as_ref(), push.bytes.as_ref());
        let message = match own {
            Ok(Some(body)) => self.message.with_payload(body.into_payload()),
            Ok(None) | Err(_) => self.message.clone(),
        };
        let uuid = push.uuid.unwrap_or_else(TaskUuid::random);
        queue.push(Task::new(uuid, message).at(push.offset_top, push.height)).await;
    }
}

/// A status that was checked.
fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn response(respond: Respond) -> Result<Reply, Error> {
    let body = Body::one_of(respond.text.as_ref(), respond.json.as_ref(), respond.bytes.as_ref());
    let reply = match body.map_err(Error::failed)? {
        Some(body) => body.into_reply()?,
        None => Reply::default(),
    };
    let mut reply = reply.with_status(status(respond.status));
    for (name, values) in respond.headers {
        let name: HeaderName = name.parse()?;
        let values = match values {
            HeaderValues::One(value) => vec![value],
            HeaderValues::Several(values) => values,
        };
        for value in values {
            reply.headers_mut().append(name.clone(), HeaderValue::from_str(&value)?);
        }
    }
    Ok(reply)
}
