//! The examples of programs, run as their documents say.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::util::{Client, Service, interpreter, post, root};

/// Assembles a module, as the table of the example says.
const ASSEMBLE: &str = r#"import wasmtime; open("shout.wasm", "wb").write(wasmtime.wat2wasm(open("shout.wat").read()))"#;

/// A service in a copy of an example, with the Python of the tests. `change` may change its folder and
/// its table.
pub(super) fn example(name: &str, change: impl FnOnce(&Path, String) -> String) -> Service {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let parts = ["examples/programs", "examples/programs/tornado", "examples/programs/wasm"];
    for part in parts.into_iter().chain(["consumers/lib"]) {
        let to = folder.path().join(part);
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(root().join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let table = fs::read_to_string(folder.path().join(name).join("routing.toml")).unwrap();
    let python = interpreter().display().to_string();
    let table = table.replace("\"python3\"", &format!("{python:?}"));
    let table = change(&folder.path().join(name), table);
    let routing = format!("{table}\n[server]\nroot = \"{name}\"\n");
    Service::start_in(folder, &routing, |_| {})
}

#[tokio::test]
async fn the_examples_chat_and_shout() {
    let service = example("examples/programs", |_, table| table);
    let mut anna = Client::connect(&service.ws("/chat/attic")).await;
    let mut ben = Client::connect(&service.ws("/chat/attic")).await;
    anna.send_text("hello").await;
    assert_eq!((anna.text().await, ben.text().await), ("hello".into(), "hello".into()));
    for path in ["/shout/attic", "/shell/attic"] {
        let mut client = Client::connect(&service.ws(path)).await;
        client.send_text("hello").await;
        assert_eq!(client.text().await.to_lowercase(), "attic: hello", "{path}");
    }
    let answer = post(&service.url("/shout/attic"), "hello");
    assert_eq!((answer.status, answer.text()), (200, "attic: HELLO"));
    let refused = post(&service.url("/shout/attic"), "");
    assert_eq!((refused.status, refused.json()["code"].as_str()), (400, Some("bad_message")));
}

#[tokio::test]
async fn a_webassembly_module_is_a_consumer() {
    let service = example("examples/programs/wasm", |folder, table| {
        assert!(table.contains(ASSEMBLE), "the example says how to assemble it");
        let assembled =
            Command::new(interpreter()).args(["-c", ASSEMBLE]).current_dir(folder).output();
        let assembled = assembled.unwrap();
        assert!(assembled.status.success(), "{}", String::from_utf8_lossy(&assembled.stderr));
        table
    });
    let long = "a long line ".repeat(5000);
    let mut client = Client::connect(&service.ws("/shout")).await;
    for line in ["hello", "Grüße from äz{", &long] {
        client.send_text(line).await;
        assert_eq!(client.text().await, line.to_ascii_uppercase());
    }
    client.close(1000).await;
}
