//! Tasks that wait for something: who is worked on meanwhile, and how they end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;

use super::super::{PATIENCE, TestClient, TestWorkers};
use crate::consumer::Registry;
use crate::error::Error;
use crate::extract::Head;
use crate::message::Message;
use crate::queue::{Task, TaskQueue, TaskUuid};
use crate::routing::Router;

/// A service whose tasks do what their message says:
/// `do = "go"` is done at once, `"wait"` waits for its turn at the gate, `"hold"` keeps its worker
/// until the test releases it, `"hop"` is woken by itself and by other threads, over and over.
struct Service {
    router: Router,
    gate: Arc<Semaphore>,
    /// What was worked on, in the order in which it came to an end.
    done: Arc<Mutex<Vec<u64>>>,
    /// Those that keep a worker, by their uuids.
    held: Arc<Mutex<HashMap<u64, mpsc::Receiver<()>>>>,
}

impl Service {
    fn new(queue: &str) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        let done = Arc::<Mutex<Vec<u64>>>::default();
        let held = Arc::<Mutex<HashMap<u64, mpsc::Receiver<()>>>>::default();
        let registry = Registry::new().function("receive", receive).function("work", {
            let (gate, done, held) = (Arc::clone(&gate), Arc::clone(&done), Arc::clone(&held));
            move |Head(head)| {
                let (gate, done, held) = (Arc::clone(&gate), Arc::clone(&done), Arc::clone(&held));
                async move {
                    let uuid = head["uuid"].as_u64().unwrap();
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
        let router = Router::parse(&table, &registry).unwrap();
        Self { router, gate, done, held }
    }

    async fn client(&self) -> TestClient {
        TestClient::connect(&self.router, "/").await.unwrap()
    }

    /// Has a task keep a worker until what is returned is used or dropped.
    async fn hold(&self, client: &TestClient, uuid: u64) -> mpsc::Sender<()> {
        let (release, wait) = mpsc::channel();
        self.held.lock().unwrap().insert(uuid, wait);
        say(client, uuid, "hold").await;
        // Its worker has taken it, and is at it from now on.
        self.until(|| !self.held.lock().unwrap().contains_key(&uuid)).await;
        release
    }

    /// Waits until so many tasks are queued and so many are begun.
    async fn depth(&self, expected: (usize, usize)) {
        let queue = self.router.queues().next().unwrap();
        self.until(|| queue.depth() == expected).await;
    }

    async fn until(&self, mut is_so: impl FnMut() -> bool) {
        let begun = std::time::Instant::now();
        while !is_so() {
            let depth = self.router.queues().next().unwrap().depth();
            assert!(begun.elapsed() < PATIENCE, "{depth:?} queued and running");
            tokio::task::yield_now().await;
        }
    }
}

/// Pushes a task, or cancels it: `do = "cancel"`.
async fn receive(message: Message, queue: TaskQueue) -> Result<(), Error> {
    let head = message.head().unwrap();
    let uuid = TaskUuid::new(head["uuid"].clone())?;
    if head["do"] == "cancel" {
        queue.cancel(&message.reply_channel, uuid.key());
    } else {
        queue.push(Task::new(uuid, message));
    }
    Ok(())
}

/// Waits a hundred times for another thread, and yields as often.
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

/// The next answer: of which task, and its code if it is an error.
async fn answer(client: &mut TestClient) -> (u64, String) {
    let answer = client.receive().await.json();
    match answer.as_u64() {
        Some(uuid) => (uuid, "done".to_owned()),
        None => (answer["uuid"].as_u64().unwrap(), answer["code"].as_str().unwrap().to_owned()),
    }
}

/// The next answers, as [`answer`] has them, by uuid.
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
    let service = Service::new("workers = 1\nwaiting = 3");
    let _workers = TestWorkers::start(&service.router);
    let mut client = service.client().await;
    say(&client, 1, "wait").await;
    say(&client, 2, "go").await;
    answers(&mut client, &[(2, "done")]).await;
    say(&client, 3, "wait").await;
    say(&client, 4, "wait").await;
    say(&client, 5, "go").await;
    service.depth((1, 3)).await;
    service.gate.add_permits(1);
    answers(&mut client, &[(1, "done"), (5, "done")]).await;
    say(&client, 6, "wait").await;
    say(&client, 7, "wait").await;
    service.depth((1, 3)).await;
    service.gate.add_permits(4);
    assert_eq!(sorted(&mut client, 4).await, [3, 4, 6, 7].map(|uuid| (uuid, "done".to_owned())));
    service.depth((0, 0)).await;
}

#[tokio::test]
async fn where_one_may_be_begun_a_task_that_waits_holds_its_worker() {
    let service = Service::new("workers = 1\nwaiting = 1");
    let _workers = TestWorkers::start(&service.router);
    let mut client = service.client().await;
    say(&client, 1, "wait").await;
    service.depth((0, 1)).await;
    say(&client, 2, "go").await;
    service.depth((1, 1)).await;
    say(&client, 1, "cancel").await;
    // The worker may be done with the second before the first is told.
    let ends = sorted(&mut client, 2).await;
    assert_eq!(ends, [(1, "cancelled".to_owned()), (2, "done".to_owned())]);
}

#[tokio::test]
async fn a_task_that_waits_is_cancelled_at_once_however_busy_its_worker_is() {
    let service = Service::new("workers = 1");
    let _workers = TestWorkers::start(&service.router);
    let (mut client, leaver) = (service.client().await, service.client().await);
    say(&client, 1, "wait").await;
    say(&leaver, 1, "wait").await;
    service.depth((0, 2)).await;
    let held = service.hold(&client, 2).await;
    say(&client, 1, "cancel").await;
    answers(&mut client, &[(1, "cancelled")]).await;
    // Its name is free again.
    say(&client, 1, "go").await;
    service.depth((1, 2)).await;
    leaver.disconnect(1000).await;
    service.depth((1, 1)).await;
    drop(held);
    let ends = sorted(&mut client, 2).await;
    assert_eq!(ends, [(1, "done".to_owned()), (2, "failed".to_owned())]);
    service.depth((0, 0)).await;
    // What was cancelled has not taken its turn at the gate.
    assert_eq!(service.gate.available_permits(), 0);
    say(&client, 3, "wait").await;
    service.gate.add_permits(1);
    answers(&mut client, &[(3, "done")]).await;
}

#[tokio::test]
async fn what_can_go_on_comes_before_what_is_new() {
    let service = Service::new("workers = 1");
    let _workers = TestWorkers::start(&service.router);
    let client = service.client().await;
    say(&client, 1, "wait").await;
    service.depth((0, 1)).await;
    let held = service.hold(&client, 2).await;
    for uuid in [3, 4] {
        say(&client, uuid, "go").await;
    }
    service.depth((2, 2)).await;
    service.gate.add_permits(1);
    held.send(()).unwrap();
    service.depth((0, 0)).await;
    assert_eq!(*service.done.lock().unwrap(), [2, 1, 3, 4]);
}

#[tokio::test]
async fn any_worker_goes_on_with_a_task_that_waited() {
    let service = Service::new("workers = 2");
    let _workers = TestWorkers::start(&service.router);
    let mut client = service.client().await;
    for uuid in 0..8 {
        say(&client, uuid, "wait").await;
    }
    service.depth((0, 8)).await;
    let held = service.hold(&client, 8).await;
    service.gate.add_permits(8);
    let ends = sorted(&mut client, 8).await;
    assert!(ends.iter().all(|(_, end)| end == "done"), "{ends:?}");
    held.send(()).unwrap();
    answers(&mut client, &[(8, "done")]).await;
}

#[tokio::test]
async fn a_task_that_waits_beyond_its_deadline_is_told_in_time() {
    let service = Service::new("workers = 1\ndeadline = \"3s\"");
    let _workers = TestWorkers::start(&service.router);
    let mut client = service.client().await;
    say(&client, 1, "wait").await;
    service.depth((0, 1)).await;
    let held = service.hold(&client, 2).await;
    answers(&mut client, &[(1, "expired")]).await;
    held.send(()).unwrap();
    assert_eq!(answer(&mut client).await.0, 2);
}

#[tokio::test]
async fn a_stop_finishes_what_waits_or_tells_it_to_stop() {
    let service = Service::new("workers = 2");
    let running = service.router.start().unwrap();
    let mut client = service.client().await;
    for uuid in 1..=3 {
        say(&client, uuid, "wait").await;
        service.depth((0, uuid.try_into().unwrap())).await;
    }
    let held = service.hold(&client, 4).await;
    let stopping = tokio::spawn(running.stop(Duration::from_millis(300), PATIENCE));
    service.gate.add_permits(1);
    held.send(()).unwrap();
    // Which of those that wait comes first at the gate is left open.
    let mut ends = Vec::new();
    for _ in 0..4 {
        ends.push(answer(&mut client).await.1);
    }
    assert_eq!(ends, ["done", "done", "refused", "refused"]);
    let begun = std::time::Instant::now();
    stopping.await.unwrap();
    assert!(begun.elapsed() < PATIENCE / 2, "the workers have ended by themselves");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_wake_up_is_lost() {
    let service = Service::new("workers = 3\nwaiting = 2");
    let _workers = TestWorkers::start(&service.router);
    let mut client = service.client().await;
    for uuid in 0..100 {
        say(&client, uuid, "hop").await;
    }
    let expected: Vec<_> = (0..100).map(|uuid| (uuid, "done".to_owned())).collect();
    assert_eq!(sorted(&mut client, 100).await, expected);
    service.depth((0, 0)).await;
}
