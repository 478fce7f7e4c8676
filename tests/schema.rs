//! The program about its own table: `waterway consumers`, `waterway schema`, and the files that are
//! made of them.

use std::fs;
use std::process::Command;

use crate::util::{python, root, waterway};

fn printed(arguments: &[&str]) -> String {
    let output = waterway(&root(), arguments);
    let (printed, said) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(printed).unwrap()
}

#[test]
fn the_reference_and_the_schema_in_docs_are_those_of_the_program() {
    for (file, command) in
        [("docs/reference.md", "schema --markdown"), ("docs/routing.schema.json", "schema")]
    {
        let arguments: Vec<&str> = command.split(' ').collect();
        let file_has = fs::read_to_string(root().join(file)).unwrap();
        let is_current = file_has == printed(&arguments);
        assert!(is_current, "{file} is old: run `waterway {command} > {file}`");
    }
}

#[test]
fn an_independent_validator_agrees_with_check_on_every_table() {
    let report = python("references/schema.py", &[env!("CARGO_BIN_EXE_waterway")]);
    let (disagreements, count) = report.trim_end().rsplit_once('\n').unwrap_or(("", &report));
    assert!(disagreements.is_empty(), "{report}");
    let count = count.trim().strip_prefix("compared ").and_then(|rest| rest.split(' ').next());
    assert!(count.unwrap().parse::<u32>().unwrap() > 150, "{report}");
}

/// Lets Taplo check a table by the schema that the table names.
fn taplo(table: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("routing.toml");
    fs::write(&file, table).unwrap();
    let program = root().join(".venv/bin/taplo");
    let output = Command::new(program)
        .arg("lint")
        .arg(&file)
        .current_dir(folder.path())
        .output()
        .expect("scripts/test installs Taplo");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn taplo_checks_a_table_by_the_schema_that_it_names() {
    let schema = root().join("docs/routing.schema.json");
    for shipped in [
        "routing.toml",
        "examples/minimal.toml",
        "examples/token.toml",
        "examples/chat/routing.toml",
        "examples/programs/routing.toml",
        "examples/webhook/routing.toml",
    ] {
        let table = fs::read_to_string(root().join(shipped)).unwrap();
        let (named, rest) = table.split_once('\n').unwrap();
        let path = named.strip_prefix("#:schema ").expect("the first line names the schema");
        let place = root().join(shipped).with_file_name(path).canonicalize().unwrap();
        assert_eq!(place, schema.canonicalize().unwrap(), "{shipped}");
        let table = |more: &str| format!("#:schema file://{}\n{rest}{more}", schema.display());
        let (sound, said) = taplo(&table(""));
        assert!(sound, "{shipped}: {said}");
        for wrong in [
            "[consumer.x]\nuse = 'media'\nkep = '1h'\n",
            "[consumer.x]\nuse = 'meda'\n",
            "[consumer.x]\nuse = 'image.work'\nresults = { a = [{ zoom = 101 }] }\n",
            "[consumer.x]\nuse = 'image.work'\nresults = { a = [{ fit = [1, 2, 3] }] }\n",
            "[consumer.x]\nuse = 'image.work'\nresults = { a = [{ jpeg = { quality = 0 } }] }\n",
            "[consumer.x]\nexec = ['cat']\nreload = ['**/*.py']\n",
            "[queue.x]\nconsumer = 'close'\nworkers = 257\n",
            "[queue.x]\nconsumer = 'close'\ndeadline = 10\n",
            "[[route]]\nchannel = 'websocket.recieve'\nconsumer = 'echo'\n",
        ] {
            let (sound, said) = taplo(&table(&format!("\n{wrong}")));
            assert!(!sound && said.contains("error: "), "{shipped} with\n{wrong}{said}");
        }
    }
}

#[test]
fn consumers_lists_what_a_table_can_route_to_and_explains_each() {
    let list = printed(&["consumers"]);
    for line in [
        "deny                Refuses a client with an HTTP status",
        "waterway consumers NAME explains one; waterway consumers steps lists the steps.",
    ] {
        assert!(list.lines().any(|listed| listed == line), "{line}\n{list}");
    }
    let explained = printed(&["consumers", "deny"]);
    let reported = "deny: Refuses a client with an HTTP status.\n\n\
                events: websocket.*, http.request\n\n\
                [consumer.NAME]\nuse = \"deny\"\n\n\
                status\n    The HTTP status.\n    default: 403\n    bound: 400 to 599\n";
    assert_eq!(explained, reported);
    assert!(printed(&["consumers", "echo"]).ends_with("options: none\n"));
    assert!(printed(&["consumers", "image.receive"]).contains("; needs queue\n"));
    assert_eq!(printed(&["consumers", "steps"]), printed(&["steps"]));
    assert_eq!(printed(&["consumers", "steps", "cover"]), printed(&["steps", "cover"]));
}

#[test]
fn an_unknown_name_leads_to_the_nearest_one() {
    for (arguments, said) in [
        (
            &["consumers", "imge.work"][..],
            "no consumer \"imge.work\"\ndid you mean \"image.work\"?",
        ),
        (&["consumers", "step"], "no consumer \"step\"\ndid you mean \"steps\"?"),
        (
            &["consumers", "echo", "x"],
            "no consumer \"echo\" with entries\nthe names with entries are: steps",
        ),
        (&["consumers", "steps", "covr"], "no step \"covr\"\nwaterway steps lists the known ones"),
    ] {
        let output = waterway(&root(), arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && errors.contains(said), "{arguments:?}: {errors}");
    }
}
