//! The node's side of a queue in Redis: it pushes its clients' tasks, and answers each once.

use std::time::Duration;

use redis::cmd;

use super::RedisQueue;
use super::accepted::{Entry, Number};
use super::crew::Incoming;
use super::scripts::Pushed;
use super::stored::Stored;
use super::upkeep::Running;
use super::wire::write_task;
use crate::error::{Error, code};
use crate::message::{Reason, TaskUuid};
use crate::queue::rules::OnDisconnect;
use crate::queue::task::{Answering, TASK_OVERHEAD, Task};
use crate::redis::Failure;
use crate::schedule::{Bounds, Group, Owner};

const SHORTEST_WAIT_MS: u64 = 100;
const LONGEST_WAIT_MS: u64 = 30_000;

impl RedisQueue {
    pub(super) async fn push_or_answer(&self, mut task: Task) -> bool {
        let shared = &self.shared;
        if !task.message.is_held() {
            let Some(held) = shared.memory.transit.hold(task.bytes()) else {
                let error = Error::new(code::REFUSED, "no memory is free for the task");
                let wait = self.wait_until_room();
                self.answering(&task).error(error.with("retry_after_ms", wait));
                return false;
            };
            task.message.hold(Some(held));
        }
        let rules = self.rules();
        task.message.become_task(task.place(&shared.name), &rules.headers);
        let now = shared.clock.now();
        // A deadline beyond the clock's range is a year away.
        let deadline = now.checked_add(rules.bounds.deadline).unwrap_or(now + YEAR);
        let stopped = self.crew().stopped;
        let inserted = {
            let mut accepted = self.accepted();
            // Checked under the lock: a client that leaves is first marked as cancelled, and its
            // tasks are withdrawn afterwards.
            let left = rules.on_disconnect == OnDisconnect::Cancel
                && task.message.cancellation.is_cancelled();
            if left || stopped {
                drop(accepted);
                let reason = if left { Reason::Cancelled } else { Reason::Restart };
                self.answering(&task).error(reason.error());
                return false;
            }
            let before = accepted.next_deadline();
            let inserted = accepted.insert(task.clone(), deadline);
            if accepted.next_deadline() != before {
                shared.deadlines.notify_one();
            }
            inserted
        };
        drop(rules);
        match inserted {
            Ok(number) => self.push_accepted(number, &task, true).await,
            Err(task) => {
                self.answering(&task).error(duplicate());
                false
            }
        }
    }

    /// Pushes an accepted task; `true` if it is queued. Otherwise it is answered, unless it was
    /// queued before and the server is away.
    pub(super) async fn push_accepted(&self, number: Number, task: &Task, first: bool) -> bool {
        let (shared, id) = (&self.shared, self.id(number));
        let bounds = self.rules().bounds;
        if task.bytes() > bounds.largest() {
            self.end_accepted(number, too_big(task, bounds));
            return false;
        }
        let stored = match self.store_content(number, task).await {
            Ok(stored) => stored,
            Err(error) if first => {
                self.end_accepted(number, error);
                return false;
            }
            Err(_) => {
                self.note_queued(number);
                return false;
            }
        };
        let (body, pushed_group) = {
            let rules = self.rules();
            let name = stored.as_ref().map(Stored::name);
            let body = write_task(&task.message, &rules.headers, name);
            (body, rules.fair_by.group(&task.message))
        };
        if !self.accepted().keep(number, stored) {
            return false;
        }
        let pushed = Pushed {
            id: &id,
            group: group_name(&pushed_group),
            is_one_client: pushed_group.is_one_client,
            flow: task.message.connection(),
            client: task.message.reply_channel.name(),
            uuid: task.uuid.key(),
            offset_top: task.offset_top,
            height: task.height,
            bytes: task.bytes(),
            bounds,
            keeps: bounds.deadline.saturating_add(shared.lease),
            announced: task.progress && first,
            body: &body,
        };
        let mut result = shared.store.push(&shared.node, &pushed).await;
        if let Ok((word, _)) = &result
            && word == "stranger"
        {
            result = match self.greet().await {
                Ok(()) => shared.store.push(&shared.node, &pushed).await,
                Err(failure) => Err(failure),
            };
        }
        let (word, counts) = match result {
            Ok(told) => told,
            Err(failure) if first => {
                if let Failure::Away(_) = failure {
                    self.regret(vec![id]);
                }
                if let Failure::Refused(error) = &failure {
                    tracing::error!(queue = %shared.name, %error, "a push was refused");
                }
                self.end_accepted(number, failure.error());
                return false;
            }
            Err(_) => {
                self.note_queued(number);
                return false;
            }
        };
        self.note(counts);
        let error = match word.as_str() {
            "queued" => {
                self.queued(number).await;
                return true;
            }
            "duplicate" => duplicate(),
            "too_big" => too_big(task, bounds),
            _ => Error::new(code::REFUSED, "the queue is full")
                .with("retry_after_ms", self.wait_until_room()),
        };
        self.end_accepted(number, error);
        false
    }

    /// Cancels an accepted task and answers it at once, even if a worker runs it.
    pub(super) async fn cancel_accepted(&self, number: Number) {
        // Before the server forgets it: a comparison pushes tasks again that the server does not know.
        self.tell(&[number], Reason::Cancelled);
        self.withdraw(&[number], Reason::Cancelled, Running::IsAnswered).await;
    }

    /// Cancels a task of another process; `false` if there is none.
    pub(super) async fn cancel_elsewhere(&self, client: &str, uuid: &TaskUuid) -> bool {
        let store = &self.shared.store;
        let Ok(Some((id, node))) = store.find(client, uuid.key()).await else { return false };
        let ids = std::slice::from_ref(&id);
        let withdrawn = store.withdraw(Reason::Cancelled as u8, true, ids).await;
        withdrawn.is_ok() && store.tell(&node, "cancelled", &id, b"").await.is_ok()
    }

    /// Notes why tasks are to stop. The first reason counts.
    pub(super) fn tell(&self, numbers: &[Number], reason: Reason) {
        let mut accepted = self.accepted();
        for number in numbers {
            if let Some(entry) = accepted.get_mut(*number) {
                entry.told.get_or_insert(reason);
            }
        }
    }

    /// Answers tasks with the reason that they were told, or else with this one.
    pub(super) fn answer_all(&self, numbers: &[Number], reason: Reason) {
        for number in numbers {
            let taken = self.accepted().take(*number);
            if let Some(Entry { task, told, .. }) = taken {
                self.answering(&task).error(told.unwrap_or(reason).error());
            }
        }
    }

    /// Takes the task of this id out, for its one answer.
    pub(super) fn take(&self, id: &str) -> Option<Answering> {
        let number = self.number(id)?;
        let entry = self.accepted().take(number)?;
        Some(self.answering(&entry.task))
    }

    /// Does something with the task of this id, unless it is answered.
    pub(super) fn with_client(&self, id: &str, what: impl FnOnce(&Task)) {
        let Some(number) = self.number(id) else { return };
        let task = self.accepted().get(number).map(|entry| entry.task.clone());
        if let Some(task) = task {
            what(&task);
        }
    }

    /// Remembers tasks that the server may still have, although they are answered. Of too many, the
    /// oldest are forgotten: their deadline ends them.
    pub(super) fn regret(&self, ids: Vec<String>) {
        let most = self.rules().bounds.total_tasks;
        let mut regrets = self.regrets();
        regrets.extend(ids);
        let too_many = regrets.len().saturating_sub(most);
        regrets.drain(..too_many);
    }

    /// Gives a claimed task back that no worker has begun.
    pub(super) fn give_back(&self, incoming: Incoming) {
        incoming.task.message.cancellation.cancel(Reason::Restart);
        self.crew().end(incoming.number, Duration::ZERO);
        incoming.answer.error(Reason::Restart.error());
    }

    pub(super) async fn forget_view(&self, client: &str) {
        let key = self.shared.store.view(client);
        // A viewport that stays is forgotten after a day.
        let _ = self.shared.store.server().query::<()>(cmd("DEL").arg(key)).await;
    }

    /// The id of an accepted task.
    pub(super) fn id(&self, number: Number) -> String {
        format!("{}-{number}", self.shared.node)
    }

    /// The number of an accepted task of this process.
    pub(super) fn number(&self, id: &str) -> Option<Number> {
        id.strip_prefix(&self.shared.node)?.strip_prefix('-')?.parse().ok()
    }

    /// The time after which another try may succeed, ms: until a tenth of the queued tasks is done.
    pub(super) fn wait_until_room(&self) -> u64 {
        let counts = self.counts();
        let tenth = u32::try_from(counts.queued.div_ceil(10)).unwrap_or(u32::MAX);
        let wait = counts.average.saturating_mul(tenth);
        u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).clamp(SHORTEST_WAIT_MS, LONGEST_WAIT_MS)
    }

    /// Notes that the server has a task. If the task has ended while it was pushed, or was told to
    /// stop, it is withdrawn: the call that ended it may have reached the server before the push.
    async fn queued(&self, number: Number) {
        self.note_queued(number);
        let told = self.accepted().get(number).map(|entry| entry.told);
        match told {
            Some(None) => {}
            Some(Some(reason)) => self.withdraw(&[number], reason, Running::AnswersItself).await,
            None => {
                let ids = [self.id(number)];
                match self.shared.store.withdraw(Reason::Cancelled as u8, true, &ids).await {
                    Ok((_, counts)) => self.note(counts),
                    Err(_) => self.regret(ids.into()),
                }
            }
        }
    }

    fn note_queued(&self, number: Number) {
        let now = self.shared.clock.now();
        if let Some(entry) = self.accepted().get_mut(number) {
            entry.queued = Some(now);
        }
    }

    fn end_accepted(&self, number: Number, error: Error) {
        let taken = self.accepted().take(number);
        if let Some(entry) = taken {
            self.answering(&entry.task).error(error);
        }
    }

    fn answering(&self, task: &Task) -> Answering {
        task.answering(&self.shared.outcomes)
    }
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

fn duplicate() -> Error {
    Error::new(code::DUPLICATE, "queued or running already")
}

fn too_big(task: &Task, bounds: Bounds) -> Error {
    let most = bounds.largest().saturating_sub(TASK_OVERHEAD);
    let size = task.message.size();
    let message = format!("the message has {size} bytes, but the queue takes at most {most}");
    Error::new(code::TOO_BIG, message)
}

/// A name for a group that all processes give it.
fn group_name(group: &Group) -> String {
    let kind = if group.is_one_client { "1" } else { "n" };
    match &group.owner {
        Owner::Everybody => format!("{kind}:all"),
        Owner::Address(address) => format!("{kind}:address:{address}"),
        Owner::Claim(claim) => format!("{kind}:claim:{claim}"),
        Owner::Connection(connection) => format!("{kind}:connection:{connection}"),
    }
}
