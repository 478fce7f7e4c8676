//! Clients that send more than their route's `rate` allows: their messages wait, but viewports,
//! cancels and closes do not.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::util::{CLOSE, Page, Raw, Service, TEXT, ends, frames, masked, picture_table};

/// An echo whose rate allows one message.
fn echo(limits: &str) -> Service {
    Service::start(&format!(
        "[limits]\nrate = '1/h'\n{limits}\n\
         [[route]]\nchannel = 'websocket.*'\npath = '/echo'\nconsumer = 'echo'\n"
    ))
}

/// A client that has sent more than the echo's inbox holds.
fn flooding(service: &Service) -> Raw {
    let mut raw = service.raw("/echo");
    raw.send(&masked(TEXT, &[b'x'; 500]).repeat(20));
    raw.read_until(|frames| frames.len() == 2);
    raw
}

#[tokio::test]
async fn a_page_over_the_rate_has_every_answer() {
    let service =
        Service::start(&("[limits]\nrate = '20/s'\n".to_owned() + &picture_table("", "")));
    let begun = Instant::now();
    let mut page = Page::open(&service).await;
    let pictures: Vec<_> = (0..60).map(|uuid| (uuid, 0)).collect();
    page.send_all(&pictures).await;
    let answers = page.answers(pictures.len()).await;
    assert!(answers.iter().all(|answer| answer["url"].is_string()), "{:?}", ends(&answers));
    assert!(begun.elapsed() > Duration::from_millis(1900), "{:?}", begun.elapsed());
    page.0.close(1000).await;
}

#[tokio::test]
async fn viewport_cancel_and_disconnect_do_not_wait_for_pictures() {
    let service = Service::start(&("[limits]\nrate = '3/h'\n".to_owned() + &picture_table("", "")));
    let mut page = Page::open(&service).await;
    page.send_all(&[(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)]).await;
    let answers = page.answers(3).await;
    assert_eq!(ends(&answers), [(1, "done"), (2, "done"), (3, "done")]);
    // Both answers show that the messages are handled at once: the viewport is invalid, and the
    // cancel finds a picture that waits for the rate.
    page.say(json!({"type": "viewport"})).await;
    assert_eq!(page.answer().await["code"], "bad_header");
    page.say(json!({"type": "cancel", "uuid": 5})).await;
    assert_eq!(ends(&page.answers(1).await), [(5, "cancelled")]);
    page.0.close(1000).await;
    service.wait_for_log("client left");
}

#[tokio::test]
async fn a_client_whose_inbox_stays_full_for_idle_is_closed() {
    let service = echo("inbox = '2KiB'\nidle = '500ms'");
    let begun = Instant::now();
    let mut raw = flooding(&service);
    raw.read_until(|frames| frames.iter().any(|frame| frame.opcode() == CLOSE));
    assert!(begun.elapsed() >= Duration::from_millis(500), "{:?}", begun.elapsed());
    let came = frames(&raw.finish());
    let texts = came.iter().filter(|frame| frame.opcode() == TEXT).count();
    assert_eq!(texts, 2, "it is greeted, its first message is answered, and no error is told");
    let close = came.iter().find(|frame| frame.opcode() == CLOSE).expect("it is closed");
    assert_eq!(close.payload[..2], 1008_u16.to_be_bytes());
    let line = service.wait_for_log("client left");
    assert!(line.contains("code=1008"), "{line}");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_messages_over_the_rate() {
    let service = echo("inbox = '2KiB'\nclosing = '20s'");
    let mut raw = flooding(&service);
    let begun = Instant::now();
    let stopping = thread::spawn(move || service.stop_gracefully());
    raw.read_until(|frames| frames.iter().any(|frame| frame.opcode() == CLOSE));
    raw.finish();
    assert!(stopping.join().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
