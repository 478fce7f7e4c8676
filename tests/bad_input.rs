//! Bad pictures and bad headers: each is answered with an error, and the service goes on as before.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::util::{Page, Service, binary_framing, flat, get, photo, picture_table, text_framing};

/// A message, the error code of its answer, and the answer's uuid where the service can know it.
struct Row {
    behaviour: &'static str,
    message: Message,
    code: &'static str,
    uuid: Option<Value>,
}

fn row(behaviour: &'static str, message: Message, code: &'static str) -> Row {
    Row { behaviour, message, code, uuid: None }
}

/// A picture whose header has these fields in addition to its uuid.
fn header_row(behaviour: &'static str, fields: &Value) -> Row {
    let mut header = fields.clone();
    header["uuid"] = 5.into();
    let message = Message::binary(binary_framing(&header, &flat(1000, 1000)));
    Row { behaviour, message, code: "bad_header", uuid: Some(json!(5)) }
}

/// A valid message with a bad picture.
fn image_row(behaviour: &'static str, file: &[u8]) -> Row {
    let message = Message::binary(binary_framing(&json!({"uuid": "x"}), file));
    Row { behaviour, message, code: "bad_image", uuid: Some(json!("x")) }
}

fn bad_headers() -> Vec<Row> {
    let picture = flat(8, 8);
    let framed = |header: &Value| Message::binary(binary_framing(header, &picture));
    let bytes = |bytes: &[u8]| Message::binary(bytes.to_vec());
    let bad = "bad_header";
    vec![
        row("no JSON", Message::text("hello"), bad),
        row("nothing", Message::text(""), bad),
        row("no bytes", bytes(b""), bad),
        row("one byte", bytes(b"\0"), bad),
        row("JSON that is cut off", Message::text("{\"uuid\": 5"), bad),
        row("no object", Message::text(format!("{:150}/9j/", "[1, 2]")), bad),
        row("an object in an object in an object …", Message::text("{\"a\":".repeat(5000)), bad),
        row("more than an object", bytes(b"\x00\x0c{\"uuid\":5}{}\xff\xd8"), bad),
        row(
            "more than an object, in text",
            Message::text(format!("{:150}/9j/", "{\"uuid\":5} x")),
            bad,
        ),
        row("a header longer than its message", bytes(b"\x00\xff{}"), bad),
        row(
            "a header longer than the limit",
            bytes(&[[0x10, 0x01].as_slice(), &[b' '; 5000]].concat()),
            bad,
        ),
        row("a header that is not UTF-8", bytes(b"\x00\x0d{\"uuid\":\"\xff\"}\xff\xd8"), bad),
        row("a text framing in bytes that is not UTF-8", bytes(b"{\"uuid\":\"\xff\"}"), bad),
        row("no uuid", framed(&json!({"zoom": 1})), bad),
        row("uuid null", framed(&json!({"uuid": null})), bad),
        row("uuid an object", framed(&json!({"uuid": {}})), bad),
        row("uuid true", framed(&json!({"uuid": true})), bad),
        row("uuid empty", framed(&json!({"uuid": ""})), bad),
        row("uuid too long", framed(&json!({"uuid": "u".repeat(257)})), bad),
        row("an unknown type", Message::text("{\"type\": \"dance\"}"), bad),
        row("a type that is not text", Message::text("{\"type\": 5}"), bad),
        row("a viewport without numbers", Message::text("{\"type\": \"viewport\"}"), bad),
        row(
            "a viewport of negative height",
            Message::text(r#"{"type":"viewport","top":0,"height":-1}"#),
            bad,
        ),
        row(
            "a viewport that is not a number",
            Message::text(r#"{"type":"viewport","top":"NaN","height":1}"#),
            bad,
        ),
        row(
            "offsets that are not an object",
            Message::text(r#"{"type":"reprioritise","offsets":5}"#),
            bad,
        ),
        header_row("offset not a number", &json!({"offset_top": "NaN"})),
        header_row("offset infinite", &json!({"offset_top": "inf"})),
        header_row("offset a list", &json!({"offset_top": []})),
        header_row("offset null", &json!({"offset_top": null})),
        header_row("height negative", &json!({"height": -1})),
        header_row("zoom zero", &json!({"zoom": 0})),
        header_row("zoom negative", &json!({"zoom": -0.5})),
        header_row("zoom not a number", &json!({"zoom": "NaN"})),
        header_row("zoom infinite", &json!({"zoom": "inf"})),
        header_row("zoom a word", &json!({"zoom": "big"})),
        header_row("zoom empty", &json!({"zoom": ""})),
        header_row("a result of 30000 × 30000 pixels", &json!({"zoom": 30})),
        header_row("a result beyond all numbers", &json!({"zoom": 1e300})),
        header_row("rType a number", &json!({"rType": 1})),
        header_row("an unknown rType", &json!({"rType": "../rl"})),
        header_row("progress a word", &json!({"progress": "maybe"})),
    ]
}

fn bad_images() -> Vec<Row> {
    let jpeg = photo(64, 64);
    let frame_header = jpeg.windows(2).position(|two| two == b"\xff\xc0").expect("baseline");
    let mut jpeg_bomb = jpeg.clone();
    // 65500 by 65500.
    jpeg_bomb[frame_header + 5..frame_header + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    let mut gif_bomb = b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0".to_vec();
    gif_bomb.extend(b"\xff\xff\xff\xff\0\x08\x01\0\0;");
    let mut rows = vec![
        image_row("nothing", b""),
        image_row("no picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        image_row("the first bytes of a JPEG alone", b"\xff\xd8\xff"),
        image_row("the first bytes of a PNG alone", b"\x89PNG\r\n\x1a\n"),
        image_row("the first bytes of a WebP alone", b"RIFF\xff\xff\xff\xffWEBP"),
        image_row("a PNG of 12000 × 12000 pixels", &png_bomb()),
        image_row("a JPEG of 65500 × 65500 pixels", &jpeg_bomb),
        image_row("a GIF of 65535 × 65535 pixels", &gif_bomb),
        image_row("a JPEG of 0 × 0 pixels", &{
            let mut file = jpeg.clone();
            file[frame_header + 5..frame_header + 9].fill(0);
            file
        }),
    ];
    let base64 = |tail: &str| {
        let header = text_framing(&json!({"uuid": "x"}), b"");
        Message::text(header + tail)
    };
    for (behaviour, tail) in [
        ("not base64", "/9j/*"),
        ("beyond ASCII", "/9j/é"),
        ("no base64", ""),
        ("a data: URL that is not base64", "data:image/png,abc"),
    ] {
        let mut row = image_row(behaviour, b"");
        row.message = base64(tail);
        rows.push(row);
    }
    rows
}

#[tokio::test]
async fn a_text_header_of_more_than_150_characters_is_refused_with_that_reason() {
    let service = Service::start(&picture_table("", ""));
    let mut page = Page::open(&service).await;
    let long = |uuid: &str| format!("{{\"uuid\":{uuid},\"note\":\"{}\"}}/9j/", "x".repeat(150));
    for (uuid, reported) in [("5", Some(json!(5))), ("\"ü\"", Some(json!("ü"))), ("null", None)] {
        for message in [Message::text(long(uuid)), Message::binary(long(uuid).into_bytes())] {
            page.0.send(message).await;
            let answer = page.answer().await;
            assert_eq!(answer["code"], "bad_header", "{answer}");
            assert_eq!(answer.get("uuid"), reported.as_ref(), "{answer}");
            let message = answer["error"].as_str().expect("a text");
            assert!(message.contains("150 characters") && message.contains("4096"), "{message}");
        }
    }
}

/// A PNG of a few bytes that claims 144 megapixels.
fn png_bomb() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 12_000, 12_000);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().expect("memory is writable");
    let data = [0x78, 0x9c, 0x03, 0, 0, 0, 0, 1];
    writer.write_chunk(png::chunk::IDAT, &data).expect("memory is writable");
    drop(writer);
    file
}

#[tokio::test]
async fn every_bad_message_is_answered_and_affects_no_other_client() {
    let service = Service::start(&picture_table("", ""));
    let mut page = Page::open(&service).await;
    page.send(json!({"uuid": 1}), &flat(1000, 1000)).await;
    assert!(page.answer().await["url"].is_string());
    let before = service.memory("VmHWM");
    let kept = service.media_names();
    for Row { behaviour, message, code, uuid } in bad_headers().into_iter().chain(bad_images()) {
        page.0.send(message).await;
        let answer = page.answer().await;
        assert_eq!(answer["code"], code, "{behaviour}: {answer}");
        assert_eq!(answer.get("uuid"), uuid.as_ref(), "{behaviour}: {answer}");
        assert!(
            answer["error"].as_str().is_some_and(|reported| !reported.is_empty()),
            "{behaviour}"
        );
        assert!(answer["error"].as_str().unwrap().len() < 400, "{behaviour}: {answer}");
    }
    assert_eq!(service.media_names(), kept, "no bad picture is kept");
    let grown = service.memory("VmHWM").saturating_sub(before);
    assert!(grown <= 64 << 10, "the service took {grown} KiB more");
    // The same connection and a new one are served.
    for mut page in [page, Page::open(&service).await] {
        page.send(json!({"uuid": 1}), &photo(8, 8)).await;
        assert!(page.answer().await["url"].is_string());
    }
    assert!(!service.log().contains("panicked"), "{}", service.log());
}

#[tokio::test]
async fn a_truncated_picture_is_shown_or_refused_as_the_table_says() {
    let jpeg = photo(200, 200);
    let png = {
        let picture = image::load_from_memory(&jpeg).unwrap();
        let mut file = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut file, image::ImageFormat::Png).unwrap();
        file.into_inner()
    };
    for (on_truncated, shown) in [("grey", true), ("reject", false)] {
        let pictures = format!("on_truncated = '{on_truncated}'");
        let service = Service::start(&picture_table("", &pictures));
        let mut page = Page::open(&service).await;
        for file in [&jpeg, &png] {
            for length in [file.len() / 2, file.len() - 20] {
                let header = json!({"uuid": 5});
                // Cut on the wire, so the base64 may end anywhere.
                let mut text = text_framing(&header, &file[..length]);
                text.truncate(text.trim_end_matches('=').len());
                page.0.send_text(text).await;
                let answer = page.answer().await;
                assert_eq!(answer["uuid"], 5);
                if shown {
                    assert_eq!(answer["truncated"], true, "{answer}");
                    let result =
                        get(answer["url"].as_str().expect("the rows that could be decoded")).body;
                    assert_eq!(image::load_from_memory(&result).unwrap().width(), 200);
                } else {
                    assert_eq!(answer["code"], "bad_image", "{answer}");
                }
            }
        }
        page.send(json!({"uuid": 6}), &jpeg).await;
        let whole = page.answer().await;
        assert!(whole["url"].is_string() && whole.get("truncated").is_none(), "{whole}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_fails_its_pictures_until_it_can() {
    let service = Service::start(&picture_table("", ""));
    let mut page = Page::open(&service).await;
    fs::remove_dir(service.media()).unwrap();
    fs::write(service.media(), "a file where the folder should be").unwrap();
    page.send(json!({"uuid": 1}), &photo(8, 8)).await;
    let answer = page.answer().await;
    assert_eq!((&answer["code"], &answer["uuid"]), (&json!("storage"), &json!(1)));
    let folder = service.folder().display().to_string();
    assert!(!answer.to_string().contains(&folder), "no inner detail: {answer}");
    service.wait_for_log("task failed");
    fs::remove_file(service.media()).unwrap();
    page.send(json!({"uuid": 1}), &photo(8, 8)).await;
    assert!(page.answer().await["url"].is_string(), "the folder is made again");
}

#[tokio::test]
async fn a_full_disk_leaves_no_half_written_file() {
    // A limit of 16 KiB on the size of files makes a write fail as a full disk does.
    let service = Service::start_with(&picture_table("", ""), |command| {
        let mut limited = Command::new("bash");
        limited.args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""]);
        limited.arg(command.get_program()).args(command.get_args());
        limited.current_dir(command.get_current_dir().expect("the service has a folder"));
        limited.env_remove("RUST_LOG").env_remove("WATERWAY_CONFIG");
        limited.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
        *command = limited;
    });
    let mut page = Page::open(&service).await;
    let (small, large) = (photo(64, 64), photo(640, 480));
    assert!(small.len() < 10_000 && large.len() > 20_000);
    for (behaviour, header, file) in [
        ("the original", json!({"uuid": 1}), &large),
        ("its result", json!({"uuid": 1, "zoom": 20}), &small),
    ] {
        page.send(header, file).await;
        let answer = page.answer().await;
        assert_eq!(
            (&answer["code"], &answer["uuid"]),
            (&json!("storage"), &json!(1)),
            "{behaviour}"
        );
        assert_eq!(service.media_names(), Vec::<String>::new(), "{behaviour}");
    }
    page.send(json!({"uuid": 2}), &small).await;
    assert!(page.answer().await["url"].is_string(), "a file within the limit is kept");
    assert_eq!(service.media_names().len(), 2);
}
