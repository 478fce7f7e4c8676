//! A client's events, handled in order: connect, what it sends, and disconnect exactly once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use http::StatusCode;
use tokio::time::{sleep, sleep_until};
use tracing::field::display;

use super::credentials::Credentials;
use super::delayed::{Admitted, Delayed, Passing};
use super::inbox::{Received, Waiting};
use super::stint::Stint;
use crate::consumer::{Called, Instance, call};
use crate::error::{Error, code};
use crate::message::{Cancellation, Channel, Content, Message, Scope};
use crate::reply::{Reply, ReplyChannel, close};
use crate::routing::{Route, Way};
use crate::setting::Rate;

pub(super) struct Events {
    way: Way,
    scope: Arc<Scope>,
    credentials: Credentials,
    channel: ReplyChannel,
    cancellation: Cancellation,
    waiting: Waiting,
    /// Set by whoever ends the connection, before `waiting` ends.
    code: Arc<AtomicU16>,
    instances: Vec<(Owner, Box<dyn Instance>)>,
    delayed: Delayed,
}

/// The next message to handle.
enum Next {
    /// The client has sent this message.
    Received(Received),
    /// The rate of its route lets this message through now.
    Passing(Box<Passing>),
}

/// What an instance belongs to.
enum Owner {
    /// A socket consumer, by its name: however many routes lead to it, it keeps one state.
    Consumer(Arc<str>),
    /// A route to a function, by its number: its queue is its own.
    Route(usize),
}

impl Owner {
    fn of(route: &Route) -> Self {
        let consumer = route.consumer();
        if consumer.is_socket() {
            Self::Consumer(Arc::clone(consumer.name()))
        } else {
            Self::Route(route.index())
        }
    }

    /// Whether its instance serves this route.
    fn is_of(&self, route: &Route) -> bool {
        match self {
            Self::Consumer(name) => route.consumer().is_socket() && name == route.consumer().name(),
            Self::Route(index) => *index == route.index() && !route.consumer().is_socket(),
        }
    }
}

impl Events {
    pub(super) fn new(
        way: Way,
        scope: Scope,
        channel: ReplyChannel,
        cancellation: Cancellation,
        waiting: Waiting,
        code: Arc<AtomicU16>,
    ) -> Self {
        let (instances, delayed) = (Vec::new(), Delayed::default());
        let (scope, credentials) = (Arc::new(scope), Credentials::default());
        Self { way, scope, credentials, channel, cancellation, waiting, code, instances, delayed }
    }

    pub(super) async fn run(mut self) {
        match Credentials::verify(&self.way, &mut self.scope) {
            Ok(credentials) => self.credentials = credentials,
            Err(error) => {
                self.log_refused(&error);
                // Over the socket and not as HTTP 401, because a page cannot read that.
                let told = Reply::json(&serde_json::json!({"error": error.message()}));
                self.send(told.unwrap_or_default().and_close(close::UNAUTHORISED, error.message()));
                return;
            }
        }
        let Some(end) = self.credentials.expires() else { return self.handle_all().await };
        let channel = self.channel.clone();
        let events = self.handle_all();
        tokio::pin!(events);
        tokio::select! {
            // First, so that messages which wait at the end are not handled.
            biased;
            () = sleep_until(end) => {}
            () = &mut events => return,
        }
        // At once, even while a consumer works on a message.
        tracing::info!(client = %channel.name(), "the client's token expired");
        let _ = channel.send(Reply::close_with(close::UNAUTHORISED, "token expired"));
        events.await;
    }

    async fn handle_all(mut self) {
        if !self.connect().await {
            return;
        }
        let (path, ip) = (&self.scope.path, self.scope.ip.map(display));
        tracing::info!(client = %self.channel.name(), path, ip, "client connected");
        let mut stint = Stint::default();
        while let Some(next) = self.next().await {
            let size = match next {
                Next::Received(received) => {
                    let size = received.payload.len();
                    self.receive(received).await;
                    size
                }
                Next::Passing(passing) => {
                    let size = passing.message.size();
                    self.handle(*passing).await;
                    size
                }
            };
            stint.handled(size).await;
        }
        self.disconnect().await;
    }

    /// Waits for a message; `None` when the client has left and none of its messages waits.
    async fn next(&mut self) -> Option<Next> {
        // Nearly always: only messages over a rate are delayed.
        if self.delayed.is_empty() {
            return self.waiting.recv().await.map(Next::Received);
        }
        tokio::select! {
            biased;
            // The messages of a client that has left are dropped, so the disconnect is not late.
            () = self.cancellation.cancelled() => self.delayed.clear(),
            passing = self.delayed.next() => return Some(Next::Passing(Box::new(passing))),
            received = self.waiting.recv() => match received {
                Some(received) => return Some(Next::Received(received)),
                None => return None,
            },
        }
        self.waiting.recv().await.map(Next::Received)
    }

    /// Delivers `websocket.connect`; `false` when the client is refused before.
    async fn connect(&mut self) -> bool {
        let mut message = self.message(Content::Connect);
        let route = self.way.select(&mut message).cloned();
        // A socket consumer has a say in it, see `SocketConsumer::check_origin`; a function none.
        let decides = route.as_ref().is_some_and(|route| route.consumer().is_socket());
        if !self.scope.origin_allowed && !decides {
            let origin = self.scope.header("origin");
            tracing::info!(client = %self.channel.name(), path = self.scope.path, origin, "origin refused");
            let _ = self.channel.send(Reply::deny(StatusCode::FORBIDDEN));
            return false;
        }
        if let Some(route) = route {
            match self.call(&route, message).await {
                Called::Replied(reply) => self.send(reply),
                Called::Failed(error) | Called::Panicked(error) => {
                    // What a consumer says on purpose is a rule of the deployment.
                    let failed = error.code() == code::FAILED;
                    let closing = if failed { close::FAILED } else { close::POLICY };
                    self.send_error(&error, Channel::Connect, Some(closing));
                }
            }
        }
        // A consumer that has not refused the client takes it. Ignored where it has decided.
        let _ = self.channel.send(Reply::accept());
        true
    }

    async fn receive(&mut self, Received { payload, held, room }: Received) {
        // Messages that arrive after this side has closed are not handled; those that arrived
        // before the client closed are.
        if self.channel.is_closing() {
            return;
        }
        let mut message = self.message(Content::Receive(payload));
        message.hold(held);
        let Some(route) = self.way.select(&mut message).cloned() else { return };
        match self.credentials.scope(&route) {
            Ok(None) => {}
            Ok(Some(scope)) => message.scope = Arc::clone(scope),
            Err(error) => {
                self.log_refused(&error);
                self.send_error(&error, Channel::Receive, Some(close::UNAUTHORISED));
                return;
            }
        }
        let limit = route.limits().message.as_usize();
        if message.size() > limit {
            let reason = format!("the message has {} bytes, {limit} are taken", message.size());
            let _ = self.channel.send(Reply::close_with(close::TOO_BIG, reason));
            return;
        }
        if route.limits().rate == Rate::Off && self.delayed.is_empty() {
            let called = self.call(&route, message).await;
            self.answer(called);
            return;
        }
        let precedence = route.consumer().precedence(&message);
        match self.delayed.admit(Passing { route, message, room, precedence }) {
            Admitted::Now(passing) => self.handle(passing).await,
            Admitted::Waits => {}
            Admitted::TooMany => {
                let error = Error::new(code::RATE, "too many messages");
                self.send_error(&error, Channel::Receive, Some(close::POLICY));
            }
        }
    }

    /// Handles a message, after those that it withdraws.
    async fn handle(&mut self, passing: Passing) {
        let withdrawn = self.delayed.withdraw(&passing);
        for Passing { route, message, room, .. } in withdrawn.into_iter().chain([passing]) {
            if self.channel.is_closing() {
                return;
            }
            let called = self.call(&route, message).await;
            self.answer(called);
            drop(room);
        }
    }

    /// Sends the outcome of a message.
    fn answer(&self, called: Called) {
        match called {
            Called::Replied(reply) => self.send(reply),
            Called::Failed(error) => self.send_error(&error, Channel::Receive, None),
            Called::Panicked(error) => {
                self.send_error(&error, Channel::Receive, Some(close::FAILED));
            }
        }
    }

    async fn disconnect(&mut self) {
        let code = self.code.load(Ordering::Acquire);
        tracing::info!(client = %self.channel.name(), code, "client left");
        let mut message = self.message(Content::Disconnect(code));
        let Some(route) = self.way.select(&mut message).cloned() else { return };
        if let Called::Failed(error) | Called::Panicked(error) = self.call(&route, message).await
            && error.code() != code::GONE
        {
            self.log(&error, Channel::Disconnect);
        }
    }

    fn message(&self, content: Content) -> Message {
        let (channel, scope) = (self.channel.clone(), Arc::clone(&self.scope));
        Message::new(channel, scope, content, self.cancellation.clone())
    }

    /// Calls the route's consumer. Once the client has left it may take as long as a closing
    /// handshake, or it could hold on for ever to what nobody waits for (daphne's
    /// `application_close_timeout`).
    ///
    /// Not an `async fn`, because each `async fn` moves its arguments once more.
    fn call<'a>(
        &'a mut self,
        route: &Route,
        message: Message,
    ) -> impl Future<Output = Called> + Send + use<'a> {
        let at = self.instances.iter().position(|(owner, _)| owner.is_of(route));
        let at = at.unwrap_or_else(|| {
            self.instances.push((Owner::of(route), route.consumer().instance()));
            self.instances.len() - 1
        });
        let grace = self.way.socket_limits().closing.duration();
        let cancellation = self.cancellation.clone();
        let called = call(self.instances[at].1.as_mut(), message);
        async move {
            let given_up = async {
                cancellation.cancelled().await;
                sleep(grace).await;
            };
            tokio::select! {
                biased;
                called = called => called,
                () = given_up => {
                    Called::Failed(Error::failed("its client had left, and it did not end"))
                }
            }
        }
    }

    fn send(&self, reply: Reply) {
        if reply.is_empty() {
            return;
        }
        if let Err(error) = self.channel.send(reply)
            && error.code() == code::REFUSED
        {
            self.send_error(&error, Channel::Receive, None);
        }
    }

    /// Tells the client of an error, and closes with this code where there is one.
    fn send_error(&self, error: &Error, channel: Channel, closing: Option<u16>) {
        if error.code() == code::GONE {
            return;
        }
        self.log(error, channel);
        let mut reply = Reply::error(error);
        // A status is for HTTP; here it would be a word about the handshake.
        reply.status = None;
        self.send(match closing {
            Some(closing) => reply.and_close(closing, error.message()),
            None => reply,
        });
    }

    /// A client without a token that it needs.
    fn log_refused(&self, error: &Error) {
        tracing::info!(client = %self.channel.name(), path = self.scope.path, %error, "client refused");
    }

    fn log(&self, error: &Error, channel: Channel) {
        let (client, path) = (self.channel.name(), &self.scope.path);
        if error.code() == code::FAILED {
            tracing::error!(%client, path, %channel, %error, "consumer failed");
        } else {
            tracing::debug!(%client, path, %channel, %error, "message refused");
        }
    }
}
