//! Tests of tasks that wait: which tasks run meanwhile, and how the waiting ones end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;

use super::super::{PATIENCE, TestClient, start};
use crate::consumer::Registry;
use crate::error::Error;
use crate::extract::Head;
use crate::message::{Message, TaskUuid};
use crate::queue::{Task, TaskQueue};
use crate::service::Service;

/// A service whose tasks do what their message says: `do = "go"` is done immediately, `"wait"`
/// waits for its turn at the gate, `"hold"` keeps its worker until the test releases it, and
/// `"hop"` is woken again and again by itself and by other threads.
struct Gated {
    service: Service,
    gate: Arc<Semaphore>,
    /// The tasks that were begun, in their order.
    begun: Arc<Mutex<Vec<u64>>>,
    /// The finished tasks, in the order in which they ended.
    done: Arc<Mutex<Vec<u64>>>,
    /// The tasks that keep a worker, by uuid.
    held: Arc<Mutex<HashMap<u64, mpsc::Receiver<()>>>>,
}

impl Gated {
    async fn new(queue: &str) -> Self {
        Self::start(queue, |registry| registry).await
    }

    /// As [`new`](Self::new), after a last change to the registry.
    async fn start(queue: &str, change: impl FnOnce(Registry) -> Registry) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let begun = Arc::<Mutex<Vec<u64>>>::default();
        let done = Arc::<Mutex<Vec<u64>>>::default();
        let held = Arc::<Mutex<HashMap<u64, mpsc::Receiver<()>>>>::default();
        let registry = Registry::new().function("receive", receive).function("work", {
            let (gate, done, held) = (Arc::clone(&gate), Arc::clone(&done), Arc::clone(&held));
            let begun = Arc::clone(&begun);
            move |Head(head)| {
                let begun = Arc::clone(&begun);
                let (gate, done, held) = (Arc::clone(&gate), Arc::clone(&done), Arc::clone(&held));
                async move {
                    let uuid = head["uuid"].as_u64().unwrap();
                    begun.lock().unwrap().push(uuid);
                    match head["do"].as_str().unwrap() {
                        "wait" => gate.acquire().await?.forget(),
                        "hold" => {
                            let release = held.lock().unwrap().remove(&uuid).unwrap();
                            release.recv_timeout(PATIENCE)?;
                        }
                        "hop" => hop().await?,
                        _ => {}
                    }
                    done.lock().unwrap().push(uuid);
                    Ok::<_, Error>(uuid.to_string())
                }
            }
        });
        let table = format!(
            "[queue.tasks]\nconsumer = \"work\"\n{queue}\n[[route]]\n\
             channel = \"websocket.receive\"\nqueue = \"tasks\"\nconsumer = \"receive\"\n"
        );
        let service = start(&table, &change(registry)).await;
        Self { service, gate, begun, done, held }
    }

    async fn client(&self) -> TestClient {
        TestClient::connect(&self.service, "/").await.unwrap()
    }

    /// Lets a task keep a worker until the returned sender is used or dropped.
    async fn hold(&self, client: &TestClient, uuid: u64) -> mpsc::Sender<()> {
        let (release, wait) = mpsc::channel();
        self.held.lock().unwrap().insert(uuid, wait);
        say(client, uuid, "hold").await;
        // A worker has now begun the task.
        self.until(|| !self.held.lock().unwrap().contains_key(&uuid)).await;
        release
    }

    /// Waits until this many tasks are queued and this many have been begun.
    async fn depth(&self, expected: (usize, usize)) {
        let queue = self.service.queue("tasks").unwrap();
        self.until(|| queue.depth() == expected).await;
    }

    async fn until(&self, mut is_so: impl FnMut() -> bool) {
        let begun = std::time::Instant::now();
        while !is_so() {
            let depth = self.service.queue("tasks").unwrap().depth();
            assert!(begun.elapsed() < PATIENCE, "{depth:?} queued and running");
            tokio::task::yield_now().await;
        }
    }
}

/// Pushes a task, or cancels it if `do = "cancel"`.
async fn receive(message: Message, queue: TaskQueue) -> Result<(), Error> {
    let head = message.head().unwrap();
    let uuid = TaskUuid::new(head["uuid"].clone())?;
    if head["do"] == "cancel" {
        queue.cancel(&message.reply_channel, &uuid).await;
    } else {
        queue.push(Task::new(uuid, message)).await;
    }
    Ok(())
}

/// Waits a hundred times for another thread, and yields a hundred times.
async fn hop() -> Result<(), Error> {
    let (there, mut back) = tokio::sync::mpsc::channel(1);
    let thread = std::thread::spawn(move || (0..100).try_for_each(|n| there.blocking_send(n)));
    for expected in 0..100 {
        assert_eq!(back.recv().await, Some(expected));
        tokio::task::yield_now().await;
    }
    drop(back);
    thread.join().unwrap()?;
    Ok(())
}

async fn say(client: &TestClient, uuid: u64, what: &str) {
    client.send(json!({"uuid": uuid, "do": what}).to_string()).await;
}

/// The next answer: the task's uuid, and the code if it is an error.
async fn answer(client: &mut TestClient) -> (u64, String) {
    let answer = client.receive().await.json();
    match answer.as_u64() {
        Some(uuid) => (uuid, "done".to_owned()),
        None => (answer["uuid"].as_u64().unwrap(), answer["code"].as_str().unwrap().to_owned()),
    }
}

/// The next answers in the form of [`answer`], sorted by uuid.
async fn sorted(client: &mut TestClient, count: usize) -> Vec<(u64, String)> {
    let mut answers = Vec::new();
    while answers.len() < count {
        answers.push(answer(client).await);
    }
    answers.sort();
    answers
}

async fn answers(client: &mut TestClient, expected: &[(u64, &str)]) {
    for (uuid, end) in expected {
        assert_eq!(answer(client).await, (*uuid, (*end).to_owned()));
    }
}

#[tokio::test]
async fn a_worker_whose_task_waits_takes_the_next_and_no_more_than_may_wait() {
    let gated = Gated::new("workers = 1\nwaiting = 3").await;
    let mut client = gated.client().await;
    say(&client, 1, "wait").await;
    say(&client, 2, "go").await;
    answers(&mut client, &[(2, "done")]).await;
    say(&client, 3, "wait").await;
    say(&client, 4, "wait").await;
    say(&client, 5, "go").await;
    gated.depth((1, 3)).await;
    gated.gate.add_permits(1);
    answers(&mut client, &[(1, "done"), (5, "done")]).await;
    say(&client, 6, "wait").await;
    say(&client, 7, "wait").await;
    gated.depth((1, 3)).await;
    gated.gate.add_permits(4);
    assert_eq!(sorted(&mut client, 4).await, [3, 4, 6, 7].map(|uuid| (uuid, "done".to_owned())));
    gated.depth((0, 0)).await;
}

#[tokio::test]
async fn if_only_one_task_may_be_begun_a_waiting_task_keeps_its_worker() {
    let gated = Gated::new("workers = 1\nwaiting = 1").await;
    let mut client = gated.client().await;
    say(&client, 1, "wait").await;
    gated.depth((0, 1)).await;
    say(&client, 2, "go").await;
    gated.depth((1, 1)).await;
    say(&client, 1, "cancel").await;
    // The worker may finish the second task before the first one is answered.
    let ends = sorted(&mut client, 2).await;
    assert_eq!(ends, [(1, "cancelled".to_owned()), (2, "done".to_owned())]);
}

#[tokio::test]
async fn a_task_that_waits_is_cancelled_at_once_however_busy_its_worker_is() {
    let gated = Gated::new("workers = 1").await;
    let (mut client, leaver) = (gated.client().await, gated.client().await);
    say(&client, 1, "wait").await;
    say(&leaver, 1, "wait").await;
    gated.depth((0, 2)).await;
    let held = gated.hold(&client, 2).await;
    say(&client, 1, "cancel").await;
    answers(&mut client, &[(1, "cancelled")]).await;
    // Its uuid is free again.
    say(&client, 1, "go").await;
    gated.depth((1, 2)).await;
    leaver.disconnect(1000).await;
    gated.depth((1, 1)).await;
    drop(held);
    let ends = sorted(&mut client, 2).await;
    assert_eq!(ends, [(1, "done".to_owned()), (2, "failed".to_owned())]);
    gated.depth((0, 0)).await;
    // The cancelled task did not use a turn at the gate.
    assert_eq!(gated.gate.available_permits(), 0);
    say(&client, 3, "wait").await;
    gated.gate.add_permits(1);
    answers(&mut client, &[(3, "done")]).await;
}

#[tokio::test]
async fn tasks_that_can_continue_run_before_new_ones() {
    let gated = Gated::new("workers = 1").await;
    let client = gated.client().await;
    say(&client, 1, "wait").await;
    gated.depth((0, 1)).await;
    let held = gated.hold(&client, 2).await;
    for uuid in [3, 4] {
        say(&client, uuid, "go").await;
    }
    gated.depth((2, 2)).await;
    gated.gate.add_permits(1);
    held.send(()).unwrap();
    gated.depth((0, 0)).await;
    assert_eq!(*gated.done.lock().unwrap(), [2, 1, 3, 4]);
}

#[tokio::test]
async fn any_worker_goes_on_with_a_task_that_waited() {
    let gated = Gated::new("workers = 2").await;
    let mut client = gated.client().await;
    for uuid in 0..8 {
        say(&client, uuid, "wait").await;
    }
    gated.depth((0, 8)).await;
    let held = gated.hold(&client, 8).await;
    gated.gate.add_permits(8);
    let ends = sorted(&mut client, 8).await;
    assert!(ends.iter().all(|(_, end)| end == "done"), "{ends:?}");
    held.send(()).unwrap();
    answers(&mut client, &[(8, "done")]).await;
}

#[tokio::test]
async fn a_waiting_task_is_answered_at_its_deadline() {
    let gated = Gated::new("workers = 1\ndeadline = \"3s\"").await;
    let mut client = gated.client().await;
    say(&client, 1, "wait").await;
    gated.depth((0, 1)).await;
    let held = gated.hold(&client, 2).await;
    answers(&mut client, &[(1, "expired")]).await;
    held.send(()).unwrap();
    assert_eq!(answer(&mut client).await.0, 2);
}

#[tokio::test]
async fn a_stop_finishes_waiting_tasks_or_tells_them_to_stop() {
    let gated = Gated::new("workers = 2\n[server]\ndrain = \"300ms\"").await;
    let mut client = gated.client().await;
    for uuid in 1..=3 {
        say(&client, uuid, "wait").await;
        gated.depth((0, uuid.try_into().unwrap())).await;
    }
    let held = gated.hold(&client, 4).await;
    let stopping = tokio::spawn(gated.service.clone().stop());
    gated.gate.add_permits(1);
    held.send(()).unwrap();
    // The order of the waiting tasks at the gate is not defined.
    let mut ends = Vec::new();
    for _ in 0..4 {
        ends.push(answer(&mut client).await.1);
    }
    assert_eq!(ends, ["done", "done", "refused", "refused"]);
    let begun = std::time::Instant::now();
    stopping.await.unwrap();
    assert!(begun.elapsed() < PATIENCE / 2, "the workers have ended by themselves");
}

/// The tasks of one client take a second each, those of the other a hundredth of that, and none
/// takes CPU time worth mentioning.
#[tokio::test(start_paused = true)]
async fn workers_are_shared_by_the_time_that_passes_where_the_registry_says_so() {
    let table = "workers = 1\nwaiting = 1\nfair_by = \"connection\"";
    let gated = Gated::start(table, |registry| registry.charge_elapsed("work")).await;
    let (slow, quick) = (gated.client().await, gated.client().await);
    say(&slow, 1, "wait").await;
    gated.depth((0, 1)).await;
    for (client, uuid) in [(&slow, 2), (&slow, 3), (&quick, 11), (&quick, 12), (&quick, 13)] {
        say(client, uuid, "wait").await;
    }
    gated.depth((5, 1)).await;
    for turn in 0..6 {
        gated.until(|| gated.begun.lock().unwrap().len() == turn + 1).await;
        let takes = if gated.begun.lock().unwrap()[turn] > 10 { 10 } else { 1000 };
        tokio::time::advance(Duration::from_millis(takes)).await;
        gated.gate.add_permits(1);
        gated.until(|| gated.done.lock().unwrap().len() == turn + 1).await;
    }
    assert_eq!(*gated.begun.lock().unwrap(), [1, 11, 12, 13, 2, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_wake_up_is_lost() {
    let gated = Gated::new("workers = 3\nwaiting = 2").await;
    let mut client = gated.client().await;
    for uuid in 0..100 {
        say(&client, uuid, "hop").await;
    }
    let expected: Vec<_> = (0..100).map(|uuid| (uuid, "done".to_owned())).collect();
    assert_eq!(sorted(&mut client, 100).await, expected);
    gated.depth((0, 0)).await;
}
