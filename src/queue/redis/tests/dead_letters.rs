//! Tests of dead letters and of the numbers of a queue, against private servers.

use std::time::Duration;

use crate::queue::redis::clock::Clock;
use crate::queue::redis::scripts::{Claimed, Pushed, Store, Withdrawn};
use crate::queue::report::QueueNumbers;
use crate::queue::rules::DeadLetterRules;
use crate::redis::Server;
use crate::redis::private::{Kind, Redis};
use crate::schedule::{Bounds, Order};

const LEASE: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3600);
const RULES: DeadLetterRules = DeadLetterRules { attempts: 2, tasks: 9, bytes: 9000, keep: HOUR };
const ROOM: Bounds = Bounds {
    client_tasks: 1000,
    total_tasks: 1000,
    client_bytes: 1 << 20,
    total_bytes: 1 << 20,
    deadline: HOUR,
    order: Order::Offset,
};

/// A queue whose clock stands still.
struct Queue {
    store: Store,
    clock: Clock,
    claims: usize,
}

impl Queue {
    async fn new(redis: &Redis, name: &str) -> Self {
        let server = Server::new(redis.url().parse().unwrap(), Duration::from_secs(5));
        let clock = Clock::set();
        let store = Store::new(server, "test", name, clock.clone());
        store.hello("node").await.unwrap();
        Self { store, clock, claims: 0 }
    }

    /// Pushes a task of 1000 bytes; the number is its id, its uuid and its place on the page.
    async fn push(&self, client: &str, number: u16, bounds: Bounds) -> String {
        self.push_as(&number.to_string(), client, number, bounds).await
    }

    async fn push_as(&self, id: &str, client: &str, number: u16, bounds: Bounds) -> String {
        let name = number.to_string();
        let task = Pushed {
            id,
            group: format!("group of {client}"),
            is_one_client: false,
            flow: client,
            client,
            uuid: &name,
            offset_top: number.into(),
            height: 0,
            bytes: 1000,
            bounds,
            keeps: HOUR,
            announced: false,
            body: name.as_bytes(),
        };
        self.store.push("node", &task).await.unwrap().0
    }

    async fn claim(&mut self) -> Option<Claimed> {
        self.claims += 1;
        let token = self.token();
        self.store.claim("worker", &token, LEASE, Order::Offset, false).await.unwrap().0
    }

    /// The token of the last claim.
    fn token(&self) -> String {
        self.claims.to_string()
    }

    /// Claims the next task and lets its lease end; `true` if it is given up.
    async fn lose(&mut self, rules: &DeadLetterRules) -> bool {
        self.claim().await.expect("a task is queued");
        self.clock.advance(LEASE);
        let (kept, _) = self.store.upkeep("node", HOUR, rules).await.unwrap();
        assert_eq!(kept.given_back + kept.died, 1);
        kept.died == 1
    }

    async fn numbers(&self) -> QueueNumbers {
        self.store.numbers().await.unwrap().0
    }

    /// The ids of the dead letters.
    async fn letters(&self) -> Vec<String> {
        let letters = self.store.letters(0).await.unwrap();
        letters.into_iter().map(|letter| letter.id).collect()
    }

    async fn requeue(&self, id: &str) -> bool {
        !self.store.requeue(&[id.to_owned()], HOUR).await.unwrap().is_empty()
    }

    /// How many of the queue's keys the server has whose names contain this.
    async fn keys(&self, part: &str) -> usize {
        let mut command = redis::cmd("KEYS");
        command.arg(format!("{}:{part}:*", self.store.base()));
        let keys: Vec<String> = self.store.server().query(&command).await.unwrap();
        keys.len()
    }
}

#[tokio::test]
async fn a_task_that_has_lost_its_leases_is_a_dead_letter_within_its_bounds() {
    for kind in [Kind::Redis, Kind::Valkey] {
        let redis = Redis::start(kind);
        for (name, rules, kept) in [
            ("all", RULES, &["1", "2", "3"][..]),
            ("two", DeadLetterRules { tasks: 2, ..RULES }, &["2", "3"]),
            ("none", DeadLetterRules { tasks: 0, ..RULES }, &[]),
            ("one by bytes", DeadLetterRules { bytes: 1999, ..RULES }, &["3"]),
            // Each is given up 20 s after the one before.
            (
                "two by time",
                DeadLetterRules { keep: Duration::from_secs(21), ..RULES },
                &["2", "3"],
            ),
        ] {
            let mut queue = Queue::new(&redis, name).await;
            for number in 1..=3 {
                assert_eq!(queue.push("ann", number, ROOM).await, "queued");
                assert!(!queue.lose(&rules).await, "{name}");
                assert!(queue.lose(&rules).await, "{name}");
            }
            assert_eq!(queue.letters().await, kept, "{name}");
            assert_eq!((queue.keys("letter").await, queue.keys("body").await), (kept.len(), 0));
            let numbers = queue.numbers().await;
            assert_eq!((numbers.queued, numbers.running, numbers.bytes), (0, 0, Some(0)));
            assert_eq!((numbers.reclaimed, numbers.dead_letters), (Some(3), Some(kept.len())));
        }
    }
}

#[tokio::test]
async fn a_dead_letter_says_whose_task_it_was() {
    let redis = Redis::start(Kind::Redis);
    let mut queue = Queue::new(&redis, "q").await;
    queue.push("ann", 7, ROOM).await;
    while !queue.lose(&RULES).await {}
    queue.clock.advance(Duration::from_secs(5));
    let letters = queue.store.letters(0).await.unwrap();
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!((&*letter.id, &*letter.uuid, &*letter.client), ("7", "7", "ann"));
    assert_eq!((letter.bytes, letter.attempts, letter.dead_ms), (1000, 2, 5000));
}

#[tokio::test]
async fn a_requeued_letter_has_its_place_and_all_its_attempts_and_no_client() {
    let redis = Redis::start(Kind::Redis);
    let mut queue = Queue::new(&redis, "q").await;
    queue.push("ann", 2, ROOM).await;
    while !queue.lose(&RULES).await {}
    // Its client sends it once more, and another one that is further down.
    assert_eq!(queue.push("ann", 3, ROOM).await, "queued");
    assert!(queue.requeue("2").await);
    assert!(!queue.requeue("2").await, "it is no letter any more");
    assert_eq!(queue.push_as("4", "ann", 2, ROOM).await, "queued", "its uuid is free");
    let numbers = queue.numbers().await;
    assert_eq!((numbers.queued, numbers.clients, numbers.dead_letters), (3, Some(1), Some(0)));
    // Its former node cannot withdraw it.
    let found = queue.store.withdraw(1, true, &["2".to_owned()]).await.unwrap().0;
    assert_eq!(found, [Withdrawn::Unknown]);

    let first = queue.claim().await.unwrap();
    assert_eq!((&*first.id, first.lost, &*first.client), ("2", 0, "ann"));
    assert_eq!((first.offset_top, &first.body[..]), (2, &b"2"[..]));
    // The worker stops, and another one does it.
    queue.store.release("2", &queue.token()).await.unwrap();
    let second = queue.claim().await.unwrap();
    assert_eq!((&*second.id, second.lost), ("2", 0));
    let (is_valid, counts) =
        queue.store.ack("2", &queue.token(), Duration::ZERO, b"done").await.unwrap();
    assert_eq!((is_valid, counts.queued), (true, 2));
    assert_eq!(queue.push("ann", 2, ROOM).await, "duplicate", "its end frees no uuid of another");
}

#[tokio::test]
async fn a_requeued_letter_whose_workers_end_is_a_dead_letter_again() {
    let redis = Redis::start(Kind::Redis);
    let mut queue = Queue::new(&redis, "q").await;
    queue.push("ann", 1, ROOM).await;
    while !queue.lose(&RULES).await {}
    // The node of its client is forgotten meanwhile.
    queue.clock.advance(2 * LEASE);
    queue.store.hello("other").await.unwrap();
    for _ in 0..2 {
        queue.store.upkeep("other", LEASE, &RULES).await.unwrap();
    }
    assert!(queue.requeue("1").await);
    assert!(!queue.lose(&RULES).await);
    assert!(queue.lose(&RULES).await);
    assert_eq!(queue.letters().await, ["1"]);
}

#[tokio::test]
async fn a_requeued_letter_that_is_displaced_is_a_dead_letter_again() {
    let redis = Redis::start(Kind::Redis);
    let mut queue = Queue::new(&redis, "q").await;
    queue.push("ann", 5, ROOM).await;
    while !queue.lose(&RULES).await {}
    assert!(queue.requeue("5").await);
    let one = Bounds { client_tasks: 1, ..ROOM };
    assert_eq!(queue.push("ann", 9, one).await, "refused", "it is further down");
    assert_eq!(queue.push("ann", 1, one).await, "queued");
    assert_eq!(queue.letters().await, ["5"]);
    assert_eq!(queue.claim().await.unwrap().id, "1");
    assert!(queue.requeue("5").await);
    assert_eq!(queue.claim().await.unwrap().body, b"5");
}

#[tokio::test]
async fn dropped_letters_leave_nothing_behind() {
    let redis = Redis::start(Kind::Redis);
    let mut queue = Queue::new(&redis, "q").await;
    for number in 1..=2 {
        queue.push("ann", number, ROOM).await;
        while !queue.lose(&RULES).await {}
    }
    let ids = ["2", "none"].map(str::to_owned);
    assert_eq!(queue.store.drop_letters(&ids).await.unwrap(), ["2"]);
    assert_eq!((queue.letters().await, queue.keys("letter").await), (vec!["1".to_owned()], 1));
    assert!(!queue.requeue("2").await);
}

#[tokio::test]
async fn the_numbers_of_many_tasks_are_those_of_all_parts() {
    let redis = Redis::start(Kind::Redis);
    let mut queue = Queue::new(&redis, "q").await;
    let nothing = queue.numbers().await;
    assert_eq!((nothing.clients, nothing.oldest_ms), (Some(0), None));
    for number in 0..600 {
        queue.push(&format!("client {}", number % 7), number, ROOM).await;
        queue.clock.advance(Duration::from_millis(1));
    }
    queue.claim().await.unwrap();
    let numbers = queue.numbers().await;
    assert_eq!((numbers.queued, numbers.running), (599, 1));
    assert_eq!((numbers.bytes, numbers.clients), (Some(600_000), Some(7)));
    // The oldest one runs.
    assert_eq!(numbers.oldest_ms, Some(599));
}
