//! The house's own rules, read from its sources as text.

mod floors;
mod source;

use std::fs;
use std::path::Path;

use self::source::{Source, sources};
use crate::util::root;

/// How long a file may be.
const LINES_MAX: usize = 400;

/// Files that are one concept and longer all the same, each with its reason.
const LONGER: [(&str, &str); 1] =
    [("consumers/page/samples/generate.py", "one picture after another, and run by hand")];

/// What may stand at the top of the repository.
const TOP: [&str; 26] = [
    "Cargo.toml",
    "src",
    "routing.toml",
    "consumers",
    "tests",
    "media",
    // Folders that earned their place.
    "benches",
    "clients",
    "docs",
    "examples",
    "fuzz",
    "scripts",
    // Papers.
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    // What tools look for here.
    ".cargo",
    ".ci",
    ".git",
    ".gitattributes",
    ".gitignore",
    "Cargo.lock",
    "clippy.toml",
    "deny.toml",
    "rustfmt.toml",
];

/// A crate, and the one folder that names it.
struct Household {
    names: &'static [&'static str],
    at_home: fn(&str) -> bool,
}

const HOUSEHOLDS: [Household; 5] = [
    Household { names: &["warp"], at_home: |path| path.starts_with("src/server/") },
    Household { names: &["toml"], at_home: |path| path.starts_with("src/config/") },
    Household {
        names: &["object_store", "reqwest", "rustls"],
        at_home: |path| path.starts_with("consumers/storage/"),
    },
    Household {
        names: &[
            "fast_image_resize",
            "gif",
            "image_webp",
            "jpeg_encoder",
            "mozjpeg",
            "png",
            "turbojpeg",
            "webp",
            "zune_core",
            "zune_jpeg",
            "zune_png",
        ],
        at_home: |path| path.starts_with("consumers/image/"),
    },
    Household {
        names: &["image"],
        // In the root of the consumers `image` is their own module.
        at_home: |path| path.starts_with("consumers/image/") || path == "consumers/lib.rs",
    },
];

#[test]
fn a_module_uses_only_modules_above_its_own_line() {
    assert_none(&floors::climbs(&root().join("src")));
}

#[test]
fn each_borrowed_crate_is_named_in_one_folder() {
    assert_none(&strangers(&root()));
}

#[test]
fn a_file_is_short_and_begins_with_what_it_is() {
    let mut found = Vec::new();
    for Source { path, text } in
        sources(&root(), &["src", "benches", "consumers", "tests", "scripts"])
    {
        let lines = text.lines().count();
        let excused = LONGER.iter().any(|(longer, _)| *longer == path);
        if lines > LINES_MAX && !excused {
            found.push(format!("{path}: {lines} lines, {LINES_MAX} go: make it a folder"));
        }
        if lines <= LINES_MAX && excused {
            found.push(format!("{path}: {lines} lines need no excuse"));
        }
        let sentence = text.strip_prefix("//! ").and_then(|rest| rest.chars().next());
        if is_rust(&path) && sentence.is_none_or(char::is_whitespace) {
            found.push(format!("{path}:1: begin with `//! ` and what the file is"));
        }
    }
    assert_none(&found);
}

#[test]
fn nothing_is_left_for_later() {
    // In two parts, so that this file does not name them.
    let later = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore")];
    let mut found = Vec::new();
    for Source { path, text } in sources(&root(), &["src", "benches", "consumers", "tests"]) {
        for (number, line) in text.lines().enumerate() {
            let here = later.iter().filter(|word| line.contains(*word));
            found.extend(here.map(|word| format!("{path}:{}: {word}", number + 1)));
        }
    }
    assert_none(&found);
}

#[test]
fn the_top_of_the_repository_is_the_one_agreed_on() {
    let root = root();
    let ignored = fs::read_to_string(root.join(".gitignore")).expect(".gitignore is there");
    let ignored: Vec<&str> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    let entries = fs::read_dir(&root).expect("the repository is a folder");
    let names = entries.map(|entry| entry.expect("it can be read").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let known = |name: &str| TOP.contains(&name) || ignored.contains(&name);
    let strange: Vec<String> = names.filter(|name| !known(name)).collect();
    assert_none(&strange);
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|kind| kind == "rs")
}

/// Where a crate is named outside its home.
fn strangers(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources(root, &["src", "consumers"]) {
        for household in HOUSEHOLDS.iter().filter(|household| !(household.at_home)(&source.path)) {
            for (line, code) in source.code() {
                let named = household.names.iter().filter(|name| names_crate(code, name));
                let told = named.map(|name| format!("{}:{line}: names {name}", source.path));
                found.extend(told);
            }
        }
    }
    found
}

/// Whether this line of code names the crate: `use NAME`, or a path that begins with it.
fn names_crate(code: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + name.len()..]);
        let begins = match before.strip_suffix("::") {
            Some(before) => !before.ends_with(|c| word(c) || c == '>'),
            None => !before.ends_with(|c| word(c) || c == '.'),
        };
        let used = before.trim_end_matches("::").ends_with("use ") && !after.starts_with(word);
        begins && (after.starts_with("::") || used)
    })
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn a_crate_away_from_home_is_noticed() {
    for (code, named) in [
        ("use toml::Value;", true),
        ("use toml;", true),
        ("let x = ::toml::from_str(y);", true),
        ("fn f(x: toml::Value) {}", true),
        ("fn f(x: Vec<toml::Value>) {}", true),
        ("use crate::toml::Value;", false),
        ("use super::toml;", false),
        ("use routing_toml::Value;", false),
        ("use toml_edit::Value;", false),
        ("open(\"routing.toml\")", false),
    ] {
        assert_eq!(names_crate(code, "toml"), named, "{code}");
    }
}
