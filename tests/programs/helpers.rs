//! The helpers for programs in Python and JavaScript, and a shell script.

use std::fs;

use super::{ask, client};
use crate::util::{Client, Service, root};

/// A program that shouts, as `docs/programs.md` has it, in each language.
#[tokio::test]
async fn the_helpers_and_a_shell_script_shout() {
    let lib = root().join("consumers/lib");
    let folder = tempfile::tempdir().unwrap();
    let shout = folder.path();
    fs::write(
        shout.join("shout.py"),
        "import waterway\n\nwaterway.run(lambda event: event.text.upper())\n",
    )
    .unwrap();
    fs::write(
        shout.join("shout.mjs"),
        "import { run } from './waterway.mjs';\nrun((event) => event.text?.toUpperCase());\n",
    )
    .unwrap();
    fs::copy(lib.join("waterway.py"), shout.join("waterway.py")).unwrap();
    fs::copy(lib.join("waterway.mjs"), shout.join("waterway.mjs")).unwrap();
    fs::write(shout.join("shout.sh"), "while read -r line; do echo \"$line\" | tr a-z A-Z; done\n")
        .unwrap();
    let routes = ["py", "mjs", "sh"].map(|name| {
        let (program, mode) = match name {
            "py" => ("python3", "events"),
            "mjs" => ("node", "events"),
            _ => ("sh", "lines"),
        };
        format!(
            "[consumer.{name}]\nexec = ['{program}', 'shout.{name}']\nmode = '{mode}'\n\
             [[route]]\nchannel = 'websocket.receive'\npath = '/{name}'\nconsumer = '{name}'\n"
        )
    });
    let service = Service::start_in(folder, &routes.concat(), |_| {});
    for name in ["py", "mjs", "sh"] {
        let mut client = Client::connect(&service.ws(&format!("/{name}"))).await;
        for word in ["hello", "again"] {
            client.send_text(word).await;
            assert_eq!(client.text().await, word.to_uppercase(), "{name}");
        }
        client.close(1000).await;
    }
}

/// What the functions of the helpers do wrong, and the answer to the client.
const WRONG: &[(&str, &str)] = &[
    ("date", "failed"),
    ("nan", "failed"),
    ("raise", "failed"),
    ("input", "failed"),
    ("child", "it reads nothing"),
    ("print", "printed"),
    ("error", "too_much"),
];

#[tokio::test]
async fn a_function_in_python_that_goes_wrong_fails_for_its_event_alone() {
    const PROGRAM: &str = r#"
import datetime, os, subprocess, sys
import waterway

def answer(event):
    match event.text:
        case "date": return {"now": datetime.datetime.now()}
        case "nan": return {"x": float("nan")}
        case "raise": raise ValueError("oh")
        case "input": return input()
        case "child":
            read = subprocess.run(["cat"], capture_output=True).stdout
            return "it reads nothing" if read == b"" else "it reads events"
        case "print":
            print("one", flush=True); os.write(1, b"two\n")
            return "printed"
        case "error": raise waterway.Error("too_much", "enough")
    return str(os.getpid())

waterway.run(answer)
"#;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("answer.py"), PROGRAM).unwrap();
    fs::copy(root().join("consumers/lib/waterway.py"), folder.path().join("waterway.py")).unwrap();
    let table = "[consumer.answer]\nexec = ['python3', 'answer.py']\n[[route]]\n\
                 channel = 'websocket.receive'\npath = '/'\nconsumer = 'answer'\n";
    let service = Service::start_in(folder, table, |_| {});
    let mut client = client(&service).await;
    let pid = ask(&mut client, "pid").await;
    for (wrong, seen) in WRONG {
        let answer = ask(&mut client, wrong).await;
        assert!(answer.contains(seen), "{wrong}: {answer}");
    }
    assert_eq!(ask(&mut client, "pid").await, pid, "it is the same program");
    for line in ["datetime is not JSON serializable", "ValueError: oh", "line=\"two\""] {
        service.wait_for_log(line);
    }
    assert!(!service.log().contains("a line of a program is ignored"), "{}", service.log());
}
