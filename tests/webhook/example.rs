//! The example of `examples/webhook`: its table with its receiver in Python, which verifies each
//! signature.

use std::process::Stdio;

use serde_json::json;

use crate::util::{Client, Log, Service, post, python_command, root};

/// The receiver, killed when dropped.
struct Receiver(std::process::Child);

impl Drop for Receiver {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the receiver with this secret; returns its port, too.
fn start(secret: &str) -> (Receiver, String) {
    let mut command = python_command("../examples/webhook/receiver.py");
    command.arg("0").env("CRM_SECRET", secret);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let output = Log::keep(child.stdout.take().unwrap());
    let port = output.wait("`ready PORT`", |line| line.strip_prefix("ready ").map(str::to_owned));
    (Receiver(child), port)
}

#[tokio::test]
async fn the_example_answers_messages_and_requests_and_refuses_other_senders() {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (_receiver, port) = start(SECRET);
    let table = std::fs::read_to_string(root().join("examples/webhook/routing.toml")).unwrap();
    for (secret, welcome) in [(SECRET, true), ("another secret, which is wrong", false)] {
        let service = Service::start_with(&table, |command| {
            command.env("CRM_SECRET", secret).env("CRM_PORT", &port);
        });
        let mut client = Client::connect(&service.ws("/crm/7")).await;
        client.send_text("hello").await;
        let response = post(&service.url("/crm/7"), "{}");
        if welcome {
            assert_eq!(client.text().await, "7: HELLO");
            assert_eq!((response.status, response.json()), (200, json!({"customer": "7"})));
        } else {
            assert_eq!(client.json().await["code"], "failed");
            assert_eq!(response.status, 500);
            service.wait_for_log("answered with the status 401");
        }
    }
}
