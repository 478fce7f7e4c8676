//! Tasks of a program that are cancelled: it is told, and killed if it does not end them.

use std::fs;

use serde_json::json;

use super::client;
use crate::util::{Service, root};

#[tokio::test]
async fn a_program_that_does_not_end_a_cancelled_task_is_killed() {
    let script = root().join("tests/programs/child.py");
    let routing = format!(
        "[consumer.child]\nexec = ['python3', '-u', '{}']\ngrace = '300ms'\n\
         backoff = {{ first = '10ms', longest = '100ms' }}\n\
         [queue.work]\nconsumer = 'child'\nworkers = 1\n\
         [consumer.obey]\nexec = ['python3', '-u', '{}']\n\
         [[route]]\nchannel = 'websocket.receive'\npath = '/'\nconsumer = 'obey'\n",
        script.display(),
        root().join("tests/conformance/obey.py").display()
    );
    let service = Service::start(&routing);
    let mut client = client(&service).await;
    let push = |uuid: u64, text: &str| {
        json!({"actions": [{"push": {"queue": "work", "uuid": uuid, "text": text}}]}).to_string()
    };
    client.send_text(push(1, "sleep")).await;
    service.wait_for_log("sleeps");
    client.send_text(r#"{"actions": [{"cancel": {"queue": "work", "uuid": 1}}]}"#).await;
    assert_eq!(client.json().await["code"], "cancelled");
    service.wait_for_log("it did not end a cancelled event in time");
    client.send_text(push(2, "nothing")).await;
    assert_eq!(client.json().await, json!({"uuid": 2}));
}

#[tokio::test]
async fn a_program_is_told_that_a_task_is_cancelled_and_goes_on() {
    const WORK: &str = r#"
import time
import waterway

def work(event):
    print("begins", event["task"]["uuid"])
    try:
        while True:
            event.check()
            time.sleep(0.005)
    except waterway.Cancelled:
        print("is told", event["task"]["uuid"])
        raise

waterway.run(work, threads=2)
"#;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("work.py"), WORK).unwrap();
    let lib = root().join("consumers/lib");
    let service = Service::start_in(
        folder,
        &format!(
            "[consumer.work]\nexec = ['python3', 'work.py']\ngrace = '300ms'\n\
             env = {{ PYTHONPATH = '{}' }}\n[queue.work]\nconsumer = 'work'\n\
             [[route]]\nchannel = 'websocket.receive'\npath = '/'\n\
             queue = 'work'\nconsumer = 'push'\n",
            lib.display()
        ),
        |_| {},
    );
    let mut client = client(&service).await;
    client.send_text(r#"{"uuid": 1}"#).await;
    service.wait_for_log("begins 1");
    client.send_text(r#"{"uuid": 2}"#).await;
    client.send_text(r#"{"type": "cancel", "uuid": 1}"#).await;
    let answer = client.json().await;
    assert_eq!((&answer["uuid"], &answer["code"]), (&json!(1), &json!("cancelled")));
    service.wait_for_log("is told 1");
    // It has one task at a time, and a cancelled one is in progress until the program ends it.
    service.wait_for_log("begins 2");
    client.close(1000).await;
    service.wait_for_log("is told 2");
    assert!(!service.log().contains("a program is over"), "{}", service.log());
}
