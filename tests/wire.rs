//! What `waterway` puts on the wire, byte by byte beside Tornado 6 and Channels 4 under daphne.
//!
//! A row is one behaviour, with the route that makes `waterway` do it; the peers do it on the same
//! path. Where the two differ, the row says which of them `waterway` follows, and the tests make
//! sure that they still differ.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use self::Follows::{Both, Channels, Tornado};
use self::Last::{Close, Head, Payload};
use crate::util::{BINARY, CLOSE, PING, Peer, Raw, Service, TEXT, close_payload, masked};

/// One behaviour.
struct Row {
    behaviour: &'static str,
    path: &'static str,
    /// The rest of the path's `[[route]]`.
    route: &'static str,
    /// What the client does once the server has answered its handshake.
    sends: Vec<u8>,
    /// What it waits for before it closes.
    last: Last,
    follows: Follows,
}

/// The last that a client waits for.
enum Last {
    /// The answer to the handshake.
    Head,
    /// A frame with this payload.
    Payload(&'static str),
    /// The server's close.
    Close,
}

/// Whom `waterway` does the same as.
enum Follows {
    /// The two peers agree.
    Both,
    Tornado,
    Channels,
}

/// What of an answer matters; the rest (`Server`, `Date`, the text of a refusal) is each server's.
#[derive(Debug, PartialEq, Eq)]
struct Wire {
    status: String,
    upgrade: Option<String>,
    connection: Option<String>,
    accept: Option<String>,
    protocol: Option<String>,
    /// All bytes after the head of an accepted handshake.
    frames: String,
}

const DECLARED: &str = r#"
[server]
origins = "*"
[auth.token]
secret = "a secret of the test's own, long enough"
[consumer.bye]
use = "close"
text = "bye"
[consumer.bye-and-why]
use = "close"
text = "bye"
code = 4000
reason = "see you"
[consumer.nothing-and-bye]
use = "close"
text = ""
code = 4000
[consumer.why]
use = "close"
code = 4000
reason = "see you"
[consumer.unauthorised]
use = "deny"
status = 401
"#;

/// Signed with the secret above, without claims, for ever.
const TOKEN: &str =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.vPW4DH4cQ5W4AkObaneJJxNHPbJ4S1ddspBfSTtpkGI";

const IDLE: &str = "channel = 'websocket.disconnect'\nconsumer = 'image.disconnect'";
const ECHO: &str = "channel = 'websocket.*'\nconsumer = 'echo'";
const ECHO_IN_ENVELOPE: &str = "channel = 'websocket.*'\nconsumer = 'echo'\nenvelope = 'text'";

fn rows() -> Vec<Row> {
    let row = |behaviour, path, route, sends, last, follows| Row {
        behaviour,
        path,
        route,
        sends,
        last,
        follows,
    };
    let nothing = Vec::new;
    let text = |text: &str| masked(TEXT, text.as_bytes());
    vec![
        row("accept", "/open", IDLE, nothing(), Head, Both),
        row("text while connecting", "/open/text", ECHO, nothing(), Payload("connected!"), Both),
        row(
            "the picture service's greeting",
            "/open/empty-object",
            "channel = 'websocket.connect'\nconsumer = 'image.connect'",
            nothing(),
            Payload("{}"),
            Both,
        ),
        row(
            "the picture service's greeting in an envelope",
            "/open/envelope",
            "channel = 'websocket.connect'\nconsumer = 'image.connect'\nenvelope = 'text'",
            nothing(),
            Payload(r#"{"text": "{}"}"#),
            Both,
        ),
        // Tornado's close without a code has none on the wire; the design wants 1000.
        row(
            "text and close while connecting",
            "/open/text-close",
            "channel = 'websocket.connect'\nconsumer = 'bye'",
            nothing(),
            Close,
            Channels,
        ),
        // daphne drops an empty frame; the design sends it like any other.
        row(
            "empty text and close while connecting",
            "/open/empty-text-close",
            "channel = 'websocket.connect'\nconsumer = 'nothing-and-bye'",
            nothing(),
            Close,
            Tornado,
        ),
        // daphne drops a close's reason.
        row(
            "text and close with a code and a reason while connecting",
            "/open/text-close-code",
            "channel = 'websocket.connect'\nconsumer = 'bye-and-why'",
            nothing(),
            Close,
            Tornado,
        ),
        row(
            "a refused token is told and closed with 3000",
            "/open/refused-token",
            "channel = 'websocket.connect'\nconsumer = 'image.connect'\nauth = 'token'",
            nothing(),
            Close,
            Tornado,
        ),
        // daphne's 403 has a reason phrase of its own, "Access denied".
        row(
            "deny",
            "/open/deny",
            "channel = 'websocket.connect'\nconsumer = 'deny'",
            nothing(),
            Head,
            Tornado,
        ),
        // daphne knows 403 alone.
        row(
            "deny with a status",
            "/open/deny-status",
            "channel = 'websocket.connect'\nconsumer = 'unauthorised'",
            nothing(),
            Head,
            Tornado,
        ),
        row(
            "a subprotocol of those offered",
            "/open/subprotocol",
            "channel = 'websocket.connect'\nconsumer = 'image.connect'\nauth = 'token'",
            nothing(),
            Payload("{}"),
            Both,
        ),
        row("text", "/message/echo", ECHO, text("zwölf"), Payload("zwölf"), Both),
        row(
            "a text whose length takes two bytes",
            "/message/echo",
            ECHO,
            [text(&"n".repeat(126)), text("end")].concat(),
            Payload("end"),
            Both,
        ),
        row("bytes", "/message/echo", ECHO, masked(BINARY, b"\0\x01"), Payload("\0\x01"), Both),
        row(
            "empty text",
            "/message/echo",
            ECHO,
            [text(""), text("end")].concat(),
            Payload("end"),
            Tornado,
        ),
        row(
            "empty bytes",
            "/message/echo",
            ECHO,
            [masked(BINARY, b""), text("end")].concat(),
            Payload("end"),
            Tornado,
        ),
        row(
            "a text in fragments",
            "/message/echo",
            ECHO,
            // FIN is the first bit; what continues a message has opcode 0.
            [&[TEXT][..], &text("frag")[1..], &masked(0, b"ments")].concat(),
            Payload("fragments"),
            Both,
        ),
        // Tornado's json_encode writes `</` as `<\/`.
        row(
            "text in an envelope",
            "/message/envelope",
            ECHO_IN_ENVELOPE,
            [text("\"é\"</b>"), text("end")].concat(),
            Payload(r#"{"text": "end"}"#),
            Tornado,
        ),
        row(
            "close",
            "/message/close",
            "channel = 'websocket.receive'\nconsumer = 'close'",
            text("leave"),
            Close,
            Channels,
        ),
        row(
            "close with a code and a reason",
            "/message/close-code",
            "channel = 'websocket.receive'\nconsumer = 'why'",
            text("leave"),
            Close,
            Tornado,
        ),
        row(
            "text and close",
            "/message/text-close",
            "channel = 'websocket.receive'\nconsumer = 'bye'",
            text("leave"),
            Close,
            Channels,
        ),
        row(
            "text and close with a code and a reason",
            "/message/text-close-code",
            "channel = 'websocket.receive'\nconsumer = 'bye-and-why'",
            text("leave"),
            Close,
            Tornado,
        ),
        row(
            "pong",
            "/open",
            IDLE,
            masked(PING, b"are you there?"),
            Payload("are you there?"),
            Both,
        ),
        // daphne answers every close with 1000.
        row(
            "the answer to a close with a code",
            "/open",
            IDLE,
            masked(CLOSE, &close_payload(4321, "")),
            Close,
            Tornado,
        ),
        row(
            "the answer to a close without a code",
            "/open",
            IDLE,
            masked(CLOSE, b""),
            Close,
            Tornado,
        ),
    ]
}

#[test]
fn the_peers_differ_where_we_say() {
    let [tornado, channels] = [Peer::start("tornado_peer.py"), Peer::start("channels_peer.py")];
    for row in rows() {
        let [tornado, channels] = [&tornado, &channels].map(|peer| row.play(peer.address));
        let agree = matches!(row.follows, Both);
        assert_eq!(tornado == channels, agree, "{}: {tornado:#?} {channels:#?}", row.behaviour);
    }
}

#[test]
fn waterway_puts_on_the_wire_what_tornado_and_channels_do() {
    let [tornado, channels] = [Peer::start("tornado_peer.py"), Peer::start("channels_peer.py")];
    let service = Service::start(&routing());
    for row in rows() {
        let followed = match row.follows {
            Both | Tornado => &tornado,
            Channels => &channels,
        };
        let ours = row.play(service.address());
        assert_eq!(ours, row.play(followed.address), "{}, at {}", row.behaviour, row.path);
    }
}

/// One `[[route]]` for each path.
fn routing() -> String {
    let routes: BTreeMap<_, _> = rows().into_iter().map(|row| (row.path, row.route)).collect();
    let routes =
        routes.iter().map(|(path, route)| format!("[[route]]\npath = '{path}'\n{route}\n"));
    DECLARED.to_owned() + &routes.collect::<String>()
}

impl Row {
    /// Does what the row says at this server.
    fn play(&self, address: SocketAddr) -> Wire {
        let offered = format!("{TOKEN}, second");
        // Tornado asks check_origin only about another server's page.
        let mut headers = vec![("Origin", "https://elsewhere.example")];
        if self.path.ends_with("subprotocol") {
            headers.push(("Sec-WebSocket-Protocol", &offered));
        }
        let mut raw = Raw::open(address, self.path, &headers);
        let field = |name| raw.header(name).map(str::to_owned);
        // RFC 6455, section 4.2.2: these two are compared without regard to case.
        let word = |name| raw.header(name).map(str::to_ascii_lowercase);
        let mut wire = Wire {
            status: raw.status.clone(),
            upgrade: None,
            connection: None,
            accept: field("sec-websocket-accept"),
            protocol: field("sec-websocket-protocol"),
            frames: String::new(),
        };
        if wire.status.starts_with("HTTP/1.1 101 ") {
            (wire.upgrade, wire.connection) = (word("upgrade"), word("connection"));
            raw.send(&self.sends);
            self.last.wait(&mut raw);
            wire.frames = raw.finish().escape_ascii().to_string();
        }
        wire
    }
}

impl Last {
    fn wait(&self, raw: &mut Raw) {
        raw.read_until(|frames| match self {
            Head => true,
            Close => frames.iter().any(|frame| frame.opcode() == CLOSE),
            Payload(last) => frames.iter().any(|frame| frame.payload == last.as_bytes()),
        });
    }
}
