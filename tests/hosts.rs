//! The targets and hosts of requests: which ones the service answers and which it refuses.

use crate::util::{Raw, Service};

/// A page for every method, and an echo.
fn service(server: &str) -> Service {
    Service::start(&format!(
        "[server]\n{server}\n\
         [[route]]\nchannel = 'websocket.*'\npath = '/echo'\nconsumer = 'echo'\n\
         [[route]]\nchannel = 'http.request'\npath = '/page'\nconsumer = 'page'\n",
    ))
}

/// Sends requests with these request lines and headers, and checks the status of each answer.
fn check(service: &Service, rows: &[(&str, &str, &[&str], u16)]) {
    for (behaviour, start, lines, status) in rows {
        let lines: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
        let request = format!("{start}\r\n{lines}Connection: close\r\n\r\n");
        let raw = Raw::request(service.address(), request.as_bytes());
        let expected = format!("HTTP/1.1 {status} ");
        let as_expected = raw.status.replace("HTTP/1.0", "HTTP/1.1").starts_with(&expected);
        assert!(as_expected, "{behaviour}: {:?} to {request:?}", raw.status);
        if *status == 421 {
            assert_eq!(raw.header("content-type"), Some("application/json"), "{behaviour}");
        }
    }
    assert!(!service.log().contains("panicked"), "{}", service.log());
}

#[test]
fn a_request_target_that_is_not_a_path_is_refused() {
    let service = service("");
    let host = &["Host: localhost"][..];
    check(
        &service,
        &[
            ("a path", "GET /page HTTP/1.1", host, 200),
            ("an absolute target", "GET http://localhost/page HTTP/1.1", host, 200),
            ("its scheme in capitals", "GET HTTP://LOCALHOST/page HTTP/1.1", host, 200),
            ("an https target", "GET https://localhost/page HTTP/1.1", host, 200),
            ("no path in it", "GET http://localhost HTTP/1.1", host, 404),
            ("a query and no path in it", "GET http://localhost?page HTTP/1.1", host, 404),
            ("CONNECT", "CONNECT x:80 HTTP/1.1", host, 400),
            ("CONNECT and a path", "CONNECT /page HTTP/1.1", host, 400),
            ("CONNECT and a URL", "CONNECT http://localhost/page HTTP/1.1", host, 400),
            ("a host alone", "GET x HTTP/1.1", host, 400),
            ("a host and a port", "POST localhost:80 HTTP/1.1", host, 400),
            ("a host in brackets", "GET [::1] HTTP/1.1", host, 400),
            ("a query alone", "GET ?x HTTP/1.1", host, 400),
            ("a star", "GET * HTTP/1.1", host, 400),
            ("OPTIONS of the service", "OPTIONS * HTTP/1.1", host, 204),
            ("another scheme", "GET ftp://localhost/page HTTP/1.1", host, 400),
            ("user information", "GET http://me@localhost/page HTTP/1.1", host, 400),
            ("a path without a slash", "GET page/x HTTP/1.1", host, 400),
            ("a path of slashes", "GET // HTTP/1.1", host, 404),
            ("a fragment", "GET /page#there HTTP/1.1", host, 200),
            ("bytes that are not text", "GET /\u{fc} HTTP/1.1", host, 404),
            ("a method of its own", "FROB /page HTTP/1.1", host, 200),
        ],
    );
}

#[test]
fn a_request_names_one_host() {
    let service = service("hosts = '*'");
    check(
        &service,
        &[
            ("any host", "GET /page HTTP/1.1", &["Host: evil.example:80"], 200),
            ("none", "GET /page HTTP/1.1", &[], 400),
            ("none, in a URL", "GET http://localhost/page HTTP/1.1", &[], 400),
            ("none, in HTTP/1.0", "GET /page HTTP/1.0", &[], 200),
            ("two", "GET /page HTTP/1.1", &["Host: a.org", "Host: a.org"], 400),
            ("two, in HTTP/1.0", "GET /page HTTP/1.0", &["Host: a.org", "Host: b.org"], 400),
            ("two in one", "GET /page HTTP/1.1", &["Host: a.org, b.org"], 400),
            ("an empty one", "GET /page HTTP/1.1", &["Host:"], 400),
            ("a port alone", "GET /page HTTP/1.1", &["Host: :80"], 400),
            ("no port", "GET /page HTTP/1.1", &["Host: a.org:http"], 400),
            ("a bracket", "GET /page HTTP/1.1", &["Host: [::1"], 400),
            ("a URL", "GET /page HTTP/1.1", &["Host: http://a.org"], 400),
            ("user information", "GET /page HTTP/1.1", &["Host: me@a.org"], 400),
            ("markup", "GET /page HTTP/1.1", &["Host: \"><script>"], 400),
            ("bytes that are not text", "GET /page HTTP/1.1", &["Host: \u{fc}.org"], 400),
        ],
    );
}

#[test]
fn a_service_on_loopback_answers_only_the_names_of_its_machine() {
    let service = service("public_url = 'http://pictures.example/x'");
    let port = service.address().port();
    let (own, named) = (format!("Host: 127.0.0.1:{port}"), format!("Host: LocalHost:{port}"));
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let rebound = &["Host: evil.example", "Origin: http://evil.example"][..];
    check(
        &service,
        &[
            ("its address", "GET /page HTTP/1.1", &[&own], 200),
            ("its name", "GET /page HTTP/1.1", &[&named], 200),
            ("a dot at the end", "GET /page HTTP/1.1", &["Host: localhost."], 200),
            (
                "its name outside this machine",
                "GET /page HTTP/1.1",
                &["Host: pictures.example"],
                200,
            ),
            ("another name", "GET /page HTTP/1.1", &["Host: evil.example"], 421),
            ("another address", "GET /page HTTP/1.1", &["Host: 127.0.0.2"], 421),
            ("a name below its own", "GET /page HTTP/1.1", &["Host: evil.localhost"], 421),
            (
                "another host in the target",
                "GET http://a.org/page HTTP/1.1",
                &["Host: localhost"],
                421,
            ),
            (
                "its own name in the target",
                "GET http://localhost/page HTTP/1.1",
                &["Host: a.org"],
                200,
            ),
            (
                "a forwarded host from an untrusted address",
                "GET /page HTTP/1.1",
                &[&own, "X-Forwarded-Host: a.org"],
                200,
            ),
            ("a page whose name resolves to this machine", "POST /page HTTP/1.1", rebound, 421),
            (
                "a socket of that page",
                "GET /echo HTTP/1.1",
                &["Host: evil.example", "Origin: http://evil.example", upgrade],
                421,
            ),
        ],
    );
    let line = service.wait_for_log("host refused");
    assert!(line.contains("host=evil.example"), "{line}");
}

#[test]
fn the_tables_hosts_are_compared_with_the_host_that_the_proxy_forwards() {
    let behind = "hosts = ['pictures.example', '*.bücher.example']\ntrusted_proxies = '127.0.0.1'";
    let service = service(behind);
    check(
        &service,
        &[
            ("the host", "GET /page HTTP/1.1", &["Host: pictures.example:8443"], 200),
            ("one below", "GET /page HTTP/1.1", &["Host: a.xn--bcher-kva.example"], 200),
            ("the one above", "GET /page HTTP/1.1", &["Host: xn--bcher-kva.example"], 421),
            ("this machine", "GET /page HTTP/1.1", &["Host: localhost"], 421),
            (
                "a host that the proxy forwards",
                "GET /page HTTP/1.1",
                &["Host: upstream", "X-Forwarded-Host: pictures.example"],
                200,
            ),
            (
                "another host that it forwards",
                "GET /page HTTP/1.1",
                &["Host: pictures.example", "X-Forwarded-Host: evil.example"],
                421,
            ),
            (
                "a host in its Forwarded header",
                "GET /page HTTP/1.1",
                &["Host: upstream", "Forwarded: for=1.2.3.4;host=pictures.example;proto=https"],
                200,
            ),
        ],
    );
}
