//! How a connection follows a table that replaces the former one.

use std::sync::Arc;

use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::{Events, Next};
use crate::connection::delayed::Passing;
use crate::connection::limits::SocketLimits;
use crate::reply::{Reply, close};
use crate::routing::MatchedRoutes;
use crate::service::{LiveRoute, Table};

impl Events {
    /// Whether the service has another table than this connection.
    pub(super) fn is_behind(&self) -> bool {
        self.service.generation() != self.generation && !self.is_ousted
    }

    /// Uses the current table from now on, if the table was replaced. A message that waited for its
    /// rate is routed again; `next` is then nothing, if it was such a message.
    pub(super) async fn follow_table(&mut self, mut next: Next) -> Next {
        if !self.is_behind() {
            return next;
        }
        let table = self.service.table();
        let matched = table.matched(&self.scope.path);
        let ousted = if !matched.has_socket() {
            Some((close::RESTART, "the path is no longer served"))
        } else if !self.credentials.carry_over(&matched) {
            Some((close::UNAUTHORISED, "the path now needs another token"))
        } else {
            None
        };
        if let Some((code, reason)) = ousted {
            (self.generation, self.is_ousted) = (table.generation(), true);
            tracing::info!(client = %self.channel.name(), path = &*self.scope.path, code, reason, "client closed because the table was replaced");
            let _ = self.channel.send(Reply::close_with(code, reason));
            return next;
        }
        if let Next::Passing(passing) = next {
            self.delayed.put_back(*passing);
            next = Next::Nothing;
        }
        self.adopt(matched, &table);
        self.instances.forget_functions();
        if self.retirement.is_none()
            && let Some(consumer) = self.instances.outdated(&table)
        {
            self.retirement = Some(self.retire(consumer, &table));
        }
        // The values of the former table are free from here on.
        drop(table);
        for Passing { mut message, place, number, .. } in self.delayed.follow(&self.matched) {
            if self.channel.is_closing() {
                break;
            }
            if let Some(route) = self.route(&mut message) {
                self.admit(route, message, place, number).await;
            }
        }
        next
    }

    /// Takes over the routes of another table, and the limits of the connection.
    pub(super) fn adopt(&mut self, matched: MatchedRoutes<LiveRoute>, table: &Table) {
        let limits = matched.socket_limits();
        self.waiting.resize(limits.inbox.as_usize());
        self.channel.set_limits(limits.outbox_limits());
        self.limits.set(SocketLimits::new(&matched));
        (self.matched, self.generation) = (matched, table.generation());
    }

    /// Closes the client after `[server] retire`, unless it has left before. The instance of a
    /// socket consumer may hold the former consumer's state and all that belongs to it.
    fn retire(&self, consumer: &Arc<str>, table: &Table) -> AbortOnDropHandle<()> {
        let (channel, consumer) = (self.channel.clone(), Arc::clone(consumer));
        let patience = table.router().server().retire.duration();
        AbortOnDropHandle::new(tokio::spawn(async move {
            sleep(patience).await;
            let (client, code) = (channel.name(), close::RESTART);
            tracing::info!(%client, %consumer, code, "client closed because its consumer was replaced");
            let _ = channel.send(Reply::close_with(code, "its consumer was replaced"));
        }))
    }
}
