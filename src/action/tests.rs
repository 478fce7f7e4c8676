//! Tests of reading actions and lines, and of the words of their errors.

use serde_json::{Value, json};

use super::{Actions, Line, Outcome};

fn refusal(line: &str) -> String {
    Line::read(line.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_wrong_line_is_refused_with_its_place_its_value_and_the_way_out() {
    for (line, refused) in [
        ("", "EOF while parsing a value"),
        ("hello", "expected value at line 1 column 1"),
        ("[]", "a line has one of"),
        ("{}", "a line has one of"),
        (r#"{"ready":false}"#, "a line has one of"),
        (r#"{"ready":true,"actions":[]}"#, "a line has one of"),
        (r#"{"id":"e1"}"#, "it has neither \"actions\" nor \"error\""),
        (r#"{"id":1,"actions":[]}"#, "invalid type: integer `1`, expected a string"),
        (r#"{"id":"e1","actions":[],"error":{"code":"a","message":""}}"#, "and not both"),
        (r#"{"id":"e1","more":true,"error":{"code":"a","message":""}}"#, "leave out \"more\""),
        (r#"{"id":"e1","error":{"code":"A b","message":""}}"#, "\"A b\" is not a code"),
        (r#"{"client":"c","more":true,"actions":[]}"#, "\"more\" and \"error\" go with \"id\""),
        (r#"{"group":"g"}"#, "it has no \"actions\""),
        (r#"{"id":"e1","client":"c","actions":[]}"#, "a line has one of"),
        (r#"{"id":"e1","actoins":[]}"#, "unknown field `actoins`, expected one of `ready`, `id`"),
        (r#"{"id":"e1","actions":{}}"#, "expected a list of actions"),
        (
            r#"{"id":"e1","actions":["send"]}"#,
            "actions[0]: invalid type: string \"send\", expected",
        ),
        (
            r#"{"id":"e1","actions":[{"close":{}},{"sned":1}]}"#,
            "actions[1]: sned: there is no action \"sned\": did you mean \"send\"?",
        ),
        (r#"{"id":"e1","actions":[{"fly":1}]}"#, "the actions are: accept, deny, send"),
        (r#"{"id":"e1","actions":[{}]}"#, "actions[0]: an empty object is not an action"),
        (
            r#"{"id":"e1","actions":[{"send":{"txt":"hi"}}]}"#,
            "actions[0]: send: unknown variant `txt`, expected one of `text`, `json`, `bytes`",
        ),
        (
            r#"{"id":"e1","actions":[{"close":{"kode":1}}]}"#,
            "actions[0]: close: unknown field `kode`, expected `code` or `reason`",
        ),
        (r#"{"id":"e1","actions":[{"send":{"bytes":"?"}}]}"#, "actions[0]: send: no base64"),
        (r#"{"id":"e1","actions":[{"close":70000}]}"#, "close: it is not a close code"),
        (r#"{"id":"e1","actions":[{"accept":{},"close":{}}]}"#, "also has \"close\""),
        (r#"{"id":"e1","actions":[{"text":"a","log":{"message":""}}]}"#, "also has \"log\""),
        (r#"{"id":"e1","actions":[{"push":{"uuid":1}}]}"#, "push: missing field `queue`"),
    ] {
        let error = refusal(line);
        assert!(error.contains(refused), "{line}\n{error}");
    }
}

#[test]
fn a_wrong_line_still_names_its_event() {
    for (line, id) in [
        (r#"{"id":"e1","actions":[{"sned":1}]}"#, Some("e1")),
        (r#"{"actions":[{"sned":1}],"id":"e1"}"#, Some("e1")),
        (r#"{"id":"e1","actions":[{"send":{"text":"cut of"#, Some("e1")),
        (r#"{"i"#, None),
        (r#"{"id":"#, None),
        ("hello", None),
        (r#"{"client":"c"}"#, None),
    ] {
        let error = Line::read(line.as_bytes()).unwrap_err();
        assert_eq!(error.id.as_deref(), id, "{line}");
    }
}

#[test]
fn the_answer_of_a_webhook_has_no_id() {
    assert!(matches!(Outcome::read(b" \n"), Ok(Outcome::Actions(actions)) if actions.is_empty()));
    assert!(matches!(Outcome::read(br#"{"actions":[]}"#), Ok(Outcome::Actions(_))));
    let error = Outcome::read(br#"{"error":{"code":"full","message":"later"}}"#);
    assert!(matches!(error, Ok(Outcome::Error(error)) if error.code() == "full"));
    for answer in
        ["<html>", "{}", "[]", r#"{"id":"e1","actions":[]}"#, r#"{"more":true,"actions":[]}"#]
    {
        assert!(Outcome::read(answer.as_bytes()).is_err(), "{answer}");
    }
}

#[test]
fn actions_are_read_as_they_are_written() {
    let written = json!([
        {"accept": {}}, {"accept": {"subprotocol": "j"}}, {"deny": {"status": 403}},
        {"send": {"text": "hi"}}, {"send": {"json": null}}, {"send": {"bytes": "AP8="}},
        {"close": {"code": 1000, "reason": ""}},
        {"respond": {"status": 200, "headers": {"a": "1", "b": ["1", "2"]}, "json": null}},
        {"group_add": {"group": "r"}}, {"group_discard": {"group": "r"}},
        {"group_send": {"group": "r", "text": "", "except": ["c"]}},
        {"push": {"queue": "ocr", "uuid": "1", "offset_top": 0, "height": 0}},
        {"cancel": {"queue": "ocr", "uuid": 1}}, {"progress": {"stage": "read"}},
        {"answer": {"json": {}}}, {"answer": {"file": "out.jpg"}}, {"state": {"n": 2}},
        {"log": {"level": "info", "message": ""}}, {"text": "a", "close": 1000}, {"accept": true},
    ]);
    let actions: Actions = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(&actions).unwrap(), written);
    let again: Actions = serde_json::from_str(&actions.to_string()).unwrap();
    assert_eq!(again, actions);
}

/// Writes `docs/events.schema.json` when `UPDATE_SCHEMA` is set.
#[test]
fn the_schema_in_the_documents_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/events.schema.json");
    let text = format!("{:#}\n", serde_json::to_value(super::schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let documented: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let why = "run: UPDATE_SCHEMA=1 cargo test -p waterway --lib schema";
    assert_eq!(documented, serde_json::from_str::<Value>(&text).unwrap(), "{why}");
}
