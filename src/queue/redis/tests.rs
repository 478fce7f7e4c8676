//! The scripts of the upkeep, by a clock that the tests set.

mod dead_letters;

use std::time::Duration;

use redis::{FromRedisValue, cmd};

use super::clock::Clock;
use super::scripts::{Claimed, Kept, Pushed, Store};
use crate::queue::rules::DeadLetterRules;
use crate::redis::Server;
use crate::redis::private::{Kind, Redis};
use crate::schedule::{Bounds, Order};

const LEASE: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(20);
/// The time between two calls of a process.
const BEAT: Duration = Duration::from_secs(3);
/// The rest of a lease after that.
const LEFT: Duration = Duration::from_secs(7);

const BOUNDS: Bounds = Bounds {
    client_tasks: 100,
    total_tasks: 100,
    client_bytes: 1000,
    total_bytes: 1000,
    deadline: Duration::from_secs(3600),
    order: Order::Viewport,
};

const LETTERS: DeadLetterRules = DeadLetterRules {
    attempts: 3,
    tasks: 100,
    bytes: 1000,
    keep: Duration::from_secs(7 * 24 * 3600),
};

/// A queue without processes.
struct Scene {
    store: Store,
    clock: Clock,
    claims: u64,
    _redis: Redis,
}

impl Scene {
    async fn new() -> Self {
        let redis = Redis::start(Kind::Redis);
        let server = Server::new(redis.url().parse().expect("it is a URL"), LEASE);
        let clock = Clock::set();
        let store = Store::new(server, "test", "scripts", clock.clone());
        let scene = Self { store, clock, claims: 0, _redis: redis };
        for node in ["a", "b"] {
            assert!(scene.store.hello(node).await.unwrap());
        }
        scene
    }

    async fn push(&self, node: &str, id: &str) {
        let pushed = Pushed {
            id,
            group: "group".to_owned(),
            is_one_client: false,
            flow: "flow",
            client: "client",
            uuid: id,
            offset_top: 0,
            height: 0,
            bytes: 1,
            bounds: BOUNDS,
            keeps: BOUNDS.deadline,
            announced: false,
            body: b"body",
        };
        let (word, _) = self.store.push(node, &pushed).await.unwrap();
        assert_eq!(word, "queued");
    }

    async fn claim(&mut self) -> Option<Claimed> {
        self.claims += 1;
        let token = format!("token {}", self.claims);
        self.store.claim("b", &token, LEASE, BOUNDS.order, false).await.unwrap().0
    }

    /// One call of the upkeep by node `a`.
    async fn keep(&self) -> Kept {
        self.store.upkeep("a", PATIENCE, &LETTERS).await.unwrap().0
    }

    /// Lets this time pass, while node `a` calls the upkeep.
    async fn pass(&self, time: Duration) -> Vec<Kept> {
        let mut kept = Vec::new();
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(BEAT);
            self.clock.advance(step);
            kept.push(self.keep().await);
            left = left.saturating_sub(step);
        }
        kept
    }

    async fn ask<T: FromRedisValue>(&self, command: &str, key: &str) -> T {
        let key = format!("test:waterway:1:{{scripts}}:{key}");
        self.store.server().query(cmd(command).arg(key)).await.unwrap()
    }
}

#[tokio::test]
async fn a_call_tells_when_the_next_lease_ends_and_then_gives_the_task_back() {
    let mut scene = Scene::new().await;
    scene.push("a", "task").await;
    scene.keep().await;
    assert_eq!(scene.claim().await.unwrap().lost, 0);
    let kept = scene.pass(BEAT).await.pop().unwrap();
    assert_eq!((kept.given_back, kept.next), (0, Some(LEFT)));
    let before = scene.pass(LEFT.saturating_sub(Duration::from_millis(1))).await;
    assert!(before.iter().all(|kept| kept.given_back == 0));
    let kept = scene.pass(Duration::from_millis(1)).await.pop().unwrap();
    assert_eq!(kept.given_back, 1);
    assert_eq!(scene.claim().await.unwrap().lost, 1);
}

#[tokio::test]
async fn leases_and_nodes_last_for_longer_if_the_server_was_away() {
    let mut scene = Scene::new().await;
    scene.push("b", "running").await;
    scene.push("b", "queued").await;
    scene.keep().await;
    let running = scene.claim().await.unwrap().id;
    scene.clock.advance(PATIENCE * 5);
    let kept = scene.keep().await;
    assert_eq!((kept.given_back, scene.ask::<u64>("HLEN", "tasks").await), (0, 2));
    let claims = [(running, "token 1".to_owned())];
    assert_eq!(scene.store.beat(LEASE, &claims).await.unwrap(), Vec::<String>::new());
    // A worker that does not return loses its lease all the same, and a node is forgotten.
    scene.pass(PATIENCE).await;
    assert_eq!(scene.ask::<u64>("ZCARD", "lease").await, 0);
    scene.pass(PATIENCE).await;
    assert_eq!(scene.ask::<u64>("HLEN", "tasks").await, 0);
}

#[tokio::test]
async fn a_process_is_told_that_the_server_does_not_know_it() {
    let scene = Scene::new().await;
    assert!(scene.keep().await.is_known);
    let (lost, _) = scene.store.upkeep("c", PATIENCE, &LETTERS).await.unwrap();
    assert!(!lost.is_known);
}

#[tokio::test]
async fn the_latest_hundred_dead_letters_are_kept() {
    let mut scene = Scene::new().await;
    scene.keep().await;
    for number in 0..130_u64 {
        scene.push("a", &format!("task {number}")).await;
        for lost in 0..3 {
            assert_eq!(scene.claim().await.unwrap().lost, lost);
            let kept = scene.pass(LEASE).await.pop().unwrap();
            assert_eq!((kept.given_back, kept.died), if lost < 2 { (1, 0) } else { (0, 1) });
        }
        let expected = (number + 1).min(100);
        assert_eq!(scene.ask::<u64>("ZCARD", "dead").await, expected);
        assert_eq!(scene.ask::<u64>("HLEN", "letters").await, expected);
    }
}
