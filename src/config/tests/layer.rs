//! Tests of `[layer]`.

use super::*;

#[test]
fn a_layer_has_an_engine_and_its_servers() {
    let text = "[layer]\nbackend = \"redis\"\nurl = [\"redis://a\", \"rediss://u:p@b:1/2\"]\n";
    let Loaded { config, diagnostics, .. } = parse(text);
    #[cfg(feature = "redis")]
    assert_eq!(diagnostics, []);
    #[cfg(not(feature = "redis"))]
    assert_eq!(diagnostics[0].message, "this program was built without Redis");
    assert_eq!(*config.layer.backend, Backend::Redis);
    let urls: Vec<String> = config.layer.url.iter().map(ToString::to_string).collect();
    assert_eq!(urls, ["redis://a:6379", "rediss://b:1/2"]);
    assert_eq!((config.layer.prefix.as_str(), config.layer.timeout), ("asgi", Time::from_secs(5)));
    assert_eq!(*parse("").config.layer.backend, Backend::Memory);
}

#[test]
#[cfg(feature = "redis")]
fn a_layer_refuses_what_makes_no_sense() {
    for (keys, reported) in [
        ("backend = \"reddis\"", "2:11: unknown choice \"reddis\" | did you mean \"redis\"?"),
        (
            "backend = \"redis\"",
            "2:11: the server's address is missing | write url = \"redis://127.0.0.1:6379\"",
        ),
        (
            "url = \"redis://h\"",
            "2:7: the engine in memory uses no server | write backend = \"redis\", or leave url out",
        ),
        (
            "backend = \"memory\"\nprefix = \"a\"\nurl = \"http://h\"",
            "4:7: no server of Redis is reached by \"http\" | write redis://, rediss://, \
             redis+unix:// or redis+sentinel://",
        ),
        (
            "prefix = \"{a}\"",
            "2:10: this cannot be the first part of keys | write 1 to 64 bytes without braces, \
             such as \"asgi\"",
        ),
        ("timeout = \"0s\"", "2:11: a bound of zero lets nothing through"),
        ("expiry = \"10ms\"", "2:10: the time is too short | write at least \"1s\""),
        (
            "backend = \"redis\"\nurl = []",
            "2:11: the server's address is missing | write url = \"redis://127.0.0.1:6379\"",
        ),
        ("forward = \"chat.message\"", "2:11: the engine in memory does not use it | leave it out"),
        (
            "backend = \"redis\"\nurl = \"redis://h\"\nchannels_redis = \"pubsub\"\ncapacity = 5",
            "5:12: with publish and subscribe, no message waits | leave it out, or write \
             channels_redis = \"core\"",
        ),
    ] {
        check(&format!("[layer]\n{keys}\n"), &[reported]);
    }
}

#[test]
fn no_report_shows_the_password_of_a_server() {
    for text in [
        "[layer]\nbackend = \"redis\"\nurl = \"redis://ann:hunter2@h:port\"",
        "[layer]\nbackend = \"redis\"\nurll = \"redis://ann:hunter2@h\"",
        "[layer]\nbackend = \"redis\"\nserver = \"redis://ann:hunter2@h\"",
        "[layer]\nurl = \"redis://ann:hunter2@h\"",
        "[layer]\nurl = [\"redis://ann:hunter2@h\", 3]",
        "[layer]\nurl = \"redis://ann:hunter2@h",
        "[layer]\nsymmetric_encryption_keys = \"hunter2\"",
        "[layer]\nsymmetric_encryption_keys = [\"hunter2\", 1]",
        "[layer]\nsymetric_encryption_keys = [\"hunter2\"]",
    ] {
        let loaded = parse(text);
        assert!(!loaded.diagnostics.is_empty(), "{text}");
        let report = format!("{} {:?}", loaded.report(), loaded.config);
        assert!(!report.contains("hunter2"), "{report}");
    }
}
