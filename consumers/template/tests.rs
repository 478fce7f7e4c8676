//! Templates: their syntax, and the values that messages give.

use serde_json::{Value, json};
use waterway::extract::RouteCheck;
use waterway::testing::{self, TestClient};
use waterway::{Error, Message, Registry};

use super::{JsonTemplate, Template, Templated, Templates};

#[test]
fn a_template_is_read_as_it_is_written() {
    for template in [
        "",
        "plain",
        "room.{room}",
        "{claims.https://example.com/role} and {query.q:-a b}",
        "{{not a parameter}} {message.text}",
        "{group.size}",
        "{head.a.b:-}",
    ] {
        assert_eq!(template.parse::<Template>().unwrap().to_string(), template);
    }
}

#[test]
fn a_mistake_in_a_template_is_said_with_the_way_out() {
    for (template, said) in [
        ("{", "\"{\" has a \"{\" that encloses no parameter\nwrite {{ for a plain {"),
        ("a } b", "write }} for a plain }"),
        ("{}", "{} is not a parameter\nthe forms are: {part_of_the_path}"),
        ("{claim.sub}", "did you mean \"claims\"?"),
        ("{claims.}", "{claims.} is not a parameter"),
        ("{message.bytes}", "{message.bytes} is not a parameter"),
        ("{a b}", "{a b} is not a parameter"),
    ] {
        let error = template.parse::<Template>().unwrap_err();
        assert!(error.contains(said), "{template}: {error}");
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Shown {
    shown: JsonTemplate,
}

impl Templates for Shown {
    fn check(&self, route: &mut RouteCheck<'_>) {
        self.shown.parameters().for_each(|parameter| parameter.check(route));
    }
}

async fn show(Templated(options): Templated<Shown>, message: Message) -> Result<String, Error> {
    options.shown.fill((&message).into()).map(|value| value.to_string())
}

/// The result of a template for a message to `/{room}`.
async fn filled(template: &str, target: &str, message: &str) -> Value {
    let registry = Registry::new().function("show", show);
    let table = format!(
        "[consumer.s]\nuse = 'show'\nshown = {template}\n[[route]]\n\
         channel = 'websocket.receive'\npath = '/{{room}}'\nconsumer = 's'"
    );
    let service = testing::start(&table, &registry).await;
    let mut client = TestClient::connect(&service, target).await.expect("accepted");
    client.send(message.to_owned()).await;
    client.receive().await.json()
}

#[tokio::test]
async fn a_message_gives_its_values() {
    let message = r#"{"type": "say", "n": 5, "to": null}"#;
    for (template, expected) in [
        ("'{room}'", json!("d e")),
        ("'in {room}!'", json!("in d e!")),
        (
            "{ a = '{query.x}', b = ['{query.none:-none}', 1, true] }",
            json!({"a": "ä", "b": ["none", 1, true]}),
        ),
        ("'{head.n}'", json!(5)),
        ("'no. {head.n}'", json!("no. 5")),
        ("'{head.to:-all}'", json!("all")),
        ("'{query.empty:-full}'", json!("full")),
        ("{ said = '{message.json}' }", json!({"said": {"type": "say", "n": 5, "to": null}})),
        ("'{message.text}'", json!(message)),
        ("'{{room}}'", json!("{room}")),
    ] {
        assert_eq!(
            filled(template, "/d%20e?x=%C3%A4&empty=", message).await,
            expected,
            "{template}"
        );
    }
}

#[tokio::test]
async fn a_value_that_is_missing_is_an_error_of_the_client() {
    for (template, code) in [
        ("'{query.none}'", "bad_message"),
        ("'{head.none}'", "bad_header"),
        ("'{message.json}'", "bad_message"),
    ] {
        assert_eq!(filled(template, "/den", "hello").await["code"], code, "{template}");
    }
}

#[test]
fn a_route_that_cannot_give_a_value_is_a_mistake() {
    let registry = Registry::new().function("show", show);
    for (channel, template, said) in [
        ("websocket.receive", "'{room}'", ""),
        ("websocket.receive", "'{rom}'", "s takes {rom}, which the path of this route lacks"),
        (
            "websocket.receive",
            "'{claims.sub}'",
            "s takes {claims.sub}, but this route asks for no token",
        ),
        ("websocket.receive", "'{claims.sub:-nobody}'", ""),
        (
            "websocket.connect",
            "['{query.x}', '{head.type}']",
            "s takes {head.type}, and websocket.connect has no content",
        ),
        (
            "websocket.disconnect",
            "'{message.text}'",
            "s takes {message.text}, and websocket.disconnect has no content",
        ),
        ("http.request", "'{message.text}'", ""),
    ] {
        let table = format!(
            "[consumer.s]\nuse = 'show'\nshown = {template}\n[[route]]\n\
             channel = '{channel}'\npath = '/{{room}}'\nconsumer = 's'"
        );
        let checked = waterway::Router::parse(&table, &registry);
        let reported = checked.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(
            if said.is_empty() { reported.is_empty() } else { reported.contains(said) },
            "{template}: {reported}"
        );
    }
}
