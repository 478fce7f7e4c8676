//! Actions outside of events: for a client by its name, and for a group.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::kinds::{Action, Channels1, Log, LogLevel};
use super::rules::{self, ActionLimits, Subject};
use super::{ActionError, Actions, Body};
use crate::error::{Error, code};
use crate::extract::{FromGiven, FromMessage, Given, lacks};
use crate::layer::{ChannelLayer, Delivery};
use crate::message::Message;
use crate::queue::TaskQueue;
use crate::reply::Reply;
use crate::state::Host;

/// The queues of a table by their names.
pub(super) type Queues = BTreeMap<Arc<str>, TaskQueue>;

/// Applies actions outside of events: to a client by its name, and to a group. Clones are the same
/// publisher. It lives as long as its service.
#[derive(Clone)]
pub struct Publisher {
    layer: ChannelLayer,
    /// The queues of the service's current table.
    queues: Arc<ArcSwap<Queues>>,
}

impl Publisher {
    pub(crate) fn new(layer: ChannelLayer) -> Self {
        Self { layer, queues: Arc::default() }
    }

    /// Uses the queues of another table from now on.
    pub(crate) fn set_queues(&self, queues: BTreeMap<Arc<str>, TaskQueue>) {
        self.queues.store(Arc::new(queues));
    }

    pub(super) fn queues(&self) -> Arc<Queues> {
        self.queues.load_full()
    }

    /// The queue of this name, if the current table has one.
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<TaskQueue> {
        self.queues.load().get(name).cloned()
    }

    /// The channel layer.
    #[must_use]
    pub fn layer(&self) -> &ChannelLayer {
        &self.layer
    }

    /// Applies actions to the client of this name: `send`, `close`, `group_add`, `group_discard`,
    /// `group_send`, `cancel` and `log`.
    ///
    /// # Errors
    /// `bad_message` for a wrong list, of which nothing is applied; [`Error::gone`] if no such
    /// client is connected.
    pub async fn to_client(&self, client: &str, actions: Actions) -> Result<(), Error> {
        self.check(&actions, Subject::Client)?;
        if !self.layer.has(client) {
            return Err(Error::gone());
        }
        for action in actions {
            let applied = match action {
                Action::Cancel(cancel) => {
                    if let Some(queue) = self.queue(&cancel.queue) {
                        queue.cancel_of(client, &cancel.uuid).await;
                    }
                    Ok(())
                }
                Action::GroupAdd(to) => self.layer.group(to.group).add_named(client).await,
                Action::GroupDiscard(from) => {
                    self.layer.group(from.group).discard_named(client).await
                }
                other => match self.reply(other).await {
                    Ok(Some(reply)) => self.layer.send(client, reply).await,
                    Ok(None) => Ok(()),
                    Err(error) => Err(error),
                },
            };
            report(applied, client);
        }
        Ok(())
    }

    /// Applies actions to every member of a group: `send` and `close`.
    ///
    /// # Errors
    /// `bad_message` for a wrong list or a wrong name, of which nothing is applied.
    pub async fn to_group(&self, group: &str, actions: Actions) -> Result<Delivery, Error> {
        is_group_name(group).map_err(|why| Error::new(code::BAD_MESSAGE, why))?;
        self.check(&actions, Subject::Group)?;
        let group = self.layer.group(group);
        let mut last = Delivery::default();
        for action in actions {
            if let Some(reply) = self.reply(action).await? {
                last = group.send(reply).await?;
            }
        }
        Ok(last)
    }

    fn check(&self, actions: &Actions, subject: Subject<'_>) -> Result<(), Error> {
        rules::check(actions, subject, &self.queues.load(), ActionLimits::default())
            .map_err(|error| Error::new(code::BAD_MESSAGE, error.to_string()))
    }

    /// Applies an action that concerns no task and no membership; returns the reply that it is.
    pub(super) async fn reply(&self, action: Action) -> Result<Option<Reply>, Error> {
        Ok(Some(match action {
            Action::Send(body) => body.into_reply()?,
            Action::Close(close) => Reply::close_with(close.code, close.reason),
            Action::Channels1(reply) => of_channels1(reply),
            Action::GroupSend(send) => {
                let body =
                    Body::one_of(send.text.as_ref(), send.json.as_ref(), send.bytes.as_ref());
                if let Ok(Some(body)) = body {
                    let group = self.layer.group(send.group);
                    group.send_except(body.into_reply()?, &send.except).await?;
                }
                return Ok(None);
            }
            Action::Log(log) => {
                write(&log);
                return Ok(None);
            }
            _ => return Ok(None),
        }))
    }
}

/// A reply message of Channels 1 as a reply.
pub(super) fn of_channels1(written: Channels1) -> Reply {
    let mut reply = match (written.text, written.bytes) {
        (Some(text), _) => Reply::text(text),
        (None, Some(bytes)) => Reply::bytes(bytes),
        (None, None) => Reply::default(),
    };
    reply.accept = written.accept;
    match written.close {
        Some(code) => reply.and_close(code, ""),
        None => reply,
    }
}

/// Whether a group may have this name: that of a group of Channels.
pub(super) fn is_group_name(name: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    if (1..=99).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    let shown: String = name.chars().take(120).collect();
    Err(format!(
        "{shown:?} is not the name of a group: give 1 to 99 letters, digits, hyphens, underscores \
         and full stops"
    ))
}

/// Logs an action that had no effect. A client that has left is nothing to report.
pub(super) fn report(applied: Result<(), Error>, client: &str) {
    if let Err(error) = applied
        && error.code() != code::GONE
    {
        tracing::warn!(client, %error, "an action had no effect");
    }
}

fn write(log: &Log) {
    // A consumer may write any text, and as often as it is called.
    const SHOWN: usize = 4096;
    let ends = (0..=SHOWN.min(log.message.len())).rev();
    let end = ends.into_iter().find(|end| log.message.is_char_boundary(*end)).unwrap_or(0);
    let message = &log.message[..end];
    match log.level {
        LogLevel::Error => tracing::error!(text = ?message, "a consumer says"),
        LogLevel::Warn => tracing::warn!(text = ?message, "a consumer says"),
        LogLevel::Info => tracing::info!(text = ?message, "a consumer says"),
        LogLevel::Debug => tracing::debug!(text = ?message, "a consumer says"),
        LogLevel::Trace => tracing::trace!(text = ?message, "a consumer says"),
    }
}

impl From<ActionError> for String {
    fn from(error: ActionError) -> Self {
        error.to_string()
    }
}

impl FromGiven for Publisher {
    fn from_given(given: &Given) -> Result<Self, Error> {
        given.get::<Self>().cloned().ok_or_else(|| lacks("a publisher"))
    }
}

impl FromMessage for Publisher {
    fn from_message(_: &Message, given: &Given) -> Result<Self, Error> {
        Self::from_given(given)
    }
}

impl Host {
    /// The service's publisher.
    ///
    /// # Errors
    /// If the host is not that of a service.
    pub fn publisher(&self) -> Result<Publisher, Error> {
        self.get::<Publisher>().cloned().ok_or_else(|| lacks("a publisher"))
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("layer", &self.layer).finish_non_exhaustive()
    }
}
