//! The admin listener: what operators see, and what they may do.

mod outside;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::util::{
    Answer, Client, PATIENCE, Page, Service, flat, picture_table, request, waterway,
};

const ROOMS: &str = r#"
[consumer.enter]
use   = "group.join"
group = "room.{room}"
[[route]]
channel  = "websocket.connect"
path     = "/rooms/{room}"
consumer = "enter"
[[route]]
channel  = "websocket.*"
path     = "/echo"
consumer = "echo"
"#;

/// A service with an admin listener, and where that listens.
struct Administered {
    service: Service,
    address: SocketAddr,
}

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

impl Administered {
    fn start(table: &str, admin: &str) -> Self {
        let table = format!("{table}\n[admin]\nlisten = '127.0.0.1:0'\n{admin}\n");
        let listen = "[server]\nlisten = '127.0.0.1:0'\n";
        let service = Service::start(&format!("{listen}{table}"));
        let line = service.wait_for_log("the admin listener answers");
        let address = line.split("http://").nth(1).unwrap().split(['"', ' ']).next().unwrap();
        let address = address.parse().unwrap();
        Self { service, address }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn get(&self, path: &str) -> Answer {
        request("GET", &self.url(path), &[], "")
    }

    fn act(&self, body: impl Into<Vec<u8>>) -> Answer {
        request("POST", &self.url("/v1/actions"), &[], body)
    }

    /// Sends bytes and reads the answer until the service ends the connection.
    fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

/// The name of the only client on a path.
fn client_on(service: &Service, path: &str) -> String {
    let line = service.wait_for_log(&format!("path=\"{path}\""));
    line.split("client=").nth(1).unwrap().split(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn actions_reach_a_group_and_a_client() {
    let admin = Administered::start(ROOMS, "");
    let mut anna = Client::connect(&admin.service.ws("/rooms/den")).await;
    let mut ben = Client::connect(&admin.service.ws("/rooms/den")).await;
    let mut eve = Client::connect(&admin.service.ws("/echo")).await;
    assert_eq!(eve.text().await, "connected!");
    let sent = admin.act(r#"{"group": "room.den", "actions": [{"send": {"json": {"n": 1}}}]}"#);
    assert_eq!((sent.status, sent.json()), (200, json!({"sent": 2, "dropped": 0})));
    for client in [&mut anna, &mut ben] {
        assert_eq!(client.json().await, json!({"n": 1}));
    }
    let nobody = admin.act(r#"{"group": "room.attic", "actions": [{"send": {"text": "hi"}}]}"#);
    assert_eq!(nobody.json(), json!({"sent": 0, "dropped": 0}));

    let name = client_on(&admin.service, "/echo");
    let body = json!({"client": name, "actions": [{"send": {"text": "for you"}}, {"group_add": {"group": "g"}}]});
    assert_eq!(admin.act(body.to_string()).status, 204);
    assert_eq!(eve.text().await, "for you");

    let known = admin.get(&format!("/v1/clients/{name}"));
    let known = known.json();
    assert_eq!((&known["client"], &known["path"]), (&json!(name), &json!("/echo")));
    assert_eq!((&known["groups"], &known["address"]), (&json!(["g"]), &json!("127.0.0.1")));
    assert!(known["since"].as_u64().is_some_and(|since| since > 1_700_000_000));
    assert_eq!(admin.get("/v1/clients").json(), json!({"clients": 3}));

    let close = |query: &str| {
        request("DELETE", &admin.url(&format!("/v1/clients/{name}{query}")), &[], "").status
    };
    assert_eq!(close("?code=1005"), 400);
    assert_eq!(close("?cod=1000"), 400);
    assert_eq!(close("?code=4001&reason=see+you"), 204);
    assert_eq!(eve.closed().await, (4001, "see you".to_owned()));
    admin.service.wait_for_log("client left");
    assert_eq!(close(""), 404);
    assert_eq!(admin.get(&format!("/v1/clients/{name}")).status, 404);
    let body = json!({"client": name, "actions": []});
    assert_eq!(admin.act(body.to_string()).json()["code"], "gone");
}

#[test]
fn a_wrong_request_is_refused_with_the_way_out() {
    let admin = Administered::start(ROOMS, "body = '1KiB'");
    for (body, said) in [
        ("", "EOF"),
        ("nonsense", "expected"),
        (r#"{"ready": true}"#, "write {\"group\""),
        (r#"{"id": "e1", "actions": []}"#, "write {\"group\""),
        (r#"{"group": "g"}"#, "actions"),
        (r#"{"group": "g", "client": "c", "actions": []}"#, ""),
        (r#"{"group": "g", "actions": [{"snd": {}}]}"#, "snd"),
        (r#"{"group": "g", "actions": [{"accept": {}}]}"#, "accept"),
        (r#"{"group": "g", "actions": [], "more": true}"#, ""),
    ] {
        let answer = admin.act(body);
        let error = answer.json();
        assert_eq!((answer.status, &error["code"]), (400, &json!("bad_message")), "{body}");
        assert!(error["error"].as_str().unwrap().contains(said), "{body}: {error}");
    }
    assert_eq!(admin.act("x".repeat(2000)).status, 413);
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/actions", 405),
        ("PUT", "/v1/clients/x", 405),
        ("GET", "/v1/clients/x", 404),
        ("GET", "/v1/clients/%ff%00", 404),
        ("DELETE", "/v1/clients/x", 404),
        ("POST", "/healthz", 405),
    ] {
        assert_eq!(request(method, &admin.url(path), &[], "").status, status, "{method} {path}");
    }
}

#[tokio::test]
async fn a_reload_answers_with_what_has_changed_or_with_the_mistakes() {
    let admin = Administered::start(ROOMS, "");
    let file = admin.service.folder().join("routing.toml");
    let table = fs::read_to_string(&file).unwrap();
    let reload = || request("POST", &admin.url("/v1/reload"), &[], "");
    assert_eq!(admin.get("/v1/reload").json(), json!({"reload": null}));
    fs::write(&file, table.replace("path     = \"/echo\"", "path     = \"/parrot\"")).unwrap();
    let changed = reload();
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(changed.json()["reload"]["trigger"], "request");
    assert!(changed.text().contains("/parrot"), "{}", changed.text());
    let mut parrot = Client::connect(&admin.service.ws("/parrot")).await;
    assert_eq!(parrot.text().await, "connected!");

    fs::write(&file, table.replace("consumer = \"echo\"", "consumer = \"ecko\"")).unwrap();
    let refused = reload();
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("ecko"), "{}", refused.text());
    let ready = admin.get("/readyz");
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &json!(true)));
    assert_eq!(ready.json()["reload"], refused.json()["reload"]);
    assert_eq!(admin.get("/v1/reload").json()["reload"], refused.json()["reload"]);
    parrot.send_text("still here").await;
    assert_eq!(parrot.text().await, "still here");
}

#[test]
fn no_web_page_can_use_it() {
    let admin = Administered::start(ROOMS, "hosts = 'waterway.internal'");
    let body = r#"{"group": "g", "actions": []}"#;
    let post =
        |headers: &[(&str, &str)]| request("POST", &admin.url("/v1/actions"), headers, body).status;
    let own = admin.address.to_string();
    assert_eq!(post(&[]), 200);
    assert_eq!(post(&[("origin", "https://evil.example")]), 403);
    assert_eq!(post(&[("origin", &format!("http://{own}"))]), 403);
    assert_eq!(post(&[("origin", "null")]), 403);
    assert_eq!(post(&[("sec-fetch-site", "cross-site")]), 403);
    assert_eq!(post(&[("sec-fetch-site", "same-origin")]), 403);
    // Someone who types the address into a browser.
    let typed = [("sec-fetch-site", "none")];
    assert_eq!(request("GET", &admin.url("/v1/queues"), &typed, "").status, 200);
    for (host, status) in [
        ("localhost", "200"),
        ("127.0.0.1:9", "200"),
        ("[::1]", "200"),
        ("waterway.internal", "200"),
        ("evil.example", "421"),
        ("localhost.evil.example", "421"),
        ("127.0.0.1.evil.example", "421"),
        ("a b", "400"),
    ] {
        let answer = admin
            .raw(&format!("GET /v1/queues HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
        assert_eq!(answer.split(' ').nth(1), Some(status), "{host}: {answer}");
    }
    let answer = admin.raw("GET /v1/queues HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[test]
fn a_token_is_needed_where_the_table_has_one() {
    let admin = Administered::start(ROOMS, &format!("token = '{TOKEN}'"));
    let get = |path: &str, authorization: &str| {
        request("GET", &admin.url(path), &[("authorization", authorization)], "").status
    };
    assert_eq!(get("/v1/queues", &format!("Bearer {TOKEN}")), 200);
    assert_eq!(get("/v1/queues", &format!("bearer  {TOKEN}")), 200);
    for wrong in [
        "",
        "Bearer",
        "Bearer ",
        &format!("Basic {TOKEN}"),
        TOKEN,
        &format!("Bearer {TOKEN}0"),
        &format!("Bearer {}", &TOKEN[1..]),
    ] {
        assert_eq!(get("/v1/queues", wrong), 401, "{wrong:?}");
    }
    let refused = admin.get("/v1/nothing");
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, "Bearer"));
    for open in ["/healthz", "/readyz"] {
        assert_eq!(admin.get(open).status, 200, "{open}");
    }
    // A page that knows no token may use any name: it is refused all the same.
    let host = "GET /v1/queues HTTP/1.1\r\nHost: waterway\r\nConnection: close\r\n\r\n";
    assert!(admin.raw(host).starts_with("HTTP/1.1 401"));
    assert!(!admin.service.log().contains(TOKEN));
}

#[tokio::test]
async fn a_service_is_ready_until_it_drains_and_alive_to_its_end() {
    let table = picture_table("", "") + "[server]\ndrain = '30s'\nlisten = '127.0.0.1:0'\n";
    let table = format!("{table}[admin]\nlisten = 'unix:admin.sock'\n");
    let service = Service::start(&table);
    let socket = service.folder().join("admin.sock");
    service.wait_for_log("the admin listener answers");
    let ask = |path: &str| -> (String, Value) {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().to_owned();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        (status, serde_json::from_str(body).unwrap_or_default())
    };
    assert_eq!(ask("/healthz").0, "200");
    let (status, body) = ask("/readyz");
    assert_eq!((status.as_str(), &body["ready"]), ("200", &json!(true)));

    let mut page = Page::open(&service).await;
    page.send(json!({"uuid": 1, "rType": "slow", "progress": true}), &flat(400, 400)).await;
    while page.0.json().await["stage"] != "rotate" {}
    let queues = ask("/v1/queues").1;
    let queue = &queues[0];
    assert_eq!((&queue["name"], &queue["consumer"]), (&json!("images"), &json!("pictures")));
    assert!(queue["workers"].as_u64().unwrap() > 0, "{queues}");
    assert_eq!((&queue["queued"], &queue["running"]), (&json!(0), &json!(1)));
    let consumers = ask("/v1/consumers").1;
    let names: Vec<_> = consumers.as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert!(names.contains(&&json!("pictures")), "{consumers}");

    let folder = service.folder().to_owned();
    let health = || {
        let output = waterway(&folder, &["health"]);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = health();
    assert!(
        code == Some(0) && said.contains("\"ready\":true") || said.contains("\"ready\": true"),
        "{said}"
    );
    service.signal(Signal::TERM);
    service.wait_until(|| ask("/readyz").0 == "503");
    assert_eq!(ask("/readyz").1["reason"], json!("the service is stopping"));
    assert_eq!(ask("/healthz").0, "200");
    assert_eq!(health().0, Some(1));
    while page.0.json().await["url"].is_null() {}
    assert_eq!(service.end().code(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn a_service_without_an_admin_listener_is_healthy_if_it_answers() {
    let mut service = Service::start(ROOMS);
    let file = service.folder().join("routing.toml");
    let table = fs::read_to_string(&file).unwrap();
    let listen = format!("listen = [\"{}\"]", service.address());
    fs::write(&file, table.replace("listen = [\"127.0.0.1:0\"]", &listen)).unwrap();
    let output = waterway(service.folder(), &["health"]);
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"alive\n"[..]));
    service.stop();
    assert_eq!(waterway(service.folder(), &["health"]).status.code(), Some(1));
}

#[test]
fn a_client_that_sends_half_a_request_or_reads_nothing_holds_nobody_up() {
    let admin = Administered::start(ROOMS, "connections = 2\npatience = '1s'");
    let half: Vec<_> = [
        "",
        "GET /hea",
        "POST /v1/actions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
    ]
    .iter()
    .map(|begun| {
        let mut stream = TcpStream::connect(admin.address).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        stream
    })
    .collect();
    // It waits until two of them have run out of time.
    assert_eq!(admin.get("/healthz").status, 200);
    drop(half);
}
