//! `waterway test`: the `[[test]]` entries of a table.

use std::process::Output;
use std::time::{Duration, Instant};

use crate::util::{root, waterway};

/// A table whose tests are these.
fn run(tests: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let table = format!("{TABLE}\n{tests}");
    std::fs::write(folder.path().join("routing.toml"), table).unwrap();
    waterway(folder.path(), &["test"])
}

const TABLE: &str = r#"
[auth.site]
secret   = "0123456789abcdef0123456789abcdef"
issuer   = "the site"
audience = ["here"]
bind_ip  = true

[auth.page]
algorithms = "HS512"
secret     = "another secret, which no test needs"
from       = "query:t"

[consumer.hello]
use  = "reply"
text = "hello {claims.sub}"

[consumer.alive]
use     = "respond"
text    = "alive"
headers = { x-a = "1" }

[[route]]
channel  = "websocket.receive"
path     = "/hello"
auth     = "site"
consumer = "hello"

[[route]]
channel  = "websocket.receive"
path     = "/page"
auth     = "page"
consumer = "hello"

[[route]]
channel  = "websocket.*"
path     = "/echo"
consumer = "echo"

[[route]]
channel  = "websocket.connect"
path     = "/closed"
consumer = "deny"

[[route]]
channel  = "http.request"
path     = "/alive"
consumer = "alive"
"#;

#[test]
fn tests_that_pass_are_counted() {
    let begun = Instant::now();
    let output = run(r#"
        [[test]]
        path    = "/hello"
        claims  = { sub = "anna" }
        address = "10.0.0.7"
        steps   = [{ send = { text = "hi" } }, { expect = { text = "hello anna" } }]

        [[test]]
        path   = "/page?x=1"
        claims = { sub = "anna" }
        steps  = [{ send = { json = { a = 1 } } }, { expect = { contains = "anna" } }]

        [[test]]
        name  = "without a token, messages are refused"
        path  = "/hello"
        steps = [{ send = { text = "hi" } }, { expect = { json = { code = "auth" } } }, { expect = { close = 3000 } }]

        [[test]]
        name  = "two clients, and an hour of silence"
        path  = "/echo"
        steps = [
            { as = "b", expect = { text = "connected!" } },
            { expect = { text = "connected!" } },
            { send = { bytes = "AP8=" } },
            { expect = { bytes = "AP8=" } },
            { as = "b", expect = {} },
            { wait = "1h" },
            { as = "b", close = 1000 },
        ]

        [[test]]
        path  = "/closed"
        steps = [{ expect = { status = 403 } }]

        [[test]]
        request = { method = "POST", path = "/alive", body = { text = "?" } }
        expect  = { status = 200, text = "alive", headers = { x-a = "1" } }
        "#);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "routing.toml: 6 tests passed\n");
    assert!(begun.elapsed() < Duration::from_secs(30), "an hour passes at once");
}

#[test]
fn a_failure_shows_its_place_its_step_and_the_difference() {
    for (test, shown) in [
        (
            "path = '/echo'\nsteps = [{ expect = { text = 'connected?' } }]",
            r#":51:10: test "/echo": step 1: expected the text "connected?", "connected!" came"#,
        ),
        (
            "name = 'n'\npath = '/echo'\nsteps = [\n{ expect = {} }]",
            r#":53:1: test "n": step 1: expected nothing, "connected!" came"#,
        ),
        (
            "path = '/echo'\nsteps = [{ expect = { close = 1000 } }]",
            r#"step 1: expected the close 1000, "connected!" came"#,
        ),
        (
            "path = '/echo'\nsteps = [{ send = { json = { a = 1 } } }, { expect = {contains = 'c'} }, { expect = { json = { a = 2 } } }]",
            r#"step 3: expected the JSON {"a":2}, "{\"a\":1}" came"#,
        ),
        (
            "path = '/closed'\nsteps = [{ send = { text = 'hi' } }]",
            "step 1: the client was refused with the status 403",
        ),
        (
            "path = '/echo'\nsteps = [{ expect = { status = 403 } }]",
            "step 1: expected the status 403, the client was accepted",
        ),
        (
            "path = '/echo'\nsteps = [{ close = 1000 }, { send = { text = 'hi' } }]",
            "step 2: the client has left",
        ),
        (
            "path = '/closed2'\nsteps = [{ expect = { text = 'x' } }]",
            "the client was refused with the status 404",
        ),
        (
            "path = '/hello'\nclaims = { sub = 'a' }\nsteps = [{ expect = { text = 'x' } }]",
            "step 1: expected the text \"x\", nothing came",
        ),
        (
            "request = { path = '/alive' }\nexpect = { status = 404 }",
            r#":51:10: test "/alive": expected the status 404, 200 with "alive" came"#,
        ),
        (
            "request = { path = '/alive' }\nexpect = { headers = { x-a = '2' } }",
            r#"expected the header x-a: 2, "1" came"#,
        ),
    ] {
        let output = run(&format!(
            "[[test]]\n{test}\n[[test]]\nrequest = {{ path = '/alive' }}\nexpect = {{}}"
        ));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{test}");
        assert!(errors.contains(shown), "{test}:\n{errors}");
        assert!(errors.contains("1 failure") && errors.contains("1 of 2 tests passed"), "{errors}");
    }
}

#[test]
fn check_reports_what_does_not_make_a_test() {
    for (test, mistake) in [
        ("steps = [{ send = { text = 'hi' } }]", "a test has either a path or a request"),
        ("path = '/echo'", "the test has no steps"),
        ("path = 'echo'\nsteps = [{ expect = {} }]", "the path of a test begins with /"),
        ("path = '/echo'\nsteps = [{ sned = { text = 'hi' } }]", "did you mean \"send\"?"),
        ("path = '/echo'\nsteps = [{ close = 1000, wait = '1s' }]", "a step is one thing"),
        (
            "path = '/echo'\nsteps = [{ send = { text = 'a', json = 1 } }]",
            "a message has one content",
        ),
        ("path = '/echo'\nsteps = [{ send = { bytes = '?' } }]", "the bytes are not base64"),
        ("request = { path = '/alive' }", "the response is not compared"),
        ("request = { path = '/alive', method = 'G E' }\nexpect = {}", "is not a method"),
        (
            "request = { path = '/' }\nexpect = {}\nsteps = [{ wait = '1s' }]",
            "a request has no steps",
        ),
        (
            "path = '/echo'\nexpect = {}\nsteps = [{ wait = '1s' }]",
            "without a request there is no response",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("routing.toml"), format!("{TABLE}\n[[test]]\n{test}"))
            .unwrap();
        let output = waterway(folder.path(), &["check"]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(mistake), "{test}:\n{errors}");
    }
}

#[test]
fn the_shipped_tables_pass_their_own_tests() {
    for table in ["routing.toml", "examples/minimal.toml", "examples/chat/routing.toml"] {
        let folder = tempfile::tempdir().unwrap();
        let path = root().join(table);
        // The web pages of the chat lie beside its table, and pictures are stored in the folder.
        let at = if table.ends_with("chat/routing.toml") {
            path.parent().unwrap()
        } else {
            folder.path()
        };
        let output = waterway(at, &["test", path.to_str().unwrap()]);
        let errors = String::from_utf8_lossy(&output.stderr);
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.contains(" passed"), "{table}: {told}{errors}");
    }
}

#[test]
fn a_failed_test_shows_what_its_program_wrote_to_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let lib = root().join("consumers/lib");
    let program =
        "import waterway; waterway.run(lambda event: event.txt if event.text == 'b' else 'a')";
    let tests = ["a", "b"].map(|text| {
        format!(
            "[[test]]\npath = '/'\nsteps = [{{ send = {{ text = '{text}' }} }}, \
             {{ expect = {{ text = '{text}' }} }}]\n"
        )
    });
    let table = format!(
        "[consumer.c]\nexec = ['python3', '-c', \"{program}\"]\nenv = {{ PYTHONPATH = '{}' }}\n\
         [[route]]\nchannel = 'websocket.receive'\npath = '/'\nconsumer = 'c'\n{}",
        lib.display(),
        tests.concat()
    );
    std::fs::write(folder.path().join("routing.toml"), table).unwrap();
    let output = waterway(folder.path(), &["test"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    for part in
        ["the log of the test that fails at routing.toml:13:", "AttributeError", "txt", "1 failure"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
}
