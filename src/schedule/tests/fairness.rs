//! Tests of fairness between flows.

use super::{
    super::{turns::MAX_RESTING, *},
    *,
};

const MS: Duration = Duration::from_millis(1);

fn queue(schedule: &mut Schedule<()>, flow: &str, tasks: usize, now: Instant) {
    for n in 0..tasks {
        accept(schedule, entry(flow, &format!("{flow} {n}"), 0), now);
    }
}

/// Runs one task to its end; returns its flow.
fn run(schedule: &mut Schedule<()>, now: Instant, cost: impl Fn(&str) -> Duration) -> String {
    let (id, entry) = pop(schedule, now).unwrap();
    schedule.finish(id, cost(&entry.flow));
    entry.flow.to_string()
}

#[test]
fn flows_with_much_to_do_get_equal_cpu_time_whatever_their_tasks_cost() {
    let now = Instant::now();
    for workers in [1, 2, 4] {
        let mut schedule = Schedule::new(AMPLE);
        queue(&mut schedule, "large", 2000, now);
        queue(&mut schedule, "small", 2000, now);
        let cost = |flow: &str| if flow == "large" { 30 * MS } else { 7 * MS };
        let mut used = HashMap::from([
            ("large".to_string(), Duration::ZERO),
            ("small".into(), Duration::ZERO),
        ]);
        // Running tasks, by the time at which they will be done.
        let (mut running, mut clock) = (Vec::new(), Duration::ZERO);
        for _ in 0..600 {
            while running.len() < workers {
                let (id, entry) = pop(&mut schedule, now).unwrap();
                running.push((clock + cost(&entry.flow), id, entry.flow));
            }
            running.sort_by_key(|&(done, ..)| std::cmp::Reverse(done));
            let (done, id, flow) = running.pop().unwrap();
            clock = done;
            schedule.finish(id, cost(&flow));
            *used.get_mut(&*flow).unwrap() += cost(&flow);
            let apart = used["large"].abs_diff(used["small"]);
            // One of the more expensive tasks for each worker.
            assert!(apart <= 30 * MS * u32::try_from(workers).unwrap(), "{workers}: {used:?}");
        }
    }
}

#[test]
fn running_tasks_count_before_their_cost_is_known() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    for flow in ["a", "b", "c"] {
        queue(&mut schedule, flow, 2, now);
    }
    let order: Vec<_> = (0..6).map(|_| pop(&mut schedule, now).unwrap().1.flow).collect();
    assert_eq!(
        order.iter().map(|flow| &**flow).collect::<Vec<_>>(),
        ["a", "b", "c", "a", "b", "c"]
    );
}

#[test]
fn a_newcomer_is_next_despite_a_long_backlog() {
    let now = Instant::now();
    for (done, running) in [(0, 1), (1, 0), (20, 0), (20, 1), (20, 8)] {
        let mut schedule = Schedule::new(AMPLE);
        queue(&mut schedule, "busy", 500, now);
        for n in 0..done {
            run(&mut schedule, now, |_| MS * (1 + n % 9));
        }
        let running: Vec<_> = (0..running).map(|_| pop(&mut schedule, now).unwrap().0).collect();
        queue(&mut schedule, "new", 1, now);
        for id in running {
            schedule.finish(id, MS);
        }
        assert_eq!(&*pop(&mut schedule, now).unwrap().1.flow, "new", "after {done}");
    }
}

#[test]
fn being_away_gains_no_advantage() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    queue(&mut schedule, "steady", 200, now);
    queue(&mut schedule, "away", 1, now);
    for _ in 0..100 {
        run(&mut schedule, now, |_| 10 * MS);
    }
    for n in 0..10 {
        accept(&mut schedule, entry("away", &format!("back {n}"), 0), now);
    }
    let turns: Vec<_> = (0..10).map(|_| run(&mut schedule, now, |_| 10 * MS)).collect();
    assert_eq!(turns.iter().filter(|flow| *flow == "away").count(), 5, "{turns:?}");
}

#[test]
fn past_use_is_remembered_while_others_wait() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    queue(&mut schedule, "greedy", 1, now);
    queue(&mut schedule, "modest", 50, now);
    let cost = |flow: &str| if flow == "greedy" { 95 * MS } else { 10 * MS };
    assert_eq!(run(&mut schedule, now, cost), "greedy");
    accept(&mut schedule, entry("greedy", "again", 0), now);
    let turns: Vec<_> = (0..12).map(|_| run(&mut schedule, now, cost)).collect();
    assert_eq!(turns.iter().position(|flow| flow == "greedy"), Some(10), "{turns:?}");
}

#[test]
fn a_client_that_comes_and_leaves_changes_nothing_for_others() {
    let now = Instant::now();
    let order = |with_stranger: bool| -> Vec<String> {
        let mut schedule = Schedule::new(AMPLE);
        queue(&mut schedule, "a", 20, now);
        queue(&mut schedule, "b", 20, now);
        let page = shared("stranger");
        (0..40)
            .map(|n| {
                if with_stranger {
                    queue(&mut schedule, "stranger", n % 7, now);
                    schedule.set_viewport(&page, Viewport::new(0.0, 10.0).unwrap());
                    assert_eq!(schedule.cancel_client("stranger").queued.len(), n % 7);
                }
                let (id, entry) = pop(&mut schedule, now).unwrap();
                schedule.finish(id, if &*entry.flow == "a" { 3 * MS } else { 5 * MS });
                entry.uuid.to_string()
            })
            .collect()
    };
    assert_eq!(order(true), order(false));
}

#[test]
fn an_endless_stream_of_newcomers_keeps_no_client_waiting_forever() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    queue(&mut schedule, "steady", 1000, now);
    let mut newcomers = 0_i32;
    for _ in 0..1000 {
        // At any time, some newcomer has never been served.
        if schedule.flows.queued_of(&EVERYBODY, &shared(&format!("new {}", newcomers - 1))) == 0 {
            queue(&mut schedule, &format!("new {newcomers}"), 1, now);
            newcomers += 1;
        }
        run(&mut schedule, now, |_| 10 * MS);
    }
    assert!(newcomers < 800, "{newcomers} of 1000 turns went to newcomers");
}

#[test]
fn tasks_without_cost_still_take_turns() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    queue(&mut schedule, "a", 50, now);
    queue(&mut schedule, "b", 50, now);
    let turns: Vec<_> = (0..20).map(|_| run(&mut schedule, now, |_| Duration::ZERO)).collect();
    assert_eq!(turns.iter().filter(|flow| *flow == "a").count(), 10, "{turns:?}");
}

#[test]
fn a_flow_is_forgotten_when_the_virtual_time_has_passed_it_or_no_task_waits_or_too_many_rest() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    queue(&mut schedule, "steady", 4, now);
    for n in 0..MAX_RESTING * 2 {
        queue(&mut schedule, &format!("once {n}"), 1, now);
    }
    // All start at the same virtual time, so it passes none of them until each has had its turn.
    let (steady, _) = pop(&mut schedule, now).unwrap();
    for _ in 0..MAX_RESTING * 2 {
        run(&mut schedule, now, |_| 3600 * 1000 * MS);
    }
    assert_eq!(schedule.flows.known(), (1, MAX_RESTING + 1));
    schedule.check_invariants();
    schedule.finish(steady, MS);
    for id in schedule.cancel_client("steady").running {
        schedule.finish(id, MS);
    }
    assert_eq!(schedule.flows.known(), (0, 0));
}

/// Workers that take as long as a task costs, on a clock of their own.
struct Workers {
    idle: usize,
    /// Running tasks, by the time at which they will be done.
    running: Vec<(Duration, RunningId, Entry<()>)>,
    clock: Duration,
}

impl Workers {
    fn new(count: usize) -> Self {
        Self { idle: count, running: Vec::new(), clock: Duration::ZERO }
    }

    fn begin(&mut self, schedule: &mut Schedule<()>, cost: &impl Fn(&Entry<()>) -> Duration) {
        while self.idle > 0
            && let Some((id, entry)) = pop(schedule, Instant::now())
        {
            self.idle -= 1;
            self.running.push((self.clock + cost(&entry), id, entry));
        }
    }

    /// Works until this task is done; returns the flows of the tasks that ended before.
    fn work_until(
        &mut self,
        schedule: &mut Schedule<()>,
        uuid: &str,
        cost: impl Fn(&Entry<()>) -> Duration,
    ) -> Vec<Owner> {
        let mut owners = Vec::new();
        loop {
            self.begin(schedule, &cost);
            self.running.sort_by_key(|&(done, ..)| std::cmp::Reverse(done));
            let (done, id, entry) = self.running.pop().unwrap();
            (self.clock, self.idle) = (done, self.idle + 1);
            schedule.finish(id, cost(&entry));
            owners.push(entry.group.owner);
            if &*entry.uuid == uuid {
                return owners;
            }
        }
    }
}

#[test]
fn a_hundred_connections_of_one_address_delay_another_address_by_one_task() {
    const COSTLIEST: Duration = Duration::from_millis(660);
    let now = Instant::now();
    let cost = |entry: &Entry<()>| if &*entry.client == "honest" { 10 * MS } else { COSTLIEST };
    for count in [1, 2, 4] {
        let (mut schedule, mut workers) = (Schedule::new(AMPLE), Workers::new(count));
        for n in 0..500 {
            let connection = format!("hostile {}", n % 100);
            accept(&mut schedule, entry_at(1, &connection, &n.to_string(), 0, 1), now);
        }
        workers.begin(&mut schedule, &cost);
        for n in 0..20 {
            accept(&mut schedule, entry_at(2, "honest", &format!("honest {n}"), 0, 1), now);
        }
        workers.work_until(&mut schedule, "honest 0", cost);
        assert_eq!(workers.clock, COSTLIEST + 10 * MS, "{count} workers");
        let owners = workers.work_until(&mut schedule, "honest 19", cost);
        assert!(workers.clock <= COSTLIEST + 20 * 10 * MS, "{count}: {:?}", workers.clock);
        let hostile = Owner::Address([10, 0, 0, 1].into());
        let hostile = owners.into_iter().filter(|owner| *owner == hostile).count();
        assert!(hostile < count, "{hostile} that had begun before");
    }
}

#[test]
fn connections_of_one_address_share_what_it_gets() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    for n in 0..100 {
        for (address, connection) in [(1, "a"), (1, "b"), (2, "c")] {
            let uuid = format!("{connection} {n}");
            accept(&mut schedule, entry_at(address, connection, &uuid, 0, 1), now);
        }
    }
    let mut turns = HashMap::new();
    for _ in 0..80 {
        *turns.entry(run(&mut schedule, now, |_| 10 * MS)).or_insert(0) += 1;
    }
    assert_eq!(turns, HashMap::from([("a".into(), 20), ("b".into(), 20), ("c".into(), 40)]));
}
