//! Tests of tables that are valid but probably not meant, and of mistakes with reports of their
//! own.

use super::*;

#[test]
fn routes_with_single_brackets_are_reported_once_each_and_still_read() {
    let route = |header: &str, more: &str| {
        format!("{header}\nchannel = \"http.request\"\nconsumer = \"c\"\n{more}\n")
    };
    let single = |line: usize| {
        format!("{line}:1: [route] is one table, and routes are many | write [[route]]")
    };
    let unknown = |line: usize| format!("{line}:1: unknown key \"colour\" | {KEYS}");
    for (headers, reported) in [
        (["[route]", "[route]", "[route]"], vec![single(1), single(5), single(9), unknown(12)]),
        (["[route]", "[[route]]", "[[route]]"], vec![single(1), unknown(12)]),
        (["[[route]]", "[ route ] # é", "[[route]]"], vec![single(5), unknown(12)]),
        (["[[route]]", "[[route]]", "[[route]]"], vec![unknown(12)]),
    ] {
        let [first, second, third] = headers;
        let third = route(third, "colour = 1");
        let text = [route(first, ""), route(second, "path = \"/é\""), third].concat();
        let reported: Vec<&str> = reported.iter().map(String::as_str).collect();
        check(&text, &reported);
        assert_eq!(parse(&text).config.route.len(), 3, "{text}");
    }
    let tested = |header: &str| format!("{header}\npath = \"/\"\nsteps = [{{ wait = \"1s\" }}]\n");
    let text = [route("[route]", ""), tested("[test]"), tested("[test]")].concat();
    let single = |line: usize, name: &str| {
        format!("{line}:1: [{name}] is one table, and {name}s are many | write [[{name}]]")
    };
    check(&text, &[&single(1, "route"), &single(5, "test"), &single(8, "test")]);
    assert_eq!(parse(&text).config.test.len(), 2, "{text}");
    // Inside a string, the same characters are text.
    check("[server]\npublic_url = \"\"\"http://a/\\\n[route]\"\"\"\n", &[]);
}

const KEYS: &str = "the keys here are: channel, path, method, when, auth, origins, queue, consumer, \
                    limits, envelope";

#[test]
fn a_section_with_another_header_than_its_own_is_reported_once_and_still_read() {
    let route = "[[route]]\nchannel = \"http.request\"\nconsumer = \"c\"\n";
    for (text, reported) in [
        (
            "[[consumer.c]]\nuse = \"x\"\n",
            "1:12: [[consumer.c]] is a list, and a name means one consumer | write [consumer.c]",
        ),
        (
            "[[consumer]]\nuse = \"x\"\n",
            "1:3: [[consumer]] has no name | write [consumer.NAME], and use NAME in routes",
        ),
        (
            "[consumer]\nuse = \"x\"\n",
            "1:1: [consumer] has no name | write [consumer.NAME], and use NAME in routes",
        ),
        (
            "[[server]]\nanswer = \"3s\"\n",
            "1:3: [[server]] is a list, and there is one server | write [server]",
        ),
        (
            "[[layer]]\nprefix = \"p\"\n",
            "1:3: [[layer]] is a list, and there is one layer | write [layer]",
        ),
        (
            "[route.a]\nchannel = \"http.request\"\nconsumer = \"c\"\n",
            "1:8: [route.a] has a name, and routes have none | write [[route]]",
        ),
        ("[routes]\n", "1:2: unknown key \"routes\" | write [[route]] for each route"),
        ("[[tests]]\n", "1:3: unknown key \"tests\" | write [[test]] for each test"),
    ] {
        let more = if text.contains("route") { "" } else { route };
        check(&format!("{text}{more}"), &[reported]);
    }
    let text = "[[server]]\nanswer = \"3s\"\n[[consumer.c]]\nuse = \"x\"\n[route.a]\nchannel = \"http.request\"\nconsumer = \"c\"\n";
    let config = parse(text).config;
    assert_eq!(config.server.answer, Time::from_secs(3));
    assert!(config.consumer.contains_key("c") && config.route.len() == 1);
}

#[test]
fn a_byte_order_mark_does_not_count_as_a_column() {
    check(
        "\u{feff}includd = []\nlistn = 1\n",
        &[
            "1:1: unknown key \"includd\" | did you mean \"include\"?",
            "2:1: unknown key \"listn\" | the keys here are: include, server, admin, layer, log, auth, limits, \
             queue, consumer, route, test",
        ],
    );
}

#[test]
fn keys_of_other_services_have_help_of_their_own() {
    let proxy = "waterway speaks plain HTTP: leave TLS to a proxy in front of it, as \
                 examples/behind-nginx.toml does";
    for (text, reported) in [
        ("[tls]\ncert = \"x\"", format!("1:2: unknown key \"tls\" | {proxy}")),
        ("[server]\nssl = true", format!("2:1: unknown key \"ssl\" | {proxy}")),
        (
            "[server]\nport = 8000",
            "2:1: unknown key \"port\" | write it into listen, for example listen = \
             \"127.0.0.1:8000\""
                .to_owned(),
        ),
        (
            "[server]\ntrusted_proxies = \"*\"",
            "2:19: \"*\" would let every client forge its address | name the proxies: \"10.0.0.1\" \
             or \"10.0.0.0/8\""
                .to_owned(),
        ),
    ] {
        check(text, &[&reported]);
    }
}

#[test]
fn a_route_that_is_never_reached_is_warned_of() {
    let route = |channel: &str, more: &str| {
        format!("[[route]]\nchannel = {channel}\nconsumer = \"c\"\n{more}\n")
    };
    let hidden = |line: usize, number: usize, by: &str| {
        format!("{line}:1: route {number} is never reached | {by} all of its messages")
    };
    let first = |path: &str| {
        hidden(5, 2, &format!("route 1 ({path} to c, somewhere/routing.toml:1:1) takes"))
    };
    let any = || vec![first("any path")];
    let both = || {
        let by = "route 1 (any path to c, somewhere/routing.toml:1:1) and route 2 (any path to c, \
                  somewhere/routing.toml:5:1) take";
        vec![hidden(9, 3, by)]
    };
    let (ws, request) = ("\"websocket.*\"", "\"http.request\"");
    let many: Vec<u32> = (0..300).collect();
    for (earlier, second, reported) in [
        (route(ws, ""), route(ws, "path = \"/a\""), any()),
        (route(ws, "path = \"/{a}\""), route(ws, "path = \"/{b}\""), vec![first("/{a}")]),
        (route(ws, "path = \"/a\""), route(ws, ""), vec![]),
        (route("\"websocket.receive\"", ""), route(ws, ""), vec![]),
        (route(ws, "when = { type = \"x\" }"), route(ws, ""), vec![]),
        (route("\"http.request\"", "method = \"GET\""), route("\"http.request\"", ""), vec![]),
        (
            route("\"http.request\"", "method = [\"GET\", \"PUT\"]"),
            route("\"http.request\"", "method = \"PUT\""),
            any(),
        ),
        (
            route("\"http.request\"", "method = \"GET\""),
            route("\"http.request\"", "method = \"HEAD\""),
            any(),
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
            vec![hidden(
                9,
                3,
                "route 1 (any path to c, somewhere/routing.toml:1:1) and route 2 (any path to c, \
                 somewhere/routing.toml:5:1) take",
            )],
        ),
        (
            route("\"http.request\"", "method = \"GET\"")
                + &route("\"http.request\"", "method = \"PUT\""),
            route("\"http.request\"", "method = [\"PUT\", \"POST\"]"),
            vec![],
        ),
        (route(ws, "when.a = 1"), route(ws, "when.a = 1.0"), any()),
        (route(ws, "when.a = [1, 2]"), route(ws, "when = { a = 2, b = 3 }"), any()),
        (route(ws, "when.a = 1"), route(ws, "when.a = [1, 2]"), vec![]),
        (route(ws, "when.a = 1"), route(ws, "when.a = \"1\""), vec![]),
        (route(ws, "when = { a = 1, b = 1 }"), route(ws, "when.a = 1"), vec![]),
        // A route that looks at heads takes nothing but messages.
        (route("\"websocket.receive\"", ""), route(ws, "when.a = 1"), any()),
        (route("\"websocket.receive\"", "when.a = 1"), route(ws, "when.a = [1, 2]"), vec![]),
        // Several routes together.
        (
            route(ws, "when.a = 1") + &route(ws, "when.a = [2, 3]"),
            route(ws, "when.a = [1, 3]"),
            both(),
        ),
        (route(ws, "when.a = 1") + &route(ws, "when.a = 2"), route(ws, "when.a = [1, 3]"), vec![]),
        (
            route(ws, "when = { a = 1, b = 1 }") + &route(ws, "when = { a = 1, b = 2 }"),
            route(ws, "when = { a = 1, b = [1, 2], c = 5 }"),
            both(),
        ),
        (
            route(ws, "when = { a = 1, b = 1 }") + &route(ws, "when = { a = 2, b = 2 }"),
            route(ws, "when = { a = [1, 2], b = [1, 2] }"),
            vec![],
        ),
        (
            route(request, "method = \"PUT\"\nwhen.a = 1") + &route(request, "when.a = 2"),
            route(request, "method = \"PUT\"\nwhen.a = [1, 2]"),
            vec![hidden(
                10,
                3,
                "route 1 (any path to c, somewhere/routing.toml:1:1) and route 2 (any path to c, \
                 somewhere/routing.toml:6:1) take",
            )],
        ),
        (route(request, "when.a = 2"), route(request, "method = \"PUT\""), vec![]),
        // So many heads are compared as a whole.
        (route(ws, &format!("when.a = {many:?}")), route(ws, &format!("when.a = {many:?}")), any()),
    ] {
        let reported: Vec<&str> = reported.iter().map(String::as_str).collect();
        check_warnings(&format!("{earlier}{second}"), &reported);
    }
}

#[test]
fn parts_of_a_path_written_for_other_routers_are_warned_of() {
    let parameter = "write {page} for one part of the path";
    let expression = "a path is not a regular expression: write {name} for one part of it";
    for (path, part, help) in [
        ("/ws/:page", ":page", parameter),
        ("/ws/<page>", "<page>", parameter),
        ("/ws/<str:page>/x", "<str:page>", parameter),
        ("/ws/*", "*", "write {*rest} at the end for the rest of the path"),
        ("/ws/**", "**", "write {*rest} at the end for the rest of the path"),
        ("/^ws", "^ws", expression),
        ("/ws/([^/]+)", "([^", expression),
        ("/ws/\\\\d+$", "\\\\d+$", expression),
        ("/caf%C3%A9", "caf%C3%A9", "paths are decoded before they are compared: write \"café\""),
    ] {
        let text =
            format!("[[route]]\nchannel = \"websocket.*\"\npath = \"{path}\"\nconsumer = \"c\"\n");
        check_warnings(
            &text,
            &[&format!("3:8: \"{part}\" is fixed text, not a parameter | {help}")],
        );
    }
    for path in ["/ws/{page}", "/a:b", "/100%", "/a*b", "/$a", "/{*rest}", "/café"] {
        let text =
            format!("[[route]]\nchannel = \"websocket.*\"\npath = \"{path}\"\nconsumer = \"c\"\n");
        check_warnings(&text, &[]);
    }
    for (path, wrong) in
        [("^/ws/$", "does not begin with \"/\""), ("/ws/(?P<page>.+)", "contains more than a path")]
    {
        check(
            &format!(
                "[[route]]\nchannel = \"http.request\"\npath = \"{path}\"\nconsumer = \"c\"\n"
            ),
            &[&format!(
                "3:8: the path \"{path}\" {wrong} | a path is not a regular expression: write \
                 \"/ws/{{name}}\""
            )],
        );
    }
}

#[test]
fn the_same_address_twice_is_a_mistake() {
    let help = "remove one of them";
    for (listen, reported) in [
        (r#""127.0.0.1:80", "127.0.0.1:80""#, "2:27: 127.0.0.1:80 is listed twice"),
        (r#""127.0.0.1:80", "0.0.0.0:80""#, "2:27: 127.0.0.1:80 already covers 0.0.0.0:80"),
        (r#""[::]:80", "[::1]:80""#, "2:22: [::]:80 already covers [::1]:80"),
        (r#""unix:a", "unix:b", "unix:a""#, "2:31: unix:a is listed twice"),
    ] {
        check(&format!("[server]\nlisten = [{listen}]\n"), &[&format!("{reported} | {help}")]);
    }
    for listen in
        [r#""127.0.0.1:0", "127.0.0.1:0""#, r#""127.0.0.1:80", "127.0.0.1:81", "[::]:80""#]
    {
        check(&format!("[server]\nlisten = [{listen}]\n"), &[]);
    }
}

#[test]
fn values_that_do_not_take_effect_as_written_are_warned_of() {
    let queue = |fair_by: &str| format!("[queue.q]\nconsumer = \"w\"\nfair_by = \"{fair_by}\"\n");
    let route = |channel: &str, more: &str| {
        format!("[[route]]\nchannel = \"{channel}\"\nconsumer = \"c\"\n{more}\n")
    };
    let auth = "[auth.a]\nsecret = \"a secret that is as long as one should be\"\n";
    let late = |span: &str, half: &str| {
        vec![format!(
            "{span}: only half of idle takes effect, which is {half} | lower ping, or raise idle"
        )]
    };
    let nobody = "3:11: no client of this queue shows a token with the claim \"sub\" | give its \
                  routes auth = \"NAME\", or share by \"address\"";
    for (text, reported) in [
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
        let reported: Vec<&str> = reported.iter().map(String::as_str).collect();
        check_warnings(&text, &reported);
    }
}
