//! The work of the Tornado program in Python and OpenCV, on a queue whose programs are killed at
//! random.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::time::timeout;

use super::children;
use super::examples::example;
use crate::util::{Client, PATIENCE, Service, get, photo, text_framing};

/// Beside the work itself: each picture that begins is a line of the file `begun`, and it waits while
/// the file `closed` exists.
const NOTED: &str = r#"

import os, time
_work = work

def work(path, **options):
    height, width = cv2.imread(path).shape[:2]
    with open("begun", "a") as begun:
        begun.write(f"{width} {height}\n")
    while os.path.exists("closed"):
        time.sleep(0.005)
    return _work(path, **options)
"#;

/// How many pictures a client sends.
const EACH: u64 = 250;

/// How many programs the example runs. Each has one picture at a time.
const PROGRAMS: usize = 2;

/// The service, whose work notes the pictures that begin and can be held.
struct Held {
    service: Service,
    folder: PathBuf,
}

/// A picture: which client has sent it, and its number.
type Picture = (u64, u64);

impl Held {
    fn start() -> Self {
        let mut at = PathBuf::new();
        let service = example("examples/programs/tornado", |folder, table| {
            folder.clone_into(&mut at);
            let work = fs::read_to_string(folder.join("work.py")).unwrap() + NOTED;
            fs::write(folder.join("work.py"), work).unwrap();
            fs::write(folder.join("closed"), "").unwrap();
            let queue = "order = \"viewport\"\ndeadline = \"10m\"";
            let backoff = "backoff = { first = \"10ms\", longest = \"100ms\" }\n\
                           breaker = { failures = 1000 }";
            table
                .replace("order    = \"offset\"", queue)
                .replace("timeout   = \"1m\"", backoff)
                .replace("envelope = \"text\"", "")
        });
        Self { service, folder: at }
    }

    /// Lets the pictures that have begun go on.
    fn open(&self) {
        fs::remove_file(self.folder.join("closed")).unwrap();
    }

    /// Holds the pictures that begin from now on.
    fn close(&self) {
        fs::write(self.folder.join("closed"), "").unwrap();
    }

    /// The pictures that have begun, in their order. A picture that a second program was given has
    /// the place of its first begin.
    fn begun(&self) -> Vec<Picture> {
        let lines = fs::read_to_string(self.folder.join("begun")).unwrap_or_default();
        let mut seen = BTreeSet::new();
        let all = lines.lines().map(|line| {
            let (width, height) = line.split_once(' ').unwrap();
            let number: [u64; 2] = [width, height].map(|size| size.parse().unwrap());
            let number = (number[0] - 30) * 20 + number[1] - 30;
            (number / EACH, number % EACH)
        });
        all.filter(|picture| seen.insert(*picture)).collect()
    }
}

/// Kills programs at random, the next one after some further answers.
struct Killer<'a> {
    held: &'a Held,
    random: u64,
    answers: u64,
    next: u64,
    killed: usize,
}

impl<'a> Killer<'a> {
    fn new(held: &'a Held) -> Self {
        Self { held, random: 7, answers: 0, next: 20, killed: 0 }
    }

    /// A client has got an answer.
    fn answered(&mut self) {
        self.answers += 1;
        if self.answers < self.next {
            return;
        }
        // A generator of Knuth's: the same programs die in each run, as far as that is possible.
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.next += 20 + (self.random >> 33) % 60;
        let programs = children(&self.held.service);
        let chosen = usize::try_from(self.random >> 40).unwrap() % programs.len().max(1);
        if let Some(pid) = programs.get(chosen).copied().and_then(Pid::from_raw) {
            self.killed += usize::from(kill_process(pid, Signal::KILL).is_ok());
        }
    }
}

/// A picture whose size tells which one it is.
fn picture((client, number): Picture) -> Vec<u8> {
    let number = u32::try_from(client * EACH + number).unwrap();
    photo(30 + number / 20, 30 + number % 20)
}

/// The place of a picture on its page: not in the order in which the pictures are sent.
fn offset(number: u64) -> u64 {
    number * 101 % EACH
}

/// Connects a client.
async fn open(held: &Held) -> Client {
    let mut page = Client::connect(&held.service.ws("/ws/1")).await;
    assert_eq!(page.text().await, "{}");
    page
}

/// Sends these pictures, and waits until they are queued.
async fn send(page: &mut Client, client: u64, numbers: Range<u64>) {
    for number in numbers {
        let header = json!({"uuid": number, "offset_top": offset(number), "rType": "rl"});
        page.send_text(text_framing(&header, &picture((client, number)))).await;
    }
    settle(page).await;
}

/// Waits until all earlier messages have been handled.
async fn settle(page: &mut Client) {
    page.send_text(r#"{"type": "no such"}"#).await;
    assert_eq!(page.json().await["code"], "bad_header");
}

/// How many pictures of a client have begun further from their turn than a few places.
fn strays(begun: &[Picture], client: u64) -> usize {
    /// Each program has a picture, and the picture of a program that dies waits for the other one.
    const FEW: usize = PROGRAMS + 1;
    let own = begun.iter().filter(|picture| picture.0 == client);
    let own: Vec<_> = own.map(|(_, number)| offset(*number)).collect();
    let mut sorted = own.clone();
    sorted.sort_unstable();
    let turn = |offset: &u64| sorted.binary_search(offset).unwrap();
    own.iter().enumerate().filter(|(at, offset)| turn(offset).abs_diff(*at) > FEW).count()
}

#[tokio::test]
async fn five_hundred_pictures_keep_their_order_their_share_and_one_answer_each() {
    /// The pictures that ben gives up while they are queued: the last ones of his page.
    const GIVEN_UP: u64 = 20;
    let held = Held::start();
    let (mut anna, mut ben) = (open(&held).await, open(&held).await);
    // Each client is charged for one picture that waits until all are queued.
    send(&mut anna, 0, 0..1).await;
    send(&mut ben, 1, 0..1).await;
    held.service.wait_until(|| held.begun().len() == PROGRAMS);
    send(&mut anna, 0, 1..EACH).await;
    send(&mut ben, 1, 1..EACH).await;
    let given_up: Vec<_> = (0..EACH).filter(|n| offset(*n) >= EACH - GIVEN_UP).collect();
    for number in &given_up {
        ben.send_text(json!({"type": "cancel", "uuid": number}).to_string()).await;
        let answer = ben.json().await;
        assert_eq!((&answer["uuid"], &answer["code"]), (&json!(number), &json!("cancelled")));
    }
    let before = held.begun().len();
    assert_eq!(before, PROGRAMS, "a program has one picture at a time");
    held.open();

    let random = RefCell::new(Killer::new(&held));
    let all = async |page: &mut Client, count: u64| {
        let mut answers = Vec::new();
        for _ in 0..count {
            answers.push(page.json().await);
            random.borrow_mut().answered();
        }
        answers
    };
    let all = async { tokio::join!(all(&mut anna, EACH), all(&mut ben, EACH - GIVEN_UP)) };
    let (of_anna, of_ben) = timeout(4 * PATIENCE, all).await.expect("each picture is answered");
    let killed = random.into_inner().killed;
    assert!(killed >= 5, "{killed} programs were killed");

    let mut stored = Vec::new();
    for (client, answers) in (0..).zip([of_anna, of_ben]) {
        let gave_up = if client == 0 { &[][..] } else { &given_up };
        let wanted: BTreeSet<_> = (0..EACH).filter(|number| !gave_up.contains(number)).collect();
        let numbers: Vec<_> = answers.iter().filter_map(|answer| answer["uuid"].as_u64()).collect();
        assert_eq!(numbers.len(), answers.len(), "each names its picture");
        assert_eq!(BTreeSet::from_iter(numbers), wanted, "each picture has one answer");
        // A picture fails when a second program is killed with it.
        let codes = answers.iter().filter_map(|answer| answer["code"].as_str());
        let failed: Vec<_> = codes.collect();
        assert!(failed.iter().all(|code| *code == "failed"), "{failed:?}");
        assert!(failed.len() <= killed, "{failed:?}");
        stored
            .extend(answers.iter().filter_map(|answer| answer["url"].as_str().map(str::to_owned)));
    }
    let first = get(&stored[0]);
    assert_eq!((first.status, first.header("content-type")), (200, "image/jpeg"));

    let begun = held.begun();
    let late = begun.iter().filter(|(client, number)| *client == 1 && given_up.contains(number));
    assert_eq!(late.count(), 0, "a picture that was given up does not begin");
    let begun = &begun[before..];
    // The pictures that wait while both programs start again are charged for that time.
    let of_ben = begun[..240].iter().filter(|(client, _)| *client == 1).count();
    assert!((40..=200).contains(&of_ben), "ben has {of_ben} of the first 240");
    for client in [0, 1] {
        // The system may let one of the programs wait for a while.
        let strays = strays(begun, client);
        assert!(strays <= begun.len() / 20, "{strays} of {begun:?}");
    }
}

#[tokio::test]
async fn a_reader_who_scrolls_gets_the_pictures_in_view_next() {
    /// How much of the page the reader sees.
    const SEEN: usize = 20;
    /// Pictures that a program took just before the reader scrolled, or begins with late.
    const SLACK: usize = 3;
    let held = Held::start();
    let mut page = open(&held).await;
    send(&mut page, 0, 0..EACH).await;
    let mut answered = 0;
    for top in [100, 30, 180] {
        let in_view = top..top + SEEN as u64;
        let viewport = json!({"type": "viewport", "top": top, "height": SEEN});
        page.send_text(viewport.to_string()).await;
        settle(&mut page).await;
        let before = held.begun();
        held.open();
        while answered < before.len() + SEEN + SLACK {
            assert!(page.json().await["url"].is_string());
            answered += 1;
        }
        held.close();
        let since = Instant::now();
        while held.begun().len() != answered + PROGRAMS {
            assert!(since.elapsed() < PATIENCE, "{answered} answers, {:?}", held.begun());
            let answer = timeout(Duration::from_millis(20), page.json()).await;
            answered += usize::from(answer.is_ok());
        }
        let begun = held.begun();
        let seen = |some: &[Picture]| {
            some.iter().filter(|(_, number)| in_view.contains(&offset(*number))).count()
        };
        let next = &begun[before.len()..][..SEEN + SLACK];
        let (former, next) = (seen(&before), seen(next));
        assert!(former + next + SLACK >= SEEN, "{former} and {next} of {begun:?} after {top}");
    }
}
