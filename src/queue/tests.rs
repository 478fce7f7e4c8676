//! Any sequence of calls on a task queue: it runs the task that the schedule's model runs, and each
//! task has one answer. Each engine has a test of its own, with the same calls and the same model.

#[cfg(feature = "redis")]
mod in_redis;
mod time;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::FutureExt;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use self::time::Time;
use super::{Claim, FairBy, Next, OnDisconnect, Order, Rules, TASK_OVERHEAD, Task, TaskQueue};
use crate::memory::{Memory, Need};
use crate::message::{Cancellation, Content, Message, Scope, TaskUuid};
use crate::reply::{Envelope, OutboxLimits, Payload, Replies, Reply, ReplyChannel};
use crate::schedule::tests::model::{Model, Name, Out, Pushed};
use crate::schedule::{Bounds, Entry, Group, Owner};

#[derive(Clone, Debug)]
enum Call {
    Push { client: u8, uuid: u8, offset_top: i64, height: i64, bytes: usize },
    Next,
    Finish { which: usize, cost: u64 },
    Cancel { client: u8, uuid: u8 },
    Leave(u8),
    Reprioritise { client: u8, uuid: u8, offset_top: i64 },
    SetViewport { client: u8, top: i16, height: u8 },
    Wait(u64),
}

const CLIENTS: u8 = 6;
const UUIDS: u8 = 6;

fn call() -> impl Strategy<Value = Call> {
    let (client, uuid) = (|| 0..CLIENTS, || 0..UUIDS);
    let offset = || -100..400_i64;
    prop_oneof![
        20 => (client(), uuid(), offset(), 0..80_i64, 6..300_usize).prop_map(
            |(client, uuid, offset_top, height, bytes)| {
                Call::Push { client, uuid, offset_top, height, bytes }
            }
        ),
        8 => Just(Call::Next),
        6 => (any::<usize>(), 0..30_000_u64).prop_map(|(which, cost)| Call::Finish { which, cost }),
        3 => (client(), uuid()).prop_map(|(client, uuid)| Call::Cancel { client, uuid }),
        1 => client().prop_map(Call::Leave),
        3 => (client(), uuid(), offset()).prop_map(|(client, uuid, offset_top)| {
            Call::Reprioritise { client, uuid, offset_top }
        }),
        3 => (client(), -150..400_i16, 0..120_u8).prop_map(|(client, top, height)| {
            Call::SetViewport { client, top, height }
        }),
        3 => (1..40_u64).prop_map(Call::Wait),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let order = prop_oneof![1 => Just(Order::Offset), 3 => Just(Order::Viewport)];
    let fair_by = prop_oneof![Just(FairBy::Address), Just(FairBy::Ip)];
    (1..8_usize, 1..16_usize, 600..6000_usize, 600..9000_usize, 20..200_u64, order, fair_by)
        .prop_map(
            |(client_tasks, total_tasks, client_bytes, total_bytes, deadline, order, fair_by)| {
                let deadline = Duration::from_millis(deadline);
                let bounds = Bounds {
                    client_tasks,
                    total_tasks,
                    client_bytes,
                    total_bytes,
                    deadline,
                    order,
                };
                Rules { bounds, fair_by, ..some_rules() }
            },
        )
}

/// The tasks of a client that leaves are cancelled.
fn some_rules() -> Rules {
    Rules {
        bounds: Bounds {
            client_tasks: 8,
            total_tasks: 8,
            client_bytes: 6000,
            total_bytes: 6000,
            deadline: Duration::from_secs(60),
            order: Order::Viewport,
        },
        fair_by: FairBy::Address,
        on_disconnect: OnDisconnect::Cancel,
        workers: 1,
        waiting: usize::MAX,
        capacity: None,
        headers: Arc::from([]),
        #[cfg(feature = "redis")]
        dead_letters: super::DeadLetterRules {
            attempts: 3,
            tasks: 100,
            bytes: 1 << 20,
            keep: Duration::from_secs(60),
        },
    }
}

/// A client, as its connection has it.
struct Client {
    channel: ReplyChannel,
    replies: Replies,
    scope: Arc<Scope>,
}

/// A task that the test's worker has begun.
struct Begun {
    name: Name,
    client: u8,
    claim: Claim,
    /// Its client has its answer already.
    answered: bool,
}

/// A terminal answer: whose, of which task, and how it ended.
type Answer = (u8, u64, String);

/// A queue and its model next to each other.
struct Pair {
    queue: TaskQueue,
    time: Time,
    model: Model,
    is_one_client: bool,
    clients: Vec<Client>,
    /// Each push, by its name: its client and its uuid.
    pushes: Vec<(u8, u8)>,
    begun: Vec<Begun>,
    expected: Vec<Answer>,
}

impl Client {
    /// Two clients may have one connection, as requests over HTTP do; four have one address.
    fn new(number: u8) -> Self {
        let limits = OutboxLimits::default();
        let (channel, replies) = ReplyChannel::new(number.to_string(), Envelope::None, limits);
        let ip = Some([10, 0, 0, number / 4].into());
        let connection = format!("connection {}", number * 2 / 3).into();
        Self { channel, replies, scope: Arc::new(Scope { ip, connection, ..Scope::default() }) }
    }

    /// A task of this client.
    fn task(&self, uuid: u8, (offset_top, height): (i64, i64), content: String) -> Task {
        let (channel, scope) = (self.channel.clone(), Arc::clone(&self.scope));
        let content = Content::Receive(Payload::from(content));
        let message = Message::new(channel, scope, content, Cancellation::default());
        Task::new(number(uuid), message).at(offset_top, height)
    }

    /// Its answers since the last call.
    fn answers(&mut self, number: u8) -> Vec<Answer> {
        let Some(batch) = self.replies.take().now_or_never() else { return Vec::new() };
        let batch = batch.expect("the test has a sender");
        self.replies.written(batch.bytes);
        let answer = |reply: Reply| {
            let content = reply.content.expect("an answer has content");
            let answer: Value = serde_json::from_slice(content.as_bytes()).expect("it is JSON");
            let end = answer["code"].as_str().unwrap_or("done").to_owned();
            (number, answer["uuid"].as_u64().expect("an answer has the uuid as it came"), end)
        };
        batch.replies.into_iter().map(answer).collect()
    }
}

impl Pair {
    fn new(queue: TaskQueue, time: Time, rules: &Rules) -> Self {
        Self {
            queue,
            time,
            model: Model::new(rules.bounds),
            is_one_client: rules.fair_by == FairBy::Ip,
            clients: (0..CLIENTS).map(Client::new).collect(),
            pushes: Vec::new(),
            begun: Vec::new(),
            expected: Vec::new(),
        }
    }

    async fn call(&mut self, call: &Call) {
        match *call {
            Call::Push { client, uuid, offset_top, height, bytes } => {
                self.push(client, uuid, (offset_top, height), bytes).await;
            }
            Call::Next => self.next(),
            Call::Finish { which, cost } => self.finish(which, Duration::from_micros(cost)),
            Call::Cancel { client, uuid } => {
                let known = self.queue.cancel(self.channel(client), &number(uuid)).await;
                // A worker may learn of it later than the client.
                self.queue.settled().await;
                let out = self.model.cancel(&client.to_string(), &uuid.to_string());
                assert_eq!(known, out.is_some());
                let (queued, running) = out.unwrap_or_default();
                for begun in self.begun.iter_mut().filter(|begun| running.contains(&begun.name)) {
                    // A cancel answers a running task at once, with the first reason to stop it.
                    if !begun.answered {
                        begun.answered = true;
                        let end = code_of(begun.claim.cancellation());
                        let uuid = self.pushes[begun.name as usize].1;
                        self.expected.push((begun.client, uuid.into(), end));
                    }
                }
                self.expect_ends(queued, "cancelled");
            }
            Call::Leave(client) => {
                self.queue.leave(&client.to_string());
                let (queued, _) = self.model.cancel_client(&client.to_string());
                self.expect_ends(queued, "cancelled");
            }
            Call::Reprioritise { client, uuid, offset_top } => {
                let channel = self.channel(client);
                let moved = self.queue.reprioritise(channel, &number(uuid), offset_top).await;
                let (client, uuid) = (client.to_string(), uuid.to_string());
                assert_eq!(moved, self.model.reprioritise(&client, &uuid, offset_top));
            }
            Call::SetViewport { client, top, height } => {
                let (top_px, height_px) = (f64::from(top), f64::from(height));
                let set = self.queue.set_viewport(self.channel(client), top_px, height_px).await;
                set.expect("it is a viewport");
                self.model.set_viewport(&client.to_string(), top.into(), height.into());
            }
            Call::Wait(ms) => {
                self.time.pass(Duration::from_millis(ms), &self.queue).await;
                self.expire();
            }
        }
        self.compare().await;
    }

    async fn push(&mut self, client: u8, uuid: u8, (offset_top, height): (i64, i64), bytes: usize) {
        self.expire();
        let name = Name::try_from(self.pushes.len()).expect("a few pushes");
        self.pushes.push((client, uuid));
        let Client { channel, scope, .. } = &self.clients[usize::from(client)];
        // The name is the content.
        let content = format!("{name:bytes$}");
        let entry = Entry {
            group: Group {
                owner: Owner::Address(scope.ip.expect("each has an address")),
                is_one_client: self.is_one_client,
            },
            flow: Arc::clone(&scope.connection),
            client: Arc::clone(channel.name()),
            uuid: uuid.to_string().into(),
            offset_top,
            height,
            bytes: bytes + TASK_OVERHEAD,
            payload: name,
        };
        let task = self.clients[usize::from(client)].task(uuid, (offset_top, height), content);
        let queued = self.queue.push(task).await;
        let pushed = self.model.push(entry, self.time.now());
        assert_eq!(queued, matches!(pushed, Pushed::Accepted(_)));
        let end = match pushed {
            Pushed::Accepted(displaced) => return self.expect_ends(displaced, "displaced"),
            Pushed::Duplicate => "duplicate",
            Pushed::Refused => "refused",
            Pushed::TooLarge => "too_big",
        };
        self.expected.push((client, uuid.into(), end.to_owned()));
    }

    /// A worker takes the task that is next.
    fn next(&mut self) {
        // With nothing queued it would wait.
        if self.model.depth().queued == 0 {
            return;
        }
        let (task, (expired, _)) = self.model.pop(self.time.now());
        assert_eq!(expired, [], "they have expired already");
        let entry = task.expect("something is queued");
        let next = self
            .queue
            .next(|_| Need::new(0), &AtomicBool::new(false))
            .expect("the queue is not stopped");
        let Next::Begin(mut claim) = next else { panic!("{next:?} where no task waits") };
        let message = claim.take_message().expect("it is taken once");
        let Content::Receive(payload) = &message.content else { panic!("it is a text") };
        let name: Name = payload.as_text().unwrap().trim().parse().expect("a task's name");
        assert_eq!(name, entry.payload);
        let place = message.task().expect("it is a task");
        assert_eq!((place.offset_top, place.height), (entry.offset_top, entry.height));
        assert_eq!(place.uuid.key(), &entry.uuid);
        let client = self.pushes[name as usize].0;
        self.begun.push(Begun { name, client, claim, answered: false });
    }

    /// A worker ends a task as its executor would.
    fn finish(&mut self, which: usize, cost: Duration) {
        if self.begun.is_empty() {
            return;
        }
        let begun = self.begun.swap_remove(which % self.begun.len());
        let end = code_of(begun.claim.cancellation());
        let result = begun.claim.cancellation().check().map(|()| Reply::default());
        begun.claim.finish(result, cost);
        self.model.finish(begun.name, cost);
        if !begun.answered {
            let uuid = self.pushes[begun.name as usize].1;
            self.expected.push((begun.client, uuid.into(), end));
        }
    }

    fn expire(&mut self) {
        let (queued, _): Out = self.model.expire(self.time.now());
        self.expect_ends(queued, "expired");
    }

    fn expect_ends(&mut self, entries: Vec<Entry<Name>>, end: &str) {
        for entry in entries {
            let (client, uuid) = self.pushes[entry.payload as usize];
            self.expected.push((client, uuid.into(), end.to_owned()));
        }
    }

    async fn compare(&mut self) {
        self.queue.settled().await;
        let depth = self.model.depth();
        assert_eq!(self.queue.depth(), (depth.queued, depth.running));
        let mut answers = Vec::new();
        for (number, client) in (0..).zip(&mut self.clients) {
            answers.extend(client.answers(number));
        }
        answers.sort();
        self.expected.sort();
        assert_eq!(answers, std::mem::take(&mut self.expected));
    }

    /// In the end each task that is left has its answer too.
    async fn end(mut self) {
        self.queue.stop();
        let queued = self.model.drain();
        self.expect_ends(queued, "refused");
        self.compare().await;
        while !self.begun.is_empty() {
            self.finish(0, Duration::ZERO);
            self.compare().await;
        }
        assert!(
            self.queue.next(|_| Need::new(0), &AtomicBool::new(false)).is_none(),
            "it is stopped"
        );
    }

    fn channel(&self, client: u8) -> &ReplyChannel {
        &self.clients[usize::from(client)].channel
    }
}

fn number(uuid: u8) -> TaskUuid {
    TaskUuid::new(json!(uuid)).expect("a number is a uuid")
}

/// How a task ends whose worker stops when it is told to.
fn code_of(cancellation: &Cancellation) -> String {
    match cancellation.check() {
        Ok(()) => "done".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

/// Makes the calls on the queue and on its model.
async fn follow(queue: TaskQueue, time: Time, rules: &Rules, calls: &[Call]) {
    let watched = queue.clone();
    let watch = tokio::spawn(async move { watched.watch_deadlines().await });
    let mut pair = Pair::new(queue, time, rules);
    for call in calls {
        pair.call(call).await;
    }
    pair.end().await;
    watch.abort();
}

fn memory() -> Memory {
    Memory::new(1 << 30, 1 << 20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_sequence_of_calls_runs_the_model_s_tasks_and_answers_each_once(
        rules in rules(),
        calls in prop::collection::vec(call(), 0..120),
    ) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let queue = TaskQueue::new("memory", rules.clone(), memory());
        runtime.block_on(follow(queue, Time::Paused, &rules, &calls));
    }
}
