//! The same calls and the same model, for a queue in a server of Redis and one of Valkey.

use std::cell::Cell;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Builder;

use super::time::Time;
use super::{Client, call, follow, memory, number, rules, some_rules};
use crate::queue::redis::Clock;
use crate::queue::{Rules, Shard, TaskQueue};
use crate::redis::Server;
use crate::redis::private::{Kind, Redis};

#[test]
fn every_sequence_of_calls_runs_the_model_s_tasks_in_redis_and_in_valkey() {
    for kind in [Kind::Redis, Kind::Valkey] {
        let redis = Redis::start(kind);
        let case = Cell::new(0_u32);
        let mut runner = TestRunner::new(ProptestConfig::with_cases(32));
        let sequences = (rules(), prop::collection::vec(call(), 0..120));
        let run = runner.run(&sequences, |(rules, calls)| {
            case.set(case.get() + 1);
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(async {
                let clock = Clock::set();
                let name = format!("case {}", case.get());
                let queue = queue(&redis, &name, &rules, clock.clone());
                follow(queue, Time::Set(clock), &rules, &calls).await;
            });
            Ok(())
        });
        if let Err(error) = run {
            panic!("{kind:?}: {error}");
        }
    }
}

/// The server does not know a process that pushes its first task, so it is pushed twice. Calls
/// that end the task overtake the second push.
#[tokio::test]
async fn a_task_that_ends_while_it_is_pushed_is_not_queued() {
    let redis = Redis::start(Kind::Redis);
    for leaves in [false, true] {
        let queue = queue(&redis, &format!("leaves: {leaves}"), &some_rules(), Clock::set());
        let mut client = Client::new(1);
        let task = client.task(1, (0, 0), "text".into());
        let ends = async {
            if leaves {
                queue.leave("1");
            } else {
                assert!(queue.cancel(&client.channel, &number(1)).await);
            }
        };
        tokio::join!(queue.push(task), ends);
        let numbers = queue.numbers().await;
        assert_eq!((numbers.queued, numbers.running), (0, 0), "leaves: {leaves}");
        assert_eq!(client.answers(1), [(1, 1, "cancelled".to_owned())]);
    }
}

#[tokio::test]
async fn a_queue_whose_server_has_lost_all_is_counted_anew() {
    let redis = Redis::start(Kind::Redis);
    let queue = queue(&redis, "lost", &some_rules(), Clock::set());
    let client = Client::new(1);
    let push = async |uuid| queue.push(client.task(uuid, (0, 0), "text".into())).await;
    assert!(push(1).await && push(2).await);
    assert_eq!(queue.depth(), (2, 0));
    let server = Server::new(redis.url().parse().unwrap(), Duration::from_secs(30));
    server.query::<()>(redis::cmd("FLUSHALL").arg("SYNC")).await.unwrap();
    assert!(push(3).await);
    assert_eq!(queue.depth(), (1, 0));
}

/// A queue in the server. Its loops do not run.
fn queue(redis: &Redis, name: &str, rules: &Rules, clock: Clock) -> TaskQueue {
    let url = redis.url().parse().expect("it is a URL");
    let timeout = Duration::from_secs(30);
    let shard = Shard {
        server: Server::new(url, timeout),
        prefix: "test".to_owned(),
        lease: Duration::from_secs(3600),
        timeout,
        large: None,
    };
    TaskQueue::in_redis_at(name, rules.clone(), memory(), shard, clock)
}
