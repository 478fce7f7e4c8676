//! Bounds on the connections and requests of one address, also behind a proxy.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Instant;

use crate::util::{
    BINARY, CLOSE, CONTINUATION, Frame, PATIENCE, PING, PONG, Raw, Service, begun, masked,
};

fn service(server: &str) -> Service {
    Service::start(&format!(
        "[server]\nhosts = '*'\n{server}\n\
         [[route]]\nchannel = 'websocket.*'\npath = '/echo'\nconsumer = 'echo'\n\
         [[route]]\nchannel = 'http.request'\npath = '/page'\nconsumer = 'page'\n",
    ))
}

/// An address of this machine that is not a loopback address; no packet is sent.
fn own_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("198.51.100.1:9").expect("this machine has a network beside its loopback");
    socket.local_addr().unwrap().ip()
}

/// A request that a proxy forwards for this address. If the address is empty, it is the proxy's
/// own.
fn get(service: &Service, forwarded: &str) -> Raw {
    let for_whom = match forwarded {
        "" => String::new(),
        _ => format!("X-Forwarded-For: {forwarded}\r\n"),
    };
    let request = format!("GET /page HTTP/1.1\r\nHost: a\r\n{for_whom}Connection: close\r\n\r\n");
    Raw::request(service.address(), request.as_bytes())
}

fn status(raw: &Raw) -> &str {
    raw.status.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn one_address_does_not_take_all_connections() {
    let service = service("listen = '0.0.0.0:0'\nconnections_per_address = 2");
    let address = SocketAddr::new(own_address(), service.address().port());
    let open = |address| Raw::open(address, "/echo", &[]);
    let (first, second) = (open(address), open(address));
    assert_eq!((status(&first), status(&second)), ("101", "101"));
    let refused = open(address);
    assert_eq!((status(&refused), refused.header("retry-after")), ("503", Some("6")));
    assert_eq!(refused.header("content-type"), Some("application/json"));
    let reported = String::from_utf8(refused.rest()).unwrap();
    assert!(reported.contains("\"too many connections from this address\""), "{reported}");
    let line = service.wait_for_log("connections_per_address");
    assert!(line.contains(&format!("address={}", address.ip())), "{line}");

    let loopback = SocketAddr::from(([127, 0, 0, 1], address.port()));
    let own = [open(loopback), open(loopback), open(loopback)];
    assert!(own.iter().all(|raw| status(raw) == "101"));

    first.finish();
    let begun = Instant::now();
    while status(&open(address)) != "101" {
        assert!(begun.elapsed() < PATIENCE, "the place of a client that left stays taken");
    }
}

#[test]
fn behind_a_proxy_the_forwarded_address_has_the_connections() {
    let service = service("trusted_proxies = '127.0.0.1'\nconnections_per_address = 2");
    let open = |ip| Raw::open(service.address(), "/echo", &[("X-Forwarded-For", ip)]);
    let held = [open("1.2.3.4"), open("1.2.3.4"), open("2001:db8::1"), open("2001:db8::2")];
    assert!(held.iter().all(|raw| status(raw) == "101"));
    for (ip, expected) in [("1.2.3.4", "503"), ("2001:db8::3", "503"), ("1.2.3.5", "101")] {
        let raw = open(ip);
        assert_eq!(status(&raw), expected, "{ip}");
        assert_eq!(raw.header("retry-after").is_some(), expected == "503", "{ip}");
    }
    assert_eq!(status(&get(&service, "1.2.3.4")), "503");
    // The client itself wrote the first address; it does not count.
    assert_eq!(status(&get(&service, "9.9.9.9, 1.2.3.4")), "503");
    assert_eq!(status(&get(&service, "1.2.3.6")), "200");
    for _ in 0..9 {
        assert_eq!(status(&get(&service, "")), "200", "the proxy's own requests");
    }
}

#[test]
fn the_half_received_bytes_of_an_address_are_bounded() {
    const MESSAGE: usize = 1 << 20;
    // Two of the largest messages always have room.
    let service = service(
        "trusted_proxies = '127.0.0.1'\nhalf_received = '1MiB'\n[limits]\nmessage = '1MiB'\n\
         outbox = '2MiB'",
    );
    let open = |ip| Raw::open(service.address(), "/echo", &[("X-Forwarded-For", ip)]);
    // The ping's answer tells that the part before it was received.
    let half = [begun(BINARY, &vec![b'x'; MESSAGE - 1]), masked(PING, b"")].concat();
    let rest = masked(CONTINUATION, b"x");
    let last_is =
        |opcode| move |frames: &[Frame]| frames.last().is_some_and(|last| last.opcode() == opcode);
    let [mut first, mut second, mut third] = ["1.2.3.4"; 3].map(open);
    for client in [&mut first, &mut second] {
        client.send(&half);
        client.read_until(last_is(PONG));
    }
    third.send(&half);
    let reported = third.read_until(last_is(CLOSE));
    assert_eq!(reported.last().unwrap().payload[..2], 1013_u16.to_be_bytes());
    let line = service.wait_for_log("half_received");
    assert!(line.contains("client failed"), "{line}");
    // Another address has room for its own, and the first two messages are received to their ends.
    let mut other = open("1.2.3.5");
    other.send(&half);
    for client in [&mut other, &mut first, &mut second] {
        client.send(&rest);
        client.read_until(|frames| frames.iter().any(|frame| frame.payload.len() == MESSAGE));
    }
}

#[test]
fn an_address_that_sends_too_many_requests_gets_429_with_retry_after() {
    let service = service("trusted_proxies = '127.0.0.1'\nrequests_per_address = '3/h'");
    let answers: Vec<_> = (0..5).map(|_| get(&service, "1.2.3.4")).collect();
    let statuses: Vec<_> = answers.iter().map(status).collect();
    assert_eq!(statuses, ["200", "200", "200", "429", "429"]);
    let wait: u64 = answers[3].header("retry-after").unwrap().parse().unwrap();
    assert!((1190..=1200).contains(&wait), "{wait}: a third of an hour");
    let socket = Raw::open(service.address(), "/echo", &[("X-Forwarded-For", "1.2.3.4")]);
    assert_eq!(status(&socket), "429");
    assert_eq!(status(&get(&service, "1.2.3.5")), "200");
    assert_eq!(status(&get(&service, "")), "200");
    let line = service.wait_for_log("requests_per_address");
    assert!(line.contains("address=1.2.3.4"), "{line}");
}
