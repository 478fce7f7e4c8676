//! Tests of `[server]`: hosts, origins and proxies.

use super::*;

#[test]
fn the_public_url_is_one_of_the_services_own_origins() {
    for (url, origin, allowed) in [
        ("https://a.org", "https://a.org", true),
        ("https://a.org/x", "https://a.org", true),
        ("https://a.org:8443", "https://a.org:8443", true),
        ("https://a.org", "https://b.org", false),
    ] {
        let text = format!("[server]\npublic_url = \"{url}\"\n");
        let Loaded { config, diagnostics, .. } = parse(&text);
        assert_eq!(diagnostics, []);
        let (server, proxy) = (&config.server, Authority::parse("behind-a-proxy:80"));
        let found = server.allowed(&server.origins, origin, proxy.as_ref());
        assert_eq!(found == Allowed::Own, allowed, "{url} {origin}");
    }
}

#[test]
fn a_service_that_answers_any_host_is_warned_of() {
    let reported = |span: &str| {
        let help =
            "write hosts = [\"example.com\"] with the names of the service, or \"*\" for any";
        format!(
            "{span}: requests with any Host header are answered, even those of pages from other \
             sites | {help}"
        )
    };
    for (server, span) in [
        ("listen = \"127.0.0.1:8000\"", None),
        ("listen = [\"[::1]:8000\", \"localhost:8001\"]", None),
        ("drain = \"1s\"", None),
        ("listen = \"0.0.0.0:8000\"", Some("2:10")),
        ("listen = [\"127.0.0.1:8000\", \"unix:a.sock\"]", Some("2:10")),
        ("trusted_proxies = \"127.0.0.1\"", Some("2:19")),
        ("trusted_proxies = []", None),
        ("trusted_proxies = \"127.0.0.1\"\nhosts = \"example.com\"", None),
        ("hosts = \"*\"\nlisten = \"0.0.0.0:8000\"", None),
    ] {
        let reported = span.map(reported);
        let reported: Vec<&str> = reported.iter().map(String::as_str).collect();
        check_warnings(&format!("[server]\n{server}\n"), &reported);
    }
}

#[test]
fn meaningless_values_of_the_server_section_are_refused() {
    for (text, reported) in [
        (
            "[[route]]\nchannel = \"websocket.receive\"\norigins = \"*\"\nconsumer = \"c\"",
            "3:11: a page's origin is checked when its client connects | \
             put it into the route of \"websocket.connect\"",
        ),
        ("[server]\nconnections_per_address = 0", "2:27: a bound of zero lets nothing through"),
        ("[server]\nrequests_per_address = 100", "2:24: 100 has no unit | write \"100/s\""),
        ("[server]\nhosts = []", "2:9: expected a list of at least one, found none"),
        (
            "[server]\nhosts = \"a.org:80\"",
            "2:9: \"a.org:80\" names a port | leave it out: a host is allowed at every port",
        ),
        (
            "[server]\norigins = [\"https://a.org:443x\"]",
            "2:12: \"https://a.org:443x\" is not an origin | write \"same-origin\", \"*\", \
             \"https://example.com\" or \"https://*.example.com\"",
        ),
    ] {
        check(text, &[reported]);
    }
}
