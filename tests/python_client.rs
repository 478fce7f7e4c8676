//! A client in another language, with an ordinary library: Python and `websockets`.

use std::fs;

use crate::util::{Service, python, root};

const SECRET: &str = "a secret of the test's own, long enough";
const PICTURE: &str = "JPEG L 400 300\n";

#[test]
fn a_picture_comes_back_halved_in_every_framing() {
    let service = Service::start(&shipped());
    let url = service.ws("/ws/1");
    for options in [&[][..], &["--binary"], &["--inline"], &["--binary", "--inline"]] {
        let printed = python("clients/picture_client.py", &[&[url.as_str()], options].concat());
        assert_eq!(printed, PICTURE, "{options:?}");
    }
}

#[test]
fn a_wrong_token_is_refused_with_the_reason() {
    let service = Service::start(&shipped_with_token());
    let url = service.ws("/ws/1");
    for (kind, printed) in [
        ("good", PICTURE),
        ("expired", "{\"error\": \"token expired\"} 3000\n"),
        ("wrong-ip", "{\"error\": \"ip mismatch\"} 3000\n"),
        ("wrong", "{\"error\": \"enter correct token\"} 3000\n"),
    ] {
        let arguments = [&url, "--token", kind, "--secret", SECRET];
        assert_eq!(python("clients/picture_client.py", &arguments), printed, "{kind}");
    }
    let printed = python("clients/picture_client.py", &[&url]);
    assert_eq!(printed, "{\"error\": \"enter correct token\"} 3000\n", "no token");
}

/// The routing table that ships, at a port that is free.
fn shipped() -> String {
    let shipped = fs::read_to_string(root().join("routing.toml")).expect("routing.toml ships");
    let lines = shipped.lines().filter(|line| !line.starts_with("listen"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The same table with a token demanded.
fn shipped_with_token() -> String {
    let door = "path     = \"/ws/{page}\"\nconsumer = \"image.connect\"\n";
    let shipped = shipped();
    let (before, after) = shipped.split_once(door).expect("the table connects at /ws/{page}");
    let auth = format!("[auth.token]\nsecret = \"{SECRET}\"\nbind_ip = true\n");
    format!("{before}{door}auth = \"token\"\n{after}\n{auth}")
}
