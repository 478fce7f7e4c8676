//! Tests of the tokens that routes demand.

use super::*;

const AUTH: &str = "[auth.a]\nsecret = \"a secret that nobody could guess in years\"\n";

fn route(channel: &str, more: &str) -> String {
    format!("[[route]]\nchannel = \"{channel}\"\nconsumer = \"c\"\n{more}\n")
}

#[test]
fn auth_is_the_name_of_a_token_or_false() {
    let connect = "put it into the route of \"websocket.connect\"";
    for (channel, auth, reported) in [
        ("websocket.receive", "\"a\"", None),
        ("websocket.*", "false", None),
        ("http.request", "false", None),
        ("http.request", "\"${NO_TOKEN:-false}\"", None),
        ("http.request", "\"${TOKEN:-a}\"", None),
        ("http.request", "true", Some("true names no token | write the NAME of an [auth.NAME]")),
        ("http.request", "3", Some("expected the name of an [auth.NAME], or false, found 3")),
        ("http.request", "\"b\"", Some("unknown auth \"b\" | the [auth] tables are: a")),
        (
            "websocket.disconnect",
            "\"a\"",
            Some(&*format!("a client that leaves cannot be asked for a token | {connect}")),
        ),
    ] {
        let text = format!("{AUTH}{}", route(channel, &format!("auth = {auth}")));
        let reported = reported.map(|reported| format!("6:8: {reported}"));
        check(&text, &reported.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn messages_that_clients_can_send_without_any_token_are_a_mistake() {
    let reported = |span: &str| {
        format!(
            "{span}: no single route of \"websocket.connect\" takes all paths of this route, so \
             clients can connect to it without a token | give it the path of a connect route, or \
             auth = \"a\", or open it with auth = false"
        )
    };
    let connect = |path: &str| route("websocket.connect", &format!("{path}\nauth = \"a\""));
    let receive = |path: &str| route("websocket.receive", path);
    let page = "path = \"/ws/{page}\"";
    for (routes, span) in [
        (connect(page) + &receive(page), None),
        (connect("") + &receive(page), None),
        (connect("") + &receive(""), None),
        (connect("path = \"/{*rest}\"") + &receive(page), None),
        (connect(page) + &receive("path = \"/{*rest}\"\nauth = false"), None),
        (connect(page) + &receive("path = \"/{*rest}\"\nauth = \"a\""), None),
        (connect(page) + &route("websocket.*", "path = \"/echo\""), None),
        (connect(page) + &receive("path = \"/echo\"") + &route("websocket.connect", ""), None),
        (connect(page) + &route("http.request", "path = \"/work\""), None),
        (connect("path = \"/ws/{page}/\"") + &receive(page), Some("11:8")),
        (connect("path = \"/ws/1\"") + &receive(page), Some("11:8")),
        (connect(page) + &receive(""), Some("8:1")),
        (connect(page) + &receive("path = \"/echo\""), Some("11:8")),
        // A route without a path also takes "/", which `/{*rest}` does not match.
        (connect("path = \"/{*rest}\"") + &receive(""), Some("8:1")),
        // The connect route looks at heads, which a connect does not have.
        (route("websocket.*", "when = { x = 1 }\nauth = \"a\"") + &receive(page), Some("11:8")),
        (receive("path = \"/echo\""), None),
    ] {
        let text = format!("{AUTH}{routes}");
        let reported = span.map(reported);
        check(&text, &reported.iter().map(String::as_str).collect::<Vec<_>>());
    }
    // After another mistake this one is not certain, so it is not reported.
    check(
        &format!("{AUTH}{}{}", connect("path = \"ws\""), receive(page)),
        &["6:8: the path \"ws\" does not begin with \"/\" | write \"/…\""],
    );
}

#[test]
fn a_route_that_only_partly_needs_a_token_is_warned_of() {
    let connect = |auth: &str| route("websocket.connect", &format!("auth = \"{auth}\""));
    let half = |channels: &str, more: &str| {
        format!("[[route]]\nchannel = {channels}\nconsumer = \"c\"\n{more}\n")
    };
    for (routes, reported) in [
        (
            connect("a") + &half("[\"websocket.receive\", \"http.request\"]", ""),
            Some("7:1: messages over a WebSocket need the token \"a\" here, but requests do not"),
        ),
        (
            half("\"websocket.*\"", "path = \"/x\"") + &connect("a"),
            Some("3:1: any client may connect here, but messages need the token \"a\""),
        ),
        (
            connect("a").replace("consumer", "path = \"/x\"\nconsumer")
                + &connect("b")
                + &half("\"websocket.receive\"", ""),
            Some("12:1: messages need several tokens here, all at once: a, b"),
        ),
        (half("\"websocket.*\"", "path = \"/x\"\nauth = false") + &connect("a"), None),
        (connect("a") + &half("\"websocket.receive\"", ""), None),
        (half("[\"websocket.receive\", \"http.request\"]", ""), None),
    ] {
        let text = format!("{AUTH}{routes}{}", AUTH.replace("auth.a", "auth.b"));
        let reported = reported
            .map(|reported| format!("{reported} | write auth = \"a\", or auth = false to open it"));
        check_warnings(&text, &reported.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn the_rules_for_a_token_have_defaults_and_bounds() {
    let Loaded { config, diagnostics, .. } = parse(AUTH);
    assert_eq!(diagnostics, []);
    let auth = &config.auth["a"];
    assert_eq!((&auth.issuer, &auth.audience), (&Vec::new(), &Vec::new()));
    assert_eq!((auth.leeway, auth.close_at_exp), (Time::from_secs(5), true));

    let nobody = "an empty name matches no token | leave the key out to accept any";
    for (line, reported) in [
        ("issuer = \"i\"\naudience = [\"a\", \"b\"]\nleeway = \"10m\"", None),
        ("leeway = \"0s\"\nclose_at_exp = false", None),
        ("issuer = []", Some("10: expected a list of at least one, found none")),
        ("issuer = \"${EMPTY}\"", Some(&*format!("10: {nobody}"))),
        ("audience = [\"a\", \"\"]", Some(&format!("12: {nobody}"))),
        ("leeway = \"11m\"", Some("10: a leeway of 11m is too long | at most 10m")),
        (
            "leeway = \"500ms\"",
            Some("10: tokens count whole seconds | write \"1s\" or more, or \"0s\""),
        ),
    ] {
        let reported = reported.map(|reported| format!("3:{reported}"));
        check(&format!("{AUTH}{line}\n"), &reported.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn no_report_shows_a_secret_or_a_part_of_one() {
    for text in [
        // A misspelt key, a wrong type, a section without a NAME, an undeclared name.
        "[auth.a]\nsecert = \"hunter2-hunter2\"\n",
        "[auth.a]\nwhatever = \"hunter2-hunter2\"\n",
        "[auth.a]\nsecret = 10203040506070\n",
        "[auth.a]\nsecret = [\"hunter2-hunter2\"]\n",
        "[auth.a]\nsecret = { is = \"hunter2-hunter2\" }\n",
        "[auth]\nsecret = \"hunter2-hunter2\"\n",
        "auth = \"hunter2-hunter2\"\n",
        "auth = [{ secret = \"hunter2-hunter2\" }]\n",
        "[[auth]]\nsecret = \"hunter2-hunter2\"\n",
        "auth = { a = { secret = \"hunter2-hunter2\", bind_ip = 3 } }\n",
        "auth.a = { secret = \"hunter2-hunter2\", bind_ip = 3 }\n",
        "outh = { a = { secert = \"hunter2-hunter2\" } }\n",
        "[auth.a]\nsecret = 1979-05-27\n[limits]\nx = 1\n",
        // From the environment, with a default or a typing mistake in the reference.
        "[auth.a]\nsecert = \"${HUNTER}\"\n",
        "[auth.a]\nsecret = { a = \"${HUNTER}\" }\n",
        "[auth]\nsecret = \"${HUNTER}\"\n",
        "[auth.a]\nsecret = \"${MISSING}${HUNTER:-hunter2}\"\n",
        "[auth.a]\nsecret = \"hunter2${hunter2\"\n",
        "[auth.a]\nsecret = \"hunter2${hun-ter2}\"\n",
        "[auth.a]\nsecert = \"${UNSET:-hunter2-hunter2}\"\n",
        // In other sections.
        "[limits]\napi_token = \"hunter2-hunter2\"\n",
        "[server]\npasswrd = [\"hunter2-hunter2\"]\n",
        "[consumer.c]\nuse = 3\nstorage = { s3 = { secret_key = \"hunter2-hunter2\" } }\n",
        "consumer.c = { use = 3, secret_key = \"hunter2-hunter2\" }\n",
        // After a syntax mistake.
        "[auth.a]\nsecret = hunter2-hunter2\n",
        "[auth.a]\nsecret \"hunter2-hunter2\"\n",
        "[auth.a]\nsecret = \"hunter2-hunter2\n",
        "[auth.a]\nsecret = 'a'\nsecret = \"hunter2-hunter2\"\n",
        "[auth.a]\nsecret = \"hunter2\\x-hunter2\"\n",
        "[auth.a]\nhunter2-hunter2\n",
        "[auth.a]\nsecret = \"\"\"\nhunter2-hunter2\n",
        "[auth.a]\nsecret = \"\"\"\nhunter2=hunter2\\x\n\"\"\"\n",
        "[ auth . a ]\nsecert = hunter2-hunter2\n",
        "auth.a.whatever = hunter2-hunter2\n",
        "auth = { a = { what = hunter2-hunter2 } }\n",
        "[consumer.c]\nuse = 'c'\nsecret_key = hunter2-hunter2\n",
        "[consumer.c]\nuse = 'c'\ns3 = { bucket = 'b', secret_key = hunter2-hunter2 }\n",
        "x = { y = { password = \"hunter2-hunter2\n",
    ] {
        let environment = |name: &str| (name == "HUNTER").then(|| "hunter2-hunter2".to_owned());
        let loaded = RoutingConfig::parse(text, "routing.toml", &environment);
        let report = loaded.report().to_string();
        assert!(!loaded.diagnostics.is_empty(), "{text}");
        for part in ["hunter2", "hun", "ter2", "1020", "1979"] {
            assert!(!report.contains(part), "{text}\n{report}");
            assert!(!format!("{loaded:?}").contains(part), "{text}\n{loaded:?}");
        }
        // The report still marks the place.
        assert!(report.contains('^') && report.starts_with("routing.toml:"), "{report}");
    }
}

#[test]
fn values_next_to_a_secret_are_shown() {
    let loaded = parse(
        "[auth.a]\nsecret = \"${NO_SUCH}\"\nbind_ip = \"perhaps\"\n[consumer.token]\nuse = 3\n\
         [auth.b]\nsecert = \"hunter2\" # why\nfrom = \"anywhere\"\n",
    );
    assert_eq!(
        loaded.report().to_string(),
        r#"somewhere/routing.toml:2:11: NO_SUCH is not set in the environment
  |
2 | secret = "${NO_SUCH}"
  |           ^^^^^^^^^^ set it, or write ${NO_SUCH:-default}
somewhere/routing.toml:3:11: expected true or false, found text "perhaps"
  |
3 | bind_ip = "perhaps"
  |           ^^^^^^^^^
somewhere/routing.toml:5:7: expected text, found 3
  |
5 | use = 3
  |       ^
somewhere/routing.toml:7:1: unknown key "secert"
  |
7 | secert = "*******" # why
  | ^^^^^^ did you mean "secret"?
somewhere/routing.toml:8:8: "anywhere" is not a place for a token
  |
8 | from = "anywhere"
  |        ^^^^^^^^^^ write "query", "query:NAME", "header:NAME" or "subprotocol"
5 mistakes"#
    );
}

#[test]
fn a_weak_secret_is_reported() {
    let auth = |algorithms: &str, secret: &str| {
        format!("[auth.a]\nalgorithms = \"{algorithms}\"\nsecret = \"{secret}\"\n")
    };
    let short = "3:10: the secret has 31 bytes, and may be guessed | give it 32 or more, such as: \
                 openssl rand -hex 32";
    check_warnings(&auth("HS256", &"x".repeat(31)), &[short]);
    check_warnings(&auth("HS512", &"x".repeat(32)), &[]);
    let pem = "-----BEGIN PUBLIC KEY-----\\nMCow\\n-----END PUBLIC KEY-----\\n";
    check_warnings(&auth("EdDSA", pem), &[]);
    let reported = "3:10: a PEM key is not a secret: anybody who knows it could sign a token | name \
                its algorithms, such as algorithms = \"RS256\"";
    check(&auth("HS256", pem), &[reported]);
    check(&auth("HS384", &format!("\\n  {pem}")), &[reported]);
}
