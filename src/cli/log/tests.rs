//! Tests of the log, with an output that fails when the test wants it to.

use std::io::{self, ErrorKind, Write};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde_json::Value;
use tracing::Level;

use super::kinds::Kinds;
use super::*;

/// The output of records. Clones are the same output.
#[derive(Clone, Default)]
struct Output(Arc<Inner>);

#[derive(Default)]
struct Inner {
    text: Mutex<String>,
    /// How many bytes it still accepts; `None` if it is not full.
    room: Mutex<Option<usize>>,
}

impl Output {
    fn fill_up_after(&self, bytes: usize) {
        *self.0.room.lock().unwrap() = Some(bytes);
    }

    fn make_room(&self) {
        *self.0.room.lock().unwrap() = None;
    }

    fn take(&self) -> String {
        std::mem::take(&mut self.0.text.lock().unwrap())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut room = self.0.room.lock().unwrap();
        let taken = room.unwrap_or(bytes.len()).min(bytes.len());
        if taken == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        *room = room.map(|room| room - taken);
        self.0.text.lock().unwrap().push_str(std::str::from_utf8(&bytes[..taken]).unwrap());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A log whose writer the test calls.
fn log(form: LogForm) -> (Arc<LogState>, Writer<Output>, Output) {
    let shared = Arc::new(LogState::new(Style { form, colours: false }));
    let output = Output::default();
    (Arc::clone(&shared), Writer::new(shared, output.clone()), output)
}

/// Sends the records of this thread to that log.
fn on_this_thread(shared: &Arc<LogState>, work: impl FnOnce()) {
    let records = tracing_subscriber::registry().with(Records(Arc::clone(shared)));
    tracing::subscriber::with_default(records, work);
}

/// Text records without their times, which all have the same length.
fn without_times(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.split_once("Z ").map_or(line, |(_, rest)| rest)).collect()
}

#[test]
fn records_for_people_and_for_programs_say_the_same() {
    for (form, expected) in [
        (
            LogForm::Human,
            " INFO hello who=\"a \\\"b\\\"\" how=a b\\nc count=-3 big=5 part=0.5 yes=true none=()",
        ),
        (
            LogForm::Json,
            r#"{"timestamp":"","level":"INFO","message":"hello","who":"a \"b\"","how":"a b\nc","count":-3,"big":5,"part":0.5,"yes":true,"none":"()","target":"here"}"#,
        ),
    ] {
        let (shared, mut writer, span) = log(form);
        on_this_thread(&shared, || {
            let absent: Option<u64> = None;
            tracing::info!(
                target: "here",
                who = "a \"b\"", how = %"a b\nc", count = -3, big = 5_u128, part = 0.5, yes = true,
                none = ?(), absent, "hello"
            );
        });
        writer.write_batch();
        let text = span.take();
        match form {
            LogForm::Human => assert_eq!(without_times(&text), [expected]),
            LogForm::Json => {
                let mut record: Value = serde_json::from_str(&text).unwrap();
                record["timestamp"] = "".into();
                assert_eq!(record.to_string(), expected);
            }
        }
    }
}

#[test]
fn no_value_is_longer_than_the_table_says() {
    for form in [LogForm::Human, LogForm::Json] {
        let (shared, mut writer, span) = log(form);
        let long = "x".repeat(60_000);
        on_this_thread(&shared, || {
            let error = crate::error::Error::failed(long.clone());
            tracing::info!(path = long, %error, ?long, "{long}");
        });
        writer.write_batch();
        let text = span.take();
        assert!(text.len() < 4 * 300 + 200, "{text}");
        assert_eq!(text.matches("bytes)").count(), 4, "{text}");
    }
}

#[test]
fn a_panic_is_one_record() {
    let (shared, mut writer, span) = log(LogForm::Json);
    let thread = thread::current().id();
    let before = Arc::new(std::panic::take_hook());
    let others = Arc::clone(&before);
    // The hook belongs to the process, and other tests run at the same time.
    std::panic::set_hook(Box::new(move |panic| {
        if thread::current().id() == thread {
            panics::log_panic(panic);
        } else {
            others(panic);
        }
    }));
    on_this_thread(&shared, || {
        for panics in [|| panic!("one\ntwo"), || panic!("{}", 3)] {
            assert!(std::panic::catch_unwind(panics).is_err());
        }
    });
    std::panic::set_hook(Box::new(move |panic| before(panic)));
    writer.write_batch();
    let text = span.take();
    let records: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let reasons: Vec<&Value> = records.iter().map(|record| &record["reason"]).collect();
    assert_eq!(reasons, ["one\ntwo", "3"]);
    assert_eq!(records[0]["message"], "panicked");
    assert!(records[0]["place"].as_str().unwrap().contains("log/tests.rs:"), "{text}");
}

/// A record of this length in bytes.
fn record(bytes: usize) -> String {
    "r".repeat(bytes - 1)
}

#[test]
fn a_full_queue_drops_records_and_reports_their_number() {
    let (shared, mut writer, span) = log(LogForm::Human);
    let log = Log(Arc::clone(&shared));
    let config = LogConfig { buffer: crate::setting::Size::new(4096), ..LogConfig::default() };
    log.configure(&config);
    for _ in 0..6 {
        log.print(&record(1024));
    }
    writer.write_batch();
    let text = span.take();
    assert_eq!(text.lines().filter(|line| line.len() == 1023).count(), 4);
    let reported = [" WARN log records were lost dropped=2 unwritten=0"];
    assert_eq!(without_times(text.lines().last().unwrap()), reported);
    // The loss is reported once.
    log.print("more");
    writer.write_batch();
    assert_eq!(span.take(), "more\n");
}

#[test]
fn lost_records_are_counted_and_reported_when_writing_succeeds_again() {
    let (shared, mut writer, span) = log(LogForm::Human);
    let log = Log(Arc::clone(&shared));
    // The second record is half written, and the third is not written at all.
    span.fill_up_after(15);
    for text in ["123456789", "abcdefghi", "ABCDEFGHI"] {
        log.print(text);
    }
    writer.write_batch();
    log.print("lost too");
    writer.write_batch();
    assert_eq!(span.take(), "123456789\nabcde");
    span.make_room();
    // The loss is reported although no record follows.
    let began = Instant::now();
    writer.write_batch();
    assert!(began.elapsed() < Duration::from_secs(20));
    let text = span.take();
    assert_eq!(without_times(&text), ["", " WARN log records were lost dropped=0 unwritten=3"]);
}

#[test]
fn a_flush_waits_until_all_is_written_but_not_forever() {
    let (shared, mut writer, span) = log(LogForm::Human);
    let log = Log(Arc::clone(&shared));
    let flush = |milliseconds| {
        let flush = crate::setting::Time::from_millis(milliseconds);
        log.configure(&LogConfig { flush, ..LogConfig::default() });
        log.flush();
    };
    log.print("one");
    let began = Instant::now();
    flush(50);
    assert!(began.elapsed() >= Duration::from_millis(50), "nobody wrote");
    assert!(began.elapsed() < Duration::from_secs(20));
    writer.write_batch();
    log.print("two");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                writer.write_batch();
            }
        });
        flush(30_000);
        assert_eq!(span.take(), "one\ntwo\n");
        over.store(true, Ordering::Release);
        log.print("ends the writer's last wait");
    });
}

#[test]
fn records_of_one_kind_over_the_rate_are_only_counted() {
    let (shared, mut writer, span) = log(LogForm::Human);
    shared.queue.configure(&LogConfig { rate: "3/d".parse().unwrap(), ..LogConfig::default() });
    on_this_thread(&shared, || {
        for number in 0..10 {
            tracing::info!(number, "often");
            if number % 4 == 0 {
                tracing::warn!("seldom");
            }
        }
    });
    writer.write_batch();
    let text = span.take();
    assert_eq!(text.matches("often").count(), 3, "{text}");
    assert_eq!(text.matches("seldom").count(), 3, "{text}");
    // The end of the process does not wait for the end of the day.
    thread::scope(|scope| {
        scope.spawn(|| shared.queue.flush());
        writer.write_batch();
    });
    let reported = span.take();
    let expected = [" INFO records of one kind were left out kind=\"often\" records=7"];
    assert_eq!(without_times(&reported), expected);
}

#[test]
fn each_period_admits_the_rate_again_and_reports_the_others_once() {
    let mut kinds = Kinds::default();
    kinds.set_rate("2/s".parse().unwrap());
    let kind = metadata();
    let began = Instant::now();
    let at = |milliseconds| began + Duration::from_millis(milliseconds);
    let admitted: Vec<bool> =
        [0, 10, 20, 900, 1000, 1010, 1020].map(|ms| kinds.admit(kind, "m", at(ms))).to_vec();
    assert_eq!(admitted, [true, true, false, false, true, true, false]);
    assert!(kinds.any_left_out());
    assert!(kinds.take_left_out(at(1019), false).is_empty(), "the first was left out at 20");
    let reported: Vec<u64> =
        kinds.take_left_out(at(1020), false).iter().map(|l| l.records).collect();
    assert_eq!(reported, [3]);
    assert!(!kinds.any_left_out());
    assert!(!kinds.admit(kind, "m", at(1030)));
    assert_eq!(kinds.take_left_out(at(1031), true).len(), 1, "at once, at the end");
    kinds.set_rate(crate::setting::Rate::Off);
    assert!((0..1000).all(|_| kinds.admit(kind, "m", at(1040))));
}

fn metadata() -> &'static tracing::Metadata<'static> {
    use tracing::callsite::Callsite;
    tracing::callsite!(name: "test", kind: tracing::metadata::Kind::EVENT, fields: message)
        .metadata()
}

#[test]
fn levels_have_their_names_and_colours() {
    let style = Style { form: LogForm::Human, colours: true };
    let mut line = Line::begin(style, 256, Level::WARN);
    line.message("hot");
    line.number("degrees", 40);
    let text = String::from_utf8(line.end("here").line).unwrap();
    let (_, rest) = text.split_once("Z\u{1b}[0m ").unwrap();
    assert_eq!(
        rest,
        "\u{1b}[33m WARN\u{1b}[0m hot \u{1b}[3mdegrees\u{1b}[0m\u{1b}[2m=\u{1b}[0m40\n"
    );
}
