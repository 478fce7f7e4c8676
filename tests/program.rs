//! The program as a deployer meets it: started, checked and stopped.

use std::fs;

use serde_json::json;

use crate::util::{Client, Service, get, photo, text_framing, waterway};

const ROUTING: &str = r#"
[queue.images]
consumer = "image.work"

[[route]]
channel  = "websocket.connect"
path     = "/ws/{page}"
consumer = "image.connect"

[[route]]
channel  = "websocket.receive"
path     = "/ws/{page}"
queue    = "images"
limits   = { message = "8MiB" }
consumer = "image.receive"

[[route]]
channel  = "http.request"
path     = "/upload/{*file}"
consumer = "media"
"#;

#[tokio::test]
async fn sigterm_says_goodbye_to_every_client_and_ends_with_success() {
    let service = Service::start(ROUTING);
    let mut client = Client::connect(&service.ws("/ws/1")).await;
    assert_eq!(client.text().await, "{}");
    let goodbye = tokio::spawn(async move { client.closed().await });
    let status = tokio::task::spawn_blocking(|| service.stop_gracefully()).await.unwrap();
    assert_eq!(goodbye.await.unwrap().0, 1012);
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_picture_taken_before_sigterm_is_answered() {
    let service = Service::start(ROUTING);
    let mut client = Client::connect(&service.ws("/ws/1")).await;
    assert_eq!(client.text().await, "{}");
    client.send_text(text_framing(&json!({"uuid": 1, "zoom": 0.5}), &photo(640, 480))).await;
    client.send_text("not a header").await;
    // Messages are taken in order: when either is answered, the picture is in the queue at least.
    let first = client.json().await;
    let stopped = tokio::task::spawn_blocking(|| service.stop_gracefully());
    let answers = [first, client.json().await];
    let of_picture = answers.iter().find(|answer| answer["uuid"] == 1).expect("an answer");
    assert!(of_picture["url"].is_string(), "{answers:?}");
    assert_eq!(client.closed().await.0, 1012);
    assert!(stopped.await.unwrap().success());
}

#[tokio::test]
async fn a_result_is_where_its_url_says_and_in_the_folder() {
    let service = Service::start(ROUTING);
    let mut client = Client::connect(&service.ws("/ws/1")).await;
    assert_eq!(client.text().await, "{}");
    client.send_text(text_framing(&json!({"uuid": "a", "zoom": 0.5}), &photo(640, 480))).await;
    let answer = client.json().await;
    let url = answer["url"].as_str().expect("a url").to_owned();
    client.close(1000).await;
    let name = url.strip_prefix(&service.url("/upload/")).expect("it is this service's").to_owned();
    assert!(service.media_names().contains(&name), "{name} {:?}", service.media_names());
    let file = get(&url);
    assert_eq!((file.status, file.header("content-type")), (200, "image/jpeg"));
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    let picture = image::load_from_memory(&file.body).unwrap();
    assert_eq!((picture.width(), picture.height()), (320, 240));
}

#[test]
fn check_tells_the_place_of_a_mistake_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("routing.toml");
    fs::write(&file, ROUTING.replace("\"image.connect\"", "\"image.conect\"")).unwrap();
    let checked = waterway(folder.path(), &["check", "routing.toml"]);
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(!checked.status.success());
    assert!(said.contains("routing.toml:8:12: ") && said.contains("image.connect"), "{said}");
    fs::write(&file, ROUTING).unwrap();
    let checked = waterway(folder.path(), &["check", "routing.toml"]);
    assert!(checked.status.success(), "{checked:?}");
}
