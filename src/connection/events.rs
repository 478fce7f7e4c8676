//! A client's events, handled in order: connect, each message, and disconnect exactly once.

mod follow;

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use http::StatusCode;
use tokio::time::{sleep, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use tracing::field::display;

use super::credentials::Credentials;
use super::delayed::{Admitted, Delayed, Passing};
use super::inbox::{Inbound, InboxReceiver, Item};
use super::instances::Instances;
use super::limits::{LiveLimits, SocketLimits};
use super::room::Place;
use super::stint::Stint;
use crate::consumer::{Called, call};
use crate::error::{Error, code};
use crate::message::{Cancellation, Channel, Content, Message, Scope};
use crate::reply::{Reply, ReplyChannel, close};
use crate::routing::MatchedRoutes;
use crate::service::{LiveRoute, Service};
use crate::setting::Rate;

pub(super) struct Events {
    service: Service,
    /// The routes of the path in the table of the generation.
    matched: MatchedRoutes<LiveRoute>,
    generation: u64,
    /// Whether the client is closed because its path or its tokens differ in a new table. Its
    /// disconnect then uses the former table.
    is_ousted: bool,
    scope: Arc<Scope>,
    credentials: Credentials,
    channel: ReplyChannel,
    cancellation: Cancellation,
    waiting: InboxReceiver,
    limits: Arc<LiveLimits>,
    /// The close code, set before `waiting` ends.
    code: Arc<AtomicU16>,
    instances: Instances,
    /// Closes the client when it has kept an outdated instance for too long.
    retirement: Option<AbortOnDropHandle<()>>,
    delayed: Delayed,
}

/// The next message to handle.
enum Next {
    /// The client has sent this message.
    Inbound(Inbound),
    /// The rate of its route now allows this message.
    Passing(Box<Passing>),
    /// No message: the table has been replaced.
    Nothing,
}

impl From<Item> for Next {
    fn from(item: Item) -> Self {
        match item {
            Item::Message(message) => Self::Inbound(message),
            Item::Replaced => Self::Nothing,
        }
    }
}

impl Events {
    pub(super) fn new(
        service: Service,
        (matched, generation): (MatchedRoutes<LiveRoute>, u64),
        scope: Scope,
        channel: ReplyChannel,
        cancellation: Cancellation,
        waiting: InboxReceiver,
        code: Arc<AtomicU16>,
    ) -> Self {
        let (instances, delayed) = (Instances::default(), Delayed::default());
        let (scope, credentials) = (Arc::new(scope), Credentials::default());
        let limits = Arc::new(LiveLimits::new(SocketLimits::new(&matched)));
        Self {
            service,
            matched,
            generation,
            is_ousted: false,
            scope,
            credentials,
            channel,
            cancellation,
            waiting,
            limits,
            code,
            instances,
            retirement: None,
            delayed,
        }
    }

    /// The limits of the client's socket, which follow the table.
    pub(super) fn limits(&self) -> &Arc<LiveLimits> {
        &self.limits
    }

    pub(super) async fn run(mut self) {
        // A handshake may take long, and the table may be replaced meanwhile.
        if self.is_behind() {
            let table = self.service.table();
            let matched = table.matched(&self.scope.path);
            self.adopt(matched, &table);
        }
        match Credentials::verify(&self.matched, &mut self.scope) {
            Ok(credentials) => self.credentials = credentials,
            Err(error) => {
                self.log_refused(&error);
                // Sent over the socket, because a page cannot read an HTTP 401.
                let reply = Reply::json(&serde_json::json!({"error": error.message()}));
                self.send(
                    reply.unwrap_or_default().and_close(close::UNAUTHORISED, error.message()),
                );
                return;
            }
        }
        let Some(end) = self.credentials.expires() else { return self.handle_all().await };
        let channel = self.channel.clone();
        let events = self.handle_all();
        tokio::pin!(events);
        tokio::select! {
            // First, so that messages that wait when the token expires are not handled.
            biased;
            () = sleep_until(end) => {}
            () = &mut events => return,
        }
        // The close is sent immediately, even while a consumer works on a message.
        tracing::info!(client = %channel.name(), "the client's token expired");
        let _ = channel.send(Reply::close_with(close::UNAUTHORISED, "token expired"));
        events.await;
    }

    async fn handle_all(mut self) {
        if !self.connect().await {
            return;
        }
        let (path, ip) = (&*self.scope.path, self.scope.ip.map(display));
        tracing::info!(client = %self.channel.name(), path, ip, "client connected");
        let mut stint = Stint::default();
        while let Some(next) = self.next().await {
            let next = self.follow_table(next).await;
            let size = match next {
                Next::Nothing => continue,
                Next::Inbound(received) => {
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

    /// Waits for a message; `None` when the client has left and none of its messages is waiting.
    async fn next(&mut self) -> Option<Next> {
        // The usual case, because only messages over a rate are delayed.
        if self.delayed.is_empty() {
            return self.waiting.recv().await.map(Next::from);
        }
        tokio::select! {
            biased;
            // Drops the delayed messages of a client that has left, so that the disconnect is not
            // late.
            () = self.cancellation.cancelled() => self.delayed.clear(),
            passing = self.delayed.next() => return Some(Next::Passing(Box::new(passing))),
            received = self.waiting.recv() => match received {
                Some(item) => return Some(item.into()),
                None => return None,
            },
        }
        self.waiting.recv().await.map(Next::from)
    }

    /// Delivers `websocket.connect`; `false` if the client is refused before that.
    async fn connect(&mut self) -> bool {
        let mut message = self.message(Content::Connect);
        let route = self.matched.select(&mut message).cloned();
        // A socket consumer decides about origins itself: `SocketConsumer::check_origin`.
        let decides = route.as_ref().is_some_and(|route| route.consumer().is_socket());
        if !self.scope.origin_allowed && !decides {
            let (path, origin) = (&*self.scope.path, self.scope.header("origin"));
            let client = self.channel.name();
            let way_out = "open the page from this service, or name the origin in [server] origins";
            tracing::info!(%client, path, origin, way_out, "origin refused");
            let _ = self.channel.send(Reply::deny(StatusCode::FORBIDDEN));
            return false;
        }
        if let Some(route) = route {
            match self.call(&route, message).await {
                Called::Replied(reply) => self.send(reply),
                Called::Failed(error) | Called::Panicked(error) => {
                    // An error that the consumer returns on purpose is a rule of the deployment.
                    let failed = error.code() == code::FAILED;
                    let closing = if failed { close::FAILED } else { close::POLICY };
                    self.send_error(&error, Channel::Connect, Some(closing));
                }
            }
        }
        // Accepts the client unless its consumer has already decided.
        let _ = self.channel.send(Reply::accept());
        true
    }

    async fn receive(&mut self, Inbound { payload, held, place }: Inbound) {
        // Messages that arrive after this side has closed are not handled. Messages that arrived
        // before the client closed are.
        if self.channel.is_closing() {
            return;
        }
        let mut message = self.message(Content::Receive(payload));
        message.hold(held);
        let Some(route) = self.route(&mut message) else { return };
        let limit = route.limits().message.as_usize();
        if message.size() > limit {
            let reason =
                format!("the message has {} bytes, but only {limit} are allowed", message.size());
            let _ = self.channel.send(Reply::close_with(close::TOO_BIG, reason));
            return;
        }
        self.admit(route, message, place, None).await;
    }

    /// The route of a message of the client, which then has the claims that the route asks for. The
    /// client is closed if it lacks a token.
    fn route(&self, message: &mut Message) -> Option<LiveRoute> {
        let route = self.matched.select(message).cloned()?;
        match self.credentials.scope(&route) {
            Ok(None) => Some(route),
            Ok(Some(scope)) => {
                message.set_scope(Arc::clone(scope));
                Some(route)
            }
            Err(error) => {
                self.log_refused(&error);
                self.send_error(&error, Channel::Receive, Some(close::UNAUTHORISED));
                None
            }
        }
    }

    /// Handles a message, or lets it wait for its route's rate. `number` is that of a message that
    /// has waited before.
    async fn admit(
        &mut self,
        route: LiveRoute,
        message: Message,
        place: Place,
        number: Option<u64>,
    ) {
        if route.limits().rate == Rate::Off && self.delayed.is_empty() {
            let called = self.call(&route, message).await;
            self.answer(called);
            return;
        }
        let precedence = route.consumer().precedence(&message);
        match self.delayed.admit(Passing { route, message, place, precedence, number }) {
            Admitted::Now(passing) => self.handle(passing).await,
            Admitted::Waits => {}
            Admitted::TooMany => {
                let error = Error::new(code::RATE, "too many messages");
                self.send_error(&error, Channel::Receive, Some(close::POLICY));
            }
        }
    }

    /// Handles a message, after the messages that it withdraws.
    async fn handle(&mut self, passing: Passing) {
        let withdrawn = self.delayed.withdraw(&passing);
        for Passing { route, message, place, .. } in withdrawn.into_iter().chain([passing]) {
            if self.channel.is_closing() {
                return;
            }
            let called = self.call(&route, message).await;
            self.answer(called);
            drop(place);
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
        let Some(route) = self.matched.select(&mut message).cloned() else { return };
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

    /// Calls the route's consumer. After the client has left, the call may take as long as a
    /// closing handshake; otherwise a consumer that never ends would keep its resources forever
    /// (compare daphne's `application_close_timeout`).
    ///
    /// Not an `async fn`, because each `async fn` moves its arguments once more.
    fn call<'a>(
        &'a mut self,
        route: &LiveRoute,
        message: Message,
    ) -> impl Future<Output = Called> + Send + use<'a> {
        let grace = self.matched.socket_limits().closing.duration();
        let cancellation = self.cancellation.clone();
        let called = call(self.instances.of(route), message);
        async move {
            let given_up = async {
                cancellation.cancelled().await;
                sleep(grace).await;
            };
            tokio::select! {
                biased;
                called = called => called,
                () = given_up => {
                    Called::Failed(Error::failed("it did not end after its client had left"))
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

    /// Sends an error to the client, and closes with this code if there is one.
    fn send_error(&self, error: &Error, channel: Channel, closing: Option<u16>) {
        if error.code() == code::GONE {
            return;
        }
        self.log(error, channel);
        let mut reply = Reply::error(error);
        // A status is for HTTP; here it would decide the handshake.
        reply.status = None;
        self.send(match closing {
            Some(closing) => reply.and_close(closing, error.message()),
            None => reply,
        });
    }

    /// Logs a client that lacks a token that it needs.
    fn log_refused(&self, error: &Error) {
        tracing::info!(client = %self.channel.name(), path = &*self.scope.path, %error, "client refused");
    }

    fn log(&self, error: &Error, channel: Channel) {
        let (client, path) = (self.channel.name(), &*self.scope.path);
        if error.code() == code::FAILED {
            tracing::error!(%client, path, %channel, %error, "consumer failed");
        } else {
            tracing::debug!(%client, path, %channel, %error, "message refused");
        }
    }
}
