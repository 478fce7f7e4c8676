//! The bytes that `waterway` puts on the wire, compared with Tornado 6 and Channels 4 under daphne.
//!
//! A row is one behaviour, with the route that makes `waterway` show it; the peers show it on the
//! same path. If the peers differ, the row says which of them `waterway` follows, and a test makes
//! sure that they still differ.

mod rows;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use self::rows::{DECLARED, Follows, Last, ROWS, Row, Sent, TOKEN};
use crate::util::{CLOSE, Peer, Raw, Service, begun, masked};

/// The compared parts of an answer; the others (`Server`, `Date`, the text of a refusal) are each
/// server's own.
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

#[test]
fn the_reference_servers_differ_only_in_listed_points() {
    let [tornado, channels] = [Peer::start("tornado_peer.py"), Peer::start("channels_peer.py")];
    for row in ROWS {
        let [tornado, channels] = [&tornado, &channels].map(|peer| row.play(peer.address));
        let agree = matches!(row.follows, Follows::Both);
        assert_eq!(tornado == channels, agree, "{}: {tornado:#?} {channels:#?}", row.behaviour);
    }
}

#[test]
fn waterway_puts_on_the_wire_what_tornado_and_channels_do() {
    let [tornado, channels] = [Peer::start("tornado_peer.py"), Peer::start("channels_peer.py")];
    let service = Service::start(&routing());
    for row in ROWS {
        let followed = match row.follows {
            Follows::Both | Follows::Tornado => &tornado,
            Follows::Channels => &channels,
        };
        let ours = row.play(service.address());
        assert_eq!(ours, row.play(followed.address), "{}, at {}", row.behaviour, row.path);
    }
}

/// One `[[route]]` for each path.
fn routing() -> String {
    let routes: BTreeMap<_, _> = ROWS.iter().map(|row| (row.path, row.route)).collect();
    let routes =
        routes.iter().map(|(path, route)| format!("[[route]]\npath = '{path}'\n{route}\n"));
    DECLARED.to_owned() + &routes.collect::<String>()
}

impl Row {
    /// Plays the row against this server.
    fn play(&self, address: SocketAddr) -> Wire {
        let offered = format!("{TOKEN}, second");
        // Tornado calls check_origin only for a page of another server.
        let mut headers = vec![("Origin", "https://elsewhere.example")];
        if self.path.ends_with("subprotocol") {
            headers.push(("Sec-WebSocket-Protocol", &offered));
        }
        let mut raw = Raw::open(address, self.path, &headers);
        let field = |name| raw.header(name).map(str::to_owned);
        // RFC 6455, section 4.2.2: these two are case-insensitive.
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
            for sent in self.sends {
                raw.send(&match sent {
                    Sent::Begun(opcode, payload) => begun(*opcode, payload),
                    Sent::Whole(opcode, payload) => masked(*opcode, payload),
                });
            }
            self.last.wait(&mut raw);
            wire.frames = raw.finish().escape_ascii().to_string();
        }
        wire
    }
}

impl Last {
    fn wait(&self, raw: &mut Raw) {
        raw.read_until(|frames| match self {
            Self::Head => true,
            Self::Close => frames.iter().any(|frame| frame.opcode() == CLOSE),
            Self::Payload(last) => frames.iter().any(|frame| frame.payload == last.as_bytes()),
        });
    }
}
