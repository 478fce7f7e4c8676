//! The service's memory has one bound, and clients that take much of it do not keep others out.

use serde_json::json;

use crate::util::{
    BINARY, CLOSE, CONTINUATION, Client, Raw, Service, begun, binary_framing, masked, photo, post,
    through,
};

const MIB: usize = 1 << 20;

/// An echo of messages of up to 8 MiB, and a picture service, in 32 MiB of memory, 16 MiB of
/// them for data in transit.
fn small_service() -> Service {
    Service::start(
        "[server]\nmemory = '32MiB'\n\
         [limits]\nmessage = '8MiB'\noutbox = '8MiB'\nidle = '20s'\n\
         [queue.images]\nconsumer = 'pictures'\nworkers = 1\n\
         [consumer.pictures]\nuse = 'image.work'\nfolder = 'media'\n\
         [[route]]\nchannel = 'websocket.*'\npath = '/echo'\nconsumer = 'echo'\n\
         [[route]]\nchannel = 'websocket.receive'\npath = '/ws'\nqueue = 'images'\n\
         consumer = 'image.receive'\n\
         [[route]]\nchannel = 'http.request'\nmethod = 'POST'\npath = '/work'\nqueue = 'images'\n\
         consumer = 'image.http'\n",
    )
}

/// The first part of a message of 8 MiB.
fn half_sent() -> Vec<u8> {
    let mut frame = masked(BINARY, &vec![0; 8 * MIB]);
    frame.truncate(7 * MIB);
    frame
}

/// A message in parts, without its last part.
fn half_sent_in_parts() -> Vec<u8> {
    let part = vec![0; MIB];
    let first = begun(BINARY, &part);
    let others = begun(CONTINUATION, &part).repeat(3);
    [first, others].concat()
}

async fn echoes(client: &mut Client, bytes: usize) {
    client.send_binary(vec![7; bytes]).await;
    assert_eq!(client.binary().await.len(), bytes);
}

#[tokio::test]
async fn half_received_messages_are_dropped_for_whole_small_ones() {
    for half in [half_sent(), half_sent_in_parts()] {
        let service = small_service();
        let mut honest = Client::connect(&service.ws("/echo")).await;
        assert_eq!(honest.text().await, "connected!");
        echoes(&mut honest, MIB).await;
        let before = service.memory("VmRSS");
        // 280 MiB, or 160 MiB in parts.
        let mut hostile: Vec<Raw> = (0..40).map(|_| service.raw("/echo")).collect();
        for client in &mut hostile {
            client.send(&half);
        }
        for _ in 0..8 {
            echoes(&mut honest, MIB).await;
        }
        let grown = service.memory("VmHWM").saturating_sub(before) / 1024;
        // The system's allocator may keep some of the memory of dropped messages.
        assert!(grown < 80, "{grown} MiB more than before");
        let is_closed = |client: &mut Raw| {
            let frames =
                client.read_until(|frames| frames.last().is_some_and(|f| f.opcode() == CLOSE));
            frames.last().is_some_and(|close| close.payload.starts_with(&1013_u16.to_be_bytes()))
        };
        assert!(
            is_closed(&mut hostile[0]),
            "the first client to lose its message is told to try again later"
        );
        echoes(&mut honest, 4 * MIB).await;
    }
}

#[tokio::test]
async fn a_request_without_memory_for_its_body_gets_503_with_retry_after() {
    let service = small_service();
    let head = format!(
        "POST /work HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n",
        service.address(),
        8 * MIB
    );
    let part = [head.as_bytes(), &vec![0; 7 * MIB]].concat();
    let address = service.address();
    let halves: Vec<_> = (0..4)
        .map(|_| {
            let part = part.clone();
            std::thread::spawn(move || Raw::request(address, &part))
        })
        .collect();
    let refused = halves
        .into_iter()
        .map(|half| half.join().unwrap())
        .find(|half| half.status.contains("503") && half.header("retry-after").is_some());
    assert!(refused.is_some(), "{}", service.log());
    assert_eq!(post(&service.url("/work"), photo(64, 48)).status, 200);
}

#[tokio::test]
async fn unread_replies_are_dropped_to_make_room_for_clients_that_read() {
    let service = small_service();
    let mut hostile: Vec<Raw> = (0..8).map(|_| service.raw("/echo")).collect();
    for client in &mut hostile {
        // They do not read their replies.
        client.send(&masked(BINARY, &vec![0; 6 * MIB]));
    }
    let mut honest = Client::connect(&service.ws("/echo")).await;
    assert_eq!(honest.text().await, "connected!");
    for _ in 0..20 {
        echoes(&mut honest, MIB).await;
    }
    service.wait_for_log("client cut off: memory is used up");
}

#[tokio::test]
async fn an_answer_larger_than_the_outbox_is_refused_with_its_size() {
    let service = Service::start(
        "[limits]\nmessage = '1MiB'\noutbox = '64KiB'\n\
         [queue.images]\nconsumer = 'pictures'\nworkers = 1\n\
         [consumer.pictures]\nuse = 'image.work'\nfolder = 'media'\n\
         [consumer.pictures.results]\npng = ['png']\n\
         [[route]]\nchannel = 'websocket.receive'\npath = '/ws'\nqueue = 'images'\n\
         consumer = 'image.receive'\n",
    );
    let mut client = Client::connect(&service.ws("/ws")).await;
    let picture = photo(640, 480);
    for (response, is_refused) in [("inline", true), ("url", false)] {
        let header = json!({"uuid": "1", "rType": "png", "responseType": response});
        client.send_binary(binary_framing(&header, &picture)).await;
        let answer = client.json().await;
        assert_eq!(answer["code"] == "refused", is_refused, "{answer}");
        assert_eq!(answer["bytes"].as_u64().is_some_and(|bytes| bytes > 64 << 10), is_refused);
        assert_eq!(answer["uuid"], "1");
    }
}

#[tokio::test]
async fn a_process_with_little_memory_refuses_messages_and_goes_on() {
    // Heads of 32 frames that announce 32 MiB each promise 1 GiB.
    for kib in [1 << 20, 600 << 10] {
        let script = format!("ulimit -v {kib}; exec \"$0\" \"$@\"");
        let service = Service::start_with(
            "[limits]\nmessage = '32MiB'\n\
             [[route]]\nchannel = 'websocket.*'\npath = '/echo'\nconsumer = 'echo'\n",
            |command| through(command, "sh", &["-c", &script]),
        );
        let mut hostile: Vec<Raw> = (0..32).map(|_| service.raw("/echo")).collect();
        // The head of a final, binary, masked frame of 32 MiB; its length takes eight bytes.
        let head = [0x82, 0xff, 0, 0, 0, 0, 2, 0, 0, 0, 1, 2, 3, 4];
        for client in &mut hostile {
            client.send(&head);
        }
        let mut honest = Client::connect(&service.ws("/echo")).await;
        assert_eq!(honest.text().await, "connected!");
        echoes(&mut honest, MIB).await;
    }
}
