//! Which files of a folder are served, under which names.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use super::find::{Found, find};
use super::options::Static;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let web = dir.path().join("web");
    fs::create_dir_all(web.join("docs/.private")).unwrap();
    fs::create_dir_all(web.join("empty")).unwrap();
    fs::create_dir_all(web.join(".well-known")).unwrap();
    fs::write(dir.path().join("secret.html"), "secret").unwrap();
    for (name, content) in [
        ("index.html", "start"),
        ("app.js", "run()"),
        ("docs/index.html", "docs"),
        ("docs/a b.txt", "text"),
        (".env", "secret"),
        ("docs/.private/key", "secret"),
        (".well-known/security.txt", "contact"),
    ] {
        fs::write(web.join(name), content).unwrap();
    }
    symlink("../secret.html", web.join("out.html")).unwrap();
    symlink("app.js", web.join("in.js")).unwrap();
    symlink("docs", web.join("linked")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        web.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    dir
}

/// The result for a name: a file by its name within the folder, `…/` for a folder without its slash,
/// or nothing.
fn found(dir: &tempfile::TempDir, options: &serde_json::Value, name: &str) -> String {
    let mut whole = json!({"folder": dir.path().join("web")});
    whole.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    let options: Static = serde_json::from_value(whole).unwrap();
    match find(&options, name, true, &[]) {
        Ok(Found::Page(page)) => page.name.display().to_string(),
        Ok(Found::Folder) => format!("{name}/"),
        Err(error) => {
            assert!(crate::files::is_of_the_name(&error), "{name}: {error}");
            String::new()
        }
    }
}

#[test]
fn a_name_leads_to_a_file_of_the_folder_or_to_nothing() {
    let dir = folder();
    for (name, expected) in [
        ("", "index.html"),
        ("index.html", "index.html"),
        ("app.js", "app.js"),
        ("docs", "docs/"),
        ("docs/", "docs/index.html"),
        ("docs/a b.txt", "docs/a b.txt"),
        ("empty", ""),
        ("empty/", ""),
        ("app.js/", ""),
        ("nothing", ""),
        ("../secret.html", ""),
        ("docs/../../secret.html", ""),
        ("docs/../app.js", ""),
        ("/etc/passwd", ""),
        ("/app.js", ""),
        ("//", ""),
        ("/", ""),
        ("docs//index.html", ""),
        ("..", ""),
        (".", ""),
        ("./app.js", ""),
        ("docs\\index.html", ""),
        ("app.js\0", ""),
        (".env", ""),
        ("docs/.private/key", ""),
        (".well-known/security.txt", ""),
        ("out.html", ""),
        ("in.js", ""),
        ("linked/", ""),
        ("linked/a b.txt", ""),
        ("pipe", ""),
        (&"x".repeat(5000), ""),
        (&"x/".repeat(5000), ""),
    ] {
        assert_eq!(found(&dir, &json!({}), name), expected, "{name:?}");
    }
}

#[test]
fn links_and_hidden_names_are_served_only_where_the_table_says_so() {
    let dir = folder();
    for (links, out, within, linked) in [
        ("refuse", "", "", ""),
        ("inside", "", "in.js", "linked/index.html"),
        ("follow", "out.html", "in.js", "linked/index.html"),
    ] {
        let found = |name| found(&dir, &json!({"links": links}), name);
        assert_eq!(found("out.html"), out, "{links}");
        assert_eq!(found("in.js"), within, "{links}");
        assert_eq!(found("linked/"), linked, "{links}");
    }
    let hidden = json!({"hidden": [".well-known"]});
    assert_eq!(found(&dir, &hidden, ".well-known/security.txt"), ".well-known/security.txt");
    assert_eq!(found(&dir, &hidden, ".env"), "");
    // The folder itself may be a link, as deployments that switch releases have it.
    symlink("web", dir.path().join("current")).unwrap();
    let current = json!({"folder": dir.path().join("current")});
    assert_eq!(found(&dir, &current, "app.js"), "app.js");
}

#[test]
fn a_page_of_an_application_falls_back_and_a_missing_file_does_not() {
    let dir = folder();
    for (name, expected) in [
        ("rooms/5", "index.html"),
        ("rooms/5/", "index.html"),
        ("", "index.html"),
        ("docs/", "docs/index.html"),
        ("missing.js", ""),
        ("rooms/missing.png", ""),
        ("../secret", "index.html"),
    ] {
        assert_eq!(found(&dir, &json!({"fallback": "index.html"}), name), expected, "{name:?}");
    }
}

#[test]
fn an_option_that_leads_out_of_the_folder_is_a_mistake() {
    for (option, said) in [
        (json!({"fallback": "../secret.html"}), "is not a file of the folder"),
        (json!({"fallback": "/etc/passwd"}), "is not a file of the folder"),
        (json!({"fallback": ""}), "is not a file of the folder"),
        (json!({"index": "docs/index.html"}), "is not the name of a file"),
        (json!({"index": ""}), "is not the name of a file"),
        (json!({"links": "yes"}), "unknown variant"),
        (json!({"headers": {"content-length": "5"}}), "the service sets the header content-length"),
        (json!({"headers": {"x a": "5"}}), "is not the name of a header"),
        (json!({"headers": {"x-a": "a\nb"}}), "cannot have this value"),
        (json!({"headers": {"x-a": "{room}"}}), "cannot have parameters here"),
    ] {
        let mut whole = json!({"folder": "web"});
        whole.as_object_mut().unwrap().extend(option.as_object().unwrap().clone());
        let error = serde_json::from_value::<Static>(whole).unwrap_err().to_string();
        assert!(error.contains(said), "{option}: {error}");
    }
}
