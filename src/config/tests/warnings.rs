//! Tests of valid tables that are probably not meant.

use super::check_warnings;

#[test]
fn a_route_whose_messages_never_fit_its_queue_is_warned_of() {
    let reported = |line: usize, message: &str| {
        format!(
            "{line}:9: messages of {message} are accepted, but one client may queue 1MiB | a message \
             that never fits is answered too_big: lower this route's limits.message, or raise \
             max_bytes.client of [queue.q]; a task counts 512 bytes in addition to its message"
        )
    };
    for (limits, route, warned) in [
        ("", "", None),
        ("", "limits = { message = \"1047552B\" }", None),
        ("", "limits = { message = \"1MiB\" }", Some(reported(7, "1MiB"))),
        ("", "limits = { message = \"32MiB\" }", Some(reported(7, "32MiB"))),
        ("[limits]\nmessage = \"2MiB\"\n", "", Some(reported(9, "2MiB"))),
        ("[limits]\nmessage = \"2MiB\"\n", "limits = { message = \"1KiB\" }", None),
    ] {
        let text = format!(
            "{limits}[queue.q]\nconsumer = \"c\"\nmax_bytes = {{ client = \"1MiB\" }}\n\
             [[route]]\nchannel = \"websocket.receive\"\nconsumer = \"c\"\nqueue = \"q\"\n{route}\n"
        );
        check_warnings(&text, &warned.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
