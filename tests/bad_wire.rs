//! Bad frames, handshakes and requests, and clients that do not read or write: each is refused or
//! cut off, and the next client is served.

use crate::util::{
    BINARY, CLOSE, CONTINUATION, Client, Frame, PING, PONG, Raw, Service, TEXT, begun,
    close_payload, frames, masked,
};

/// An echo that takes `small` messages of at most 1 KiB, and others of at most 4 KiB.
fn echo(limits: &str) -> Service {
    Service::start(&format!(
        "[server]\nheader = '300ms'\nhead = '8KiB'\n[limits]\n{limits}\n\
         [[route]]\nchannel = 'websocket.receive'\npath = '/echo'\nwhen = {{ kind = 'small' }}\n\
         consumer = 'echo'\nlimits = {{ message = '1KiB' }}\n\
         [[route]]\nchannel = 'websocket.*'\npath = '/echo'\nconsumer = 'echo'\n\
         limits = {{ message = '4KiB' }}\n\
         [[route]]\nchannel = 'http.request'\nmethod = 'POST'\npath = '/deny'\nconsumer = 'deny'\n\
         limits = {{ message = '1KiB', idle = '300ms' }}\n",
    ))
}

async fn is_served(service: &Service) {
    let mut client = Client::connect(&service.ws("/echo")).await;
    assert_eq!(client.text().await, "connected!");
    client.send_text("still there?").await;
    assert_eq!(client.text().await, "still there?");
    assert!(!service.log().contains("panicked"), "{}", service.log());
}

#[tokio::test]
async fn a_frame_that_breaks_the_protocol_is_closed_with_the_code_for_it() {
    let service = echo("");
    let text = |text: &[u8]| masked(TEXT, text);
    let with_first = |first: u8, mut frame: Vec<u8>| {
        frame[0] = first;
        frame
    };
    let small = [&b"{\"kind\": \"small\"}"[..], &[b' '; 2000]].concat();
    let half = vec![b'x'; 3000];
    for (behaviour, bytes, code) in [
        ("text that is not UTF-8", text(b"\xff\xfe"), 1007),
        ("text that ends within a character", text(b"\xe2\x82"), 1007),
        ("a surrogate", text(b"\xed\xa0\x80"), 1007),
        ("a reason that is not UTF-8", masked(CLOSE, b"\x03\xe8\xff"), 1007),
        ("a reserved bit", with_first(0xc1, text(b"a")), 1002),
        ("a reserved opcode", masked(3, b"a"), 1002),
        ("a reserved control opcode", masked(11, b"a"), 1002),
        ("no mask", b"\x81\x01a".to_vec(), 1002),
        ("a continuation without a beginning", masked(0, b"a"), 1002),
        ("a message within a message", [with_first(TEXT, text(b"a")), text(b"b")].concat(), 1002),
        ("a ping in fragments", with_first(PING, masked(PING, b"a")), 1002),
        ("a ping of 126 bytes", masked(PING, &[b'a'; 126]), 1002),
        ("a close of one byte", masked(CLOSE, b"a"), 1002),
        ("an invalid close code", masked(CLOSE, &close_payload(1005, "")), 1002),
        ("larger than every route's limit", masked(BINARY, &[b'x'; 5000]), 1009),
        ("larger than its route's limit", text(&small), 1009),
        (
            "fragments that are too large together",
            { [with_first(BINARY, masked(BINARY, &half)), masked(0, &half)].concat() },
            1009,
        ),
        (
            "a length beyond all memory",
            { [&[0x82, 0xff][..], &(1_u64 << 62).to_be_bytes(), &[0; 4]].concat() },
            1009,
        ),
    ] {
        is_closed_with(code, behaviour, &service, &bytes);
    }
    is_served(&service).await;
}

/// Checks that the service answers these bytes with a close of this code, and sends no frame after
/// it.
fn is_closed_with(code: u16, behaviour: &str, service: &Service, bytes: &[u8]) {
    let mut raw = service.raw("/echo");
    raw.send(bytes);
    raw.read_until(|frames| frames.iter().any(|frame| frame.opcode() == CLOSE));
    let came = frames(&raw.finish());
    let close = came.iter().find(|frame| frame.opcode() == CLOSE).map(|close| &close.payload);
    let close = close.unwrap_or_else(|| panic!("{behaviour}: no close in {came:?}"));
    assert_eq!(close[..2], code.to_be_bytes(), "{behaviour}: {close:?}");
    assert_eq!(
        came.last().map(Frame::opcode),
        Some(CLOSE),
        "{behaviour}: the last frame is a close"
    );
}

#[tokio::test]
async fn large_messages_follow_the_rules_for_small_ones() {
    let service = flooded("close");
    let text = vec![b'x'; 100_000];
    let mut late = text.clone();
    late[99_999] = 0xc3;
    let with_first = |first: u8, mut frame: Vec<u8>| {
        frame[0] = first;
        frame
    };
    let mut unmasked = vec![0x82, 127];
    unmasked.extend(100_000_u64.to_be_bytes());
    unmasked.extend(&text);
    for (behaviour, bytes, code) in [
        ("text that ends within a character", masked(TEXT, &late), 1007),
        ("a reserved bit", with_first(0xc2, masked(BINARY, &text)), 1002),
        ("a reserved opcode", masked(3, &text), 1002),
        ("no mask", unmasked, 1002),
        ("a continuation without a beginning", masked(CONTINUATION, &text), 1002),
        ("a message within a message", [begun(BINARY, b"a"), masked(BINARY, &text)].concat(), 1002),
        ("a large ping", masked(PING, &text), 1002),
        ("larger than every route's limit", masked(BINARY, &vec![b'x'; 1 << 21]), 1009),
    ] {
        is_closed_with(code, behaviour, &service, &bytes);
    }
    is_served(&service).await;
}

#[tokio::test]
async fn messages_large_and_small_stay_in_their_order() {
    let service = flooded("close");
    let text = vec![b'x'; 100_000];
    let sent = [
        masked(BINARY, b"before"),
        masked(TEXT, &text),
        masked(BINARY, &text[..70_000]),
        masked(PONG, b""),
        masked(TEXT, b"nobody asked"),
        begun(TEXT, b"in "),
        begun(CONTINUATION, &text),
        masked(CONTINUATION, b" parts"),
        masked(BINARY, b"behind"),
    ];
    let parts = [b"in ", &text[..], b" parts"].concat();
    let expected: [(u8, &[u8]); 7] = [
        (TEXT, b"connected!"),
        (BINARY, b"before"),
        (TEXT, &text),
        (BINARY, &text[..70_000]),
        (TEXT, b"nobody asked"),
        (TEXT, &parts),
        (BINARY, b"behind"),
    ];
    let mut raw = service.raw("/echo");
    raw.send(&sent.concat());
    let came = raw.read_until(|frames| frames.len() == expected.len());
    for (frame, (opcode, payload)) in came.iter().zip(expected) {
        assert_eq!((frame.opcode(), frame.payload.len()), (opcode, payload.len()));
        assert!(frame.payload == payload, "{} bytes differ", payload.len());
    }
    is_served(&service).await;
}

#[tokio::test]
async fn a_client_that_sends_too_often_is_closed_with_a_reason() {
    let service = echo("rate = '5/h'\nrate_action = 'close'");
    let mut client = Client::connect(&service.ws("/echo")).await;
    assert_eq!(client.text().await, "connected!");
    for n in 0..9 {
        client.send_text(n.to_string()).await;
    }
    for n in 0..5 {
        assert_eq!(client.text().await, n.to_string());
    }
    assert_eq!(client.json().await["code"], "rate");
    assert_eq!(client.closed().await.0, 1008);
    is_served(&service).await;
}

/// More than the buffers of any two sockets hold: `FLOOD` pieces of `PIECE` bytes.
const FLOOD: u64 = 80;
const PIECE: usize = 256 << 10;

/// An echo for large messages, whose outbox holds a few of them.
fn flooded(slow: &str) -> Service {
    let table = format!(
        "[[route]]\nchannel = 'websocket.*'\npath = '/echo'\nconsumer = 'echo'\n\
         limits = {{ message = '1MiB', outbox = '1MiB', slow = '{slow}', closing = '200ms' }}\n",
    );
    Service::start_with(&table, |command| {
        command.env("RUST_LOG", "debug");
    })
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let service = flooded("close");
    let mut raw = service.raw("/echo");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let flooding = std::thread::spawn(move || {
        let piece = masked(BINARY, &vec![b'x'; 60_000]);
        // The system's own buffers may take a lot. Once the service has cut the connection, the
        // bytes are lost.
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            raw.send(&piece);
        }
    });
    let line = service.wait_for_log("client left");
    drop(stop);
    assert!(line.contains("code=1013"), "{line}");
    flooding.join().unwrap();
    is_served(&service).await;
}

#[tokio::test]
async fn pings_of_a_client_that_does_not_read_take_no_memory() {
    let service = echo("idle = '2s'\nclosing = '200ms'");
    let mut raw = service.raw("/echo");
    let before = service.memory("VmHWM");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let flooding = std::thread::spawn(move || {
        let pings = masked(PING, &[b'x'; 125]).repeat(1000);
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            raw.send(&pings);
        }
    });
    // The service stops reading from this client, so it hears nothing from it and closes it.
    service.wait_for_log("client left");
    drop(stop);
    let grown = service.memory("VmHWM").saturating_sub(before);
    assert!(grown < 4 << 10, "{grown} KiB");
    flooding.join().unwrap();
    is_served(&service).await;
}

#[tokio::test]
async fn control_frames_and_empty_parts_count_for_the_rate() {
    // More than the service reads at once.
    const MANY: usize = 5000;
    let in_parts =
        |parts: Vec<u8>| [begun(TEXT, b"in "), parts, masked(CONTINUATION, b"parts")].concat();
    let text = masked(TEXT, b"after it all");
    for (action, code) in [("wait", 1001_u16), ("close", 1008)] {
        let service = echo(&format!("rate = '5/s'\nrate_action = '{action}'\nidle = '1s'"));
        for (behaviour, flood) in [
            ("pings", masked(PING, b"").repeat(MANY)),
            ("pongs", masked(PONG, b"").repeat(MANY)),
            ("empty parts", in_parts(begun(CONTINUATION, b"").repeat(MANY))),
        ] {
            let mut raw = service.raw("/echo");
            raw.send(&flood);
            raw.send(&text);
            let is_over =
                |frame: &Frame| frame.opcode() == CLOSE || frame.payload == b"after it all";
            let came = raw.read_until(|frames| frames.iter().any(is_over));
            let close = came.iter().find(|frame| is_over(frame)).expect("it ends");
            assert_eq!(close.payload[..2], code.to_be_bytes(), "{action}: {behaviour}");
        }
        is_served(&service).await;
    }
}

#[tokio::test]
async fn replies_to_a_client_that_does_not_read_are_dropped_if_the_table_says_so() {
    for slow in ["drop_oldest", "drop_newest"] {
        let service = flooded(slow);
        let mut client = Client::connect(&service.ws("/echo")).await;
        assert_eq!(client.text().await, "connected!");
        let numbered = |number: u64| [&number.to_be_bytes()[..], &vec![0; PIECE]].concat();
        for number in 0..FLOOD {
            client.send_binary(numbered(number)).await;
        }
        let mut came = Vec::new();
        while came.last().is_none_or(|last| *last < FLOOD - 1) {
            // Either the outbox holds the newest reply, or it has room for a newer one.
            if slow == "drop_newest" {
                client.send_binary(numbered(FLOOD)).await;
            }
            let piece = client.binary().await;
            came.push(u64::from_be_bytes(piece[..8].try_into().unwrap()));
        }
        assert!(came.is_sorted() && came.len() < 80, "{slow}: {came:?}");
        client.close(1000).await;
        service.wait_for_log("replies to a slow client were dropped");
        is_served(&service).await;
    }
}

#[tokio::test]
async fn a_malformed_handshake_or_request_gets_its_status() {
    let service = echo("");
    let upgrade = "Host: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let (version, old) = ("Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: 12\r\n");
    let get = |path: &str, lines: &[&str]| {
        format!("GET {path} HTTP/1.1\r\n{}\r\n", lines.concat()).into_bytes()
    };
    let post = |lines: &str, body: &str| {
        format!("POST /deny HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n{body}").into_bytes()
    };
    let foreign = "Origin: https://elsewhere.example\r\n";
    let long = format!("X: {}\r\n", "x".repeat(20_000));
    let chunk = format!("800\r\n{}\r\n0\r\n\r\n", "x".repeat(2048));
    for (behaviour, request, status) in [
        ("all in order", get("/echo", &[upgrade, key, version]), 101),
        ("an origin that is not allowed", get("/echo", &[upgrade, key, version, foreign]), 403),
        ("an opaque origin", get("/echo", &[upgrade, key, version, "Origin: null\r\n"]), 403),
        (
            "this page's origin",
            get("/echo", &[upgrade, key, version, "Origin: http://localhost\r\n"]),
            101,
        ),
        ("an old version", get("/echo", &[upgrade, key, old]), 426),
        ("no version", get("/echo", &[upgrade, key]), 426),
        ("no key", get("/echo", &[upgrade, version]), 400),
        ("an invalid key", get("/echo", &[upgrade, version, "Sec-WebSocket-Key: a\r\n"]), 400),
        ("nobody there", get("/none", &[upgrade, key, version]), 404),
        ("no WebSocket there", get("/deny", &[upgrade, key, version]), 404),
        ("no upgrade", get("/echo", &["Host: localhost\r\n"]), 426),
        ("another method", get("/deny", &["Host: localhost\r\n"]), 405),
        ("a body within the limit", post("Content-Length: 2\r\n", "ab"), 403),
        ("a body that is announced as too large", post("Content-Length: 2000\r\n", ""), 413),
        ("a body that is too large", post("Transfer-Encoding: chunked\r\n", &chunk), 413),
        ("a body that arrives too slowly", post("Content-Length: 100\r\n", "ab"), 408),
        ("a head that is too large", get("/echo", &["Host: localhost\r\n", &long]), 431),
        ("no HTTP", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n".to_vec(), 400),
    ] {
        let answer = Raw::request(service.address(), &request);
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.status.starts_with(&expected), "{behaviour}: {:?}", answer.status);
        let versions = (status == 426 && behaviour != "no upgrade").then_some("13");
        assert_eq!(answer.header("sec-websocket-version"), versions, "{behaviour}");
    }
    is_served(&service).await;
}

#[tokio::test]
async fn the_service_does_not_wait_long_for_the_rest_of_a_head() {
    let service = echo("");
    for begun in ["", "GET /echo HTTP/1.1\r\nHost"] {
        // Returns when the service closes; the harness waits longer than the service's limit.
        let answer = Raw::request(service.address(), begun.as_bytes());
        assert!(matches!(answer.status.as_str(), "" | "HTTP/1.1 408 Request Timeout"), "{begun:?}");
    }
    is_served(&service).await;
}

#[test]
fn a_request_without_a_token_is_refused_before_its_body_is_read() {
    let service = Service::start(
        "[auth.token]\nsecret = 'secret'\n\
         [queue.images]\nconsumer = 'image.work'\n\
         [[route]]\nchannel = 'http.request'\npath = '/work'\nauth = 'token'\nqueue = 'images'\n\
         consumer = 'image.http'\nlimits = { message = '32MiB' }\n",
    );
    let head = b"POST /work HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\n\r\n";
    let answer = Raw::request(service.address(), head);
    assert_eq!(answer.status, "HTTP/1.1 401 Unauthorized");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
}
