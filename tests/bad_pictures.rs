//! Thousands of bad pictures, made by a program: each is answered soon, and the service stays
//! healthy.

mod chunks;
mod jpegs;
mod metadata;
mod samples;

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::samples::samples;
use crate::util::{Page, Service, flat, photo, picture_table};

/// A damaged or unusual picture.
struct Bad {
    name: String,
    file: Vec<u8>,
    /// Whether it goes through all pipelines rather than one.
    everywhere: bool,
}

impl Bad {
    fn new(name: String, file: Vec<u8>) -> Self {
        Self { name, file, everywhere: false }
    }

    fn everywhere(name: String, file: Vec<u8>) -> Self {
        Self { name, file, everywhere: true }
    }
}

/// The pipelines and zooms that pictures are sent with.
const WISHES: [(&str, f64); 8] = [
    ("rl", 1.0),
    ("told", 1.0),
    ("none", 0.5),
    ("none", 1.0),
    ("rl", 0.5),
    ("fit", 1.0),
    ("none", 1.5),
    ("written", 1.0),
];

/// The error codes with which a bad picture may be answered. `failed` is not among them: it would
/// mean that the service did not expect such a picture.
const CODES: [&str; 3] = ["bad_image", "bad_header", "step_failed"];

/// The longest that the work on a picture may take.
///
/// A page sends one picture at a time to a worker of its own. A picture that takes longer is sent
/// again, alone; then the service's CPU time counts, so other work on the machine does not
/// count.
const SOON: Duration = Duration::from_millis(500);

/// `limits.in_flight`, in MiB.
const IN_FLIGHT: u64 = 64;

/// Further memory that the service may take, in MiB: for the messages themselves, of up to 20 MB,
/// and for the allocator's reserve.
const BESIDES: u64 = 48;

fn table() -> String {
    let limits = "keep = 'none'\n\
         limits = { pixels = 250_000, in_flight = '64MiB', buffers = '8MiB' }";
    let pipelines = "none = []\n\
         fit = [{ fit = [64, 64] }, { jpeg = { quality = 80 } }]\n\
         told = ['exif', 'info', 'srgb', { fit = [100, 100] }, { palette = 5 }, 'thumbhash']\n\
         written = ['strip', { fit = [300, 300] }, 'webp']\n\
         broken = ";
    picture_table("", limits).replacen("workers = 1", "workers = 2", 1).replacen(
        "broken = ",
        pipelines,
        1,
    )
}

#[tokio::test]
async fn every_bad_picture_is_answered_soon_and_the_service_stays_healthy() {
    let service = Service::start(&table());
    let mut pages = [Page::open(&service).await, Page::open(&service).await];
    for page in &mut pages {
        for (result, zoom) in WISHES {
            let good = ask(page, &photo(320, 240), result, zoom).await.0;
            assert!(good.get("code").is_none(), "{result}: {good}");
        }
    }
    let before = service.memory("VmHWM");
    let all = bad_pictures();
    assert!(all.len() > 3000, "{} pictures", all.len());

    let (left, right) = all.split_at(all.len() / 2);
    let [one, other] = &mut pages;
    let late = tokio::join!(send_all(one, left), send_all(other, right));
    // The page that finished first was not read meanwhile and answered no pings, so the service may
    // have closed it.
    let mut pages = [Page::open(&service).await, Page::open(&service).await];
    for (bad, result, zoom) in late.0.into_iter().chain(late.1) {
        let begun = processor_time(&service);
        let answer = ask(&mut pages[0], &bad.file, result, zoom).await.0;
        let taken = processor_time(&service).saturating_sub(begun);
        assert!(taken <= SOON, "{} by {result} × {zoom}: {taken:?}, {answer}", bad.name);
    }

    let grown = (service.memory("VmHWM").saturating_sub(before)) >> 10;
    assert!(grown <= IN_FLIGHT + BESIDES, "the service took {grown} MiB more");
    for page in &mut pages {
        let good = ask(page, &flat(100, 100), "rl", 1.0).await.0;
        assert!(good["url"].is_string(), "{good}");
    }
    let log = service.log();
    let panicked = log.lines().find(|line| line.contains("panicked"));
    assert_eq!(panicked, None);
}

/// Sends all pictures; returns those that took too long, each with its pipeline and zoom.
async fn send_all<'a>(page: &mut Page, all: &'a [Bad]) -> Vec<(&'a Bad, &'static str, f64)> {
    let mut late = Vec::new();
    for (at, bad) in all.iter().enumerate() {
        let wishes = WISHES.iter().cycle().skip(at % WISHES.len());
        for &(result, zoom) in wishes.take(if bad.everywhere { WISHES.len() } else { 1 }) {
            let (answer, taken) = ask(page, &bad.file, result, zoom).await;
            let Bad { name, .. } = bad;
            if let Some(code) = answer.get("code") {
                let known = code.as_str().is_some_and(|code| CODES.contains(&code));
                assert!(known, "{name} by {result} × {zoom}: {answer}");
            } else {
                let shown = answer["url"].is_string() || answer["image"].is_string();
                assert!(shown || answer.get("exif").is_some(), "{name} by {result}: {answer}");
            }
            if taken > SOON {
                late.push((bad, result, zoom));
            }
        }
    }
    late
}

/// The one answer to a picture, and the time until it came.
async fn ask(page: &mut Page, file: &[u8], result: &str, zoom: f64) -> (Value, Duration) {
    // `told` has steps that put fields into the answer; an inline answer consists of the fields
    // alone.
    let response = if result == "told" { "inline" } else { "url" };
    let header = json!({"uuid": 5, "rType": result, "zoom": zoom, "responseType": response});
    let begun = Instant::now();
    page.send(header, file).await;
    let answer = page.answer().await;
    assert_eq!(answer["uuid"], 5, "{answer}");
    (answer, begun.elapsed())
}

fn bad_pictures() -> Vec<Bad> {
    let mut all = jpegs::bombs();
    all.extend(chunks::pngs());
    all.extend(chunks::webps());
    all.extend(chunks::gifs());
    all.extend(metadata::exif());
    all.extend(metadata::icc());
    all.extend(jpegs::lies());
    all.extend(lies());
    all.extend(cuts());
    all.extend(flips());
    all
}

/// Each kind of picture, cut at every 64th of its length.
fn cuts() -> Vec<Bad> {
    let cut = |(name, file): &'static (String, Vec<u8>)| {
        (0..64).map(move |part| {
            Bad::new(format!("{name} cut at {part}/64"), file[..file.len() * part / 64].to_vec())
        })
    };
    samples().iter().flat_map(cut).collect()
}

/// Each kind of picture with some bits flipped, the same ones in every run.
fn flips() -> Vec<Bad> {
    const OF_EACH: u32 = 80;
    let mut noise = 0x2545_F491_u32;
    let mut random = |below: usize| {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        usize::try_from(noise).expect("32 bits") % below
    };
    let mut bad = Vec::new();
    for (name, file) in samples() {
        for number in 0..OF_EACH {
            let mut file = file.clone();
            for _ in 0..=random(8) {
                let at = random(file.len());
                file[at] ^= 1 << random(8);
            }
            bad.push(Bad::new(format!("{name}, some bits flipped, number {number}"), file));
        }
    }
    bad
}

/// Each kind of picture except JPEG, with wrong values in each byte of its head.
fn lies() -> Vec<Bad> {
    let mut bad = Vec::new();
    for (name, file) in samples().iter().filter(|(name, _)| !name.contains("jpeg")) {
        for at in 4..file.len().min(64) {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut file = file.clone();
                file[at] = value;
                bad.push(Bad::new(format!("{name}: byte {at} is {value:x}"), file));
            }
        }
    }
    bad
}

/// The CPU time that all threads of the service have used so far.
fn processor_time(service: &Service) -> Duration {
    // The kernel counts CPU time in hundredths of a second on every machine.
    const TICK: Duration = Duration::from_millis(10);
    let stat = fs::read_to_string(format!("/proc/{}/stat", service.pid())).expect("Linux");
    // After the program's name, which is in brackets: the 12th and the 13th field.
    let (_, fields) = stat.rsplit_once(')').expect("it has a name");
    let ticks = fields.split_whitespace().skip(11).take(2);
    TICK * ticks.map(|field| field.parse::<u32>().expect("a number")).sum()
}
