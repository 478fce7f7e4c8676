//! Tests of what the file says and hardly means, and of mistakes that were told badly once.

use super::*;

#[test]
fn single_brackets_are_told_once_each_and_the_routes_read_all_the_same() {
    let route = |header: &str, more: &str| {
        format!("{header}\nchannel = \"http.request\"\nconsumer = \"c\"\n{more}\n")
    };
    let single = |line: usize| {
        format!("{line}:1: [route] is one table, and routes are many | write [[route]]")
    };
    let unknown = |line: usize| format!("{line}:1: unknown key \"colour\" | {KEYS}");
    for (headers, told) in [
        (["[route]", "[route]", "[route]"], vec![single(1), single(5), single(9), unknown(12)]),
        (["[route]", "[[route]]", "[[route]]"], vec![single(1), unknown(12)]),
        (["[[route]]", "[ route ] # é", "[[route]]"], vec![single(5), unknown(12)]),
        (["[[route]]", "[[route]]", "[[route]]"], vec![unknown(12)]),
    ] {
        let [first, second, third] = headers;
        let third = route(third, "colour = 1");
        let text = [route(first, ""), route(second, "path = \"/é\""), third].concat();
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        check(&text, &told);
        assert_eq!(parse(&text).config.route.len(), 3, "{text}");
    }
    // Elsewhere the same characters are a text.
    check("[server]\npublic_url = \"\"\"http://a/\\\n[route]\"\"\"\n", &[]);
}

const KEYS: &str = "the keys here are: channel, path, method, when, auth, origins, queue, consumer, \
                    limits, envelope";

#[test]
fn a_byte_order_mark_is_no_column() {
    check(
        "\u{feff}includd = []\nlistn = 1\n",
        &[
            "1:1: unknown key \"includd\" | did you mean \"include\"?",
            "2:1: unknown key \"listn\" | the keys here are: include, server, log, auth, limits, queue, \
             consumer, route",
        ],
    );
}

#[test]
fn keys_of_other_services_have_help_of_their_own() {
    let proxy = "waterway speaks plain HTTP: leave TLS to a proxy before it, as \
                 examples/behind-nginx.toml does";
    for (text, told) in [
        ("[tls]\ncert = \"x\"", format!("1:2: unknown key \"tls\" | {proxy}")),
        ("[server]\nssl = true", format!("2:1: unknown key \"ssl\" | {proxy}")),
        (
            "[server]\nport = 8000",
            "2:1: unknown key \"port\" | write it into listen, as in listen = \"127.0.0.1:8000\""
                .to_owned(),
        ),
        (
            "[server]\ntrusted_proxies = \"*\"",
            "2:19: \"*\" would let every client forge its address | name the proxies: \"10.0.0.1\" \
             or \"10.0.0.0/8\""
                .to_owned(),
        ),
    ] {
        check(text, &[&told]);
    }
}

#[test]
fn a_route_that_is_never_reached_is_warned_of() {
    let route = |channel: &str, more: &str| {
        format!("[[route]]\nchannel = {channel}\nconsumer = \"c\"\n{more}\n")
    };
    let hidden = |line: usize, by: usize| {
        format!(
            "{line}:1: this route is never reached | the one at somewhere/routing.toml:{by}:1 takes all of it before"
        )
    };
    let ws = "\"websocket.*\"";
    for (first, second, told) in [
        (route(ws, ""), route(ws, "path = \"/a\""), vec![hidden(5, 1)]),
        (route(ws, "path = \"/{a}\""), route(ws, "path = \"/{b}\""), vec![hidden(5, 1)]),
        (route(ws, "path = \"/a\""), route(ws, ""), vec![]),
        (route("\"websocket.receive\"", ""), route(ws, ""), vec![]),
        (route(ws, "when = { type = \"x\" }"), route(ws, ""), vec![]),
        (route("\"http.request\"", "method = \"GET\""), route("\"http.request\"", ""), vec![]),
        (
            route("\"http.request\"", "method = [\"GET\", \"PUT\"]"),
            route("\"http.request\"", "method = \"PUT\""),
            vec![hidden(5, 1)],
        ),
        (
            route("\"http.request\"", "method = \"GET\""),
            route("\"http.request\"", "method = \"HEAD\""),
            vec![hidden(5, 1)],
        ),
        (
            route("\"http.request\"", "method = \"HEAD\""),
            route("\"http.request\"", "method = \"GET\""),
            vec![],
        ),
        (
            route("\"http.request\"", "method = \"GET\"")
                + &route("\"http.request\"", "method = \"PUT\""),
            route("\"http.request\"", "method = [\"PUT\", \"GET\"]"),
            vec![hidden(9, 5)],
        ),
        (
            route("\"http.request\"", "method = \"GET\"")
                + &route("\"http.request\"", "method = \"PUT\""),
            route("\"http.request\"", "method = [\"PUT\", \"POST\"]"),
            vec![],
        ),
        (route(ws, "when.a = 1"), route(ws, "when.a = 1.0"), vec![hidden(5, 1)]),
        (route(ws, "when.a = [1, 2]"), route(ws, "when = { a = 2, b = 3 }"), vec![hidden(5, 1)]),
        (route(ws, "when.a = 1"), route(ws, "when.a = [1, 2]"), vec![]),
        (route(ws, "when.a = 1"), route(ws, "when.a = \"1\""), vec![]),
        (route(ws, "when = { a = 1, b = 1 }"), route(ws, "when.a = 1"), vec![]),
    ] {
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        check_warnings(&format!("{first}{second}"), &told);
    }
}

#[test]
fn parts_of_a_path_written_for_other_routers_are_warned_of() {
    let parameter = "write {page} for one part of the path";
    let expression = "a path is no regular expression: write {name} for one part of it";
    for (path, part, help) in [
        ("/ws/:page", ":page", parameter),
        ("/ws/<page>", "<page>", parameter),
        ("/ws/<str:page>/x", "<str:page>", parameter),
        ("/ws/*", "*", "write {*rest}, at the end, for all that follows"),
        ("/ws/**", "**", "write {*rest}, at the end, for all that follows"),
        ("/^ws", "^ws", expression),
        ("/ws/([^/]+)", "([^", expression),
        ("/ws/\\\\d+$", "\\\\d+$", expression),
        ("/caf%C3%A9", "caf%C3%A9", "paths are decoded before they are compared: write \"café\""),
    ] {
        let text =
            format!("[[route]]\nchannel = \"websocket.*\"\npath = \"{path}\"\nconsumer = \"c\"\n");
        check_warnings(
            &text,
            &[&format!("3:8: \"{part}\" is a fixed text and no parameter | {help}")],
        );
    }
    for path in ["/ws/{page}", "/a:b", "/100%", "/a*b", "/$a", "/{*rest}", "/café"] {
        let text =
            format!("[[route]]\nchannel = \"websocket.*\"\npath = \"{path}\"\nconsumer = \"c\"\n");
        check_warnings(&text, &[]);
    }
    for (path, wrong) in [
        ("^/ws/$", "does not begin with \"/\""),
        ("/ws/(?P<page>.+)", "has more than a path in it"),
    ] {
        check(
            &format!(
                "[[route]]\nchannel = \"http.request\"\npath = \"{path}\"\nconsumer = \"c\"\n"
            ),
            &[&format!(
                "3:8: the path \"{path}\" {wrong} | a path is no regular expression: write \"/ws/{{name}}\""
            )],
        );
    }
}

#[test]
fn the_same_address_twice_is_a_mistake() {
    let help = "leave one of them";
    for (listen, told) in [
        (r#""127.0.0.1:80", "127.0.0.1:80""#, "2:27: 127.0.0.1:80 stands twice"),
        (r#""127.0.0.1:80", "0.0.0.0:80""#, "2:27: 127.0.0.1:80 takes 0.0.0.0:80 too"),
        (r#""[::]:80", "[::1]:80""#, "2:22: [::]:80 takes [::1]:80 too"),
        (r#""unix:a", "unix:b", "unix:a""#, "2:31: unix:a stands twice"),
    ] {
        check(&format!("[server]\nlisten = [{listen}]\n"), &[&format!("{told} | {help}")]);
    }
    for listen in
        [r#""127.0.0.1:0", "127.0.0.1:0""#, r#""127.0.0.1:80", "127.0.0.1:81", "[::]:80""#]
    {
        check(&format!("[server]\nlisten = [{listen}]\n"), &[]);
    }
}

#[test]
fn what_does_not_count_as_it_is_written_is_warned_of() {
    let queue = |fair_by: &str| format!("[queue.q]\nconsumer = \"w\"\nfair_by = \"{fair_by}\"\n");
    let route = |channel: &str, more: &str| {
        format!("[[route]]\nchannel = \"{channel}\"\nconsumer = \"c\"\n{more}\n")
    };
    let auth = "[auth.a]\nsecret = \"a secret that is as long as one should be\"\n";
    let late = |place: &str, half: &str| {
        vec![format!("{place}: half of idle counts, which is {half} | lower ping, or raise idle")]
    };
    let nobody = "3:11: no client of this queue shows a token with the claim \"sub\" | give its \
                  routes auth = \"NAME\", or share by \"address\"";
    for (text, told) in [
        ("[limits]\nping = \"31s\"\n".to_owned(), late("2:8", "30s")),
        ("[limits]\nping = \"30s\"\n".to_owned(), vec![]),
        ("[limits]\nidle = \"3s\"\n".to_owned(), vec![]),
        (
            "[limits]\nidle = \"3s\"\n".to_owned()
                + &route("websocket.*", "limits = { ping = \"2s\" }"),
            late("6:19", "1500ms"),
        ),
        (queue("claim:sub") + &route("http.request", "queue = \"q\""), vec![nobody.to_owned()]),
        (queue("address") + &route("http.request", "queue = \"q\""), vec![]),
        (queue("claim:sub") + auth + &route("http.request", "queue = \"q\"\nauth = \"a\""), vec![]),
        (
            queue("claim:sub")
                + auth
                + &route("websocket.receive", "queue = \"q\"")
                + &route("websocket.connect", "auth = \"a\""),
            vec![],
        ),
        (
            queue("claim:sub")
                + auth
                + &route("http.request", "queue = \"q\"")
                + &route("websocket.connect", "auth = \"a\""),
            vec![nobody.to_owned()],
        ),
    ] {
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        check_warnings(&text, &told);
    }
}
