//! The same calls and the same model, for a queue in a server of Redis and one of Valkey.

use std::cell::Cell;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Builder;

use super::time::Time;
use super::{call, follow, memory, rules};
use crate::queue::redis::Clock;
use crate::queue::{Shard, TaskQueue};
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
                let url = redis.url().parse().expect("it is a URL");
                let timeout = Duration::from_secs(30);
                let shard = Shard {
                    server: Server::new(url, timeout),
                    prefix: "test".to_owned(),
                    lease: Duration::from_secs(3600),
                    timeout,
                    large: None,
                };
                let clock = Clock::set();
                let name = format!("case {}", case.get());
                let queue =
                    TaskQueue::in_redis_at(&name, rules.clone(), memory(), shard, clock.clone());
                follow(queue, Time::Set(clock), &rules, &calls).await;
            });
            Ok(())
        });
        if let Err(error) = run {
            panic!("{kind:?}: {error}");
        }
    }
}
