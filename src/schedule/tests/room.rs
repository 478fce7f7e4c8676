//! Tests of how much may be queued, and which tasks are displaced.

use super::{super::*, *};

/// Pushes `queued` as (flow, uuid, offset, bytes), then one more; returns the displaced tasks, or
/// `Err` if it was refused.
fn full(
    bounds: Bounds,
    queued: &[(&str, &str, i64, usize)],
    (flow, offset, bytes): (&str, i64, usize),
) -> Result<Vec<String>, ()> {
    let now = Instant::now();
    let mut schedule = Schedule::new(bounds);
    for &(flow, uuid, offset, bytes) in queued {
        accept(&mut schedule, entry_of(flow, flow, uuid, offset, bytes), now);
    }
    let before = schedule.depth();
    let pushed = schedule.push(entry_of(flow, flow, "new", offset, bytes), now);
    schedule.check_invariants();
    match pushed {
        Push::Accepted { displaced } => {
            Ok(uuids(&displaced).into_iter().map(str::to_string).collect())
        }
        Push::Refused(_) | Push::TooLarge(_) | Push::Duplicate(_) => {
            assert_eq!(schedule.depth(), before);
            Err(())
        }
    }
}

#[test]
fn a_full_share_makes_room_for_nearer_tasks_and_refuses_others() {
    let tasks = Bounds { client_tasks: 2, ..AMPLE };
    let bytes = Bounds { client_bytes: 10, ..AMPLE };
    let two = [("a", "near", 1, 1), ("a", "far", 9, 1)];
    let three = [("a", "near", 1, 4), ("a", "mid", 5, 3), ("a", "far", 9, 3)];
    let table = [
        ("nearer than the last", tasks, &two[..], ("a", 5, 1), Ok(vec!["far"])),
        ("equal to the last", tasks, &two, ("a", 9, 1), Err(())),
        ("farther than the last", tasks, &two, ("a", 10, 1), Err(())),
        ("another's share", tasks, &two, ("b", 10, 1), Ok(vec![])),
        ("no share at all", Bounds { client_tasks: 0, ..AMPLE }, &[], ("a", 0, 1), Err(())),
        ("bytes of one", bytes, &three, ("a", 2, 3), Ok(vec!["far"])),
        ("bytes of several", bytes, &three, ("a", 2, 4), Ok(vec!["far", "mid"])),
        ("bytes of what it does not outrank", bytes, &three, ("a", 2, 7), Err(())),
    ];
    for (what, bounds, queued, new, expected) in table {
        let expected = expected.map(|uuids| uuids.into_iter().map(str::to_string).collect());
        assert_eq!(full(bounds, queued, new), expected, "{what}");
    }
}

#[test]
fn a_task_that_can_never_fit_is_distinguished_from_one_that_may_fit_later() {
    let now = Instant::now();
    for bounds in [Bounds { client_bytes: 10, ..AMPLE }, Bounds { total_bytes: 10, ..AMPLE }] {
        let mut schedule = Schedule::new(bounds);
        let of = |bytes| entry_of("a", "a", "new", 0, bytes);
        assert_eq!(schedule.push(of(11), now), Push::TooLarge(of(11)));
        accept(&mut schedule, entry_of("a", "a", "old", 0, 1), now);
        assert_eq!(schedule.push(of(10), now), Push::Refused(of(10)));
        schedule.check_invariants();
    }
}

#[test]
fn a_full_queue_displaces_tasks_of_the_largest_backlog_and_never_a_newcomer() {
    let tasks = Bounds { total_tasks: 3, ..AMPLE };
    let bytes = Bounds { total_bytes: 10, ..AMPLE };
    let large = [("a", "a1", 1, 1), ("a", "a2", 2, 1), ("b", "b1", 99, 1)];
    let heavy = [("a", "a1", 1, 1), ("a", "a2", 2, 1), ("b", "b1", 99, 4), ("b", "b2", 98, 4)];
    let table = [
        ("a newcomer, however far", tasks, &large[..], ("c", 1000, 1), Ok(vec!["a2"])),
        ("one with fewer", tasks, &large, ("b", 1000, 1), Ok(vec!["a2"])),
        ("the largest itself, nearer", tasks, &large, ("a", 0, 1), Ok(vec!["a2"])),
        ("the largest itself, farther", tasks, &large, ("a", 3, 1), Err(())),
        ("bytes count by bytes", bytes, &heavy, ("c", 1000, 3), Ok(vec!["b1"])),
        ("one after another", bytes, &heavy, ("c", 1000, 9), Ok(vec!["b1", "b2", "a2"])),
        ("the heaviest itself", bytes, &heavy, ("b", 1000, 1), Err(())),
        ("no room for anybody", Bounds { total_tasks: 0, ..AMPLE }, &[], ("a", 0, 1), Err(())),
    ];
    for (what, bounds, queued, new, expected) in table {
        let expected = expected.map(|uuids| uuids.into_iter().map(str::to_string).collect());
        assert_eq!(full(bounds, queued, new), expected, "{what}");
    }
}

/// Pushes `queued` as (address, connection, uuid, bytes), then one more; returns the displaced
/// task.
fn full_in_two_levels(
    bounds: Bounds,
    addresses_are_clients: bool,
    queued: &[(u8, &str, &str, usize)],
    (address, connection, bytes): (u8, &str, usize),
) -> Option<Vec<String>> {
    let now = Instant::now();
    let mut schedule = Schedule::new(bounds);
    let entry = |address, connection, uuid, bytes| {
        let mut entry = entry_at(address, connection, uuid, 0, bytes);
        entry.group.is_one_client = addresses_are_clients;
        entry
    };
    for &(address, connection, uuid, bytes) in queued {
        accept(&mut schedule, entry(address, connection, uuid, bytes), now);
    }
    let pushed = schedule.push(entry(address, connection, "new", bytes), now);
    schedule.check_invariants();
    match pushed {
        Push::Accepted { displaced } => {
            Some(uuids(&displaced).into_iter().map(str::to_string).collect())
        }
        _ => None,
    }
}

#[test]
fn tasks_of_the_largest_connection_of_the_largest_address_are_displaced() {
    let tasks = Bounds { total_tasks: 5, ..AMPLE };
    let bytes = Bounds { total_bytes: 20, ..AMPLE };
    // Each connection of address 1 has less than the one of address 2, but together they have more.
    let many = [
        (1, "a", "a1", 4),
        (1, "b", "b1", 6),
        (1, "c", "c1", 5),
        (2, "d", "d1", 3),
        (2, "d", "d2", 2),
    ];
    for (what, bounds, new, expected) in [
        ("a newcomer at another address", tasks, (3, "e", 1), Some("c1")),
        ("one more at the smaller address", tasks, (2, "d", 1), Some("c1")),
        ("a newcomer at the largest address", tasks, (1, "e", 1), Some("c1")),
        ("one more at the largest address", tasks, (1, "c", 1), None),
        ("by bytes, a newcomer", bytes, (3, "e", 6), Some("b1")),
        ("by bytes, the largest connection there", bytes, (1, "b", 1), None),
    ] {
        let gave_way = full_in_two_levels(bounds, false, &many, new);
        assert_eq!(gave_way, expected.map(|uuid| vec![uuid.to_string()]), "{what}");
    }
}

#[test]
fn a_client_is_a_connection_or_its_whole_group() {
    let tasks = Bounds { client_tasks: 2, ..AMPLE };
    let bytes = Bounds { client_bytes: 10, ..AMPLE };
    let two = [(1, "a", "a1", 6), (1, "a", "a2", 3)];
    for (what, bounds, addresses_are_clients, new, expected) in [
        ("tasks of another connection", tasks, false, (1, "b", 1), Some(vec![])),
        ("tasks of the same connection", tasks, false, (1, "a", 1), None),
        ("tasks of the same address", tasks, true, (1, "b", 1), Some(vec!["a2"])),
        ("tasks of another address", tasks, true, (2, "b", 1), Some(vec![])),
        ("bytes of another connection", bytes, false, (1, "b", 9), Some(vec![])),
        ("bytes of the same address", bytes, true, (1, "b", 9), Some(vec!["a2", "a1"])),
    ] {
        let gave_way = full_in_two_levels(bounds, addresses_are_clients, &two, new);
        let expected = expected.map(|uuids| uuids.into_iter().map(str::to_string).collect());
        assert_eq!(gave_way, expected, "{what}");
    }
}

#[test]
fn running_tasks_count_for_bytes_but_not_for_tasks() {
    let now = Instant::now();
    let mut schedule = Schedule::new(Bounds { client_tasks: 1, client_bytes: 10, ..AMPLE });
    accept(&mut schedule, entry_of("a", "a", "1", 0, 6), now);
    let (id, _) = pop(&mut schedule, now).unwrap();
    accept(&mut schedule, entry_of("a", "a", "2", 5, 4), now);
    let five = || entry_of("a", "a", "3", 0, 5);
    assert_eq!(
        schedule.push(five(), now),
        Push::Refused(five()),
        "a running task cannot be displaced"
    );
    schedule.finish(id, Duration::ZERO);
    let Push::Accepted { displaced } = schedule.push(five(), now) else { panic!("there is room") };
    assert_eq!(uuids(&displaced), ["2"]);
}
