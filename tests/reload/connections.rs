//! Open connections, groups and queued tasks when the table is read again.

use rustix::process::Signal;
use serde_json::json;
use waterway::auth::{Algorithm, sign};

use super::{REFUSED, RELOADED, echo, greeted, page, save, status, table, wait, watched};
use crate::util::{Client, Gate, Page, Service, flat, picture_table};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_is_gone_closes_its_thousand_connections_with_1012() {
    let service = Service::start(&watched(&(echo("/gone", "") + &echo("/stays", ""))));
    let mut clients = Vec::new();
    for _ in 0..1000 {
        clients.push(greeted(&service.ws("/gone")).await);
    }
    let mut other = greeted(&service.ws("/stays")).await;
    save(&service, &watched(&echo("/stays", "")));
    for mut client in clients {
        assert_eq!(client.closed().await.0, 1012);
    }
    other.send_text("still here").await;
    assert_eq!(other.text().await, "still here");
}

#[tokio::test]
async fn another_auth_on_the_path_closes_with_3000() {
    let tokens = "[auth.one]\nsecret = 'a secret of the first token, long enough'\nfrom = 'query:t'\n\
                  [auth.two]\nsecret = 'a secret of the other token, long enough'\nfrom = 'query:u'\n";
    let with = |auth: &str| {
        watched(&(tokens.to_owned() + &echo("/", auth) + &echo("/two", "auth = 'two'")))
    };
    let service = Service::start(&with("auth = 'one'"));
    let claims = json!({"sub": "anna"});
    let secret = "a secret of the first token, long enough";
    let token = sign(Algorithm::HS256, secret, claims.as_object().unwrap());
    let url = service.ws(&format!("/?t={}", token.unwrap()));
    let mut client = greeted(&url).await;
    // A route that needs no token keeps clients that have one.
    save(&service, &with(""));
    service.wait_for_log(RELOADED);
    client.send_text("one").await;
    assert_eq!(client.text().await, "one");
    save(&service, &with("auth = 'two'"));
    assert_eq!(client.closed().await.0, 3000);
}

#[tokio::test]
async fn a_table_that_removes_the_token_of_open_sockets_keeps_those_that_need_none() {
    let token =
        "[auth.one]\nsecret = 'a secret of the first token, long enough'\nfrom = 'query:t'\n";
    let with = |auth: &str| watched(&(token.to_owned() + &echo("/", auth)));
    let service = Service::start(&with("auth = 'one'"));
    let claims = json!({"sub": "anna"});
    let secret = "a secret of the first token, long enough";
    let shown = sign(Algorithm::HS256, secret, claims.as_object().unwrap());
    let mut client = greeted(&service.ws(&format!("/?t={}", shown.unwrap()))).await;
    // A table whose route names a token that is not there cannot be served.
    save(&service, &watched(&echo("/", "auth = 'one'")));
    service.wait_for_log(REFUSED);
    save(&service, &watched(&echo("/", "")));
    service.wait_for_log(RELOADED);
    client.send_text("still here").await;
    assert_eq!(client.text().await, "still here");
}

#[tokio::test]
async fn groups_and_connections_stay_and_a_removed_chat_closes_its_clients() {
    let chat = |room: &str| {
        let on = |channel: &str, consumer: &str| {
            format!(
                "[[route]]\nchannel = 'websocket.{channel}'\npath = '/{room}/{{room}}'\nconsumer = 'chat.{consumer}'\n"
            )
        };
        on("connect", "join") + &on("receive", "say") + &on("disconnect", "leave")
    };
    let service = Service::start(&watched(&chat("chat")));
    let mut anna = Client::connect(&service.ws("/chat/a?name=anna")).await;
    let mut ben = Client::connect(&service.ws("/chat/a?name=ben")).await;
    save(&service, &watched(&(chat("chat") + &page("/0"))));
    wait("the new table", || status(&service, "/0") == 200);
    anna.send_text("hello").await;
    loop {
        let told = ben.json().await;
        if told["text"] == "hello" {
            break;
        }
    }
    save(&service, &watched(&page("/0")));
    for client in [&mut anna, &mut ben] {
        loop {
            if let tokio_tungstenite::tungstenite::Message::Close(close) = client.message().await {
                assert_eq!(u16::from(close.unwrap().code), 1012);
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_removed_queue_answers_its_thousand_tasks() {
    const TASKS: usize = 1000;
    let pictures = picture_table("max_tasks = { client = 2000, total = 2000 }", "");
    let with_queue = watched("") + &pictures;
    let service = Service::start(&with_queue);
    let gate = Gate::closed(&service).await;
    let mut page_of = Page::open(&service).await;
    let file = flat(8, 8);
    for uuid in 0..TASKS {
        page_of.send(json!({"uuid": uuid}), &file).await;
    }
    page_of.settle().await;
    save(&service, &watched(&echo("/ws/{page}", "")));
    for answer in page_of.answers(TASKS).await {
        assert_eq!(answer["code"], "refused", "{answer}");
    }
    // The client stays connected, on the route that now matches its path.
    page_of.0.send_text("hello").await;
    assert_eq!(page_of.0.text().await, "hello");
    gate.leave(true).await;
}

#[tokio::test]
async fn a_reload_while_the_service_stops_changes_nothing() {
    let service = Service::start(&(watched("drain = '20s'\n") + &picture_table("", "")));
    let gate = Gate::closed(&service).await;
    service.signal(Signal::TERM);
    service.wait_for_log("stopping: no new connections");
    service.signal(Signal::HUP);
    service.wait_for_log("signal ignored signal=\"SIGHUP\"");
    save(&service, &table(&["/1"]));
    service.wait_for_log(REFUSED);
    service.wait_for_log("the service has been stopped");
    gate.open().await;
    assert_eq!(service.end().code(), Some(0));
}
