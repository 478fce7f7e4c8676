//! Tests of the keys of `[queue.NAME]` for the engine over Redis.

use super::*;

const REDIS: &str = "[layer]\nbackend = \"redis\"\nurl = \"redis://h\"\n";

#[test]
#[cfg(feature = "redis")]
fn a_queue_over_redis_says_when_a_task_is_given_up_and_how_long_it_is_kept() {
    let queue = |keys: &str| {
        let Loaded { config, diagnostics, .. } =
            parse(&format!("{REDIS}[queue.q]\nconsumer = \"w\"\n{keys}"));
        assert_eq!(diagnostics, [], "{keys}");
        let queue = &config.queue["q"].value;
        let DeadLetterBounds { tasks, bytes, keep } = queue.dead_letters;
        (queue.attempts, tasks, bytes.to_string(), keep.to_string())
    };
    assert_eq!(queue(""), (3, 100, "256MiB".into(), "7d".into()));
    let keys = "attempts = 1\ndead_letters = { tasks = 0, keep = \"1h\" }";
    assert_eq!(queue(keys), (1, 0, "256MiB".into(), "1h".into()));
}

#[test]
#[cfg(feature = "redis")]
fn attempts_and_dead_letters_that_make_no_sense_are_mistakes() {
    for (keys, reported) in [
        ("attempts = 0", "6:12: a task cannot be begun 0 times | write 1 to 100"),
        ("attempts = 101", "6:12: a task cannot be begun 101 times | write 1 to 100"),
        ("dead_letters = { keep = \"0s\" }", "6:25: a bound of zero lets nothing through"),
        (
            "dead_letters = { max = 5 }",
            "6:18: unknown key \"max\" | the keys here are: tasks, bytes, keep",
        ),
    ] {
        check(&format!("{REDIS}[queue.q]\nconsumer = \"w\"\n{keys}\n"), &[reported]);
    }
}

#[test]
fn a_queue_in_memory_has_no_dead_letters() {
    for (keys, place) in [("attempts = 2", "3:12"), ("dead_letters = { tasks = 5 }", "3:16")] {
        let reported = format!(
            "{place}: this has no effect: a queue in memory ends with its workers | leave it out, \
             or write [layer] with backend = \"redis\""
        );
        check_warnings(&format!("[queue.q]\nconsumer = \"w\"\n{keys}\n"), &[&reported]);
    }
}
