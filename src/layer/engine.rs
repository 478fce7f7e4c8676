//! The interface between a channel layer and its engine.

use std::sync::Arc;

use super::Delivery;
use super::client::{About, ClientReport};
use crate::error::Error;
use crate::reply::{Reply, ReplyChannel};

/// Stores the names of clients and the members of groups. [`Group`](super::Group) and
/// [`ChannelLayer`](super::ChannelLayer) document each operation.
///
/// Each engine is a variant of `Kind`, so that a call allocates no future.
pub(super) trait Engine {
    fn send(&self, client: &str, reply: Reply) -> impl Future<Output = Result<(), Error>> + Send;

    fn add(&self, group: &Arc<str>, client: &str)
    -> impl Future<Output = Result<(), Error>> + Send;

    fn discard(
        &self,
        group: &Arc<str>,
        client: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    fn send_to_group(
        &self,
        group: &Arc<str>,
        reply: Reply,
        except: &[Arc<str>],
    ) -> impl Future<Output = Result<Delivery, Error>> + Send;

    fn len(&self, group: &str) -> impl Future<Output = Result<usize, Error>> + Send;

    /// Whether the client of this name is connected.
    fn has(&self, client: &str) -> bool;

    /// The client of this name, as operators see it.
    fn client(&self, client: &str) -> Option<ClientReport>;

    /// How many clients of this process are connected.
    fn clients(&self) -> usize;

    /// A client of this process has connected.
    fn join(&self, channel: ReplyChannel, about: About);

    /// A client of this process has left. It does not wait, because it is called while a connection
    /// is dropped.
    fn leave(&self, client: &str);
}
