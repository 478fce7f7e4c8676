//! The behaviours that are compared on the wire, one row each.

use self::Follows::{Both, Channels, Tornado};
use self::Last::{Close, Head, Payload};
use self::Sent::{Begun, Whole};
use crate::util::{BINARY, CLOSE, CONTINUATION, PING, TEXT};

/// One behaviour.
pub(super) struct Row {
    pub(super) behaviour: &'static str,
    pub(super) path: &'static str,
    /// The rest of the path's `[[route]]`.
    pub(super) route: &'static str,
    /// The frames that the client sends after the answer to its handshake.
    pub(super) sends: &'static [Sent],
    /// The last event that the client waits for before it closes.
    pub(super) last: Last,
    pub(super) follows: Follows,
}

/// A frame that a client sends, of this opcode and with this payload.
pub(super) enum Sent {
    /// A frame of a message that another frame continues.
    Begun(u8, &'static [u8]),
    /// A whole message, or the last frame of one.
    Whole(u8, &'static [u8]),
}

/// The last event that a client waits for.
pub(super) enum Last {
    /// The answer to the handshake.
    Head,
    /// A frame with this payload.
    Payload(&'static str),
    /// The server's close.
    Close,
}

/// The peer that `waterway` behaves like.
pub(super) enum Follows {
    /// The two peers agree.
    Both,
    Tornado,
    Channels,
}

/// The sections that the routes name; the table adds a route for every path.
pub(super) const DECLARED: &str = r#"
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

/// Signed with the secret above, without claims; it never expires.
pub(super) const TOKEN: &str =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.vPW4DH4cQ5W4AkObaneJJxNHPbJ4S1ddspBfSTtpkGI";

const IDLE: &str = "channel = 'websocket.disconnect'\nconsumer = 'image.disconnect'";
const ECHO: &str = "channel = 'websocket.*'\nconsumer = 'echo'";
const ECHO_IN_ENVELOPE: &str = "channel = 'websocket.*'\nconsumer = 'echo'\nenvelope = 'text'";

pub(super) const ROWS: [Row; 26] = [
    Row { behaviour: "accept", path: "/open", route: IDLE, sends: &[], last: Head, follows: Both },
    Row {
        behaviour: "text while connecting",
        path: "/open/text",
        route: ECHO,
        sends: &[],
        last: Payload("connected!"),
        follows: Both,
    },
    Row {
        behaviour: "the picture service's greeting",
        path: "/open/empty-object",
        route: "channel = 'websocket.connect'\nconsumer = 'image.connect'",
        sends: &[],
        last: Payload("{}"),
        follows: Both,
    },
    Row {
        behaviour: "the picture service's greeting in an envelope",
        path: "/open/envelope",
        route: "channel = 'websocket.connect'\nconsumer = 'image.connect'\nenvelope = 'text'",
        sends: &[],
        last: Payload(r#"{"text": "{}"}"#),
        follows: Both,
    },
    // Tornado sends a close without a code. waterway sends 1000, as Channels does.
    Row {
        behaviour: "text and close while connecting",
        path: "/open/text-close",
        route: "channel = 'websocket.connect'\nconsumer = 'bye'",
        sends: &[],
        last: Close,
        follows: Channels,
    },
    // daphne drops an empty frame. waterway sends it like any other, as Tornado does.
    Row {
        behaviour: "empty text and close while connecting",
        path: "/open/empty-text-close",
        route: "channel = 'websocket.connect'\nconsumer = 'nothing-and-bye'",
        sends: &[],
        last: Close,
        follows: Tornado,
    },
    // daphne drops a close's reason.
    Row {
        behaviour: "text and close with a code and a reason while connecting",
        path: "/open/text-close-code",
        route: "channel = 'websocket.connect'\nconsumer = 'bye-and-why'",
        sends: &[],
        last: Close,
        follows: Tornado,
    },
    Row {
        behaviour: "a refused token is told and closed with 3000",
        path: "/open/refused-token",
        route: "channel = 'websocket.connect'\nconsumer = 'image.connect'\nauth = 'token'",
        sends: &[],
        last: Close,
        follows: Tornado,
    },
    // daphne's 403 has its own reason phrase, "Access denied".
    Row {
        behaviour: "deny",
        path: "/open/deny",
        route: "channel = 'websocket.connect'\nconsumer = 'deny'",
        sends: &[],
        last: Head,
        follows: Tornado,
    },
    // daphne knows only 403.
    Row {
        behaviour: "deny with a status",
        path: "/open/deny-status",
        route: "channel = 'websocket.connect'\nconsumer = 'unauthorised'",
        sends: &[],
        last: Head,
        follows: Tornado,
    },
    Row {
        behaviour: "a subprotocol for a consumer that chooses none",
        path: "/open/echo/subprotocol",
        route: "channel = 'websocket.*'\nconsumer = 'echo'\nauth = 'token'",
        sends: &[],
        last: Payload("connected!"),
        follows: Both,
    },
    Row {
        behaviour: "a subprotocol of those offered",
        path: "/open/subprotocol",
        route: "channel = 'websocket.connect'\nconsumer = 'image.connect'\nauth = 'token'",
        sends: &[],
        last: Payload("{}"),
        follows: Both,
    },
    Row {
        behaviour: "text",
        path: "/message/echo",
        route: ECHO,
        sends: &[Whole(TEXT, "zwölf".as_bytes())],
        last: Payload("zwölf"),
        follows: Both,
    },
    Row {
        behaviour: "a text whose length takes two bytes",
        path: "/message/echo",
        route: ECHO,
        sends: &[Whole(TEXT, &[b'n'; 126]), Whole(TEXT, b"end")],
        last: Payload("end"),
        follows: Both,
    },
    Row {
        behaviour: "bytes",
        path: "/message/echo",
        route: ECHO,
        sends: &[Whole(BINARY, b"\0\x01")],
        last: Payload("\0\x01"),
        follows: Both,
    },
    Row {
        behaviour: "empty text",
        path: "/message/echo",
        route: ECHO,
        sends: &[Whole(TEXT, b""), Whole(TEXT, b"end")],
        last: Payload("end"),
        follows: Tornado,
    },
    Row {
        behaviour: "empty bytes",
        path: "/message/echo",
        route: ECHO,
        sends: &[Whole(BINARY, b""), Whole(TEXT, b"end")],
        last: Payload("end"),
        follows: Tornado,
    },
    Row {
        behaviour: "a text in fragments",
        path: "/message/echo",
        route: ECHO,
        sends: &[Begun(TEXT, b"frag"), Whole(CONTINUATION, b"ments")],
        last: Payload("fragments"),
        follows: Both,
    },
    // Tornado's json_encode writes `</` as `<\/`.
    Row {
        behaviour: "text in an envelope",
        path: "/message/envelope",
        route: ECHO_IN_ENVELOPE,
        sends: &[Whole(TEXT, "\"é\"</b>".as_bytes()), Whole(TEXT, b"end")],
        last: Payload(r#"{"text": "end"}"#),
        follows: Tornado,
    },
    Row {
        behaviour: "close",
        path: "/message/close",
        route: "channel = 'websocket.receive'\nconsumer = 'close'\nauth = false",
        sends: &[Whole(TEXT, b"leave")],
        last: Close,
        follows: Channels,
    },
    Row {
        behaviour: "close with a code and a reason",
        path: "/message/close-code",
        route: "channel = 'websocket.receive'\nconsumer = 'why'\nauth = false",
        sends: &[Whole(TEXT, b"leave")],
        last: Close,
        follows: Tornado,
    },
    Row {
        behaviour: "text and close",
        path: "/message/text-close",
        route: "channel = 'websocket.receive'\nconsumer = 'bye'\nauth = false",
        sends: &[Whole(TEXT, b"leave")],
        last: Close,
        follows: Channels,
    },
    Row {
        behaviour: "text and close with a code and a reason",
        path: "/message/text-close-code",
        route: "channel = 'websocket.receive'\nconsumer = 'bye-and-why'\nauth = false",
        sends: &[Whole(TEXT, b"leave")],
        last: Close,
        follows: Tornado,
    },
    Row {
        behaviour: "pong",
        path: "/open",
        route: IDLE,
        sends: &[Whole(PING, b"are you there?")],
        last: Payload("are you there?"),
        follows: Both,
    },
    // daphne answers every close with 1000.
    Row {
        behaviour: "the answer to a close with a code",
        path: "/open",
        route: IDLE,
        sends: &[Whole(CLOSE, b"\x10\xe1")],
        last: Close,
        follows: Tornado,
    },
    Row {
        behaviour: "the answer to a close without a code",
        path: "/open",
        route: IDLE,
        sends: &[Whole(CLOSE, b"")],
        last: Close,
        follows: Tornado,
    },
];
