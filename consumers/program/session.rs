//! Programs that have one connection each: every text message is a line for the program, and every
//! line of the program is a message.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use waterway::action::OpenEvent;
use waterway::message::{Channel, Content};
use waterway::reply::close;
use waterway::{Error, Message, Payload, Reply, ReplyChannel, code};

use super::child::{Child, Pipes};
use super::errors;
use super::lines::{Line, Lines};
use super::shared::Shared;

/// The programs of a consumer, one for each connection.
pub(super) struct Sessions {
    shared: Arc<Shared>,
    /// How many further programs may run.
    room: Arc<Semaphore>,
    stopping: CancellationToken,
}

/// The way to the program of a connection, kept for the connection. Dropping it ends the program.
#[derive(Default)]
struct Session(Mutex<Option<mpsc::Sender<Payload>>>);

/// How many lines wait for a program; then its client's further messages wait.
const WAITING: usize = 64;

/// How much is read at once, in bytes.
const READ: usize = 16 << 10;

/// How long the status of a program that has closed its output is waited for.
const LAST_STATUS: Duration = Duration::from_millis(200);

impl Sessions {
    pub(super) fn new(shared: Shared) -> Self {
        let most = shared.options.instances().max;
        let stopping = CancellationToken::new();
        Self { shared: Arc::new(shared), room: Arc::new(Semaphore::new(most)), stopping }
    }

    /// What operators see: how many programs run.
    pub(super) fn status(&self) -> Value {
        let most = self.shared.options.instances().max;
        json!({"programs": most - self.room.available_permits()})
    }

    /// Ends all programs.
    pub(super) async fn stop(&self) {
        self.stopping.cancel();
        self.shared.tasks.close();
        let _ = timeout(self.shared.options.grace.duration() * 2, self.shared.tasks.wait()).await;
    }

    /// Takes an event of a connection. A program that it starts keeps a clone of `in_use`.
    ///
    /// # Errors
    /// `refused` if too many programs run; `failed` if the program cannot be started, or has ended.
    pub(super) async fn take<T: Clone + Send + 'static>(
        &self,
        event: OpenEvent,
        in_use: &T,
    ) -> Result<Reply, Error> {
        let Some(scope) = event.scope() else {
            return Err(Error::failed("mode = \"lines\" serves WebSockets and no queue"));
        };
        let session = scope.slot(event.consumer(), Session::default);
        match (event.channel(), &event.message().content) {
            (Channel::Connect, _) => {
                self.open(event.message(), &session, in_use.clone()).await?;
                Ok(Reply::accept())
            }
            (_, Content::Receive(payload)) => {
                if session.sender().is_none() {
                    // Without a route for connect, the first message starts the program.
                    self.open(event.message(), &session, in_use.clone()).await?;
                }
                let sender = session.sender().ok_or_else(Error::gone)?;
                // It fails if the program has ended: its client is closed then.
                let _ = sender.send(payload.clone()).await;
                Ok(Reply::default())
            }
            (Channel::Disconnect, _) => {
                session.close();
                Ok(Reply::default())
            }
            _ => Err(Error::failed("mode = \"lines\" serves WebSockets, and no HTTP")),
        }
    }

    /// Starts the program of a connection. While it runs, the consumer is in use: a connection keeps
    /// its program when the table is replaced, at most for `[server] retire`.
    async fn open(
        &self,
        message: &Message,
        session: &Session,
        in_use: impl Send + 'static,
    ) -> Result<(), Error> {
        let permit = Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            let error = Error::new(code::REFUSED, "too many programs run for the consumer");
            error.with("retry_after_ms", 1000)
        })?;
        let (child, pipes) = Child::start(&self.shared.options, &variables(message)).await?;
        let (sender, messages) = mpsc::channel(WAITING);
        session.set(sender);
        let (shared, stopping) = (Arc::clone(&self.shared), self.stopping.clone());
        let client = message.reply_channel.clone();
        let running = run(shared, stopping, child, pipes, messages, client, permit);
        let running = async move {
            running.await;
            drop(in_use);
        };
        self.shared.tasks.spawn_on(running, &self.shared.runtime);
        Ok(())
    }
}

impl Session {
    fn sender(&self) -> Option<mpsc::Sender<Payload>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, sender: mpsc::Sender<Payload>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    }

    fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The variables of RFC 3875 that a connection has, and `PARAM_<NAME>` for each parameter of the
/// path.
fn variables(message: &Message) -> Vec<(String, String)> {
    let mut variables = vec![
        ("PATH_INFO".to_owned(), message.path().to_owned()),
        ("QUERY_STRING".to_owned(), message.query().to_owned()),
    ];
    if let Some(address) = message.address() {
        variables.push(("REMOTE_ADDR".to_owned(), address.to_string()));
    }
    for (name, value) in message.params.iter() {
        variables.push((format!("PARAM_{}", name.to_uppercase()), value.replace('\0', "")));
    }
    variables
}

/// Runs the program of a connection until it ends, or its client leaves.
async fn run(
    shared: Arc<Shared>,
    stopping: CancellationToken,
    mut child: Child,
    pipes: Pipes,
    messages: mpsc::Receiver<Payload>,
    client: ReplyChannel,
    _permit: OwnedSemaphorePermit,
) {
    let Pipes { input, output, errors } = pipes;
    let log = errors::log(errors, Arc::clone(&shared.consumer), child.id());
    shared.tasks.spawn_on(log, &shared.runtime);
    let (code, reason) = {
        let lifetime = shared.options.lifetime().unwrap_or(Duration::MAX);
        let mut writing = std::pin::pin!(write(input, messages));
        let mut reading = std::pin::pin!(read(&shared, output, &client));
        tokio::select! {
            biased;
            ended = &mut reading => match ended {
                Some(ended) => ended,
                None => closed(&shared, &mut child).await,
            },
            // Its client has left, so its last lines are not read.
            () = &mut writing => (close::DONE, ""),
            () = tokio::time::sleep(lifetime) => (close::RESTART, "the time is over"),
            () = stopping.cancelled() => (close::RESTART, "its consumer was replaced or stopped"),
        }
    };
    let _ = client.send(Reply::close_with(code, reason));
    child.end(shared.options.grace.duration()).await;
}

/// Writes messages as lines until the client leaves.
async fn write(mut input: ChildStdin, mut messages: mpsc::Receiver<Payload>) {
    let mut is_open = true;
    while let Some(payload) = messages.recv().await {
        // A message with line ends is several lines.
        let mut line = BytesMut::from(payload.as_bytes());
        line.extend_from_slice(b"\n");
        is_open = is_open && input.write_all(&line).await.is_ok();
    }
}

/// How the client of a program is closed that has closed its output, usually because it ends.
async fn closed(shared: &Shared, child: &mut Child) -> (u16, &'static str) {
    let (consumer, pid) = (&*shared.consumer, child.id());
    match timeout(LAST_STATUS, child.wait()).await {
        Ok(Ok(status)) if !status.success() => {
            tracing::error!(consumer, pid, %status, "a program failed, and its client is closed");
            (close::FAILED, "the consumer failed")
        }
        _ => (close::DONE, ""),
    }
}

/// Sends lines as messages until the program closes its output; returns how the client is closed, if
/// that does not depend on the program's end.
async fn read(
    shared: &Shared,
    mut output: ChildStdout,
    client: &ReplyChannel,
) -> Option<(u16, &'static str)> {
    let mut lines = Lines::new(shared.options.line.as_usize());
    loop {
        lines.read.reserve(READ);
        if !matches!(output.read_buf(&mut lines.read).await, Ok(1..)) {
            break;
        }
        while let Some(line) = lines.next() {
            let line = match line {
                Line::Whole(line) => line,
                Line::TooLong(_) => {
                    let (consumer, most) = (&*shared.consumer, shared.options.line);
                    tracing::error!(consumer, %most, "a program wrote a line that is too long");
                    return Some((close::FAILED, "the consumer failed"));
                }
            };
            send(client, &line);
        }
    }
    if let Some(line) = lines.rest() {
        send(client, &line);
    }
    None
}

/// A line is a text; bytes that are not UTF-8 are sent as U+FFFD.
fn send(client: &ReplyChannel, line: &[u8]) {
    let _ = client.send(String::from_utf8_lossy(line).into_owned());
}
