//! A page of the picture service, and a gate that holds the service's one worker.

use std::fmt::Write;

use image::codecs::png::PngEncoder;
use image::{DynamicImage, RgbImage};
use serde_json::{Value, json};

use super::{Client, Service, binary_framing};

/// A picture service with one worker. `queue` and `pictures` are further keys of the tables
/// `[queue.images]` and `[consumer.pictures]`.
///
/// Its pipelines: `rl`, `info`, `slow` (some 300 stages), `gate` (takes half a minute) and `broken`.
pub(crate) fn picture_table(queue: &str, pictures: &str) -> String {
    let turns = |count| r"{ rotate = 90 }, ".repeat(count);
    let mut table = format!(
        "[queue.images]\nconsumer = 'pictures'\nworkers = 1\n{queue}\n\
         [consumer.pictures]\nuse = 'image.work'\n{pictures}\n\
         [consumer.pictures.results]\nrl = ['grayscale']\ninfo = ['info']\n\
         slow = [{}]\ngate = [{}]\nbroken = [{{ crop = [9999, 9999, 1, 1] }}]\n",
        turns(300),
        turns(8000),
    );
    for (route, more) in [
        ("channel = 'websocket.connect'\npath = '/ws/{page}'\nconsumer = 'image.connect'", ""),
        (
            "channel = 'websocket.receive'\npath = '/ws/{page}'\nconsumer = 'image.receive'",
            "queue = 'images'\nlimits = { message = '32MiB' }",
        ),
        ("channel = 'websocket.disconnect'\nconsumer = 'image.disconnect'", ""),
        (
            "channel = 'http.request'\nmethod = 'POST'\npath = '/work'\nconsumer = 'image.http'",
            "queue = 'images'\nlimits = { message = '32MiB' }",
        ),
        ("channel = 'http.request'\npath = '/upload/{*file}'\nconsumer = 'media'", ""),
    ] {
        writeln!(table, "[[route]]\n{route}\n{more}").expect("a write to a String succeeds");
    }
    table
}

/// A PNG of one colour: few bytes, whatever its size.
pub(crate) fn flat(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let picture = DynamicImage::from(RgbImage::new(width, height));
    picture.write_with_encoder(PngEncoder::new(&mut file)).expect("memory is writable");
    file
}

/// A connected page.
pub(crate) struct Page(pub(crate) Client);

impl Page {
    /// Connects, and reads the service's greeting.
    pub(crate) async fn open(service: &Service) -> Self {
        let mut client = Client::connect(&service.ws("/ws/1")).await;
        assert_eq!(client.text().await, "{}", "the greeting");
        Self(client)
    }

    /// Connects through a proxy that the service trusts, as a client of this address.
    pub(crate) async fn open_from(service: &Service, address: &str) -> Self {
        let forwarded = [("x-forwarded-for", address)];
        let client = Client::try_connect(&service.ws("/ws/1"), &forwarded).await;
        let mut client = client.unwrap_or_else(|status| panic!("refused: {status}"));
        assert_eq!(client.text().await, "{}", "the greeting");
        Self(client)
    }

    /// Sends a picture.
    pub(crate) async fn send(&mut self, header: Value, file: &[u8]) {
        self.0.send_binary(binary_framing(&header, file)).await;
    }

    /// Sends small pictures with these uuids and offsets.
    pub(crate) async fn send_all(&mut self, pictures: &[(u32, i64)]) {
        let file = flat(8, 8);
        for (uuid, offset) in pictures {
            self.send(json!({"uuid": uuid, "offset_top": offset}), &file).await;
        }
    }

    /// Sends a message without a picture, such as a viewport.
    pub(crate) async fn say(&mut self, head: Value) {
        self.0.send_text(head.to_string()).await;
    }

    /// The next reply other than progress.
    pub(crate) async fn answer(&mut self) -> Value {
        loop {
            let reply = self.0.json().await;
            if reply.get("progress").is_none() {
                return reply;
            }
        }
    }

    /// This number of answers.
    pub(crate) async fn answers(&mut self, count: usize) -> Vec<Value> {
        let mut answers = Vec::with_capacity(count);
        for _ in 0..count {
            answers.push(self.answer().await);
        }
        answers
    }

    /// Waits until all earlier messages have been handled. Panics if the service answers one before
    /// then.
    pub(crate) async fn settle(&mut self) {
        self.say(json!({"type": "no such"})).await;
        let answer = self.answer().await;
        assert_eq!(answer["code"], "bad_header", "nothing else was due: {answer}");
    }
}

/// Holds the one worker with a picture that takes half a minute, unless it is cancelled.
pub(crate) struct Gate(Page);

impl Gate {
    /// Gives the worker the picture, and waits until it works on it.
    pub(crate) async fn closed(service: &Service) -> Self {
        let mut page = Page::open(service).await;
        page.send(Self::header(), &Self::picture()).await;
        while page.0.json().await["stage"] != "rotate" {}
        Self(page)
    }

    /// The picture's header.
    pub(crate) fn header() -> Value {
        json!({"uuid": "gate", "rType": "gate", "progress": true})
    }

    /// The picture: each of its stages takes some 4 ms.
    pub(crate) fn picture() -> Vec<u8> {
        flat(900, 900)
    }

    /// Leaves and so gives up the picture: with a close, or without one like a client whose network
    /// fails.
    pub(crate) async fn leave(self, with_a_close: bool) {
        if with_a_close {
            self.0.0.close(1000).await;
        }
    }

    /// Cancels the picture, so the worker goes on to the next.
    pub(crate) async fn open(mut self) {
        self.0.say(json!({"type": "cancel", "uuid": "gate"})).await;
        let answer = self.0.answer().await;
        assert_eq!((&answer["code"], &answer["uuid"]), (&json!("cancelled"), &json!("gate")));
    }
}

/// The end of each picture: its uuid, and its error code or `done`.
pub(crate) fn ends(answers: &[Value]) -> Vec<(u64, &str)> {
    let end = |answer: &'_ Value| answer["uuid"].as_u64().expect("a number names each");
    answers.iter().map(|answer| (end(answer), answer["code"].as_str().unwrap_or("done"))).collect()
}

/// The order in which the pictures of these answers were worked on, also across clients: the names of
/// their results sort by time.
pub(crate) fn worked_order(answers: &[Value]) -> Vec<&Value> {
    let url = |answer: &'_ Value| answer["url"].as_str().expect("each has a result").to_owned();
    let mut answers: Vec<_> = answers.iter().collect();
    answers.sort_by_key(|answer| url(answer));
    answers.into_iter().map(|answer| &answer["uuid"]).collect()
}
