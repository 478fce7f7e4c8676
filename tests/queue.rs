//! The order in which pictures are worked on, and the end of pictures whose turn never comes.
//!
//! The service has one worker, and a [`Gate`] holds it while a test fills the queue. The names of
//! the results tell the order in which the pictures were worked on.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::util::{Gate, Page, Service, ends, flat, picture_table, post, worked_order};

#[tokio::test]
async fn a_client_that_leaves_does_not_affect_others() {
    let service = Service::start_with(&picture_table("", ""), |command| {
        command.env("RUST_LOG", "debug");
    });
    let gate = Gate::closed(&service).await;
    let (mut page, mut stranger) = (Page::open(&service).await, Page::open(&service).await);
    let forty: Vec<_> = (0..40).map(|n| (n, i64::from(n))).collect();
    page.send_all(&forty).await;
    page.settle().await;
    stranger.send_all(&forty).await;
    stranger.settle().await;
    stranger.0.close(1000).await;
    Page::open(&service).await.0.close(1000).await;
    service.wait_for_log("page left");
    gate.open().await;
    let expected: Vec<_> = (0..40).map(|n| (n, "done")).collect();
    assert_eq!(ends(&page.answers(40).await), expected);
    // An original and a result for each of the page's pictures; no picture of the stranger was
    // worked on.
    page.settle().await;
    assert_eq!(service.media_names().len(), 80);
}

#[tokio::test]
async fn a_client_that_leaves_frees_its_worker() {
    let service = Service::start(&picture_table("", ""));
    for leave_with_a_close in [true, false] {
        let gate = Gate::closed(&service).await;
        let mut page = Page::open(&service).await;
        page.send_all(&[(1, 0)]).await;
        page.settle().await;
        // The gate's picture takes longer than any wait of this test.
        gate.leave(leave_with_a_close).await;
        assert_eq!(ends(&page.answers(1).await), [(1, "done")], "{leave_with_a_close}");
    }
    let names = service.media_names();
    assert_eq!(names.len(), 4, "a picture that was given up leaves no file: {names:?}");
}

#[tokio::test]
async fn pictures_of_a_client_that_has_left_are_finished_if_the_table_says_so() {
    let service = Service::start(&picture_table("on_disconnect = 'finish'", ""));
    let gate = Gate::closed(&service).await;
    let mut leaver = Page::open(&service).await;
    leaver.send_all(&[(1, 0), (2, 0)]).await;
    leaver.settle().await;
    leaver.0.close(1000).await;
    gate.open().await;
    let mut page = Page::open(&service).await;
    page.send_all(&[(3, 0), (4, 0)]).await;
    assert_eq!(ends(&page.answers(2).await), [(3, "done"), (4, "done")]);
    let names = service.media_names();
    assert!(names.len() >= 6, "3 and at least one of the client that left: {names:?}");
}

/// The messages that a page sends while the worker is held, and the order in which its pictures are
/// then done.
struct Row {
    behaviour: &'static str,
    order: &'static str,
    pictures: &'static [(u32, i64)],
    says: Vec<Value>,
    expected: &'static [u64],
}

#[tokio::test]
async fn pictures_come_in_the_order_that_their_reader_wants() {
    let viewport =
        |top: i64, height: i64| json!({"type": "viewport", "top": top, "height": height});
    let page: &[(u32, i64)] = &[(0, 0), (1, 100), (2, 200), (3, 300), (4, 400), (5, 500)];
    let rows = [
        Row {
            behaviour: "equal offsets are in order of arrival",
            order: "viewport",
            pictures: &[(5, 7), (4, 7), (3, 7), (2, 7), (1, 7), (0, 7)],
            says: vec![],
            expected: &[5, 4, 3, 2, 1, 0],
        },
        Row {
            behaviour: "the topmost first, without a viewport",
            order: "viewport",
            pictures: &[(1, 500), (2, -3), (3, 0), (4, 499)],
            says: vec![],
            expected: &[2, 3, 4, 1],
        },
        Row {
            behaviour: "pictures in view, then ahead, then behind",
            order: "viewport",
            pictures: page,
            says: vec![viewport(200, 150)],
            expected: &[2, 3, 4, 5, 1, 0],
        },
        Row {
            behaviour: "scrolling up reverses ahead and behind",
            order: "viewport",
            pictures: page,
            says: vec![viewport(400, 150), viewport(200, 150)],
            expected: &[2, 3, 1, 0, 4, 5],
        },
        Row {
            behaviour: "the last viewport counts",
            order: "viewport",
            pictures: page,
            says: vec![viewport(0, 150), viewport(500, 150), viewport(100, 50), viewport(300, 50)],
            expected: &[3, 4, 5, 2, 1, 0],
        },
        Row {
            behaviour: "the Tornado program's order ignores the viewport",
            order: "offset",
            pictures: page,
            says: vec![viewport(400, 150)],
            expected: &[0, 1, 2, 3, 4, 5],
        },
        Row {
            behaviour: "moved pictures, by number and by text",
            order: "offset",
            pictures: page,
            says: vec![json!({"type": "reprioritise", "offsets": {"5": -1, "0": "450.9"}})],
            expected: &[5, 1, 2, 3, 4, 0],
        },
        Row {
            behaviour: "moved to where another is, in order of arrival",
            order: "offset",
            pictures: page,
            says: vec![json!({"type": "reprioritise", "offsets": {"1": 300, "5": 300}})],
            expected: &[0, 2, 1, 3, 5, 4],
        },
    ];
    let services = ["viewport", "offset"]
        .map(|order| (order, Service::start(&picture_table(&format!("order = '{order}'"), ""))));
    for row in rows {
        let (_, service) = services.iter().find(|(order, _)| *order == row.order).unwrap();
        let gate = Gate::closed(service).await;
        let mut page = Page::open(service).await;
        page.send_all(row.pictures).await;
        for head in row.says {
            page.say(head).await;
        }
        page.settle().await;
        gate.open().await;
        let answers = page.answers(row.pictures.len()).await;
        let came: Vec<u64> = ends(&answers).into_iter().map(|(uuid, _)| uuid).collect();
        assert_eq!(came, row.expected, "{}", row.behaviour);
        assert_eq!(worked_order(&answers), row.expected, "{}", row.behaviour);
    }
}

#[tokio::test]
async fn each_picture_has_one_answer_with_the_right_code() {
    let service = Service::start(&picture_table("max_tasks = { client = 3, total = 4 }", ""));
    let gate = Gate::closed(&service).await;
    let mut page = Page::open(&service).await;

    page.send_all(&[(1, 10), (1, 10)]).await;
    assert_eq!(ends(&page.answers(1).await), [(1, "duplicate")]);
    page.say(json!({"type": "cancel", "uuid": "1"})).await;
    page.say(json!({"type": "cancel", "uuid": 1})).await;
    page.say(json!({"type": "cancel", "uuid": "never sent"})).await;
    assert_eq!(ends(&page.answers(1).await), [(1, "cancelled")]);

    page.send_all(&[(1, 10), (2, 20), (3, 30), (4, 40)]).await;
    let refused = page.answer().await;
    assert_eq!(ends(std::slice::from_ref(&refused)), [(4, "refused")]);
    assert!(refused["retry_after_ms"].as_u64() >= Some(1), "{refused}");
    page.send_all(&[(5, 5)]).await;
    let displaced = page.answer().await;
    assert_eq!(ends(std::slice::from_ref(&displaced)), [(3, "displaced")]);

    // The newcomer's second picture fills the queue. A picture of the client that has the most is
    // displaced, and none of the newcomer's.
    let mut newcomer = Page::open(&service).await;
    newcomer.send_all(&[(1, 900), (2, 900)]).await;
    newcomer.settle().await;
    assert_eq!(ends(&page.answers(1).await), [(2, "displaced")]);

    gate.open().await;
    assert_eq!(ends(&page.answers(2).await), [(5, "done"), (1, "done")]);
    assert_eq!(ends(&newcomer.answers(2).await), [(1, "done"), (2, "done")]);
    page.settle().await;
    // The uuid may be used again once its picture is answered.
    page.send_all(&[(1, 10)]).await;
    assert_eq!(ends(&page.answers(1).await), [(1, "done")]);
}

#[tokio::test]
async fn a_cancelled_picture_can_be_sent_again_at_once() {
    let service = Service::start(&picture_table("", ""));
    let cancel = || json!({"type": "cancel", "uuid": 1});
    let table = [
        ("once", 1, false, vec![(1, "cancelled"), (1, "done")]),
        ("cancelled twice", 2, false, vec![(1, "cancelled"), (1, "done")]),
        ("sent twice", 1, true, vec![(1, "cancelled"), (1, "duplicate"), (1, "cancelled")]),
    ];
    for (what, cancels, twice, expected) in table {
        let (mut page, gate) = (Page::open(&service).await, Gate::picture());
        let header = || json!({"uuid": 1, "rType": "gate", "progress": true});
        page.send(header(), &gate).await;
        while page.0.json().await["stage"] != "rotate" {}
        for _ in 0..cancels {
            page.say(cancel()).await;
        }
        if twice {
            // Slow pictures, so that the second is still there when the third arrives.
            page.send(header(), &gate).await;
            page.send(header(), &gate).await;
            page.say(cancel()).await;
        } else {
            page.send_all(&[(1, 0)]).await;
        }
        assert_eq!(ends(&page.answers(expected.len()).await), expected, "{what}");
        page.settle().await;
    }
    // A client that leaves right after its cancel gives the worker back.
    let mut leaver = Page::open(&service).await;
    leaver.send(json!({"uuid": 1, "rType": "gate", "progress": true}), &Gate::picture()).await;
    while leaver.0.json().await["stage"] != "rotate" {}
    leaver.say(cancel()).await;
    leaver.0.close(1000).await;
    let mut page = Page::open(&service).await;
    page.send_all(&[(1, 0)]).await;
    assert_eq!(ends(&page.answers(1).await), [(1, "done")]);
}

#[tokio::test]
async fn a_picture_too_large_for_its_queue_is_refused_without_retry_after() {
    for bytes in ["{ client = '64KiB' }", "{ client = '64KiB', total = '64KiB' }"] {
        let service = Service::start(&picture_table(&format!("max_bytes = {bytes}"), ""));
        let mut page = Page::open(&service).await;
        page.send(json!({"uuid": 1}), &vec![0; 64 << 10]).await;
        let answer = page.answer().await;
        assert_eq!(ends(std::slice::from_ref(&answer)), [(1, "too_big")]);
        assert_eq!(answer.get("retry_after_ms"), None, "{answer}");
        page.send_all(&[(2, 0)]).await;
        assert_eq!(ends(&page.answers(1).await), [(2, "done")]);

        let answer = post(&service.url("/work"), vec![0; 64 << 10]);
        assert_eq!((answer.status, answer.header("retry-after")), (413, ""), "{answer:?}");
    }
}

#[tokio::test]
async fn a_late_picture_is_answered_at_its_deadline() {
    let service = Service::start(&picture_table("deadline = '3s'", ""));
    let mut page = Page::open(&service).await;
    let picture = Gate::picture();
    page.send(json!({"uuid": 1, "rType": "gate", "progress": true}), &picture).await;
    page.send(json!({"uuid": 2, "offset_top": 1000}), &flat(8, 8)).await;
    // The second gate is pushed later, so its deadline is later, and it is nearer to the top.
    let begun = std::time::Instant::now();
    while begun.elapsed().as_millis() < 1000 {
        assert_eq!(page.0.json().await["uuid"], 1);
    }
    page.send(json!({"uuid": 3, "rType": "gate", "progress": true}), &picture).await;
    page.say(json!({"type": "cancel", "uuid": 1})).await;
    assert_eq!(ends(&page.answers(2).await), [(1, "cancelled"), (2, "expired")]);
    let next = page.0.json().await;
    assert_eq!((&next["uuid"], &next["progress"]), (&json!(3), &json!("working")), "it goes on");
    // A picture that runs for too long is stopped too.
    assert_eq!(ends(&page.answers(1).await), [(3, "expired")]);
}

#[tokio::test]
async fn a_new_client_does_not_wait_for_the_backlog_of_others() {
    let service = Service::start(&picture_table("", ""));
    let gate = Gate::closed(&service).await;
    let (mut page, mut newcomer) = (Page::open(&service).await, Page::open(&service).await);
    let many: Vec<_> = (0..500).map(|n| (n, 0)).collect();
    page.send_all(&many).await;
    page.settle().await;
    newcomer.send_all(&[(1000, 0)]).await;
    newcomer.settle().await;
    gate.open().await;
    let mut answers = newcomer.answers(1).await;
    assert_eq!(ends(&answers), [(1000, "done")]);
    answers.extend(page.answers(500).await);
    let before = worked_order(&answers).iter().position(|uuid| **uuid == 1000);
    assert!(before <= Some(3), "{before:?} of the other's pictures were done before");
}

#[tokio::test]
async fn many_connections_of_one_address_do_not_hold_up_another_address() {
    // The table's `fair_by`, and whether the honest client is then done before most of the others.
    for (fair_by, is_soon) in
        [("", true), ("fair_by = 'ip'", true), ("fair_by = 'connection'", false)]
    {
        let table =
            format!("[server]\ntrusted_proxies = ['127.0.0.1']\n{}", picture_table(fair_by, ""));
        let service = Service::start(&table);
        let gate = Gate::closed(&service).await;
        let mut hostile = Vec::new();
        for _ in 0..20 {
            let mut page = Page::open_from(&service, "2001:db8::1").await;
            page.send_all(&[(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)]).await;
            page.settle().await;
            hostile.push(page);
        }
        let mut honest = Page::open_from(&service, "10.0.0.1").await;
        honest.send_all(&[(1000, 0), (1001, 0), (1002, 0), (1003, 0)]).await;
        honest.settle().await;
        gate.open().await;
        let mut answers = honest.answers(4).await;
        for page in &mut hostile {
            answers.extend(page.answers(5).await);
        }
        let order = worked_order(&answers);
        let last = order.iter().rposition(|uuid| uuid.as_u64() >= Some(1000)).unwrap();
        assert_eq!(last < 20, is_soon, "{fair_by}: the last of four is {last}th of 104");
    }
}

#[tokio::test]
async fn every_picture_has_one_answer_whatever_happens() {
    const SENT: usize = 300;
    let service = Service::start(&picture_table("max_tasks = { client = 40, total = 50 }", ""));
    let mut page = Page::open(&service).await;
    let (good, bad) = (flat(8, 8), b"not a picture");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut sent = BTreeMap::<u64, usize>::new();
    let mut gate = None;
    for turn in 0..SENT {
        if turn % 100 == 0 {
            gate = Some(Gate::closed(&service).await);
        } else if turn % 100 == 60
            && let Some(gate) = gate.take()
        {
            gate.open().await;
        }
        let uuid = random.below(120);
        *sent.entry(uuid).or_default() += 1;
        let mut header = json!({"uuid": uuid, "offset_top": random.below(5000)});
        match random.below(12) {
            0 => header["rType"] = "no such".into(),
            1 => header["zoom"] = 0.into(),
            2 => header["zoom"] = 1e9.into(),
            3 => header["rType"] = "broken".into(),
            4 => header["progress"] = true.into(),
            _ => {}
        }
        let file = if random.below(8) == 0 { &bad[..] } else { &good };
        page.send(header, file).await;
        let moved = random.below(120).to_string();
        match random.below(6) {
            0 => page.say(json!({"type": "cancel", "uuid": moved})).await,
            1 => {
                let top = random.below(5000);
                page.say(json!({"type": "viewport", "top": top, "height": 600})).await;
            }
            2 => {
                let offsets = json!({moved: random.below(5000)});
                page.say(json!({"type": "reprioritise", "offsets": offsets})).await;
            }
            _ => {}
        }
    }
    let mut answered = BTreeMap::<u64, usize>::new();
    let mut codes = BTreeMap::<String, usize>::new();
    for (uuid, end) in ends(&page.answers(SENT).await) {
        *answered.entry(uuid).or_default() += 1;
        *codes.entry(end.to_owned()).or_default() += 1;
    }
    assert_eq!(answered, sent, "{codes:?}");
    for code in ["done", "cancelled", "duplicate", "bad_header", "bad_image", "step_failed"] {
        assert!(codes.contains_key(code), "{code} did not come about: {codes:?}");
    }
    // No picture has a second answer.
    page.send_all(&[(1000, 0)]).await;
    assert_eq!(ends(&page.answers(1).await), [(1000, "done")]);
    page.settle().await;
    assert!(!service.log().contains("panicked"), "{}", service.log());
}

/// Numbers that are the same in every run (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
