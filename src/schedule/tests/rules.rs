//! Tests of single rules: order, identity, deadlines.

use super::{super::*, *};

fn drain_by_pop(schedule: &mut Schedule<()>, now: Instant) -> Vec<String> {
    std::iter::from_fn(|| pop(schedule, now).map(|(_, entry)| entry.uuid.to_string())).collect()
}

fn viewport(top: f64) -> Viewport {
    Viewport::new(top, 100.0).unwrap()
}

#[test]
fn equal_offsets_run_in_order_of_arrival_even_after_a_move() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    for (uuid, offset) in [("a", 900), ("b", 5), ("c", 5), ("d", -7)] {
        accept(&mut schedule, entry("page", uuid, offset), now);
    }
    assert!(schedule.reprioritise("page", "a", 5));
    assert!(!schedule.reprioritise("page", "nobody", 5));
    assert!(!schedule.reprioritise("stranger", "a", 5));
    assert_eq!(drain_by_pop(&mut schedule, now), ["d", "a", "b", "c"]);
}

#[test]
fn a_viewport_message_reorders_queued_and_later_tasks() {
    let now = Instant::now();
    let table = [
        (Order::Viewport, ["seen", "later", "ahead", "behind"]),
        (Order::Offset, ["behind", "seen", "later", "ahead"]),
    ];
    for (order, expected) in table {
        let mut schedule = Schedule::new(Bounds { order, ..AMPLE });
        for (uuid, offset) in [("behind", 10), ("ahead", 900), ("seen", 510)] {
            accept(&mut schedule, entry("page", uuid, offset), now);
        }
        schedule.set_viewport(&shared("page"), viewport(500.0));
        accept(&mut schedule, entry("page", "later", 599), now);
        assert_eq!(schedule.position("page", expected[2]), Some(2));
        assert_eq!(drain_by_pop(&mut schedule, now), expected, "{order:?}");
    }
}

#[test]
fn a_viewport_moves_only_the_tasks_of_its_own_client_in_a_shared_flow() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    for (client, uuid, offset) in
        [("a", "a0", 0), ("a", "a500", 500), ("b", "b1", 1), ("b", "b501", 501)]
    {
        accept(&mut schedule, entry_of("ip", client, uuid, offset, 1), now);
    }
    schedule.set_viewport(&shared("a"), viewport(500.0));
    assert_eq!(drain_by_pop(&mut schedule, now), ["a500", "b1", "b501", "a0"]);
}

#[test]
fn a_viewport_is_forgotten_when_its_client_is_cancelled_or_has_left_and_is_done() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    let page = shared("page");
    let order = |schedule: &mut Schedule<()>| {
        accept(schedule, entry("page", "top", 0), now);
        accept(schedule, entry("page", "seen", 500), now);
        drain_by_pop(schedule, now)
    };
    let finish_all = |schedule: &mut Schedule<()>| {
        for id in schedule.cancel_client("page").running {
            schedule.finish(id, Duration::ZERO);
        }
    };
    schedule.set_viewport(&page, viewport(500.0));
    schedule.cancel_client("page");
    assert_eq!(order(&mut schedule), ["top", "seen"]);
    finish_all(&mut schedule);
    schedule.set_viewport(&page, viewport(500.0));
    accept(&mut schedule, entry("page", "last", 900), now);
    schedule.leave("page");
    assert_eq!(order(&mut schedule), ["seen", "last", "top"], "its tasks stay in their order");
    finish_all(&mut schedule);
    assert!(schedule.clients.find("page").is_none());
}

#[test]
fn the_same_uuid_is_a_duplicate_while_it_is_queued_or_running_and_only_for_its_client() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    let again = || entry("page", "x", 3);
    accept(&mut schedule, again(), now);
    assert_eq!(schedule.push(again(), now), Push::Duplicate(again()));
    accept(&mut schedule, entry("other", "x", 3), now);
    let (id, _) = pop(&mut schedule, now).unwrap();
    assert_eq!(schedule.push(again(), now), Push::Duplicate(again()));
    assert_eq!(schedule.cancel("page", "x"), Cancelled::Running(id));
    assert_eq!(schedule.cancel("page", "x"), Cancelled::Unknown);
    accept(&mut schedule, again(), now);
    assert_eq!(schedule.push(again(), now), Push::Duplicate(again()));
}

#[test]
fn a_uuid_that_was_cancelled_and_reused_means_the_new_task() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    accept(&mut schedule, entry("page", "x", 0), now);
    let (first, _) = pop(&mut schedule, now).unwrap();
    assert_eq!(schedule.cancel("page", "x"), Cancelled::Running(first));
    accept(&mut schedule, entry("page", "x", 500), now);
    accept(&mut schedule, entry("page", "y", 100), now);
    assert!(schedule.reprioritise("page", "x", 0));
    assert_eq!(schedule.position("page", "x"), Some(0));
    schedule.finish(first, Duration::ZERO);
    assert_eq!(schedule.depth().queued, 2, "finishing the first does not finish the second");
    let (second, entry) = pop(&mut schedule, now).unwrap();
    assert_eq!(&*entry.uuid, "x");
    let left = schedule.cancel_client("page");
    assert_eq!((uuids(&left.queued), left.running), (vec!["y"], vec![second]));
    schedule.check_invariants();
}

#[test]
fn a_repeated_or_late_finish_changes_nothing() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    accept(&mut schedule, entry("page", "x", 0), now);
    let (id, _) = pop(&mut schedule, now).unwrap();
    schedule.finish(id, Duration::MAX);
    accept(&mut schedule, entry("page", "y", 0), now);
    let (next, _) = pop(&mut schedule, now).unwrap();
    schedule.finish(id, Duration::ZERO);
    assert_eq!(schedule.depth(), Depth { queued: 0, running: 1, bytes: 1 });
    schedule.finish(next, Duration::ZERO);
    assert_eq!(schedule.depth(), Depth::default());
}

#[test]
fn tasks_are_ranked_once_when_one_is_taken_however_often_the_client_has_scrolled() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    for n in 0..20 {
        accept(&mut schedule, entry("page", &n.to_string(), n * 100), now);
    }
    let is_scrolled = |schedule: &Schedule<()>| {
        let flow = schedule.clients.flow(schedule.clients.find("page").unwrap()).unwrap();
        schedule.flows.backlog(flow).is_scrolled()
    };
    for top in [500.0, 900.0, 300.0] {
        schedule.set_viewport(&shared("page"), viewport(top));
        assert!(is_scrolled(&schedule), "no message ranks the tasks");
    }
    assert_eq!(schedule.position("page", "3"), Some(0));
    assert_eq!(&*pop(&mut schedule, now).unwrap().1.uuid, "3");
    assert!(!is_scrolled(&schedule));
}

#[test]
fn expired_tasks_are_removed_in_time_and_never_begun() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut schedule = Schedule::new(Bounds { deadline: Duration::from_secs(60), ..AMPLE });
    for (uuid, seconds) in [("first", 0), ("running", 1), ("third", 2), ("last", 3)] {
        accept(&mut schedule, entry("page", uuid, -i64::from(uuid == "running")), at(seconds));
    }
    let (running, _) = pop(&mut schedule, at(3)).unwrap();
    assert_eq!(schedule.next_deadline(), Some(at(60)));
    assert_eq!(schedule.expire(at(59)), Expired { queued: vec![], running: vec![] });
    let popped = schedule.pop(at(62));
    assert_eq!(uuids(&popped.expired.queued), ["first", "third"]);
    assert_eq!(popped.expired.running, [running]);
    assert_eq!(&*popped.task.unwrap().1.uuid, "last");
    let expired = schedule.expire(at(1000));
    assert_eq!((expired.queued.len(), expired.running.len()), (0, 1), "each is reported once");
    assert_eq!(schedule.next_deadline(), None);
    assert_eq!(schedule.depth().running, 2, "reporting it does not finish it");
}

#[test]
fn a_deadline_beyond_the_clock_never_passes() {
    let now = Instant::now();
    let mut schedule = Schedule::new(Bounds { deadline: Duration::MAX, ..AMPLE });
    accept(&mut schedule, entry("page", "x", 0), now);
    assert_eq!(schedule.next_deadline(), None);
    assert_eq!(drain_by_pop(&mut schedule, now), ["x"]);
}

#[test]
fn extreme_bounds_and_numbers_do_not_overflow() {
    let now = Instant::now();
    let most = usize::MAX;
    let mut schedule = Schedule::new(Bounds {
        client_tasks: most,
        total_tasks: most,
        client_bytes: most,
        total_bytes: most,
        ..AMPLE
    });
    accept(&mut schedule, entry_of("a", "a", "min", i64::MIN, most), now);
    let pushed = schedule.push(entry_of("b", "b", "max", i64::MAX, most), now);
    assert!(matches!(pushed, Push::Accepted { displaced } if uuids(&displaced) == ["min"]));
    schedule.set_viewport(&shared("b"), Viewport::new(-f64::MAX, f64::MAX).unwrap());
    assert!(schedule.reprioritise("b", "max", i64::MIN));
    schedule.check_invariants();
    assert_eq!(drain_by_pop(&mut schedule, now), ["max"]);
}

#[test]
fn a_drain_removes_all_queued_tasks_and_leaves_running_ones() {
    let now = Instant::now();
    let mut schedule = Schedule::new(AMPLE);
    for (client, uuid) in [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")] {
        accept(&mut schedule, entry(client, uuid, 0), now);
    }
    pop(&mut schedule, now).unwrap();
    assert_eq!(uuids(&schedule.drain()), ["2", "3", "4"]);
    assert_eq!(schedule.depth(), Depth { queued: 0, running: 1, bytes: 1 });
}

#[test]
fn capacity_for_many_tasks_is_released_when_they_are_done_or_their_clients_have_left() {
    const MANY: usize = 5000;
    let now = Instant::now();
    let names: Vec<String> = (0..MANY).map(|number| format!("client {number}")).collect();
    for (each, clients) in [(1, MANY), (MANY, 1)] {
        for cancelled in [true, false] {
            let mut schedule = Schedule::new(AMPLE);
            accept(&mut schedule, entry("stays", "last", 9), now);
            for client in &names[..clients] {
                for uuid in &names[..each] {
                    accept(&mut schedule, entry(client, uuid, 5), now);
                }
            }
            assert!(schedule.capacity() >= MANY);
            if cancelled {
                for client in &names[..clients] {
                    assert_eq!(schedule.cancel_client(client).queued.len(), each);
                }
                assert_eq!(schedule.depth().queued, 1);
                schedule.check_invariants();
                let capacity = schedule.capacity();
                assert!(capacity <= 64, "room for {capacity} with one task");
            }
            while let Some((id, _)) = pop(&mut schedule, now) {
                schedule.finish(id, Duration::from_millis(1));
            }
            let capacity = schedule.capacity();
            assert!(capacity <= 64, "room for {capacity}: {clients} of {each}, {cancelled}");
        }
    }
}
