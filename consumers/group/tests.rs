//! The names of groups.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use waterway::testing::{self, TestClient};
use waterway::{Options, Path, Registry};

use super::GroupName;

fn name(template: &str) -> Result<GroupName, String> {
    serde_json::from_value(json!(template)).map_err(|error| error.to_string())
}

#[test]
fn the_name_of_a_group_has_only_characters_that_every_layer_takes() {
    for (template, mistake) in [
        ("room.{room}", None),
        ("Chat_1-{claims.sub}.{query.q:-x}", None),
        ("{head.to}", None),
        ("", Some("is empty")),
        ("room {room}", Some("cannot contain ' '")),
        ("räume", Some("cannot contain 'ä'")),
        ("a/{room}", Some("cannot contain '/'")),
        ("room.{message.text}", Some("cannot contain {message.text}")),
        ("room.{group.size}", Some("cannot contain {group.size}")),
        (&"x".repeat(99), None),
        (&"x".repeat(100), Some("has 100 characters")),
    ] {
        match (name(template), mistake) {
            (Ok(_), None) => {}
            (Err(error), Some(mistake)) => assert!(error.contains(mistake), "{template}: {error}"),
            (found, _) => panic!("{template}: {found:?}"),
        }
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Names {
    group: GroupName,
}

/// The name that a group gets on a path with these two parts.
async fn named(parts: [&str; 2]) -> String {
    let registry = Registry::new().function(
        "name",
        async |_: Path<(String, String)>, names: Options<Names>, message: waterway::Message| {
            names.group.fill((&message).into())
        },
    );
    let table = "[consumer.n]\nuse = 'name'\ngroup = 'g.{a}.{b}'\n[[route]]\n\
                 channel = 'websocket.receive'\npath = '/{a}/{b}'\nconsumer = 'n'";
    let service = testing::start(table, &registry).await;
    let [a, b] = parts.map(|part| {
        percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string()
    });
    let mut client = TestClient::connect(&service, &format!("/{a}/{b}")).await.expect("accepted");
    client.send("").await;
    client.receive().await.text().to_owned()
}

#[tokio::test]
async fn the_values_of_parameters_are_escaped() {
    for (parts, expected) in [
        (["den", "1-2"], "g.den.1-2"),
        (["a.b", "c"], "g.a_2Eb.c"),
        (["a", "b_c"], "g.a.b_5Fc"),
        (["ä", "x y"], "g._C3_A4.x_20y"),
    ] {
        assert_eq!(named(parts).await, expected);
    }
    let long = named(["x", &"y".repeat(95)]).await;
    assert_eq!(long.len(), 99);
    let too_long: Arc<str> = named(["x", &"ä".repeat(95)]).await.into();
    assert!(too_long.contains("only 99 are allowed"), "{too_long}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_two_values_make_the_same_name(
        one in ["[a._5F-]{1,3}", "[a._5F-]{1,3}"],
        other in ["[a._5F-]{1,3}", "[a._5F-]{1,3}"],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let [first, second] = [&one, &other].map(|parts| {
            runtime.block_on(named([parts[0].as_str(), parts[1].as_str()]))
        });
        prop_assert!(first.chars().all(|char| char.is_ascii_alphanumeric() || "._-".contains(char)));
        prop_assert_eq!(first == second, one == other, "{} {}", first, second);
    }
}
