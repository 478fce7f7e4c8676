//! Pictures sent and got back: framings, formats, pipelines, answers and files.

use std::fs;
use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::util::{
    Answer, Client, HEADER, Page, Raw, Service, binary_framing, flat, get, photo, picture_table,
    request, root, text_framing,
};

/// The routing table that ships, at a port that is free.
fn shipped() -> String {
    let shipped = fs::read_to_string(root().join("routing.toml")).expect("routing.toml ships");
    let lines = shipped.lines().filter(|line| !line.starts_with("listen"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The result that an answer names or holds.
fn result(answer: &Value) -> DynamicImage {
    let file = match (answer["url"].as_str(), answer["image"].as_str()) {
        (Some(url), None) => get(url).body,
        (None, Some(inline)) => {
            let (_, base64) = inline.split_once(";base64,").expect("a data: URL");
            STANDARD.decode(base64).expect("base64")
        }
        _ => panic!("either a url or an image: {answer}"),
    };
    image::load_from_memory(&file).expect("a picture")
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let picture = image::load_from_memory(&photo(60, 40)).expect("a picture");
    picture.write_to(&mut file, format).expect("memory is writable");
    file.into_inner()
}

/// The text framing with a change to its base64.
fn text_with(header: &Value, file: &[u8], change: impl FnOnce(&str) -> String) -> Message {
    let text = text_framing(header, file);
    let at = text.char_indices().nth(HEADER).expect("a picture follows").0;
    Message::text(format!("{}{}", &text[..at], change(&text[at..])))
}

/// What `encodeURIComponent` makes of base64.
fn escaped(base64: &str) -> String {
    base64.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

#[tokio::test]
async fn a_picture_comes_back_grey_and_halved_in_every_framing() {
    let service = Service::start(&picture_table("", ""));
    let mut page = Page::open(&service).await;
    let file = photo(61, 40);
    // Some base64 alphabets differ in two characters; the picture has both.
    assert!(["+", "/"].iter().all(|mark| STANDARD.encode(&file).contains(mark)));
    for response in ["url", "inline"] {
        let header = json!({"uuid": "ü €", "zoom": 0.5, "responseType": response});
        let text = |change: fn(&str) -> String| text_with(&header, &file, change);
        for (framing, message) in [
            ("text", text(str::to_owned)),
            ("text with spaces for plus", text(|t| t.replace('+', " "))),
            ("text in the URL-safe alphabet", text(|t| t.replace('+', "-").replace('/', "_"))),
            ("text without padding", text(|t| t.trim_end_matches('=').to_owned())),
            ("text with a line break", text(|t| format!("{}\r\n{}", &t[..76], &t[76..]))),
            ("a data: URL", text(|t| format!("data:image/jpeg;base64,{t}"))),
            (
                "a percent-encoded data: URL",
                text(|t| format!("data:image/jpeg;base64,{}", escaped(t))),
            ),
            ("text as bytes", Message::binary(text_framing(&header, &file))),
            ("bytes", Message::binary(binary_framing(&header, &file))),
        ] {
            page.0.send(message).await;
            let answer = page.answer().await;
            assert_eq!(answer["uuid"], "ü €", "{framing}: {answer}");
            let picture = result(&answer);
            assert_eq!((picture.width(), picture.height()), (31, 20), "{framing}, {response}");
            assert!(!picture.color().has_color(), "{framing}, {response}");
        }
    }
}

#[tokio::test]
async fn a_zoomed_picture_has_the_requested_size() {
    let service = Service::start(&picture_table("", ""));
    let mut page = Page::open(&service).await;
    let file = photo(100, 50);
    for (zoom, size) in [
        (json!(1), (100, 50)),
        (json!(0.5), (50, 25)),
        (json!("0.25"), (25, 13)),
        (json!(" 2.0 "), (200, 100)),
        (json!(1.3), (130, 65)),
        (json!(1e-9), (1, 1)),
    ] {
        page.send(json!({"uuid": 1, "zoom": zoom}), &file).await;
        let picture = result(&page.answer().await);
        assert_eq!((picture.width(), picture.height()), size, "{zoom}");
    }
}

#[tokio::test]
async fn every_format_is_accepted_and_served_with_its_type() {
    let service = Service::start(&picture_table("", ""));
    let mut page = Page::open(&service).await;
    for (format, extension, media_type) in [
        (ImageFormat::Jpeg, ".jpg", "image/jpeg"),
        (ImageFormat::Png, ".png", "image/png"),
        (ImageFormat::WebP, ".webp", "image/webp"),
        (ImageFormat::Gif, ".png", "image/png"),
    ] {
        page.send(json!({"uuid": 1}), &encoded(format)).await;
        let answer = page.answer().await;
        let url = answer["url"].as_str().unwrap_or_else(|| panic!("{format:?}: {answer}"));
        assert!(url.starts_with(&service.url("/upload/rb_")) && url.ends_with(extension), "{url}");
        let served = get(url);
        assert_eq!((served.status, served.header("content-type")), (200, media_type), "{url}");
        assert_eq!(served.header("x-content-type-options"), "nosniff");
        let picture = image::load_from_memory(&served.body).unwrap();
        assert_eq!((picture.width(), picture.height()), (60, 40), "{url}");
    }
}

#[tokio::test]
async fn the_uuid_is_returned_unchanged() {
    let service = Service::start(&picture_table("", ""));
    let mut page = Page::open(&service).await;
    let file = photo(8, 8);
    for uuid in [
        json!("a"),
        json!("5"),
        json!("naïve \"<b>\" \u{1F600}\n"),
        json!("u".repeat(256)),
        json!(0),
        json!(-1),
        json!(5.25),
        json!(u64::MAX),
    ] {
        page.send(json!({"uuid": uuid}), &file).await;
        let answer = page.answer().await;
        assert_eq!(answer["uuid"], uuid);
        page.send(json!({"uuid": uuid, "zoom": -1}), &file).await;
        let answer = page.answer().await;
        assert_eq!((&answer["uuid"], &answer["code"]), (&uuid, &json!("bad_header")));
    }
}

#[tokio::test]
async fn progress_is_reported_stage_by_stage_before_the_answer() {
    let service = Service::start(&picture_table("", ""));
    let mut page = Page::open(&service).await;
    page.send(json!({"uuid": 7, "zoom": 0.4, "progress": true}), &photo(64, 64)).await;
    let stages = ["decode", "resize", "keep", "grayscale", "encode", "write"];
    assert_eq!(page.0.json().await, json!({"uuid": 7, "progress": "queued", "position": 0}));
    for stage in stages {
        let reported = page.0.json().await;
        assert_eq!(reported, json!({"uuid": 7, "progress": "working", "stage": stage}));
    }
    let answer = page.0.json().await;
    assert!(answer["url"].is_string() && answer.get("progress").is_none(), "{answer}");
}

#[tokio::test]
async fn a_failed_pipeline_is_reported_and_leaves_the_picture_unchanged() {
    let service = Service::start(&picture_table("", ""));
    let mut page = Page::open(&service).await;
    let file = photo(64, 64);
    page.send(json!({"uuid": 7, "rType": "broken"}), &file).await;
    let answer = page.answer().await;
    assert_eq!((&answer["code"], &answer["uuid"]), (&json!("step_failed"), &json!(7)));
    let url = answer["url"].as_str().expect("the picture that stands in");
    assert!(url.contains("/upload/rb_"), "{url}");
    assert_eq!(get(url).body, file);
}

#[tokio::test]
async fn an_envelope_has_the_form_that_pages_of_the_tornado_program_expect() {
    let table = picture_table("", "")
        .replace("consumer = 'image.connect'", "consumer = 'image.connect'\nenvelope = 'text'");
    let service = Service::start(&table);
    let mut client = Client::connect(&service.ws("/ws/1")).await;
    assert_eq!(client.text().await, r#"{"text": "{}"}"#);
    client.send_text(text_framing(&json!({"uuid": "a\"b"}), &photo(8, 8))).await;
    let text = client.text().await;
    let url = text.split("upload/").nth(1).and_then(|rest| rest.split(".jpg").next()).unwrap();
    let url = service.url(&format!("/upload/{url}.jpg"));
    let expected = format!(r#"{{"text": "{{\"url\": \"{url}\", \"uuid\": \"a\\\"b\"}}"}}"#);
    assert_eq!(text, expected);
    assert_eq!(get(&url).status, 200);
}

#[tokio::test]
async fn the_table_that_ships_makes_every_result_that_it_names() {
    let service = Service::start(&shipped());
    let mut page = Page::open(&service).await;
    let file = photo(640, 480);
    for (result_type, size, coloured) in [
        ("rl", (640, 480), false),
        ("small", (320, 240), true),
        ("soft", (640, 480), true),
        ("crisp", (640, 480), true),
        ("info", (640, 480), true),
    ] {
        let header = json!({"uuid": 1, "rType": result_type});
        page.0.send_text(text_framing(&header, &file)).await;
        let answer = page.answer().await;
        let picture = result(&answer);
        assert_eq!((picture.width(), picture.height()), size, "{answer}");
        assert_eq!(picture.color().has_color(), coloured, "{answer}");
        let has_info = answer["format"] == "jpg" && answer["width"] == 640;
        assert_eq!(has_info, result_type == "info", "{answer}");
    }
}

#[tokio::test]
async fn every_path_of_the_table_that_ships_answers() {
    let service = Service::start(&shipped());
    let start = get(&service.url("/"));
    assert_eq!((start.status, start.header("content-type")), (200, "text/html; charset=utf-8"));
    let sample = get(&service.url("/samples/alps.jpg"));
    assert_eq!((sample.status, sample.header("content-type")), (200, "image/jpeg"));
    for (path, status) in [("/samples/none.jpg", 404), ("/upload/rb_none.jpg", 404), ("/none", 404)]
    {
        assert_eq!(get(&service.url(path)).status, status, "{path}");
    }

    let mut page = Page::open(&service).await;
    page.send(json!({"uuid": 1, "zoom": 0.5}), &sample.body).await;
    let url = page.answer().await["url"].as_str().unwrap().to_owned();
    assert_eq!(get(&url).status, 200);
    assert_eq!(get(&url.replace("rb_", "")).status, 404, "only results are served");
    for head in [
        json!({"type": "viewport", "top": "?", "height": 1}),
        json!({"type": "cancel"}),
        json!({"type": "reprioritise"}),
    ] {
        page.say(head.clone()).await;
        assert_eq!(page.answer().await["code"], "bad_header", "{head}");
    }

    let mut echo = Client::connect(&service.ws("/echo")).await;
    assert_eq!(echo.text().await, "connected!");
    echo.send_text("zwölf").await;
    assert_eq!(echo.text().await, "zwölf");

    let mut anna = Client::connect(&service.ws("/chat/den?name=anna")).await;
    assert_eq!(anna.json().await, json!({"joined": "anna", "here": 1}));
    anna.send_text("hello").await;
    assert_eq!(anna.json().await, json!({"from": "anna", "text": "hello"}));
    // The route for pictures has its own limit, for a whole file.
    assert_eq!(work(&service, "zoom=0.5", "*/*", &photo(64, 64)).status, 200);
}

/// POST /work with this query and this `Accept` header.
fn work(service: &Service, query: &str, accept: &str, file: &[u8]) -> Answer {
    request("POST", &service.url(&format!("/work?{query}")), &[("accept", accept)], file)
}

#[test]
fn a_posted_picture_can_be_answered_in_the_response() {
    let service = Service::start(&picture_table("", ""));
    let file = photo(64, 48);
    let answer = work(&service, "zoom=0.5&rType=rl&uuid=a+b", "*/*", &file);
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.json()["uuid"], "a b");
    assert_eq!(result(&answer.json()).width(), 32);

    let answer = work(&service, "responseType=inline", "application/json", &file);
    assert_eq!(result(&answer.json()).width(), 64);

    let answer = work(&service, "responseType=inline&zoom=2", "image/*", &file);
    assert_eq!((answer.status, answer.header("content-type")), (200, "image/jpeg"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(image::load_from_memory(&answer.body).unwrap().width(), 128);

    for (query, body, status, code) in [
        ("zoom=0", &file[..], 400, "bad_header"),
        ("rType=none", &file, 400, "bad_header"),
        ("", b"not a picture", 400, "bad_image"),
        ("", b"", 400, "bad_image"),
        ("rType=broken", &file, 400, "step_failed"),
    ] {
        let answer = work(&service, query, "image/*", body);
        assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)), "{query}");
    }
    assert_eq!(request("PUT", &service.url("/work"), &[], file).status, 405);
}

#[test]
fn no_zoom_and_no_step_makes_a_huge_picture_of_a_tiny_one() {
    let pipelines = "rl = ['grayscale']\nzoom = [{ zoom = 100 }]\nfill = [{ fill = [4000, 600] }]\n\
         cover = [{ cover = [1500, 1500] }]\nsmart = [{ cover = { size = [1500, 1500], \
         gravity = 'smart' } }]\npad = [{ pad = 1000 }]\n\
         rotate = [{ fill = [1400, 1400] }, { rotate = 45 }]\nfree = []\n";
    let service = Service::start(&picture_table("", "").replace("rl = ['grayscale']\n", pipelines));
    let file = flat(16, 16);
    for (query, body) in [
        ("zoom=7000", &flat(1, 1)),
        ("rType=zoom", &file),
        ("rType=fill", &file),
        ("rType=cover", &file),
        ("rType=smart", &file),
        ("rType=pad", &file),
        ("rType=rotate", &file),
    ] {
        let answer = work(&service, query, "*/*", body);
        assert_eq!((answer.status, &answer.json()["code"]), (400, &json!("bad_header")), "{query}");
        assert!(answer.text().contains("limits.enlarge"), "{query}: {}", answer.text());
    }
    // 2 megapixels are always allowed, and so are 16 times the pixels of a larger picture.
    for (query, body) in [("zoom=1400", flat(1, 1)), ("zoom=4", photo(400, 380))] {
        let answer = work(&service, &format!("rType=free&{query}"), "*/*", &body);
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    }
}

#[test]
fn a_client_that_expects_100_continue_gets_it() {
    let service = Service::start(&picture_table("", ""));
    let file = photo(64, 48);
    let head = |length| {
        format!(
            "POST /work HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n",
        )
    };
    let mut raw = Raw::request(service.address(), head(file.len()).as_bytes());
    assert_eq!(raw.status, "HTTP/1.1 100 Continue");
    raw.send(&file);
    let response = String::from_utf8(raw.rest()).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 ") && response.contains("rb_"), "{response}");
    let raw = Raw::request(service.address(), head(33 << 20).as_bytes());
    assert!(raw.status.starts_with("HTTP/1.1 413 "), "{}", raw.status);
}

#[tokio::test]
async fn a_result_is_fetched_as_a_whole_in_part_or_not_again() {
    let service = Service::start(&picture_table("", ""));
    let mut page = Page::open(&service).await;
    page.send(json!({"uuid": 1}), &photo(64, 64)).await;
    let url = page.answer().await["url"].as_str().unwrap().to_owned();
    let whole = get(&url);
    let length = whole.body.len();
    let (tag, date) = (whole.header("etag"), whole.header("last-modified"));
    let all = format!("bytes */{length}");
    let first = format!("bytes 0-9/{length}");
    let last = format!("bytes {}-{}/{length}", length - 5, length - 1);
    for (headers, status, part, content_range) in [
        (&[("range", "bytes=0-9")][..], 206, &whole.body[..10], first.as_str()),
        (&[("range", "bytes=-5")], 206, &whole.body[length - 5..], &last),
        (&[("range", "bytes=999999-")], 416, b"", &all),
        (&[("range", "bytes=0-9"), ("if-range", "\"other\"")], 200, &whole.body, ""),
        (&[("if-none-match", tag)], 304, b"", ""),
        (&[("if-modified-since", date)], 304, b"", ""),
        (&[("if-none-match", "\"other\"")], 200, &whole.body, ""),
        (&[("if-match", tag), ("range", "bytes=0-9")], 206, &whole.body[..10], &first),
        (&[("if-match", "\"other\""), ("range", "bytes=0-9")], 412, b"", ""),
        (&[("if-unmodified-since", date)], 200, &whole.body, ""),
        (&[("if-unmodified-since", "Sun, 09 Sep 2001 01:46:40 GMT")], 412, b"", ""),
    ] {
        let answer = request("GET", &url, headers, Vec::new());
        assert_eq!(answer.status, status, "{headers:?}");
        assert_eq!(answer.body, part, "{headers:?}");
        assert_eq!(answer.header("content-range"), content_range, "{headers:?}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{headers:?}");
        let is_refused = status == 412 || status == 416;
        assert_eq!(answer.header("cache-control") == "no-store", is_refused, "{headers:?}");
    }
    let head = request("HEAD", &url, &[], Vec::new());
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), length.to_string());

    fs::write(service.media().join("page.html"), "<script>alert(1)</script>").unwrap();
    fs::write(service.folder().join("secret"), "secret").unwrap();
    let download = get(&service.url("/upload/page.html"));
    assert_eq!(download.header("content-type"), "application/octet-stream");
    assert_eq!(download.header("content-disposition"), "attachment");
    for path in ["../secret", "%2e%2e/secret", "..%2fsecret", ".part", "", "/etc/passwd"] {
        assert_eq!(get(&service.url(&format!("/upload/{path}"))).status, 404, "{path}");
    }
    let put = request("PUT", &url, &[], Vec::new());
    assert_eq!((put.status, put.header("allow")), (405, "GET, HEAD"));
}
