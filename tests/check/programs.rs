//! Reports on programs that are not started: how they are named, and what they may serve.

use super::reported;

/// A route of a consumer with these options; the first of them is in line 2.
fn routed(options: &str, channel: &str) -> String {
    format!("[consumer.c]\n{options}\n[[route]]\nchannel = {channel}\npath = '/'\nconsumer = 'c'\n")
}

#[test]
fn a_program_that_is_named_wrongly_is_reported_with_the_right_form() {
    let (receive, list) =
        ("'websocket.receive'", "exec is a list of the program and its arguments");
    for (exec, said, is_sound) in [
        ("'node shout.mjs'", format!("{list} | write exec = [\"node\", \"shout.mjs\"]"), false),
        ("3", "expected a list of the program and its arguments, found 3".to_owned(), false),
        ("[]", "exec names no program | write exec = [\"python3\", \"-u\", \"ocr.py\"]".to_owned(), false),
        (
            "['no-such-program -u ocr.py']",
            "warning: there is no program \"no-such-program -u ocr.py\" in PATH | write each argument \
             as a text of its own: exec = [\"no-such-program\", \"-u\", \"ocr.py\"]"
                .to_owned(),
            true,
        ),
        (
            "['no-such-program']",
            "warning: there is no program \"no-such-program\" in PATH | install it, or write its \
             path: \"./no-such-program\""
                .to_owned(),
            true,
        ),
        (
            "['./routing.toml']",
            "warning: ./routing.toml is not executable | chmod +x ./routing.toml, or name its \
             interpreter: exec = [\"sh\", \"./routing.toml\"]"
                .to_owned(),
            true,
        ),
    ] {
        let (reported, sound) = reported(&routed(&format!("exec = {exec}"), receive));
        assert_eq!((reported, sound), (vec![format!("2:8: {said}")], is_sound), "{exec}");
    }
}

#[test]
fn a_script_that_is_missing_is_warned_of() {
    for (exec, missing) in [
        ("['python3', '-u', 'shoutt.py']", Some("shoutt.py")),
        ("['node', 'lib/shout.mjs']", Some("lib/shout.mjs")),
        // These may be anything.
        ("['python3', '-m', 'shout']", None),
        ("['sh', '-c', 'cat']", None),
        ("['cat', 'shout.py']", None),
    ] {
        let (reported, sound) = reported(&routed(&format!("exec = {exec}"), "'websocket.receive'"));
        let begin =
            missing.map(|file| format!("2:8: warning: there is no file {file} | this means /"));
        let said = reported.first().map(String::as_str);
        assert!(sound && said.is_some() == begin.is_some(), "{exec}: {reported:?}");
        assert!(
            begin.is_none_or(|begin| said.is_some_and(|said| said.starts_with(&begin))),
            "{said:?}"
        );
    }
}

#[test]
fn a_folder_of_web_pages_that_is_missing_is_warned_of() {
    let (said, sound) = reported(&routed("use = 'static'\nfolder = 'web'", "'http.request'"));
    let end = "/web | make it, or correct folder: its pages are 404 until then";
    let [said] = &said[..] else { panic!("{said:?}") };
    assert!(
        sound && said.starts_with("3:10: warning: there is no folder /") && said.ends_with(end),
        "{said}"
    );
}

#[test]
fn a_program_of_lines_serves_websockets_alone() {
    let lines = "exec = ['cat']\nmode = 'lines'";
    let help = "leave mode = \"lines\" out: events reach the program as JSON";
    let both = routed(lines, "['websocket.*', 'http.request']");
    let said = format!("5:11: c serves WebSockets alone, and no http.request | {help}");
    assert_eq!(reported(&both), (vec![said], false));
    let queue = "[queue.q]\nconsumer = 'c'\n[[route]]\nchannel = 'websocket.receive'\n\
                 path = '/q'\nqueue = 'q'\nconsumer = 'push'\n";
    let queued = routed(lines, "'websocket.*'") + queue;
    let said = format!("9:12: c serves WebSockets alone, and no queue | {help}");
    assert_eq!(reported(&queued), (vec![said], false));
    assert!(reported(&routed(lines, "'websocket.*'")).1);
}
